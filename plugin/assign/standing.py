"""The rules: what is true of one person under one configuration at one moment, and why.

Pure: facts and a moment in, a standing out. Everything that is stored of the answer is a date, so
it stays true while the clock runs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from plugin.assign.validity import end_of, local_date, valid_through

FOREVER = datetime.max.replace(tzinfo=UTC)
ALWAYS = datetime.min.replace(tzinfo=UTC)


class RowStatus(StrEnum):
    REQUIRED = "required"
    OPTIONAL = "optional"
    HIDDEN = "hidden"


class RowState(StrEnum):
    """What is true of one module under one configuration."""

    SATISFIED = "satisfied"
    NEVER_COMPLETED = "never_completed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class TermFacts:
    """The validity and pass mark that judge the completions of one stretch of time."""

    validity_months: int | None = None
    pass_mark: float | None = None
    applies_from: datetime | None = None
    applies_until: datetime | None = None

    def judges(self, moment: datetime) -> bool:
        """Whether a completion that happened at `moment` is judged by this term."""
        return (self.applies_from or ALWAYS) <= moment < (self.applies_until or FOREVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFacts:
    """One module in a version. `required_since` is when it became required here."""

    module_id: int
    status: RowStatus
    terms: tuple[TermFacts, ...]
    position: int = 0
    due_days: int | None = None
    required_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionFacts:
    """One completion that no later fact supersedes."""

    id: int
    module_id: int
    passed: bool
    score: float | None
    happened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverFacts:
    """A row set aside for the person, through `until_on` in the unit's zone."""

    module_id: int
    from_at: datetime
    until_on: date
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of membership; `until` is the first moment it is over."""

    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationFacts:
    """One version of a configuration, with the zone its days are counted in."""

    configuration_id: int
    version_id: int
    number: int
    unit_id: int
    unit_name: str
    zone: ZoneInfo
    certificate_on: bool
    rows: tuple[RowFacts, ...]
    name: str = ""
    archived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RowStanding:
    """What is true of one row, and the facts that make it so."""

    module_id: int
    position: int
    status: RowStatus
    state: RowState
    valid_through: date | None
    ends_at: datetime | None
    completion_id: int | None
    completed_on: date | None
    waived_through: date | None
    satisfied_since: datetime | None
    required_since: datetime | None
    pass_mark: float | None
    validity_months: int | None
    due_on: date | None
    overdue: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is true of one person under one configuration at `at`, with the reasons."""

    configuration: ConfigurationFacts
    at: datetime
    covered: bool
    covered_since: datetime | None
    rows: tuple[RowStanding, ...]
    complete: bool
    valid_through: date | None
    ends_at: datetime | None
    continuous_since: datetime | None

    @property
    def required(self) -> tuple[RowStanding, ...]:
        """The rows a certificate depends on."""
        return tuple(row for row in self.rows if row.status is RowStatus.REQUIRED)

    @property
    def missing(self) -> tuple[RowStanding, ...]:
        """The required rows that are not satisfied now."""
        return tuple(row for row in self.required if row.state is not RowState.SATISFIED)

    @property
    def binding(self) -> RowStanding | None:
        """The row that decides the last day, if any row has one."""
        dated = [row for row in self.required if row.ends_at is not None]
        return min(dated, key=lambda row: (row.ends_at, row.position), default=None)

    @property
    def satisfied(self) -> bool:
        """There is something required, and all of it is complete and in date."""
        return bool(self.required) and not self.missing

    @property
    def is_valid(self) -> bool:
        """Whether a certificate would read VALID (unless suspended or revoked)."""
        configuration = self.configuration
        certified = configuration.certificate_on and not configuration.archived
        return certified and self.covered and self.satisfied


def evaluate(
    configuration: ConfigurationFacts,
    coverage: Iterable[Span],
    completions: Iterable[CompletionFacts],
    waivers: Iterable[WaiverFacts],
    *,
    at: datetime,
) -> Standing:
    """The standing of a person whose facts these are, at the moment `at`.

    Completions that happened after `at` are not looked at; their order never matters.
    """
    covered_since = _block_start([_closed(span) for span in coverage], at)
    known = [each for each in completions if each.happened_at <= at]
    granted = [each for each in waivers if each.from_at <= at]
    rows = tuple(
        _judge(
            row,
            [each for each in known if each.module_id == row.module_id],
            [each for each in granted if each.module_id == row.module_id],
            configuration.zone,
            covered_since,
            at,
        )
        for row in sorted(configuration.rows, key=lambda row: (row.position, row.module_id))
    )
    required = [row for row in rows if row.status is RowStatus.REQUIRED]
    complete = bool(required) and all(row.state is not RowState.NEVER_COMPLETED for row in required)
    dated = [row for row in required if row.ends_at is not None] if complete else []
    first = min(dated, key=lambda row: row.ends_at or FOREVER, default=None)
    return Standing(
        configuration=configuration,
        at=at,
        covered=covered_since is not None,
        covered_since=covered_since,
        rows=rows,
        complete=complete,
        valid_through=first.valid_through if first else None,
        ends_at=first.ends_at if first else None,
        continuous_since=_continuous_since(required, covered_since),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """A time in which a row counts as satisfied, and through which day."""

    since: datetime
    until: datetime
    through: date | None
    completion: CompletionFacts | None = None


def _judge(
    row: RowFacts,
    completions: Sequence[CompletionFacts],
    waivers: Sequence[WaiverFacts],
    zone: ZoneInfo,
    covered_since: datetime | None,
    at: datetime,
) -> RowStanding:
    passed = [stretch for each in completions if (stretch := _passed(row, each, zone)) is not None]
    waived = [stretch for each in waivers if (stretch := _waived(each, zone)).until > at]
    best = max(
        (*passed, *waived),
        key=lambda stretch: (stretch.until, stretch.completion is not None, stretch.since),
        default=None,
    )
    satisfied = best is not None and best.until > at
    current = next((term for term in row.terms if term.judges(at)), TermFacts())
    due_on = _due_on(row, covered_since, zone)
    completion = best.completion if best else None
    return RowStanding(
        module_id=row.module_id,
        position=row.position,
        status=row.status,
        state=RowState.SATISFIED
        if satisfied
        else RowState.EXPIRED
        if best
        else RowState.NEVER_COMPLETED,
        valid_through=best.through if best else None,
        ends_at=None if best is None or best.until == FOREVER else best.until,
        completion_id=completion.id if completion else None,
        completed_on=local_date(completion.happened_at, zone) if completion else None,
        waived_through=best.through if best and completion is None else None,
        satisfied_since=_satisfied_since(row, passed, waived, at) if satisfied else None,
        required_since=row.required_since,
        pass_mark=current.pass_mark,
        validity_months=current.validity_months,
        due_on=due_on,
        overdue=not satisfied and due_on is not None and end_of(due_on, zone) <= at,
    )


def _passed(row: RowFacts, completion: CompletionFacts, zone: ZoneInfo) -> _Stretch | None:
    """The stretch a completion satisfies the row for, or None when it does not qualify."""
    term = next((term for term in row.terms if term.judges(completion.happened_at)), None)
    if term is None or not completion.passed:
        return None
    if term.pass_mark is not None and (completion.score or 0.0) < term.pass_mark:
        return None
    through = valid_through(completion.happened_at, term.validity_months, zone)
    return _Stretch(
        since=completion.happened_at,
        until=FOREVER if through is None else end_of(through, zone),
        through=through,
        completion=completion,
    )


def _waived(waiver: WaiverFacts, zone: ZoneInfo) -> _Stretch:
    end = end_of(waiver.until_on, zone)
    until = min(end, waiver.ended_at) if waiver.ended_at else end
    return _Stretch(since=waiver.from_at, until=until, through=waiver.until_on)


def _satisfied_since(
    row: RowFacts, passed: Sequence[_Stretch], waived: Sequence[_Stretch], at: datetime
) -> datetime | None:
    """Since when the row has stood in nobody's way: before it was required it did not."""
    stretches = [(each.since, each.until) for each in (*passed, *waived)]
    if row.required_since is not None:
        stretches.append((ALWAYS, row.required_since))
    start = _block_start(stretches, at)
    return None if start == ALWAYS else start


def _continuous_since(
    required: Sequence[RowStanding], covered_since: datetime | None
) -> datetime | None:
    if not required or covered_since is None:
        return None
    if any(row.state is not RowState.SATISFIED for row in required):
        return None
    starts = [row.satisfied_since for row in required if row.satisfied_since is not None]
    return max([covered_since, *starts])


def _due_on(row: RowFacts, covered_since: datetime | None, zone: ZoneInfo) -> date | None:
    """Advice only: due days after the row became required, or after the person joined."""
    if row.due_days is None or row.required_since is None or covered_since is None:
        return None
    return local_date(max(row.required_since, covered_since), zone) + timedelta(days=row.due_days)


def _closed(span: Span) -> tuple[datetime, datetime]:
    return span.since, span.until or FOREVER


def _block_start(stretches: Iterable[tuple[datetime, datetime]], at: datetime) -> datetime | None:
    """Where the unbroken block of stretches that holds `at` begins; None when none holds it."""
    start: datetime | None = None
    end = ALWAYS
    for since, until in sorted(stretches):
        if since > at:
            break
        if start is None or since > end:
            start, end = since, until
        else:
            end = max(end, until)
    return start if start is not None and start <= at < end else None
