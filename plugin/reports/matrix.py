"""The training matrix of a unit: its people by the modules of its configurations."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, func, or_, select, true
from sqlalchemy.orm import Session

from plugin.assign.facts import RowStatus
from plugin.assign.models import Configuration
from plugin.assign.queries import Facts, facts
from plugin.assign.standing import RowStanding, RowState
from plugin.modules import naming
from plugin.org.history import as_it_was
from plugin.org.models import Membership, Person, Unit
from plugin.org.search import has_words
from plugin.reports.standings import DAYS
from plugin.web.listing import Asked, Slice

SORTS = ("person",)
COLUMNS = 10
CHUNK = 200


class CellState(StrEnum):
    """How one person stands with one module."""

    VALID = "valid"
    ENDS_SOON = "ends_soon"
    EXEMPT = "exempt"
    IN_GRACE = "in_grace"
    EXPIRED = "expired"
    NEVER = "never"
    NEW = "new"
    NOT_DONE = "not_done"
    LAPSED = "lapsed"
    NOT_COVERED = "not_covered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One module as one configuration of the unit asks for it."""

    configuration_id: int
    configuration: str
    module_id: int
    module: str
    is_required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A state, and the last day it names."""

    state: CellState
    through: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One person and a cell for each column."""

    person_id: int
    person: str
    email: str | None
    employee_id: str | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """A part of the matrix: some people, some columns; `column_pages` parts lie side by side."""

    columns: tuple[Column, ...]
    all_columns: int
    column_page: int
    people: Slice[Line]

    @property
    def column_pages(self) -> int:
        """How many parts lie side by side; at least one."""
        return max(1, -(-self.all_columns // COLUMNS))

    @property
    def first_column(self) -> int:
        """The number of the first column shown, counted from 1."""
        return (self.column_page - 1) * COLUMNS + 1


def matrix(
    session: Session, unit: Unit, asked: Asked, *, at: datetime, past: bool = False
) -> Matrix:
    """The part asked for, in five statements: everything about the people of the page is one."""
    total = session.scalar(_members(unit, asked, at, func.count(), past=past).order_by(None))
    page = _people(unit, asked, at, past=past).limit(asked.size).offset(asked.offset)
    people = session.execute(page).all()
    found = _facts(session, unit, _ids(session, unit, at, past=past), people, at=at, past=past)
    every = _columns(found, _names(session, unit, found))
    pages = max(1, -(-len(every) // COLUMNS))
    number = min(max(1, int(asked.filters.get("columns", 1))), pages)
    shown = every[(number - 1) * COLUMNS : number * COLUMNS]
    return Matrix(
        columns=shown,
        all_columns=len(every),
        column_page=number,
        people=Slice(
            items=[_line(person, shown, found) for person in people],
            total=total or 0,
            asked=asked,
        ),
    )


def whole_matrix(
    session: Session, unit: Unit, asked: Asked, *, at: datetime, past: bool = False
) -> tuple[tuple[Column, ...], Iterator[Line]]:
    """Every column, and everybody's line; the people are read and judged in chunks."""
    ids = _ids(session, unit, at, past=past)
    nobody = _facts(session, unit, ids, (), at=at, past=past)
    columns = _columns(nobody, _names(session, unit, nobody))
    people = session.execute(_people(unit, asked, at, past=past)).all()

    def lines() -> Iterator[Line]:
        for start in range(0, len(people), CHUNK):
            some = people[start : start + CHUNK]
            found = _facts(session, unit, ids, some, at=at, past=past)
            for person in some:
                yield _line(person, columns, found)

    return columns, lines()


def _members(unit: Unit, asked: Asked, at: datetime, *columns: Any, past: bool) -> Select[Any]:
    """The active members of the unit; a region's are also those of its sites."""

    def was(model: Any, name: str) -> Any:
        return as_it_was(model, name, at) if past else getattr(model, name)

    archived_at, deactivated_at = was(Unit, "archived_at"), was(Person, "deactivated_at")
    inside = (
        select(Membership.person_id)
        .join(Unit, Unit.id == Membership.unit_id)
        .where(
            Membership.organization_id == unit.organization_id,
            or_(Unit.id == unit.id, was(Unit, "region_id") == unit.id),
            or_(archived_at.is_(None), archived_at > at),
            Membership.since_at <= at,
            Membership.created_at <= at if past else true(),
            or_(Membership.until_at.is_(None), Membership.until_at > at),
        )
    )
    return (
        select(*columns)
        .select_from(Person)
        .where(
            Person.organization_id == unit.organization_id,
            or_(deactivated_at.is_(None), deactivated_at > at),
            Person.id.in_(inside),
            has_words(asked.q),
        )
    )


def _people(unit: Unit, asked: Asked, at: datetime, *, past: bool) -> Select[Any]:
    columns = (Person.id, Person.full_name, Person.email, Person.employee_id)
    order = [Person.full_name, Person.id]
    return _members(unit, asked, at, *columns, past=past).order_by(
        *(key.desc() if asked.descending else key for key in order)
    )


def _ids(session: Session, unit: Unit, at: datetime, *, past: bool) -> Sequence[int]:
    """The published configurations of the unit that are, or were then, in use."""
    archived_at = as_it_was(Configuration, "archived_at", at) if past else Configuration.archived_at
    return session.scalars(
        select(Configuration.id)
        .where(
            Configuration.organization_id == unit.organization_id,
            Configuration.unit_id == unit.id,
            or_(archived_at.is_(None), archived_at > at),
            Configuration.current_version_id.is_not(None),
        )
        .order_by(Configuration.name, Configuration.id)
    ).all()


def _facts(
    session: Session,
    unit: Unit,
    ids: Sequence[int],
    people: Sequence[Any],
    *,
    at: datetime,
    past: bool,
) -> Facts:
    return facts(
        session,
        unit.organization_id,
        person_ids=[person.id for person in people],
        configuration_ids=ids,
        at=at,
        history=False,
        past=past,
    )


def _names(session: Session, unit: Unit, found: Facts) -> Mapping[int, str]:
    return naming.names(session, unit.organization_id, sorted(found.modules))


def _columns(found: Facts, names: Mapping[int, str]) -> tuple[Column, ...]:
    """By configuration, then as its rows are ordered; hidden rows leave no column."""
    return tuple(
        Column(
            configuration_id=id_,
            configuration=found.lines[id_].name,
            module_id=row.module_id,
            module=names[row.module_id],
            is_required=row.status is RowStatus.REQUIRED,
        )
        for id_ in sorted(found.configurations, key=lambda id_: (found.lines[id_].name, id_))
        for row in sorted(
            found.configurations[id_].rows, key=lambda row: (row.position, row.module_id)
        )
        if row.status is not RowStatus.HIDDEN
    )


def _line(person: Any, columns: Sequence[Column], found: Facts) -> Line:
    standings = {
        id_: found.standing(person.id, id_) for id_ in {each.configuration_id for each in columns}
    }
    rows = {
        (id_, row.module_id): row for id_, standing in standings.items() for row in standing.rows
    }
    return Line(
        person_id=person.id,
        person=person.full_name,
        email=person.email,
        employee_id=person.employee_id,
        cells=tuple(
            _cell(rows[each.configuration_id, each.module_id], found.at)
            if standings[each.configuration_id].covered
            else Cell(state=CellState.NOT_COVERED, through=None)
            for each in columns
        ),
    )


def _cell(row: RowStanding, at: datetime) -> Cell:
    return Cell(state=_state(row, at), through=row.valid_through)


def _state(row: RowStanding, at: datetime) -> CellState:
    is_required = row.status is RowStatus.REQUIRED
    match row.state:
        case RowState.SATISFIED:
            soon = row.ends_at is not None and row.ends_at <= at + timedelta(days=DAYS[0])
            return CellState.ENDS_SOON if soon else CellState.VALID
        case RowState.WAIVED:
            return CellState.EXEMPT
        case RowState.IN_GRACE:
            return CellState.IN_GRACE
        case RowState.EXPIRED:
            return CellState.EXPIRED if is_required else CellState.LAPSED
        case RowState.NEVER_COMPLETED:
            return CellState.NEVER if is_required else CellState.NOT_DONE
        case RowState.NEW_REQUIREMENT:
            return CellState.NEW if is_required else CellState.NOT_DONE
