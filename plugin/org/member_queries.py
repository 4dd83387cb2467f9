"""Reads of who is, or was, in a unit."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import Session

from plugin.org.history import was
from plugin.org.models import Membership, MembershipSource, Person, Unit, UnitKind
from plugin.org.search import has_words
from plugin.org.unit_queries import BATCH, is_active, is_open
from plugin.web.listing import Asked

SORTS = ("name", "since")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLine:
    """A member of a unit: by which sources, since when, and through which site if not directly."""

    person_id: int
    name: str
    email: str | None
    employee_id: str | None
    sources: tuple[MembershipSource, ...]
    since_at: datetime
    is_own: bool


def members(
    session: Session, unit: Unit, asked: Asked, at: datetime, *, past: bool = False
) -> tuple[list[MemberLine], int]:
    """One page of the people in a unit (a region: also through its sites), and how many match.

    `past`: who was known to be in it then.
    """
    matching = member_ids(unit, asked, at, past=past)
    total = session.scalar(select(func.count()).select_from(matching.subquery())) or 0
    lines = session.execute(
        _members(unit, asked, at, past=past)
        .order_by(*_member_order(asked))
        .offset(asked.offset)
        .limit(asked.size)
    )
    return [_member(line) for line in lines], total


def member_rows(
    session: Session, unit: Unit, asked: Asked, at: datetime, *, past: bool = False
) -> Iterator[MemberLine]:
    """Every member that matches, for a file."""
    lines = session.execute(
        _members(unit, asked, at, past=past)
        .order_by(*_member_order(asked))
        .execution_options(yield_per=BATCH)
    )
    for line in lines:
        yield _member(line)


def member_ids(
    unit: Unit, asked: Asked, at: datetime, *, own: bool = False, past: bool = False
) -> Select[Any]:
    """The ids of the members that match; with `own` only those of the unit itself."""
    return (
        select(Membership.person_id)
        .join(Person, Person.id == Membership.person_id)
        .where(*_inside(unit, asked, at, own=own, past=past))
        .distinct()
    )


def _inside(
    unit: Unit, asked: Asked, at: datetime, *, own: bool = False, past: bool
) -> list[ColumnElement[bool]]:
    places: ColumnElement[bool] = Membership.unit_id == unit.id
    if unit.kind is UnitKind.REGION and not own:
        region_id = was(Unit, "region_id", at, past=past)
        archived_at = was(Unit, "archived_at", at, past=past)
        sites = select(Unit.id).where(
            region_id == unit.id, or_(archived_at.is_(None), archived_at > at)
        )
        places = or_(places, Membership.unit_id.in_(sites))
    found = [
        Membership.organization_id == unit.organization_id,
        places,
        is_open(at, past=past),
        is_active(at, past=past),
        has_words(asked.q),
    ]
    if "source" in asked.filters:
        found.append(Membership.source == MembershipSource(asked.filters["source"]))
    return found


def _members(unit: Unit, asked: Asked, at: datetime, *, past: bool) -> Select[Any]:
    sources = [
        func.max(case((Membership.source == source, 1), else_=0)).label(f"by_{source.value}")
        for source in MembershipSource
    ]
    columns: list[Any] = [
        Person.id,
        Person.full_name,
        Person.email,
        Person.employee_id,
        func.min(Membership.since_at).label("since_at"),
        func.max(case((Membership.unit_id == unit.id, 1), else_=0)).label("is_own"),
        *sources,
    ]
    return (
        select(*columns)
        .select_from(Membership)
        .join(Person, Person.id == Membership.person_id)
        .where(*_inside(unit, asked, at, past=past))
        .group_by(Person.id, Person.full_name, Person.email, Person.employee_id)
    )


def _member_order(asked: Asked) -> list[Any]:
    column: Any = func.min(Membership.since_at) if asked.sort == "since" else Person.full_name
    return [column.desc() if asked.descending else column, Person.full_name, Person.id]


def _member(line: Any) -> MemberLine:
    return MemberLine(
        person_id=line.id,
        name=line.full_name,
        email=line.email,
        employee_id=line.employee_id,
        sources=tuple(source for source in MembershipSource if getattr(line, f"by_{source.value}")),
        since_at=line.since_at,
        is_own=bool(line.is_own),
    )
