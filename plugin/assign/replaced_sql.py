"""The rules of `replaced` as SQL, for questions about very many people at once.

Each condition is about a `Completion` with its `ModuleVersion` joined where it has one.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Date, case, literal, or_, select
from sqlalchemy.orm import Session

from plugin.assign.calendar_sql import FOR_EVER
from plugin.assign.facts import RetrainingFacts
from plugin.assign.replaced import begins_at, in_force
from plugin.core.base import UTCDateTime
from plugin.modules.models import Completion, ModuleVersion, Retraining

MOMENT = UTCDateTime()
Begins = Callable[[RetrainingFacts], ColumnElement[Any]]
"""From when a version counts where nothing says which one was learned."""


def asking(
    session: Session, organization_id: int, module_ids: Collection[int], *, at: datetime
) -> tuple[RetrainingFacts, ...]:
    """The decisions about versions of these modules that ask for something, as `in_force` does."""
    lines = session.execute(
        select(Retraining, ModuleVersion.number, ModuleVersion.created_at)
        .join(ModuleVersion, ModuleVersion.id == Retraining.module_version_id)
        .where(
            Retraining.organization_id == organization_id,
            Retraining.module_id.in_(sorted(module_ids)),
        )
    )
    found = [
        RetrainingFacts(
            id=made.id,
            module_id=made.module_id,
            number=number,
            came_at=came_at,
            from_on=made.from_on,
            decided_at=made.decided_at,
        )
        for made, number, came_at in lines
    ]
    return in_force(found, at)


def begins_in(zone: str) -> Begins:
    """By the days of one zone."""
    return lambda retraining: literal(begins_at(retraining, zone), MOMENT)


def begins_in_each(zone: ColumnElement[str], zones: Collection[str]) -> Begins:
    """By the days of the zone in the column, which is one of these."""

    def begins(retraining: RetrainingFacts) -> ColumnElement[Any]:
        whens = [(zone == each, literal(begins_at(retraining, each), MOMENT)) for each in zones]
        return case(*whens)

    return begins


def replaces(retraining: RetrainingFacts, begins: Begins) -> ColumnElement[bool]:
    """The decision replaces the completion; NULL is no."""
    return or_(
        ModuleVersion.number < retraining.number, Completion.happened_at < begins(retraining)
    )


def last_day(retrainings: Sequence[RetrainingFacts], begins: Begins) -> ColumnElement[date]:
    """The last day before a newer version has to be learned; `FOR_EVER` without one."""
    for_ever = literal(FOR_EVER, Date)
    if not retrainings:
        return for_ever
    whens = [
        (
            (Completion.module_id == each.module_id) & replaces(each, begins),
            literal(each.last_day, Date),
        )
        for each in retrainings
    ]
    return case(*whens, else_=for_ever)
