"""Reads of units for their pages: lists, and what happened."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    cast,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from plugin.core.audit import AuditEntry
from plugin.core.base import Json, UTCDateTime
from plugin.org.history import was
from plugin.org.models import Membership, Person, Unit, UnitKind
from plugin.org.reach import Reach
from plugin.web.listing import Asked, like

SORTS = ("name", "code", "region", "members")
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


def is_open(at: datetime, *, past: bool = False) -> ColumnElement[bool]:
    """The membership holds at `at`; `past`: and was known then."""
    return and_(
        Membership.since_at <= at,
        or_(Membership.until_at.is_(None), Membership.until_at > at),
        Membership.created_at <= at if past else true(),
    )


def is_active(at: datetime, *, past: bool = False) -> ColumnElement[bool]:
    """The person is not deactivated at `at`."""
    deactivated_at = was(Person, "deactivated_at", at, past=past)
    return or_(deactivated_at.is_(None), deactivated_at > at)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceThen:
    """What can change of a unit, as it was at a moment."""

    archived_at: datetime | None
    time_zone: str | None
    region: Unit | None


def place_at(session: Session, unit: Unit, at: datetime, *, past: bool) -> PlaceThen:
    """The unit's region, days and archiving at `at`; one statement and one for the region."""
    line = session.execute(
        select(
            type_coerce(was(Unit, "archived_at", at, past=past), UTCDateTime()),
            was(Unit, "time_zone", at, past=past),
            was(Unit, "region_id", at, past=past),
        ).where(Unit.id == unit.id)
    ).one()
    archived_at, time_zone, region_id = line
    return PlaceThen(
        archived_at=archived_at if archived_at is not None and archived_at <= at else None,
        time_zone=time_zone,
        region=session.get(Unit, region_id) if region_id else None,
    )


def units(
    session: Session,
    reach: Reach,
    kind: UnitKind,
    asked: Asked,
    at: datetime,
    *,
    past: bool = False,
) -> tuple[list[UnitLine], int]:
    """One page of the units of a kind, and how many match; two statements.

    `past`: the units there were then, in the regions and with the members of then.
    """
    wanted = _wanted(reach, kind, asked, at, past=past)
    total = session.scalar(select(func.count()).select_from(Unit).where(*wanted)) or 0
    lines = session.execute(
        _lines(kind, asked, at, past=past).where(*wanted).offset(asked.offset).limit(asked.size)
    )
    return [_line(line, at) for line in lines], total


def unit_rows(
    session: Session,
    reach: Reach,
    kind: UnitKind,
    asked: Asked,
    at: datetime,
    *,
    past: bool = False,
) -> Iterator[UnitLine]:
    """Every unit that matches, for a file."""
    lines = session.execute(
        _lines(kind, asked, at, past=past)
        .where(*_wanted(reach, kind, asked, at, past=past))
        .execution_options(yield_per=BATCH)
    )
    for line in lines:
        yield _line(line, at)


def _lines(kind: UnitKind, asked: Asked, at: datetime, *, past: bool) -> Select[Any]:
    region = aliased(Unit)
    region_id = was(Unit, "region_id", at, past=past)
    members = _count(kind, at, past=past)
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
        region.id.label("region_id"),
        region.name.label("region"),
        members.label("members"),
        was(Unit, "archived_at", at, past=past).label("archived_at"),
    ]
    return (
        select(*columns)
        .outerjoin(region, region.id == region_id)
        .order_by(column.desc() if asked.descending else column, Unit.name, Unit.id)
    )


def _count(kind: UnitKind, at: datetime, *, past: bool) -> Any:
    """How many different people are active members of the unit of the outer statement."""
    place = aliased(Unit)
    inside: ColumnElement[bool] = Membership.unit_id == Unit.id
    if kind is UnitKind.REGION:
        lay_in = was(place, "region_id", at, past=past)
        sites = select(place.id).where(lay_in == Unit.id).correlate(Unit)
        inside = or_(inside, Membership.unit_id.in_(sites))
    return (
        select(func.count(Membership.person_id.distinct()))
        .join(Person, Person.id == Membership.person_id)
        .where(inside, is_open(at, past=past), is_active(at, past=past))
        .correlate(Unit)
        .scalar_subquery()
    )


def _wanted(
    reach: Reach, kind: UnitKind, asked: Asked, at: datetime, *, past: bool
) -> list[ColumnElement[bool]]:
    archived_at = was(Unit, "archived_at", at, past=past)
    in_use = or_(archived_at.is_(None), archived_at > at)
    found = [
        reach.units(),
        Unit.kind == kind,
        not_(in_use) if asked.filters.get("state") == "archived" else in_use,
        Unit.created_at <= at if past else true(),
    ]
    if asked.q:
        pattern = like(asked.q)
        found.append(
            or_(Unit.name.ilike(pattern, escape="\\"), Unit.id_code.ilike(pattern, escape="\\"))
        )
    if "region" in asked.filters:
        found.append(was(Unit, "region_id", at, past=past) == int(asked.filters["region"]))
    return found


def _line(line: Any, at: datetime) -> UnitLine:
    return UnitLine(
        id=line.id,
        name=line.name,
        id_code=line.id_code,
        region_id=line.region_id,
        region=line.region,
        members=line.members,
        is_archived=line.archived_at is not None and line.archived_at <= at,
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


def activity(
    session: Session, unit: Unit, asked: Asked, *, at: datetime
) -> tuple[list[Happening], int]:
    """What was done to the unit, who came and who left until then, newest first, and how much."""
    everything = union_all(
        _acts(unit, at),
        _moves(unit, "membership.started", Membership.since_at, at),
        _moves(unit, "membership.ended", Membership.until_at, at),
    ).subquery()
    total = session.scalar(select(func.count()).select_from(everything)) or 0
    lines = session.execute(
        select(everything)
        .order_by(everything.c.at.desc(), everything.c.action, everything.c.about)
        .offset(asked.offset)
        .limit(asked.size)
    )
    return [Happening(**line) for line in lines.mappings()], total


def _acts(unit: Unit, at: datetime) -> Select[Any]:
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
            AuditEntry.at <= at,
        )
    )


def _moves(unit: Unit, action: str, moment: Any, at: datetime) -> Select[Any]:
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
            moment <= at,
            Membership.created_at <= at,
        )
    )
