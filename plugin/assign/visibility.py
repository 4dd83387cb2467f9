"""What a learner sees: each module once, whatever number of units ask for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from plugin.assign.standing import ConfigurationFacts, RowStanding, RowState, RowStatus, Standing
from plugin.assign.validity import local_date

RENEWAL_WINDOW_DAYS = 30


class TileState(StrEnum):
    """What the learner has to do about a module, most urgent first."""

    EXPIRED = "expired"
    OVERDUE = "overdue"
    TO_DO = "to_do"
    RENEW_SOON = "renew_soon"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One unit that asks for a module, and what is true under its configuration."""

    configuration: ConfigurationFacts
    row: RowStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleModule:
    """A module on the learner's page."""

    module_id: int
    required: bool
    state: TileState
    valid_through: date | None
    expired_on: date | None
    due_on: date | None
    pass_mark: float | None
    completed_on: date | None
    asking: tuple[Asking, ...]
    binding: Asking


def visible_modules(standings: Iterable[Standing]) -> tuple[VisibleModule, ...]:
    """Each visible module once: required beats optional, hidden contributes nothing.

    The date is the earliest among the required rows, the pass mark the highest; most urgent first.
    """
    asked: dict[int, list[Asking]] = {}
    moments: list[datetime] = []
    for standing in standings:
        moments.append(standing.at)
        if not standing.covered or standing.configuration.archived:
            continue
        for row in standing.rows:
            if row.status is not RowStatus.HIDDEN:
                asking = Asking(configuration=standing.configuration, row=row)
                asked.setdefault(row.module_id, []).append(asking)
    found = [_merged(module_id, each, moments[0]) for module_id, each in asked.items()]
    order = list(TileState)
    return tuple(
        sorted(
            found,
            key=lambda each: (
                not each.required,
                order.index(each.state),
                each.binding.row.position,
                each.module_id,
            ),
        )
    )


def _merged(module_id: int, asking: list[Asking], at: datetime) -> VisibleModule:
    required = [each for each in asking if each.row.status is RowStatus.REQUIRED]
    counting = required or asking
    binding = min(counting, key=_urgency)
    row = binding.row
    marks = [each.row.pass_mark for each in counting if each.row.pass_mark is not None]
    dues = [
        each.row.due_on
        for each in counting
        if each.row.due_on is not None and each.row.state is not RowState.SATISFIED
    ]
    completed = [each.row.completed_on for each in counting if each.row.completed_on is not None]
    return VisibleModule(
        module_id=module_id,
        required=bool(required),
        state=_state(binding, any(each.row.overdue for each in counting), at),
        valid_through=row.valid_through if row.state is RowState.SATISFIED else None,
        expired_on=row.valid_through if row.state is RowState.EXPIRED else None,
        due_on=min(dues, default=None),
        pass_mark=max(marks, default=None),
        completed_on=max(completed, default=None),
        asking=tuple(asking),
        binding=binding,
    )


def _urgency(asking: Asking) -> tuple[int, float, int]:
    """What binds first: never completed, then the earliest end."""
    row = asking.row
    if row.state is RowState.NEVER_COMPLETED:
        return (0, 0.0, row.position)
    ends = row.ends_at.timestamp() if row.ends_at else float("inf")
    return (1, ends, row.position)


def _state(binding: Asking, overdue: bool, at: datetime) -> TileState:
    row = binding.row
    if row.state is RowState.EXPIRED:
        return TileState.EXPIRED
    if row.state is RowState.NEVER_COMPLETED:
        return TileState.OVERDUE if overdue else TileState.TO_DO
    if row.valid_through is not None:
        today = local_date(at, binding.configuration.zone)
        if (row.valid_through - today).days <= RENEWAL_WINDOW_DAYS:
            return TileState.RENEW_SOON
    return TileState.DONE
