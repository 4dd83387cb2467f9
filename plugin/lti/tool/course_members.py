"""The people of courses, by the ids their LMSs know them by; and the courses that fill a unit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from plugin.core.base import JsonDict
from plugin.core.upsert import insert_absent
from plugin.lti.tool.models import Registration
from plugin.lti.tool.service_models import CourseMember, LmsCourse
from plugin.org.models import Person, Unit
from plugin.org.rule_models import RosterEntry, RosterTie
from plugin.org.search import has_words
from plugin.web.listing import Asked, Slice

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for never, so that it sorts the same on every database."""
SORTS = ("name", "listed")


def join_course(
    session: Session,
    course: LmsCourse,
    person_id: int,
    subject: str,
    *,
    learns: bool,
    now: datetime,
) -> CourseMember:
    """The person is one of the course's, by this id there. Safe to call again."""
    row = {
        "organization_id": course.organization_id,
        "course_id": course.id,
        "person_id": person_id,
        "subject": subject,
        "learns": learns,
        "roles": [],
        "seen_at": now,
    }
    key = ("course_id", "person_id")
    session.execute(insert_absent(session, CourseMember, [row], key=key))
    known = session.scalars(
        select(CourseMember).where(
            CourseMember.course_id == course.id, CourseMember.person_id == person_id
        )
    ).one()
    known.subject, known.learns, known.seen_at = subject, learns, now
    return known


def courses(session: Session, organization_id: int) -> Sequence[tuple[LmsCourse, str]]:
    """The courses whose LMS lists their people, by title, each with the LMS's name."""
    rows = session.execute(
        select(LmsCourse, Registration.name)
        .join(Registration, Registration.id == LmsCourse.registration_id)
        .where(LmsCourse.organization_id == organization_id, LmsCourse.members_url.is_not(None))
        .order_by(LmsCourse.title, LmsCourse.id)
    )
    return [(row[0], row[1]) for row in rows]


def not_yet(
    session: Session, unit: Unit, known: Sequence[tuple[LmsCourse, str]]
) -> list[tuple[LmsCourse, str]]:
    """Those of the courses that do not fill the unit yet."""
    tied = {
        tuple(row)
        for row in session.execute(
            select(RosterTie.registration_id, RosterTie.deployment_id, RosterTie.context_id).where(
                RosterTie.unit_id == unit.id, RosterTie.until_at.is_(None)
            )
        )
    }
    return [
        (each, lms)
        for each, lms in known
        if (each.registration_id, each.deployment_id, each.context_id) not in tied
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A learner on a course's roster; roles in the LMS's own words."""

    person_id: int
    name: str
    subject: str
    roles: tuple[str, ...]
    listed_at: datetime | None


def listed(session: Session, tie: RosterTie, asked: Asked) -> Slice[Listed]:
    """One page of the people on a tied course's roster, in two statements. Words find a name, an
    address, an employee ID, or exactly the id in the LMS."""
    chosen = or_(has_words(asked.q), CourseMember.subject == asked.q)
    total = session.scalar(_on_roster(select(func.count()).select_from(Person), tie).where(chosen))
    rows = session.execute(
        _on_roster(select(Person.id, Person.full_name, CourseMember), tie)
        .where(chosen)
        .order_by(*_order(asked))
        .limit(asked.size)
        .offset(asked.offset)
    )
    return Slice(items=[_listed(row) for row in rows], total=total or 0, asked=asked)


def _on_roster(statement: Any, tie: RosterTie) -> Any:
    return (
        statement.join(RosterEntry, RosterEntry.person_id == Person.id)
        .join(
            LmsCourse,
            (LmsCourse.registration_id == tie.registration_id)
            & (LmsCourse.deployment_id == tie.deployment_id)
            & (LmsCourse.context_id == tie.context_id),
        )
        .join(
            CourseMember,
            (CourseMember.course_id == LmsCourse.id) & (CourseMember.person_id == Person.id),
        )
        .where(RosterEntry.tie_id == tie.id, RosterEntry.until_at.is_(None))
    )


def _order(asked: Asked) -> list[Any]:
    keys: dict[str, list[Any]] = {
        "name": [Person.full_name, Person.id],
        "listed": [func.coalesce(CourseMember.listed_at, EARLIEST), Person.id],
    }
    return [key.desc() if asked.descending else key for key in keys[asked.sort]]


def _listed(row: Any) -> Listed:
    person_id, name, member = row
    return Listed(
        person_id=person_id,
        name=name,
        subject=member.subject,
        roles=tuple(role_words(each) for each in member.roles),
        listed_at=member.listed_at,
    )


def role_words(role: str) -> str:
    """The last word of a role's name, as LMSs show it."""
    return role.rpartition("#")[2] or role


@dataclass(frozen=True, slots=True, kw_only=True)
class TieLine:
    """A course that fills a unit."""

    id: int
    title: str
    lms: str
    people: int
    is_being_read: bool
    synced_at: datetime | None
    problem: str | None
    outcome: JsonDict | None


def ties(session: Session, unit: Unit) -> Sequence[TieLine]:
    """The courses that fill a unit, oldest first, in one statement."""
    rows = session.execute(
        select(RosterTie, Registration.name, func.count(RosterEntry.id).label("people"))
        .join(Registration, Registration.id == RosterTie.registration_id)
        .outerjoin(
            RosterEntry,
            (RosterEntry.tie_id == RosterTie.id) & RosterEntry.until_at.is_(None),
        )
        .where(RosterTie.unit_id == unit.id, RosterTie.until_at.is_(None))
        .group_by(RosterTie.id, Registration.name)
        .order_by(RosterTie.id)
    )
    return [_line(row.RosterTie, row.name, row.people) for row in rows]


def _line(tie: RosterTie, lms: str, people: int) -> TieLine:
    is_open = tie.tried_at is None or (tie.asked_at is not None and tie.tried_at < tie.asked_at)
    return TieLine(
        id=tie.id,
        title=tie.title,
        lms=lms,
        people=people,
        is_being_read=tie.asked_at is not None and is_open,
        synced_at=tie.synced_at,
        problem=tie.problem,
        outcome=tie.outcome,
    )
