"""What is true of one person under one configuration at one moment, with the reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from plugin.assign import proofs as proving
from plugin.assign.facts import (
    CertificateStart,
    CompletionFacts,
    ConfigurationFacts,
    CoverageFacts,
    EarlierVersion,
    RetrainingFacts,
    RowFacts,
    RowStatus,
    WaiverFacts,
    required,
)
from plugin.assign.proofs import Proof
from plugin.assign.spans import reach_back, unbroken_since
from plugin.assign.validity import end_of, local_date
from plugin.core.days import INSTANT

FOR_EVER = datetime.max.replace(tzinfo=UTC)


class RowState(StrEnum):
    SATISFIED = "satisfied"
    WAIVED = "waived"
    IN_GRACE = "in_grace"
    EXPIRED = "expired"
    NEVER_COMPLETED = "never_completed"
    NEW_REQUIREMENT = "new_requirement"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowStanding:
    """One visible row for one person: its state, and the fact and the arithmetic behind it."""

    module_id: int
    position: int
    status: RowStatus
    state: RowState
    completion_id: int | None
    completed_on: date | None
    months_counted: int | None
    valid_through: date | None
    ends_at: datetime | None
    exempt: bool
    by_own_end: bool
    by_grace: bool
    retraining: RetrainingFacts | None
    """What proves it ends because a newer version has to be learned from the day after."""
    grace_until: date | None
    since: datetime | None
    due_on: date | None
    overdue: bool
    pass_mark: float | None
    validity_months: int | None

    @property
    def is_satisfied(self) -> bool:
        """Whether it was satisfied at the moment asked about."""
        return self.state in {RowState.SATISFIED, RowState.WAIVED, RowState.IN_GRACE}

    @property
    def was_ever_satisfied(self) -> bool:
        """Whether something once satisfied it, even if that has run out."""
        return self.is_satisfied or self.state is RowState.EXPIRED or self.by_grace

    @property
    def is_proven(self) -> bool:
        """Whether a completion or waiver ever satisfied it; a grace proves nothing."""
        return self.was_ever_satisfied and not self.by_grace


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One person under one configuration. `rows` are the visible ones; hidden leaves no trace."""

    configuration_id: int
    version_id: int
    number: int
    unit_id: int
    zone: str
    at: datetime
    certificate_on: bool
    certificate_start: CertificateStart
    archived: bool
    covered: bool
    covered_since: datetime | None
    has_required: bool
    complete: bool
    valid_through: date | None
    ends_at: datetime | None
    continuous_since: datetime | None
    proved_at: datetime | None
    proved_silently: bool
    effective_at: datetime
    binding: RowStanding | None
    rows: tuple[RowStanding, ...]

    @property
    def missing(self) -> tuple[RowStanding, ...]:
        """The required rows not satisfied at the moment asked about; each knows its reason."""
        return tuple(
            row for row in self.rows if row.status is RowStatus.REQUIRED and not row.is_satisfied
        )

    @property
    def to_do(self) -> tuple[RowStanding, ...]:
        """The required rows that ask something of the person: what is missing, and what a grace
        still covers."""
        return tuple(
            row
            for row in self.rows
            if row.status is RowStatus.REQUIRED
            and (not row.is_satisfied or row.state is RowState.IN_GRACE)
        )

    def is_valid(self, at: datetime) -> bool:
        """Domain §5.1, for any moment from `self.at` until a fact changes."""
        return self.covered and self.complete and (self.ends_at is None or at < self.ends_at)


def evaluate(
    configuration: ConfigurationFacts,
    coverage: CoverageFacts,
    completions: Sequence[CompletionFacts],
    waivers: Sequence[WaiverFacts],
    retrainings: Sequence[RetrainingFacts] = (),
    *,
    at: datetime,
) -> Standing:
    """Judge the person by the facts known at `at`; their order never matters."""
    learned = proving.learned(completions, retrainings, configuration.zone, at=at)
    covered_since = None if configuration.archived else unbroken_since(coverage.spans, at)
    judged = [
        _row(row, configuration, covered_since, learned, waivers, at=at)
        for row in sorted(configuration.rows, key=lambda row: (row.position, row.module_id))
        if row.status is not RowStatus.HIDDEN
    ]
    rows = tuple(row for row, _ in judged)
    obliged = tuple(row for row in rows if row.status is RowStatus.REQUIRED)
    complete = all(row.was_ever_satisfied for row in obliged) and any(
        row.is_proven for row in obliged
    )
    binding = min(obliged, key=urgency, default=None)
    through = binding if complete else None
    return Standing(
        configuration_id=configuration.configuration_id,
        version_id=configuration.version_id,
        number=configuration.number,
        unit_id=configuration.unit_id,
        zone=configuration.zone,
        at=at,
        certificate_on=configuration.certificate_on,
        certificate_start=configuration.certificate_start,
        archived=configuration.archived,
        covered=covered_since is not None,
        covered_since=covered_since,
        has_required=bool(obliged),
        complete=complete,
        valid_through=through.valid_through if through else None,
        ends_at=through.ends_at if through else None,
        continuous_since=(
            _continuous_since(configuration, learned, waivers, at=at)
            if complete and all(row.is_satisfied for row in obliged)
            else None
        ),
        proved_at=_proved_at(judged) if complete else None,
        proved_silently=complete and all(each.is_silent for each in _newest(judged)),
        effective_at=configuration.effective_at,
        binding=binding,
        rows=rows,
    )


def _proved_at(judged: Sequence[tuple[RowStanding, Sequence[Proof]]]) -> datetime | None:
    """When the newest fact that proves or proved a required row became known."""
    return max(proof.starts_at for proof in _proving(judged))


def _newest(judged: Sequence[tuple[RowStanding, Sequence[Proof]]]) -> Sequence[Proof]:
    """What became known last of all that proves a required row."""
    proved_at = _proved_at(judged)
    return [proof for proof in _proving(judged) if proof.starts_at == proved_at]


def _proving(judged: Sequence[tuple[RowStanding, Sequence[Proof]]]) -> Sequence[Proof]:
    return [
        proof
        for row, found in judged
        if row.status is RowStatus.REQUIRED
        for proof in found
        if not proof.by_grace
    ]


def urgency(row: RowStanding) -> tuple[bool, datetime, date, int, int]:
    """Smallest for the row that binds: never satisfied, then the earliest end, then the due."""
    return (
        row.was_ever_satisfied,
        row.ends_at or FOR_EVER,
        row.due_on or date.max,
        row.position,
        row.module_id,
    )


def _row(
    row: RowFacts,
    configuration: ConfigurationFacts,
    covered_since: datetime | None,
    learned: Sequence[proving.Learned],
    waivers: Sequence[WaiverFacts],
    *,
    at: datetime,
) -> tuple[RowStanding, Sequence[Proof]]:
    found = list(proving.proofs(row, learned, waivers, configuration.zone, at=at))
    best = proving.best(found)
    state = _state(best, row, configuration, covered_since, at=at)
    term = row.term_at(at)
    due_on = _due_on(row, best, covered_since, configuration.zone)
    unsatisfied = state not in {RowState.SATISFIED, RowState.WAIVED}
    standing = RowStanding(
        module_id=row.module_id,
        position=row.position,
        status=row.status,
        state=state,
        completion_id=best.completion_id if best else None,
        completed_on=best.completed_on if best else None,
        months_counted=best.months if best else None,
        valid_through=best.valid_through if best else None,
        ends_at=best.ends_at if best else None,
        exempt=best.is_waiver if best else False,
        by_own_end=best.by_own_end if best else False,
        by_grace=best.by_grace if best else False,
        retraining=_retraining(best, found),
        grace_until=best.grace_until if best else None,
        since=row.required_since,
        due_on=due_on,
        overdue=unsatisfied and due_on is not None and at >= end_of(due_on, configuration.zone),
        pass_mark=term.pass_mark,
        validity_months=term.validity_months,
    )
    return standing, found


def _retraining(best: Proof | None, found: Sequence[Proof]) -> RetrainingFacts | None:
    """The decision that ends what lasts longest; of several things that end together, the last."""
    if best is None:
        return None
    ending = [each.retraining for each in found if each.ends_at == best.ends_at]
    return max((each for each in ending if each), key=lambda each: each.id, default=None)


def _state(
    best: Proof | None,
    row: RowFacts,
    configuration: ConfigurationFacts,
    covered_since: datetime | None,
    *,
    at: datetime,
) -> RowState:
    if best is not None and best.by_grace and best.ends_at is not None and at < best.ends_at:
        return RowState.IN_GRACE
    if best is None or best.by_grace:
        is_new = _is_added_later(row, configuration, covered_since)
        return RowState.NEW_REQUIREMENT if is_new else RowState.NEVER_COMPLETED
    if best.ends_at is not None and at >= best.ends_at:
        return RowState.EXPIRED
    return RowState.WAIVED if best.is_waiver else RowState.SATISFIED


def _is_added_later(
    row: RowFacts, configuration: ConfigurationFacts, covered_since: datetime | None
) -> bool:
    """Whether the row came to people who already were under this configuration's duties."""
    if row.required_since is None or covered_since is None:
        return False
    first = min(each.required_since or row.required_since for each in configuration.required)
    return row.required_since > max(first, covered_since)


def _due_on(
    row: RowFacts, best: Proof | None, covered_since: datetime | None, zone: str
) -> date | None:
    """Days are counted from the day the duty began for this person; None when it was met.

    A grace is over on its last day, also when the days would give longer.
    """
    if row.required_since is None or covered_since is None:
        return None
    began_at = max(row.required_since, covered_since)
    in_grace = best.grace_until if best is not None and best.by_grace else None
    if best is not None and not best.by_grace and (best.ends_at is None or best.ends_at > began_at):
        return None
    if row.due_days is None:
        return in_grace
    due_on = local_date(began_at, zone) + timedelta(days=row.due_days)
    return due_on if in_grace is None else min(due_on, in_grace)


def _continuous_since(
    configuration: ConfigurationFacts,
    learned: Sequence[proving.Learned],
    waivers: Sequence[WaiverFacts],
    *,
    at: datetime,
) -> datetime:
    """Since when every required row of the version then in force has been satisfied.

    Asked only when that is so at `at`. Each version judges its own time: a row counts as satisfied
    before it was required, and a version without required rows breaks the chain.
    """
    current = EarlierVersion(effective_at=configuration.effective_at, rows=configuration.rows)
    edge = at + INSTANT
    for version in (current, *configuration.earlier):
        rows = required(version.rows)
        if not rows:
            break
        start = max(
            reach_back(
                (
                    proof.span
                    for proof in proving.proofs(
                        row, learned, waivers, configuration.zone, at=at, also_voided=True
                    )
                ),
                edge,
            )
            for row in rows
        )
        if start > version.effective_at:
            return start
        edge = version.effective_at
    return edge
