"""Reads of units for their pages: lists, members, what happened."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from plugin.core.audit import AuditEntry
from plugin.core.base import Json
from plugin.org.models import Membership, MembershipSource, Person, Unit, UnitKind
from plugin.org.reach import Reach
from plugin.org.search import has_words
from plugin.web.listing import Asked, like

SORTS = ("name", "code", "region", "members")
MEMBER_SORTS = ("name", "since")
BATCH = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitLine:
    """A unit in a list; members of a site count as members of its region."""

    id: int
    name: str
    id_code: str | None
    region_id: int | None
    region: str | None
    members: int
    is_archived: bool


def is_open(at: datetime) -> ColumnElement[bool]:
    """The membership holds at `at`."""
    return and_(
        Membership.since_at <= at, or_(Membership.until_at.is_(None), Membership.until_at > at)
    )


def is_active(at: datetime) -> ColumnElement[bool]:
    """The person is not deactivated at `at`."""
    return or_(Person.deactivated_at.is_(None), Person.deactivated_at > at)


def units(
    session: Session, reach: Reach, kind: UnitKind, asked: Asked, at: datetime
) -> tuple[list[UnitLine], int]:
    """One page of the units of a kind, and how many match; two statements."""
    wanted = _wanted(reach, kind, asked)
    total = session.scalar(select(func.count()).select_from(Unit).where(*wanted)) or 0
    lines = session.execute(
        _lines(kind, asked, at).where(*wanted).offset(asked.offset).limit(asked.size)
    )
    return [_line(line) for line in lines], total


def unit_rows(
    session: Session, reach: Reach, kind: UnitKind, asked: Asked, at: datetime
) -> Iterator[UnitLine]:
    """Every unit that matches, for a file."""
    lines = session.execute(
        _lines(kind, asked, at)
        .where(*_wanted(reach, kind, asked))
        .execution_options(yield_per=BATCH)
    )
    for line in lines:
        yield _line(line)


def _lines(kind: UnitKind, asked: Asked, at: datetime) -> Select[Any]:
    region = aliased(Unit)
    members = _count(kind, at)
    column: Any = {
        "name": Unit.name,
        "code": func.coalesce(Unit.id_code, ""),
        "region": func.coalesce(region.name, ""),
        "members": members,
    }[asked.sort]
    columns: list[Any] = [
        Unit.id,
        Unit.name,
        Unit.id_code,
        Unit.region_id,
        region.name.label("region"),
        members.label("members"),
        Unit.archived_at,
    ]
    return (
        select(*columns)
        .outerjoin(region, region.id == Unit.region_id)
        .order_by(column.desc() if asked.descending else column, Unit.name, Unit.id)
    )


def _count(kind: UnitKind, at: datetime) -> Any:
    """How many different people are active members of the unit of the outer statement."""
    place = aliased(Unit)
    inside: ColumnElement[bool] = Membership.unit_id == Unit.id
    if kind is UnitKind.REGION:
        sites = select(place.id).where(place.region_id == Unit.id).correlate(Unit)
        inside = or_(inside, Membership.unit_id.in_(sites))
    return (
        select(func.count(Membership.person_id.distinct()))
        .join(Person, Person.id == Membership.person_id)
        .where(inside, is_open(at), is_active(at))
        .correlate(Unit)
        .scalar_subquery()
    )


def _wanted(reach: Reach, kind: UnitKind, asked: Asked) -> list[ColumnElement[bool]]:
    is_archived = asked.filters.get("state") == "archived"
    found = [
        reach.units(),
        Unit.kind == kind,
        Unit.archived_at.is_not(None) if is_archived else Unit.archived_at.is_(None),
    ]
    if asked.q:
        pattern = like(asked.q)
        found.append(
            or_(Unit.name.ilike(pattern, escape="\\"), Unit.id_code.ilike(pattern, escape="\\"))
        )
    if "region" in asked.filters:
        found.append(Unit.region_id == int(asked.filters["region"]))
    return found


def _line(line: Any) -> UnitLine:
    return UnitLine(
        id=line.id,
        name=line.name,
        id_code=line.id_code,
        region_id=line.region_id,
        region=line.region,
        members=line.members,
        is_archived=line.archived_at is not None,
    )


def choices(
    session: Session, reach: Reach, *, kind: UnitKind | None = None
) -> list[tuple[str, str]]:
    """The units in use and in reach as pairs of an id and a name."""
    rows = session.execute(
        select(Unit.id, Unit.name)
        .where(
            reach.units(),
            Unit.archived_at.is_(None),
            Unit.kind == kind if kind is not None else true(),
        )
        .order_by(Unit.name, Unit.id)
    )
    return [(str(row.id), row.name) for row in rows]


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
    session: Session, unit: Unit, asked: Asked, at: datetime
) -> tuple[list[MemberLine], int]:
    """One page of the people in a unit (a region: also through its sites), and how many match."""
    matching = member_ids(unit, asked, at)
    total = session.scalar(select(func.count()).select_from(matching.subquery())) or 0
    lines = session.execute(
        _members(unit, asked, at)
        .order_by(*_member_order(asked))
        .offset(asked.offset)
        .limit(asked.size)
    )
    return [_member(line) for line in lines], total


def member_rows(session: Session, unit: Unit, asked: Asked, at: datetime) -> Iterator[MemberLine]:
    """Every member that matches, for a file."""
    lines = session.execute(
        _members(unit, asked, at).order_by(*_member_order(asked)).execution_options(yield_per=BATCH)
    )
    for line in lines:
        yield _member(line)


def member_ids(unit: Unit, asked: Asked, at: datetime, *, own: bool = False) -> Select[Any]:
    """The ids of the members that match; with `own` only those of the unit itself."""
    return (
        select(Membership.person_id)
        .join(Person, Person.id == Membership.person_id)
        .where(*_inside(unit, asked, at, own=own))
        .distinct()
    )


def _inside(
    unit: Unit, asked: Asked, at: datetime, *, own: bool = False
) -> list[ColumnElement[bool]]:
    places: ColumnElement[bool] = Membership.unit_id == unit.id
    if unit.kind is UnitKind.REGION and not own:
        sites = select(Unit.id).where(Unit.region_id == unit.id, Unit.archived_at.is_(None))
        places = or_(places, Membership.unit_id.in_(sites))
    found = [
        Membership.organization_id == unit.organization_id,
        places,
        is_open(at),
        is_active(at),
        has_words(asked.q),
    ]
    if "source" in asked.filters:
        found.append(Membership.source == MembershipSource(asked.filters["source"]))
    return found


def _members(unit: Unit, asked: Asked, at: datetime) -> Select[Any]:
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
        .where(*_inside(unit, asked, at))
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One line of a unit's activity; `who` did it, `about` whom."""

    at: datetime
    action: str
    who: str | None
    about: str | None
    source: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str | None


def activity(session: Session, unit: Unit, asked: Asked) -> tuple[list[Happening], int]:
    """What was done to the unit, who came and who left, newest first, and how much there is."""
    everything = union_all(
        _acts(unit),
        _moves(unit, "membership.started", Membership.since_at),
        _moves(unit, "membership.ended", Membership.until_at),
    ).subquery()
    total = session.scalar(select(func.count()).select_from(everything)) or 0
    lines = session.execute(
        select(everything)
        .order_by(everything.c.at.desc(), everything.c.action, everything.c.about)
        .offset(asked.offset)
        .limit(asked.size)
    )
    return [Happening(**line) for line in lines.mappings()], total


def _acts(unit: Unit) -> Select[Any]:
    columns: list[Any] = [
        AuditEntry.at.label("at"),
        AuditEntry.action.label("action"),
        Person.full_name.label("who"),
        cast(null(), Text).label("about"),
        cast(null(), Text).label("source"),
        AuditEntry.before.label("before"),
        AuditEntry.after.label("after"),
        AuditEntry.reason.label("reason"),
    ]
    return (
        select(*columns)
        .outerjoin(Person, Person.id == AuditEntry.by_person_id)
        .where(
            AuditEntry.organization_id == unit.organization_id,
            AuditEntry.about_kind == "unit",
            AuditEntry.about_id == unit.id,
        )
    )


def _moves(unit: Unit, action: str, moment: Any) -> Select[Any]:
    columns: list[Any] = [
        moment.label("at"),
        literal(action, Text).label("action"),
        cast(null(), Text).label("who"),
        Person.full_name.label("about"),
        cast(Membership.source, Text).label("source"),
        cast(null(), Json).label("before"),
        cast(null(), Json).label("after"),
        cast(null(), Text).label("reason"),
    ]
    return (
        select(*columns)
        .join(Person, Person.id == Membership.person_id)
        .where(
            Membership.organization_id == unit.organization_id,
            Membership.unit_id == unit.id,
            moment.is_not(None),
        )
    )
