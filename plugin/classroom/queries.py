"""Reads of sessions: what learners may choose, what instructors lead, who was there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from plugin.classroom.errors import SessionNotFoundError
from plugin.classroom.models import Attendance, ClassRules, ClassSession, SessionState
from plugin.classroom.rules import AFTER
from plugin.modules.models import Module
from plugin.org.models import Person
from plugin.org.reach import Reach

RECENT = timedelta(days=90)
SHOWN = (SessionState.OPEN, SessionState.CLOSED)


def session_of(session: Session, organization_id: int, session_id: int) -> ClassSession:
    found = session.scalar(
        select(ClassSession).where(
            ClassSession.organization_id == organization_id, ClassSession.id == session_id
        )
    )
    if found is None:
        raise SessionNotFoundError(session_id)
    return found


def session_of_module(
    session: Session, organization_id: int, module_id: int, session_id: int
) -> ClassSession:
    """A session of this module that learners may know of."""
    found = session_of(session, organization_id, session_id)
    if found.module_id != module_id or found.state is SessionState.DRAFT:
        raise SessionNotFoundError(session_id)
    return found


def leads(person_id: Any) -> Select[Any]:
    """How many sessions of the near past and to come the person leads, as a statement."""
    return select(func.count(ClassSession.id)).where(
        ClassSession.instructor_id == person_id, ClassSession.state.in_(SHOWN)
    )


def confirms(session: Session, module_id: int) -> bool:
    """Whether presence completes the module only once somebody confirms the list."""
    found = session.get(ClassRules, module_id)
    return found is None or found.confirms


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A session as one learner sees it."""

    session: ClassSession
    instructor: str | None
    own: Attendance | None

    @property
    def has_seat(self) -> bool:
        return self.own is not None and self.own.signed_up_at is not None

    @property
    def is_present(self) -> bool:
        return self.own is not None and self.own.present_at is not None

    @property
    def seats_left(self) -> int | None:
        """None: as many as come."""
        capacity = self.session.capacity
        return None if capacity is None else capacity - self.session.taken


def offers(
    session: Session, organization_id: int, person_id: int, module_id: int, *, at: datetime
) -> list[Offer]:
    """The sessions that are still to come or going on, soonest first; also a cancelled one that
    the person had a seat in."""
    rows = session.execute(
        select(ClassSession, Person.full_name, Attendance)
        .outerjoin(Person, Person.id == ClassSession.instructor_id)
        .outerjoin(
            Attendance,
            and_(Attendance.session_id == ClassSession.id, Attendance.person_id == person_id),
        )
        .where(
            ClassSession.organization_id == organization_id,
            ClassSession.module_id == module_id,
            ClassSession.ends_at > at - AFTER,
            or_(
                ClassSession.state.in_(SHOWN),
                and_(
                    ClassSession.state == SessionState.CANCELLED,
                    Attendance.signed_up_at.is_not(None),
                ),
            ),
        )
        .order_by(ClassSession.starts_at, ClassSession.id)
    )
    return [Offer(session=row[0], instructor=row[1], own=row[2]) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLine:
    """A session as those see it who plan or lead it."""

    session: ClassSession
    module: str
    instructor: str | None
    present: int


def lines(
    session: Session,
    organization_id: int,
    *,
    module_id: int | None = None,
    instructor_id: int | None = None,
    since: datetime | None = None,
) -> list[SessionLine]:
    """Sessions of a module, of an instructor, or all that end after `since`; the latest first."""
    present = (
        select(func.count(Attendance.id))
        .where(Attendance.session_id == ClassSession.id, Attendance.present_at.is_not(None))
        .correlate(ClassSession)
        .scalar_subquery()
    )
    wanted = [ClassSession.organization_id == organization_id]
    if module_id is not None:
        wanted.append(ClassSession.module_id == module_id)
    if instructor_id is not None:
        wanted.append(ClassSession.instructor_id == instructor_id)
        wanted.append(ClassSession.state != SessionState.DRAFT)
    if since is not None:
        wanted.append(ClassSession.ends_at > since)
    rows = session.execute(
        select(ClassSession, Module.title, Person.full_name, present)
        .join(Module, Module.id == ClassSession.module_id)
        .outerjoin(Person, Person.id == ClassSession.instructor_id)
        .where(*wanted)
        .order_by(ClassSession.starts_at.desc(), ClassSession.id.desc())
    )
    return [
        SessionLine(session=row[0], module=row[1], instructor=row[2], present=row[3])
        for row in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One person on the attendance list."""

    attendance: Attendance
    person: str
    employee_id: str | None
    recorded_by: str | None


def seats(
    session: Session, found: ClassSession, reach: Reach | None, *, at: datetime
) -> list[Seat]:
    """Who has a seat or was there, by name; with a `reach` only the people in it."""
    by = aliased(Person)
    wanted = [
        Attendance.session_id == found.id,
        Attendance.organization_id == found.organization_id,
        or_(Attendance.signed_up_at.is_not(None), Attendance.present_at.is_not(None)),
    ]
    if reach is not None:
        wanted.append(reach.people(Attendance.person_id, at))
    rows = session.execute(
        select(Attendance, Person.full_name, Person.employee_id, by.full_name)
        .join(Person, Person.id == Attendance.person_id)
        .outerjoin(by, by.id == Attendance.present_by)
        .where(*wanted)
        .order_by(func.lower(Person.full_name), Person.id)
    )
    return [
        Seat(attendance=row[0], person=row[1], employee_id=row[2], recorded_by=row[3])
        for row in rows
    ]


def named(
    session: Session, organization_id: int, words: str, reach: Reach | None, *, at: datetime
) -> Sequence[int]:
    """Who is meant by exactly this employee ID, email address or full name; at most two."""
    given = func.lower(words.strip())  # as the database makes the others small
    wanted = [
        Person.organization_id == organization_id,
        Person.merged_into_id.is_(None),
        Person.deactivated_at.is_(None),
        or_(
            func.lower(Person.employee_id) == given,
            func.lower(Person.email) == given,
            func.lower(Person.full_name) == given,
        ),
    ]
    if reach is not None:
        wanted.append(reach.people(Person.id, at))
    return session.scalars(select(Person.id).where(*wanted).order_by(Person.id).limit(2)).all()
