"""A throttle's arithmetic: which minute a mail gets, so that no minute has more than its limit.

Many mails are given minutes one after another, far ahead. A quarter of each minute is kept for
single mails, so that one learner's goes now while a bulk fills the next hours.
"""

from dataclasses import dataclass, replace

KEPT = 4
"""One in so many is kept for single mails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The last minute that mails of a bulk got and how many of it, and the same of single ones."""

    bulk_minute: int = 0
    bulk_used: int = 0
    single_minute: int = 0
    single_used: int = 0

    def bulk_in(self, minute: int) -> int:
        return self.bulk_used if minute == self.bulk_minute else 0

    def single_in(self, minute: int) -> int:
        return self.single_used if minute == self.single_minute else 0


def next_turn(given: Given, *, minute: int, limit: int, is_bulk: bool) -> tuple[int, Given]:
    """The first minute from `minute` on with room, and what is given away then."""
    return _bulk_turn(given, minute, limit) if is_bulk else _single_turn(given, minute, limit)


def _share(limit: int, minute: int) -> int:
    """What a bulk may have of this minute; where one a minute is all there is, every other one."""
    return limit - max(1, limit // KEPT) if limit > 1 else 1 - minute % 2


def _bulk_turn(given: Given, minute: int, limit: int) -> tuple[int, Given]:
    at = max(minute, given.bulk_minute, given.single_minute)
    while given.bulk_in(at) >= min(_share(limit, at), limit - given.single_in(at)):
        at += 1
    return at, replace(given, bulk_minute=at, bulk_used=given.bulk_in(at) + 1)


def _single_turn(given: Given, minute: int, limit: int) -> tuple[int, Given]:
    at = max(minute, given.single_minute)
    while given.single_in(at) >= limit - _bulk_by_then(given, at, limit):
        at += 1
    return at, replace(given, single_minute=at, single_used=given.single_in(at) + 1)


def _bulk_by_then(given: Given, minute: int, limit: int) -> int:
    """How much of a minute a bulk has: its whole share of one it has gone past."""
    return _share(limit, minute) if minute < given.bulk_minute else given.bulk_in(minute)
