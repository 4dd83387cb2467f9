"""What a certificate is worth at a moment, and when it gets another edition."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from plugin.assign.standing import Standing
from plugin.assign.validity import end_of, local_date


class CertificateState(StrEnum):
    """Strongest first: what stands higher is the answer whatever else is true."""

    REVOKED = "revoked"
    SUSPENDED = "suspended"
    ENDED = "ended"
    INVALID = "invalid"
    VALID = "valid"


class EventKind(StrEnum):
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    LIFTED = "lifted"


class EditionKind(StrEnum):
    FIRST = "first"
    RENEWAL = "renewal"
    RESTORATION = "restoration"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFacts:
    """An admin revoked or suspended the certificate, or lifted the suspension."""

    kind: EventKind
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionFacts:
    """The newest edition: when it was issued and the last day it names (None: no end)."""

    issued_at: datetime
    valid_through: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextEdition:
    """Issue an edition of this kind, now or not before `due_at`; `silent`: without mail."""

    kind: EditionKind
    due_at: datetime | None = None
    silent: bool = False


def state(events: Sequence[EventFacts], standing: Standing, *, at: datetime) -> CertificateState:
    """The strongest state that holds at `at` (domain §5.3)."""
    withheld = withheld_by(events, at=at)
    if withheld is not None:
        return withheld
    if has_ended(standing):
        return CertificateState.ENDED
    return CertificateState.VALID if standing.is_valid(at) else CertificateState.INVALID


def withheld_by(events: Sequence[EventFacts], *, at: datetime) -> CertificateState | None:
    """REVOKED for good once an admin said so, SUSPENDED until lifted, else None."""
    past = sorted((each for each in events if each.at <= at), key=lambda each: each.at)
    if any(each.kind is EventKind.REVOKED for each in past):
        return CertificateState.REVOKED
    if past and past[-1].kind is EventKind.SUSPENDED:
        return CertificateState.SUSPENDED
    return None


def withheld_since(events: Sequence[EventFacts], *, at: datetime) -> datetime | None:
    """When an admin last suspended or revoked it."""
    withheld = {EventKind.REVOKED, EventKind.SUSPENDED}
    return max(
        (each.at for each in events if each.kind in withheld and each.at <= at), default=None
    )


def has_ended(standing: Standing) -> bool:
    """The configuration no longer gives this person a certificate, whatever they completed."""
    gives = standing.certificate_on and standing.has_required and not standing.archived
    return not (gives and standing.covered)


def next_edition(
    last: EditionFacts | None,
    events: Sequence[EventFacts],
    standing: Standing,
    *,
    at: datetime,
    joined_silently: bool = False,
) -> NextEdition | None:
    """The edition owed at `at`, or None; without mail when history brought it.

    A later last day is a renewal; several on one local day of the unit wait for the next midnight
    and make one edition. Being valid again after an interruption is a restoration, at once.
    """
    if state(events, standing, at=at) is not CertificateState.VALID:
        return None
    silent = is_history(standing, joined_silently=joined_silently)
    if last is None:
        return _first(standing, silent=silent)
    since = standing.continuous_since
    if since is not None and since > last.issued_at:
        return NextEdition(kind=EditionKind.RESTORATION, silent=silent)
    if not is_later(standing.valid_through, last.valid_through):
        return None
    today = local_date(at, standing.zone)
    is_second = local_date(last.issued_at, standing.zone) == today
    return NextEdition(
        kind=EditionKind.RENEWAL,
        due_at=end_of(today, standing.zone) if is_second else None,
        silent=silent,
    )


def is_history(standing: Standing, *, joined_silently: bool) -> bool:
    """Whether the last thing that made it valid was recorded without mail: a completion of long
    ago that was imported, or a membership. What a publish brings is never silent for that."""
    proved, joined = standing.proved_at, standing.covered_since
    if proved is None or joined is None or max(proved, joined) < standing.effective_at:
        return False
    return standing.proved_silently if proved >= joined else joined_silently


def _first(standing: Standing, *, silent: bool) -> NextEdition | None:
    """The first edition; who had done everything before the certificate was switched on gets it
    silently or not at all, if the switch was set so (domain §6.3)."""
    start, proved_at = standing.certificate_start, standing.proved_at
    if proved_at is not None and start.issue_from is not None and proved_at < start.issue_from:
        return None
    before = proved_at is not None and start.mail_from is not None and proved_at < start.mail_from
    return NextEdition(kind=EditionKind.FIRST, silent=silent or before)


def is_later(day: date | None, than: date | None) -> bool:
    """Whether a last day is later than another; no end is later than every day."""
    if than is None:
        return False
    return day is None or day > than
