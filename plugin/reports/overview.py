"""The organization at a glance: shares per unit, what runs out next, who cannot be reached."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    ScalarSelect,
    Select,
    and_,
    case,
    func,
    literal,
    null,
    or_,
    select,
    true,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from plugin.assign import listed
from plugin.assign.listed import Duties
from plugin.assign.models import Configuration
from plugin.core.base import Int, UTCDateTime
from plugin.org.models import Person, Unit, UnitKind
from plugin.org.reach import Reach
from plugin.org.rule_models import HeldState, HeldSync
from plugin.reports.ledger import count_stuck
from plugin.reports.standings import DAYS, NEWLY_INVALID_DAYS
from plugin.reports.unreachable import is_unreachable
from plugin.submissions.queries import count_waiting
from plugin.web.listing import Asked, Slice

SORTS = ("unit", "share", "people")
NEVER = datetime(1, 1, 2, tzinfo=UTC)
FOR_EVER = datetime(9999, 12, 30, tzinfo=UTC)
KIND_ORDER = {UnitKind.REGION: 0, UnitKind.SITE: 1, UnitKind.GROUP: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many people have required training, and how many of them are valid in all of it."""

    people: int
    valid: int
    expiring: int

    @property
    def invalid(self) -> int:
        """Those with something missing or run out."""
        return self.people - self.valid

    @property
    def lasting(self) -> int:
        """Those valid for longer than the next 30 days."""
        return self.valid - self.expiring

    @property
    def share(self) -> float | None:
        """The compliant share; None when nobody has required training."""
        return self.valid / self.people if self.people else None

    @property
    def segments(self) -> tuple[tuple[str, float, float], ...]:
        """The parts of a bar 100 wide: tone, start and width."""
        parts = (("valid", self.lasting), ("soon", self.expiring), ("invalid", self.invalid))
        start, found = 0.0, []
        for tone, number in parts:
            width = round(100 * number / self.people, 2) if self.people else 0.0
            if width:
                found.append((tone, round(start, 2), width))
            start += width
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitTally:
    """A unit and its people; a region's are those of its sites too."""

    id: int
    name: str
    kind: UnitKind
    sites: int
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What runs out in 30, 60 and 90 days, what just did, who cannot be reached by mail, and what
    waits for somebody to decide."""

    expiring: tuple[int, ...]
    newly_invalid: int
    unreachable: int
    held_syncs: int
    stuck_mails: int
    certificates_to_check: int
    tools_to_accept: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """One page of units, and everybody in them together."""

    everybody: Tally
    units: Slice[UnitTally]


def overview(
    session: Session, reach: Reach, asked: Asked, duties: Duties, *, region: Unit | None
) -> Overview:
    """The units in reach, or one region and its sites, with their shares; in two statements.

    A unit's share is of the people whom its configurations oblige; a region's of those its own or
    its sites' do. Whoever is valid in all of them is compliant.
    """
    at = duties.at
    people = _people(reach, region, duties)
    shown = _shown(reach, asked, region, at)
    rows = session.execute(union_all(_units(people, shown, asked, at), _together(people, at))).all()
    units = sorted((row for row in rows if row.id is not None), key=lambda row: row.place)
    total = session.scalar(select(func.count()).select_from(Unit).where(*shown))
    return Overview(
        everybody=_tally(next(row for row in rows if row.id is None)),
        units=Slice(items=[_unit(row) for row in units], total=total or 0, asked=asked),
    )


def figures(
    session: Session,
    reach: Reach,
    duties: Duties,
    *,
    region: Unit | None,
    tools: ScalarSelect[int],
) -> Figures:
    """The forecast of the standings in reach, or of one region's, and what waits, in one statement;
    `tools` counts the external tools that do."""
    at = duties.at
    newly = listed.is_newly_invalid(duties, NEWLY_INVALID_DAYS)
    unreachable = (
        select(func.count())
        .select_from(Person)
        .where(is_unreachable(reach, at))
        .scalar_subquery()
        .label("unreachable")
    )
    held = (
        select(func.count())
        .select_from(HeldSync)
        .where(HeldSync.organization_id == reach.organization_id, HeldSync.state == HeldState.HELD)
        .scalar_subquery()
        .label("held")
    )
    ends = {days: listed.ends_within(duties, days) for days in DAYS}
    forecast = select(
        *(func.count(case((ends[days], 1))).label(f"in_{days}") for days in DAYS),
        func.count(case((newly, 1))).label("newly"),
        unreachable,
        held,
        count_stuck(reach, at).label("stuck"),
        count_waiting(reach, at).label("to_check"),
        tools.label("to_accept"),
    ).where(
        listed.is_obliged(duties),
        or_(newly, listed.ends_within(duties, DAYS[-1])),
        reach.people(duties.standing.person_id, at),
    )
    if region is not None:
        forecast = (
            forecast.select_from(duties.standing)
            .join(Configuration, Configuration.id == duties.standing.configuration_id)
            .join(Unit, Unit.id == Configuration.unit_id)
            .where(or_(Unit.id == region.id, Unit.region_id == region.id))
        )
    row = session.execute(forecast).one()
    return Figures(
        expiring=(row.in_30, row.in_60, row.in_90),
        newly_invalid=row.newly,
        unreachable=row.unreachable,
        held_syncs=row.held,
        stuck_mails=row.stuck,
        certificates_to_check=row.to_check,
        tools_to_accept=row.to_accept,
    )


def _people(reach: Reach, region: Unit | None, duties: Duties) -> CTE:
    """Per listed unit and person: the moment the first of the person's duties there is unmet."""
    above = aliased(Unit)
    top = Unit.id if region else func.coalesce(above.id, Unit.id)
    first_end = func.min(
        case(
            (
                duties.standing.complete.is_(True),
                func.coalesce(duties.standing.ends_at, _moment(FOR_EVER)),
            ),
            else_=_moment(NEVER),
        )
    )
    inside = (
        or_(Unit.id == region.id, Unit.region_id == region.id)
        if region
        else _in_reach(Unit.id, reach)
    )
    return (
        select(
            top.label("top"),
            duties.standing.person_id,
            type_coerce(first_end, UTCDateTime()).label("end"),
        )
        .select_from(duties.standing)
        .join(Configuration, Configuration.id == duties.standing.configuration_id)
        .join(Unit, Unit.id == Configuration.unit_id)
        .outerjoin(
            above,
            and_(
                above.id == Unit.region_id,
                above.archived_at.is_(None),
                _in_reach(above.id, reach),
            ),
        )
        .where(listed.is_obliged(duties), inside)
        .group_by(top, duties.standing.person_id)
        .cte("people")
    )


def _shown(
    reach: Reach, asked: Asked, region: Unit | None, at: datetime
) -> Sequence[ColumnElement[bool]]:
    """The units of this level: a region with its sites, or what lies in no region in reach."""
    is_live = or_(Unit.archived_at.is_(None), Unit.archived_at > at)
    kind = asked.filters.get("kind")
    conditions = [reach.units(), is_live, Unit.kind == UnitKind(kind) if kind else true()]
    if region is not None:
        return (*conditions, or_(Unit.id == region.id, Unit.region_id == region.id))
    above = aliased(Unit)
    regions = select(above.id).where(
        above.organization_id == reach.organization_id,
        above.kind == UnitKind.REGION,
        above.archived_at.is_(None),
        _in_reach(above.id, reach),
    )
    return (*conditions, or_(Unit.region_id.is_(None), Unit.region_id.not_in(regions)))


def _in_reach(unit_id: Any, reach: Reach) -> ColumnElement[bool]:
    return true() if reach.unit_ids is None else unit_id.in_(reach.unit_ids)


def _counts(end: ColumnElement[datetime], at: datetime) -> tuple[Any, ...]:
    soon = at + timedelta(days=DAYS[0])
    return (
        func.count().label("people"),
        func.count(case((end > at, 1))).label("valid"),
        func.count(case((and_(end > at, end <= soon), 1))).label("expiring"),
    )


def _units(
    people: CTE, shown: Sequence[ColumnElement[bool]], asked: Asked, at: datetime
) -> Select[Any]:
    tally = select(people.c.top, *_counts(people.c.end, at)).group_by(people.c.top).subquery()
    site = aliased(Unit)
    sites = (
        select(func.count())
        .where(site.region_id == Unit.id, site.archived_at.is_(None))
        .correlate(Unit)
        .scalar_subquery()
    )
    order = _order(tally, asked)
    page = (
        select(
            Unit.id,
            Unit.name,
            Unit.kind,
            sites.label("sites"),
            func.row_number().over(order_by=order).label("place"),
            tally.c.people,
            tally.c.valid,
            tally.c.expiring,
        )
        .outerjoin(tally, tally.c.top == Unit.id)
        .where(*shown)
        .order_by(*order)
        .limit(asked.size)
        .offset(asked.offset)
        .subquery()
    )
    return select(page)


def _order(tally: Any, asked: Asked) -> list[Any]:
    by_place = [case(KIND_ORDER, value=Unit.kind), Unit.name, Unit.id]
    people = func.coalesce(tally.c.people, 0)
    keys: dict[str, list[Any]] = {
        "unit": by_place,
        "share": [tally.c.valid * 1.0 / tally.c.people, *by_place],
        "people": [people, *by_place],
    }
    nobody = [case((people == 0, 1), else_=0)] if asked.sort == "share" else []
    return nobody + [key.desc() if asked.descending else key.asc() for key in keys[asked.sort]]


def _together(people: CTE, at: datetime) -> Select[Any]:
    """Everybody once, however many units oblige them."""
    person = (
        select(type_coerce(func.min(people.c.end), UTCDateTime()).label("end"), people.c.person_id)
        .group_by(people.c.person_id)
        .subquery()
    )
    nothing = literal(None, Int)
    return select(
        nothing.label("id"),
        null().label("name"),
        null().label("kind"),
        nothing.label("sites"),
        nothing.label("place"),
        *_counts(person.c.end, at),
    )


def _moment(moment: datetime) -> ColumnElement[datetime]:
    return literal(moment, UTCDateTime())


def _tally(row: Any) -> Tally:
    return Tally(people=row.people or 0, valid=row.valid or 0, expiring=row.expiring or 0)


def _unit(row: Any) -> UnitTally:
    return UnitTally(
        id=row.id, name=row.name, kind=UnitKind(row.kind), sites=row.sites, tally=_tally(row)
    )
