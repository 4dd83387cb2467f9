"""The learner's view over several configurations: every module once (domain §3.3)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from plugin.assign.facts import RowStatus
from plugin.assign.standing import RowStanding, RowState, Standing, urgency


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One configuration that shows the module."""

    configuration_id: int
    unit_id: int
    row: RowStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleModule:
    """A module on the dashboard: who asks for it, and which of them binds."""

    module_id: int
    status: RowStatus
    pass_mark: float | None
    due_on: date | None
    overdue: bool
    binding: Ask
    asks: tuple[Ask, ...]

    @property
    def state(self) -> RowState:
        return self.binding.row.state

    @property
    def valid_through(self) -> date | None:
        """The earliest last day among the asking rows; None: never satisfied, or for ever."""
        return self.binding.row.valid_through


def visible_modules(standings: Iterable[Standing]) -> tuple[VisibleModule, ...]:
    """Required beats optional, hidden contributes nothing; the most urgent required row binds.

    Only configurations that cover the person count. Required modules come first.
    """
    asks: dict[int, list[Ask]] = {}
    for standing in standings:
        if standing.covered:
            for row in standing.rows:
                ask = Ask(
                    configuration_id=standing.configuration_id, unit_id=standing.unit_id, row=row
                )
                asks.setdefault(row.module_id, []).append(ask)
    return tuple(sorted((_merge(each) for each in asks.values()), key=_place))


def _merge(all_asks: list[Ask]) -> VisibleModule:
    demanding = [ask for ask in all_asks if ask.row.status is RowStatus.REQUIRED]
    asks = sorted(demanding or all_asks, key=lambda ask: (urgency(ask.row), ask.configuration_id))
    rows = [ask.row for ask in asks]
    return VisibleModule(
        module_id=rows[0].module_id,
        status=rows[0].status,
        pass_mark=max((row.pass_mark for row in rows if row.pass_mark is not None), default=None),
        due_on=min((row.due_on for row in rows if row.due_on is not None), default=None),
        overdue=any(row.overdue for row in rows),
        binding=asks[0],
        asks=tuple(asks),
    )


def _place(module: VisibleModule) -> tuple[bool, int, int]:
    return (
        module.status is not RowStatus.REQUIRED,
        min(ask.row.position for ask in module.asks),
        module.module_id,
    )
