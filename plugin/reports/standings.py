"""The list of standings: every person under every configuration, narrowed, sorted, paged."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.orm import Session

from plugin.assign import listed
from plugin.assign.listed import Duties, StandingState
from plugin.assign.models import Configuration
from plugin.org.models import Person, Unit
from plugin.org.reach import Reach
from plugin.org.search import has_words
from plugin.reports import still_to_do
from plugin.web.listing import Asked, Slice

SORTS = ("person", "unit", "through")
DAYS = (30, 60, 90)
NEWLY_INVALID_DAYS = 7
EXPIRING = {f"expiring_{days}": days for days in DAYS}
STATES = (
    StandingState.VALID.value,
    *EXPIRING,
    "invalid",
    "newly_invalid",
    StandingState.NEVER_COMPLETED.value,
    StandingState.EXPIRED.value,
    StandingState.NEW_REQUIREMENT.value,
    StandingState.NOTHING_REQUIRED.value,
    StandingState.ENDED.value,
)
"""What the list can be narrowed to; the address uses these words."""
BATCH = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingLine:
    """One person under one configuration."""

    person_id: int
    person: str
    email: str | None
    employee_id: str | None
    unit: str
    configuration: str
    state: StandingState
    valid_through: date | None
    expires_soon: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLine:
    """One line of the file: by which version it is so, and the words of what is still to do."""

    standing: StandingLine
    version: int | None
    to_do: Sequence[str]


def standings(
    session: Session, reach: Reach, asked: Asked, *, at: datetime, past: bool = False
) -> Slice[StandingLine]:
    """One page of the standings of the people in reach, in three statements."""
    duties = listed.answering(session, reach, at, past=past, filters=asked.filters)
    total = session.scalar(_counted(reach, asked, duties))
    page = _lines(reach, asked, duties).limit(asked.size).offset(asked.offset)
    lines = [_line(row, duties) for row in session.execute(page)]
    return Slice(items=lines, total=total or 0, asked=asked)


def all_standings(
    session: Session, reach: Reach, asked: Asked, *, at: datetime, past: bool = False
) -> Iterator[FileLine]:
    """The whole list as it is narrowed now, read a batch at a time: a statement each for what is
    still to do, however many people ask for it."""
    duties = listed.answering(session, reach, at, past=past, filters=asked.filters, most=None)
    statement = _lines(reach, asked, duties).execution_options(yield_per=BATCH)
    for rows in session.execute(statement).partitions():
        lines = [(row, _line(row, duties)) for row in rows]
        asking = [(row.id, row.configuration_id) for row, line in lines if _asks(row, line)]
        words = still_to_do.words(session, reach.organization_id, asking, duties)
        for row, line in lines:
            yield FileLine(
                standing=line,
                version=duties.number_of.get(row.configuration_id),
                to_do=words.get((row.id, row.configuration_id), ()),
            )


def _asks(row: Any, line: StandingLine) -> bool:
    """Invalid, or valid while a grace covers what was never done."""
    return line.state in listed.INVALID or (line.state is StandingState.VALID and bool(row.missing))


def _lines(reach: Reach, asked: Asked, duties: Duties) -> Select[Any]:
    standing = duties.standing
    columns: list[Any] = [
        Person.id,
        Person.full_name,
        Person.email,
        Person.employee_id,
        Unit.name.label("unit"),
        Configuration.name.label("configuration"),
        standing.configuration_id,
        standing.covered,
        standing.complete,
        standing.valid_through,
        standing.ends_at,
        standing.missing,
        listed.reason_column(duties).label("reason"),
    ]
    return (
        select(*columns)
        .select_from(standing)
        .join(Configuration, Configuration.id == standing.configuration_id)
        .join(Unit, Unit.id == Configuration.unit_id)
        .join(Person, Person.id == standing.person_id)
        .where(
            Person.organization_id == reach.organization_id,
            _is_wanted(reach, asked, duties),
            has_words(asked.q),
        )
        .order_by(*_order(asked, duties))
    )


def _counted(reach: Reach, asked: Asked, duties: Duties) -> Select[Any]:
    """How many there are; without words nothing of the people themselves is read."""
    number = (
        select(func.count())
        .select_from(duties.standing)
        .join(Configuration, Configuration.id == duties.standing.configuration_id)
        .join(Unit, Unit.id == Configuration.unit_id)
        .where(_is_wanted(reach, asked, duties))
    )
    if not asked.q:
        return number
    return number.join(Person, Person.id == duties.standing.person_id).where(has_words(asked.q))


def _is_wanted(reach: Reach, asked: Asked, duties: Duties) -> ColumnElement[bool]:
    return and_(
        duties.standing.organization_id == reach.organization_id,
        reach.people(duties.standing.person_id, duties.at),
        _is_of(asked.filters, duties),
        _has_state(asked.filters.get("state", ""), duties),
    )


def _is_of(filters: Mapping[str, str], duties: Duties) -> ColumnElement[bool]:
    """A region's standings are also those of its sites."""
    conditions: list[ColumnElement[bool]] = []
    if unit := filters.get("unit"):
        conditions.append(or_(Unit.id == int(unit), Unit.region_id == int(unit)))
    if configuration := filters.get("configuration"):
        conditions.append(duties.standing.configuration_id == int(configuration))
    return and_(true(), *conditions)


def _has_state(state: str, duties: Duties) -> ColumnElement[bool]:
    if not state:
        return true()
    if state in EXPIRING:
        return and_(listed.is_obliged(duties), listed.ends_within(duties, EXPIRING[state]))
    if state == "invalid":
        return listed.is_invalid(duties)
    if state == "newly_invalid":
        newly = listed.is_newly_invalid(duties, NEWLY_INVALID_DAYS)
        return and_(listed.is_obliged(duties), newly)
    return listed.is_in(StandingState(state), duties)


def _order(asked: Asked, duties: Duties) -> list[Any]:
    """By the key asked for; what is equal by name, then by id, so that pages never overlap."""
    standing = duties.standing
    by_name = [Person.full_name, Person.id, standing.id]
    keys: dict[str, list[Any]] = {
        "person": by_name,
        "unit": [Unit.name, Configuration.name, *by_name],
        "through": [standing.ends_at, standing.id],
    }
    if asked.descending:
        return [key.desc().nulls_first() for key in keys[asked.sort]]
    return [key.asc().nulls_last() for key in keys[asked.sort]]


def _line(row: Any, duties: Duties) -> StandingLine:
    state = listed.state_of(row, duties)
    soon = duties.at + timedelta(days=DAYS[0])
    return StandingLine(
        person_id=row.id,
        person=row.full_name,
        email=row.email,
        employee_id=row.employee_id,
        unit=row.unit,
        configuration=row.configuration,
        state=state,
        valid_through=row.valid_through,
        expires_soon=state is StandingState.VALID
        and row.ends_at is not None
        and row.ends_at <= soon,
    )
