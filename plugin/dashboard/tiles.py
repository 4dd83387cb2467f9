"""What the learner's page says of each module: one verdict, one date, one thing to do."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from plugin.assign.facts import RowStatus
from plugin.assign.queries import ConfigurationLine, LearnerFacts
from plugin.assign.standing import RowState
from plugin.assign.validity import local_date
from plugin.assign.visible import VisibleModule
from plugin.modules.models import ModuleKind, ModuleState, RunState
from plugin.submissions.models import SubmissionState

RENEWAL_DAYS = 30


class Verdict(StrEnum):
    """How the module stands, most pressing first."""

    OVERDUE = "overdue"
    EXPIRED = "expired"
    DUE = "due"
    NEW = "new"
    TO_DO = "to_do"
    RENEW_SOON = "renew_soon"
    OPEN_TO_ALL = "open_to_all"
    EXEMPT = "exempt"
    DONE = "done"


class Step(StrEnum):
    """What the one button does."""

    START = "start"
    CONTINUE = "continue"
    RETAKE = "retake"
    RENEW = "renew"
    LOOK = "look"
    SUBMIT_ANOTHER = "submit_another"


class Shelf(StrEnum):
    """Where on the page the module stands."""

    TO_DO = "to_do"
    UP_TO_DATE = "up_to_date"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The person's last sitting that has ended."""

    run_id: int
    state: RunState
    score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """A unit that asks for the module; the one that binds sets its dates."""

    unit: str
    binds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One module on the page. A date of None is not shown; `percent` only while a run is open."""

    module_id: int
    title: str
    shelf: Shelf
    verdict: Verdict
    due_on: date | None
    completed_on: date | None
    valid_through: date | None
    is_exempt: bool
    has_new_version: bool
    pass_mark: float | None
    last_attempt: Attempt | None
    askers: tuple[Asker, ...]
    percent: int | None
    step: Step | None
    kind: ModuleKind
    submission: SubmissionState | None
    """Whether the external certificate of the open sitting waits or is rejected."""
    review_of: int | None
    """The sitting that can be looked at again: the last one of a course, once it has ended."""

    @property
    def deadline(self) -> date | None:
        """The day the next thing should have happened by, if there is one."""
        return self.valid_through if self.verdict is Verdict.RENEW_SOON else self.due_on


def tiles_of(
    facts: LearnerFacts,
    attempts: Mapping[int, Attempt],
    submissions: Mapping[int, SubmissionState],
    *,
    startable: Collection[ModuleKind],
    at: datetime,
) -> tuple[Tile, ...]:
    """Every visible module once, the most pressing first; `startable` kinds get a button."""
    tiles = [
        _tile(
            module,
            facts,
            attempts.get(module.module_id),
            submissions.get(module.module_id),
            startable,
            at=at,
        )
        for module in facts.visible
    ]
    return tuple(sorted(tiles, key=_pressing))


def on_shelf(tiles: Iterable[Tile], shelf: Shelf) -> tuple[Tile, ...]:
    """The tiles that stand there, in order."""
    return tuple(tile for tile in tiles if tile.shelf is shelf)


def is_renewal_near(valid_through: date | None, today: date) -> bool:
    """Whether the last day is near enough to be stressed (domain §4.3); it changes nothing."""
    return valid_through is not None and today >= valid_through - timedelta(days=RENEWAL_DAYS)


def _tile(
    module: VisibleModule,
    facts: LearnerFacts,
    attempt: Attempt | None,
    submission: SubmissionState | None,
    startable: Collection[ModuleKind],
    *,
    at: datetime,
) -> Tile:
    line = facts.modules[module.module_id]
    run = facts.open_runs.get(module.module_id)
    row = module.binding.row
    zone = facts.configurations[module.binding.configuration_id].zone
    verdict = _verdict(module, today=local_date(at, zone))
    is_done = row.is_satisfied and not row.by_grace
    is_course = line.kind == ModuleKind.SCORM
    may_start = line.kind in startable and line.state != ModuleState.DRAFT
    return Tile(
        module_id=module.module_id,
        title=line.title,
        shelf=_shelf(module, verdict),
        verdict=verdict,
        due_on=module.due_on,
        completed_on=row.completed_on,
        valid_through=None if row.by_grace else row.valid_through,
        is_exempt=row.exempt,
        has_new_version=row.retraining is not None and verdict is Verdict.RENEW_SOON,
        pass_mark=module.pass_mark,
        last_attempt=None if is_done or run else attempt,
        askers=_askers(module, facts.configurations),
        percent=round(100 * run.progress) if run and run.progress is not None else None,
        step=_step(verdict, run is not None, attempt is not None, submission)
        if may_start
        else None,
        kind=ModuleKind(line.kind),
        submission=submission,
        review_of=attempt.run_id if attempt and may_start and is_course and not run else None,
    )


def _verdict(module: VisibleModule, *, today: date) -> Verdict:
    row = module.binding.row
    is_required = module.status is RowStatus.REQUIRED
    if row.state is RowState.WAIVED:
        return Verdict.EXEMPT
    if row.state is RowState.SATISFIED:
        near = is_renewal_near(row.valid_through, today) or row.retraining is not None
        near = is_required and near
        return Verdict.RENEW_SOON if near else Verdict.DONE
    if not is_required:
        return Verdict.OPEN_TO_ALL
    if module.overdue:
        return Verdict.OVERDUE
    if row.state is RowState.EXPIRED:
        return Verdict.EXPIRED
    if module.due_on is not None:
        return Verdict.DUE
    return Verdict.NEW if row.state is RowState.NEW_REQUIREMENT else Verdict.TO_DO


def _shelf(module: VisibleModule, verdict: Verdict) -> Shelf:
    if module.status is not RowStatus.REQUIRED:
        return Shelf.OPTIONAL
    return Shelf.UP_TO_DATE if verdict in {Verdict.DONE, Verdict.EXEMPT} else Shelf.TO_DO


def _step(
    verdict: Verdict, has_open_run: bool, was_tried: bool, submission: SubmissionState | None
) -> Step:
    if submission is not None:
        return Step.LOOK if submission is SubmissionState.WAITING else Step.SUBMIT_ANOTHER
    if has_open_run:
        return Step.CONTINUE
    if verdict in {Verdict.EXPIRED, Verdict.RENEW_SOON}:
        return Step.RENEW
    return Step.RETAKE if was_tried or verdict is Verdict.DONE else Step.START


def _askers(
    module: VisibleModule, configurations: Mapping[int, ConfigurationLine]
) -> tuple[Asker, ...]:
    """Each asking unit once, the binding one first."""
    names = {ask.unit_id: configurations[ask.configuration_id].unit_name for ask in module.asks}
    binding = module.binding.unit_id
    return tuple(
        Asker(unit=name, binds=unit_id == binding and len(names) > 1)
        for unit_id, name in sorted(names.items(), key=lambda each: (each[0] != binding, each[1]))
    )


_PRESSING = {
    Verdict.OVERDUE: 0,
    Verdict.EXPIRED: 1,
    Verdict.DUE: 2,
    Verdict.RENEW_SOON: 2,
    Verdict.NEW: 3,
    Verdict.TO_DO: 3,
}


def _pressing(tile: Tile) -> tuple[int, date]:
    """Smallest for what must be done first; among equals the order of the configuration stays."""
    return _PRESSING.get(tile.verdict, len(_PRESSING)), tile.deadline or date.max
