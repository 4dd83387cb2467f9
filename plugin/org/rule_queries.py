"""Reads of launch rules, the codes nobody knows, courses seen, and held syncs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from plugin.org.belonging import course_key
from plugin.org.errors import HeldSyncNotFoundError, RuleNotFoundError
from plugin.org.models import Person, SignIn, Unit, UnitKind
from plugin.org.rule_models import (
    HeldState,
    HeldSync,
    LaunchClaim,
    LaunchRule,
    RosterTie,
    RuleSource,
    UnknownCode,
)
from plugin.web.listing import Asked, Slice, like

RECENT_VISITS = 5000
MAX_COURSES = 200
MAX_CODES = 50
SORTS = ("name", "created", "now")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """A rule in the list, with how many people it has put into units."""

    rule: LaunchRule
    unit: str | None
    now: int
    ever: int


def rules(session: Session, organization_id: int, asked: Asked) -> Slice[RuleLine]:
    """One page of the rules, in two statements."""
    wanted: list[ColumnElement[bool]] = [LaunchRule.organization_id == organization_id]
    if source := asked.filters.get("source"):
        wanted.append(LaunchRule.source == RuleSource(source))
    if state := asked.filters.get("state"):
        wanted.append(LaunchRule.is_active.is_(state == "on"))
    if asked.q:
        wanted.append(func.lower(LaunchRule.name).like(func.lower(like(asked.q)), escape="\\"))
    given = (
        select(
            LaunchClaim.rule_id,
            func.count().label("ever"),
            func.count().filter(LaunchClaim.until_at.is_(None)).label("now"),
        )
        .where(LaunchClaim.organization_id == organization_id)
        .group_by(LaunchClaim.rule_id)
        .subquery()
    )
    now = func.coalesce(given.c.now, 0)
    key = {"name": LaunchRule.name, "created": LaunchRule.created_at, "now": now}[asked.sort]
    order = (key.desc(), LaunchRule.id.desc()) if asked.descending else (key, LaunchRule.id)
    total = session.scalar(select(func.count(LaunchRule.id)).where(*wanted))
    rows = session.execute(
        select(LaunchRule, Unit.name, now, func.coalesce(given.c.ever, 0))
        .outerjoin(Unit, Unit.id == LaunchRule.unit_id)
        .outerjoin(given, given.c.rule_id == LaunchRule.id)
        .where(*wanted)
        .order_by(*order)
        .limit(asked.size)
        .offset(asked.offset)
    )
    items = [RuleLine(rule=row[0], unit=row[1], now=row[2], ever=row[3]) for row in rows]
    return Slice(items=items, total=total or 0, asked=asked)


def rule_of(session: Session, organization_id: int, rule_id: int) -> LaunchRule:
    found = session.scalar(
        select(LaunchRule).where(
            LaunchRule.organization_id == organization_id, LaunchRule.id == rule_id
        )
    )
    if found is None:
        raise RuleNotFoundError(rule_id)
    return found


def given_by(session: Session, rule: LaunchRule) -> int:
    """In how many units it holds people now, each person counted in each."""
    return (
        session.scalar(
            select(func.count())
            .select_from(LaunchClaim)
            .where(LaunchClaim.rule_id == rule.id, LaunchClaim.until_at.is_(None))
        )
        or 0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownLine:
    """A code that launches named and no unit in use has."""

    parameter: str
    unit_kind: UnitKind
    code: str
    launches: int
    last_seen_at: datetime


def unknown_codes(session: Session, organization_id: int) -> Sequence[UnknownLine]:
    """The codes seen lately that still no unit in use has, by rules in use; newest first."""
    known = select(Unit.id).where(
        Unit.organization_id == organization_id,
        Unit.kind == LaunchRule.unit_kind,
        Unit.id_code == UnknownCode.code,
        Unit.archived_at.is_(None),
    )
    rows = session.execute(
        select(LaunchRule.name, LaunchRule.unit_kind, UnknownCode)
        .join(UnknownCode, UnknownCode.rule_id == LaunchRule.id)
        .where(
            UnknownCode.organization_id == organization_id,
            LaunchRule.is_active,
            ~known.exists(),
        )
        .order_by(UnknownCode.last_seen_at.desc(), UnknownCode.id.desc())
        .limit(MAX_CODES)
    )
    return [
        UnknownLine(
            parameter=name,
            unit_kind=kind,
            code=unknown.code,
            launches=unknown.launches,
            last_seen_at=unknown.last_seen_at,
        )
        for name, kind, unknown in rows
    ]


def courses_seen(session: Session, organization_id: int) -> Sequence[tuple[str, str]]:
    """Courses that people launched from lately: their keys with title and id, by title."""
    recent = (
        select(SignIn.launch)
        .where(SignIn.organization_id == organization_id)
        .order_by(SignIn.id.desc())
        .limit(RECENT_VISITS)
        .subquery()
    )
    context = recent.c.launch["context"]
    columns = (
        recent.c.launch["registration_id"].as_string(),
        recent.c.launch["deployment_id"].as_string(),
        context["id"].as_string(),
        context["title"].as_string(),
    )
    rows = session.execute(
        select(*columns).where(columns[2].is_not(None)).distinct().limit(MAX_COURSES)
    )
    found = {
        course_key(int(registration), deployment, course): f"{title} ({course})"
        if title
        else course
        for registration, deployment, course, title in rows
    }
    return sorted(found.items(), key=lambda each: (each[1].casefold(), each[0]))


def units(session: Session, organization_id: int) -> Sequence[Unit]:
    """Every unit in use, by kind and name."""
    return session.scalars(
        select(Unit)
        .where(Unit.organization_id == organization_id, Unit.archived_at.is_(None))
        .order_by(Unit.kind, Unit.name, Unit.id)
    ).all()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLine:
    """A held sync with the course and the unit it is about."""

    held: HeldSync
    unit_id: int
    unit: str
    course: str

    @property
    def leaving(self) -> int:
        return len(self.held.leaving)


def held_syncs(session: Session, organization_id: int) -> Sequence[HeldLine]:
    """The syncs that wait for a decision, oldest first."""
    return _held(session, HeldSync.organization_id == organization_id, is_open=True)


def held_of(session: Session, organization_id: int, held_id: int) -> HeldLine:
    mine = (HeldSync.organization_id == organization_id) & (HeldSync.id == held_id)
    found = _held(session, mine, is_open=False)
    if not found:
        raise HeldSyncNotFoundError(held_id)
    return found[0]


def _held(session: Session, wanted: ColumnElement[bool], *, is_open: bool) -> Sequence[HeldLine]:
    statement = (
        select(HeldSync, Unit.id, Unit.name, RosterTie.title)
        .join(RosterTie, RosterTie.id == HeldSync.tie_id)
        .join(Unit, Unit.id == HeldSync.unit_id)
        .where(wanted)
        .order_by(HeldSync.held_at, HeldSync.id)
    )
    if is_open:
        statement = statement.where(HeldSync.state == HeldState.HELD)
    rows = session.execute(statement)
    return [HeldLine(held=row[0], unit_id=row[1], unit=row[2], course=row[3]) for row in rows]


def leaving(session: Session, held: HeldSync, asked: Asked) -> Slice[Person]:
    """One page of the people a held sync would take out of the unit, by name."""
    wanted = (Person.organization_id == held.organization_id) & Person.id.in_(held.leaving)
    key = Person.full_name.desc() if asked.descending else Person.full_name
    people = session.scalars(
        select(Person).where(wanted).order_by(key, Person.id).limit(asked.size).offset(asked.offset)
    ).all()
    return Slice(items=people, total=len(held.leaving), asked=asked)
