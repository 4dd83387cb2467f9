"""Which facts satisfy a row, and for how long each does."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from plugin.assign.facts import (
    CompletionFacts,
    RetrainingFacts,
    RowFacts,
    TermFacts,
    WaiverFacts,
    term_at,
)
from plugin.assign.replaced import in_force, retraining_of
from plugin.assign.spans import Span
from plugin.assign.validity import earlier, end_of, local_date, valid_through

ROUNDING = 1e-9
FOR_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A completion known at the moment asked about; `voided_at` when a correction replaced it.

    `retraining`: the decision about a newer version that ends what it is worth.
    """

    fact: CompletionFacts
    voided_at: datetime | None
    retraining: RetrainingFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A completion, waiver or grace that satisfies a row until before `ends_at` (None: for ever).

    `grace_until` is the last day of a grace when that is what the proof ends with.
    """

    completion_id: int | None
    starts_at: datetime
    completed_on: date | None
    months: int | None
    valid_through: date | None
    ends_at: datetime | None
    voided_at: datetime | None
    is_waiver: bool = False
    is_silent: bool = False
    by_own_end: bool = False
    """The completion's own last day comes before the one the period would give."""
    retraining: RetrainingFacts | None = None
    """A newer version has to be learned from the day after, and that is what it ends with."""
    grace_until: date | None = None

    @property
    def by_grace(self) -> bool:
        """Whether nothing but the grace satisfies the row."""
        return self.completion_id is None and not self.is_waiver

    @property
    def span(self) -> Span:
        """When it did satisfy the row: since it was known, until it ended or was voided."""
        ends = [moment for moment in (self.ends_at, self.voided_at) if moment is not None]
        return Span(since=self.starts_at, until=min(ends, default=None))


def learned(
    completions: Sequence[CompletionFacts],
    retrainings: Sequence[RetrainingFacts] = (),
    zone: str = "",
    *,
    at: datetime,
) -> tuple[Learned, ...]:
    """The completions that had happened and were known at `at`, and what had been decided then of
    newer versions of their modules."""
    known = [each for each in completions if max(each.happened_at, each.learned_at) <= at]
    voided = {each.supersedes_id: each.learned_at for each in known}
    asking = in_force(retrainings, at)
    return tuple(
        Learned(
            fact=each,
            voided_at=voided.get(each.id),
            retraining=retraining_of(each, asking, zone),
        )
        for each in known
    )


def proofs(
    row: RowFacts,
    completions: Sequence[Learned],
    waivers: Sequence[WaiverFacts],
    zone: str,
    *,
    at: datetime,
    also_voided: bool = False,
) -> Iterator[Proof]:
    """Everything that satisfies or once satisfied the row, as known at `at`, in no order."""
    for each in completions:
        if each.fact.module_id == row.module_id and (also_voided or each.voided_at is None):
            term = row.term_at(each.fact.happened_at)
            if qualifies(each.fact, term):
                yield _of_completion(each, term, zone)
            yield from _within_grace(each, row, zone)
    if row.grace is not None and not row.grace.terms and row.required_since is not None:
        yield _of_grace(row.required_since, row.grace.last_day, zone)
    for waiver in waivers:
        if waiver.module_id == row.module_id and waiver.from_at <= at:
            ended_at = waiver.ended_at if waiver.ended_at and waiver.ended_at <= at else None
            if also_voided or ended_at is None:
                yield _of_waiver(waiver, ended_at, zone)


def qualifies(completion: CompletionFacts, term: TermFacts) -> bool:
    """It passed, and reaches the pass mark if there is one (domain §4.1)."""
    if not completion.passed:
        return False
    if term.pass_mark is None:
        return True
    return completion.score is not None and completion.score + ROUNDING >= term.pass_mark


def best(found: Iterable[Proof]) -> Proof | None:
    """The one that lasts longest; among equals a completion, then the newest."""
    return max(
        found,
        key=lambda proof: (
            proof.ends_at or FOR_EVER,
            not proof.by_grace,
            not proof.is_waiver,
            proof.starts_at,
            proof.completion_id or 0,
        ),
        default=None,
    )


def _of_completion(completion: Learned, term: TermFacts, zone: str) -> Proof:
    fact = completion.fact
    period = valid_through(fact.happened_at, term.validity_months, zone)
    own_last_day = earlier(period, fact.valid_until_on)
    last_day, retraining = own_last_day, None
    if completion.retraining is not None:
        last_day = earlier(own_last_day, completion.retraining.last_day)
        retraining = completion.retraining if last_day != own_last_day else None
    return Proof(
        completion_id=fact.id,
        starts_at=max(fact.happened_at, fact.learned_at),
        completed_on=local_date(fact.happened_at, zone),
        months=term.validity_months,
        valid_through=last_day,
        ends_at=None if last_day is None else end_of(last_day, zone),
        voided_at=completion.voided_at,
        is_silent=fact.silent,
        by_own_end=retraining is None and last_day != period,
        retraining=retraining,
    )


def _within_grace(completion: Learned, row: RowFacts, zone: str) -> Iterator[Proof]:
    """What the completion is worth by the terms of before, until the grace is over."""
    if row.grace is None or not row.grace.terms:
        return
    term = term_at(row.grace.terms, completion.fact.happened_at)
    if not qualifies(completion.fact, term):
        return
    proof = _of_completion(completion, term, zone)
    over = end_of(row.grace.last_day, zone)
    if proof.ends_at is None or proof.ends_at > over:
        last_day = row.grace.last_day
        proof = replace(
            proof, valid_through=last_day, ends_at=over, grace_until=last_day, retraining=None
        )
    yield proof


def _of_grace(since: datetime, last_day: date, zone: str) -> Proof:
    return Proof(
        completion_id=None,
        starts_at=since,
        completed_on=None,
        months=None,
        valid_through=last_day,
        ends_at=end_of(last_day, zone),
        voided_at=None,
        grace_until=last_day,
    )


def _of_waiver(waiver: WaiverFacts, ended_at: datetime | None, zone: str) -> Proof:
    return Proof(
        completion_id=None,
        starts_at=waiver.from_at,
        completed_on=None,
        months=None,
        valid_through=waiver.until_on,
        ends_at=end_of(waiver.until_on, zone),
        voided_at=ended_at,
        is_waiver=True,
    )
