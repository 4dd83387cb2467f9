"""Reads of people for the list of users: any number of them, narrowed, sorted, in pages."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, select, true
from sqlalchemy.orm import Session

from plugin.org.history import was
from plugin.org.models import Grant, Membership, Person, Unit
from plugin.org.reach import Reach
from plugin.org.search import has_words
from plugin.org.unit_queries import is_open
from plugin.web.listing import Asked
from plugin.web.roles import Role

SORTS = ("name", "email", "employee", "created")
STATES = ("active", "deactivated")
BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLine:
    """A person in the list of users."""

    id: int
    name: str
    email: str | None
    employee_id: str | None
    created_at: datetime
    is_deactivated: bool
    role: Role
    units: tuple[str, ...] = ()


def people(
    session: Session, reach: Reach, asked: Asked, at: datetime, *, past: bool = False
) -> tuple[list[PersonLine], int]:
    """One page of the people in reach with their units, and how many match; three statements.

    `past`: who was known then, with the units and rights of then.
    """
    wanted = _wanted(reach, asked, at, past=past)
    total = session.scalar(select(func.count()).select_from(Person).where(*wanted)) or 0
    lines = session.execute(
        _lines(asked, at, past=past).where(*wanted).offset(asked.offset).limit(asked.size)
    ).all()
    return _with_units(session, reach, lines, at, past=past), total


def people_rows(
    session: Session,
    reach: Reach,
    asked: Asked,
    at: datetime,
    *,
    past: bool = False,
    ids: Sequence[int] | None = None,
) -> Iterator[PersonLine]:
    """Everybody who matches (of these ids, if given), for a file; units are read by the page."""
    wanted = _wanted(reach, asked, at, past=past)
    statement = _lines(asked, at, past=past).where(*wanted)
    if ids is not None:
        statement = statement.where(Person.id.in_(ids))
    for chunk in session.execute(statement.execution_options(yield_per=BATCH)).partitions(BATCH):
        yield from _with_units(session, reach, chunk, at, past=past)


def matching(reach: Reach, asked: Asked, at: datetime) -> Select[Any]:
    """The ids of everybody who matches, for a change to all of them."""
    return select(Person.id).where(*_wanted(reach, asked, at, past=False))


def chosen(reach: Reach, ids: Sequence[int], at: datetime) -> Select[Any]:
    """These ids, as far as they are in reach."""
    return select(Person.id).where(
        Person.organization_id == reach.organization_id,
        reach.people(Person.id, at),
        Person.id.in_(ids),
    )


def count(session: Session, ids: Select[Any]) -> int:
    """How many a selection holds."""
    return session.scalar(select(func.count()).select_from(ids.subquery())) or 0


def _lines(asked: Asked, at: datetime, *, past: bool) -> Select[Any]:
    column: Any = {
        "name": Person.full_name,
        "email": func.coalesce(Person.email, ""),
        "employee": func.coalesce(Person.employee_id, ""),
        "created": Person.created_at,
    }[asked.sort]
    columns: list[Any] = [
        Person.id,
        Person.full_name,
        Person.email,
        Person.employee_id,
        Person.created_at,
        was(Person, "deactivated_at", at, past=past).label("deactivated_at"),
        _rank(at, past=past).label("rank"),
    ]
    return select(*columns).order_by(
        column.desc() if asked.descending else column, Person.full_name, Person.id
    )


def _is_granted(at: datetime, *, past: bool) -> ColumnElement[bool]:
    if not past:
        return Grant.revoked_at.is_(None)
    return (Grant.granted_at <= at) & or_(Grant.revoked_at.is_(None), Grant.revoked_at > at)


def _rank(at: datetime, *, past: bool) -> Any:
    """2 for admins, 1 for managers, else 0."""
    return (
        select(func.coalesce(func.max(case((Grant.role == Role.ADMIN, 2), else_=1)), 0))
        .where(Grant.person_id == Person.id, _is_granted(at, past=past))
        .correlate(Person)
        .scalar_subquery()
    )


def _wanted(reach: Reach, asked: Asked, at: datetime, *, past: bool) -> list[ColumnElement[bool]]:
    filters = asked.filters
    deactivated_at = was(Person, "deactivated_at", at, past=past)
    found = [
        Person.organization_id == reach.organization_id,
        reach.people(Person.id, at),
        has_words(asked.q),
        Person.created_at <= at if past else true(),
    ]
    if filters.get("state") == "deactivated":
        found.append(deactivated_at.is_not(None) & (deactivated_at <= at))
    else:
        found.append(or_(deactivated_at.is_(None), deactivated_at > at))
    if filters.get("email") == "none":
        found.append(Person.email.is_(None))
    if "unit" in filters:
        found.append(Person.id.in_(_in_unit(reach, int(filters["unit"]), at, past=past)))
    if "role" in filters:
        found.append(_has_role(Role(filters["role"]), at, past=past))
    return found


def _in_unit(reach: Reach, unit_id: int, at: datetime, *, past: bool) -> Select[Any]:
    region_id = was(Unit, "region_id", at, past=past)
    return (
        select(Membership.person_id)
        .join(Unit, Unit.id == Membership.unit_id)
        .where(or_(Unit.id == unit_id, region_id == unit_id), reach.units(), is_open(at, past=past))
    )


def _has_role(role: Role, at: datetime, *, past: bool) -> ColumnElement[bool]:
    granted = select(Grant.id).where(Grant.person_id == Person.id, _is_granted(at, past=past))
    if role is Role.LEARNER:
        return ~granted.exists()
    return granted.where(Grant.role == role).exists()


_ROLES = {2: Role.ADMIN, 1: Role.MANAGER, 0: Role.LEARNER}


def _with_units(
    session: Session, reach: Reach, lines: Sequence[Any], at: datetime, *, past: bool
) -> list[PersonLine]:
    archived_at = was(Unit, "archived_at", at, past=past)
    names: dict[int, set[str]] = defaultdict(set)
    rows = session.execute(
        select(Membership.person_id, Unit.name)
        .join(Unit, Unit.id == Membership.unit_id)
        .where(
            Membership.person_id.in_([line.id for line in lines]),
            reach.units(),
            is_open(at, past=past),
            or_(archived_at.is_(None), archived_at > at),
        )
    )
    for person_id, name in rows:
        names[person_id].add(name)
    return [
        PersonLine(
            id=line.id,
            name=line.full_name,
            email=line.email,
            employee_id=line.employee_id,
            created_at=line.created_at,
            is_deactivated=line.deactivated_at is not None and line.deactivated_at <= at,
            role=_ROLES[line.rank],
            units=tuple(sorted(names[line.id])),
        )
        for line in lines
    ]
