"""Courses whose people fill units: read from the LMS, applied whole or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import Tx, chunks, transaction
from plugin.core.http import OutgoingError
from plugin.core.log import log
from plugin.core.outbox import JobName
from plugin.core.upsert import insert_absent
from plugin.lti.tool import services
from plugin.lti.tool.members import Member, members
from plugin.lti.tool.models import Registration
from plugin.lti.tool.service_models import CourseMember, LmsCourse
from plugin.lti.tool.services import Client, ServiceError
from plugin.org import actions as org_actions
from plugin.org import roster
from plugin.org.errors import PersonDeactivatedError
from plugin.org.models import Unit
from plugin.org.rule_models import RosterEntry, RosterTie

AT_ONCE = 100
FRESH = timedelta(hours=1)
"""A launch asks for a sync only when the last one is older."""


def sync(tie_id: int) -> None:
    """The unit holds the learners of its course, as the LMS lists them now.

    A list that cannot be read whole changes nothing; the tie says what went wrong.
    """
    found = _client(tie_id)
    if found is None:
        return
    client, url, course_id = found
    try:
        listed = members(client, url)
    except (OutgoingError, ServiceError) as error:
        words = error.words if isinstance(error, ServiceError) else str(error)
        log.warning("roster.not_read", tie_id=tie_id, reason=type(error).__name__)
        _note(tie_id, f"{getattr(error, 'status', '')} {words}".strip() or "no answer")
        return
    learners = [each for each in listed if each.learns]
    person_ids = _people(course_id, client, learners)
    with transaction() as tx:
        tie = tx.session.get_one(RosterTie, tie_id)
        roster.apply_roster(tx, tie, person_ids, now=clock.now())
        tie.problem = None


def _client(tie_id: int) -> tuple[Client, str, int] | None:
    with transaction() as tx:
        tie = tx.session.get(RosterTie, tie_id)
        if tie is None or tie.until_at is not None:
            return None
        course = course_of(tx.session, tie)
        if course is None or course.members_url is None:
            tie.problem = "the LMS has not offered its list of people yet"
            return None
        client = services.client_of(
            tx.session, current_settings(), tie.registration_id, tie.deployment_id
        )
        return client, course.members_url, course.id


def course_of(session: Session, tie: RosterTie) -> LmsCourse | None:
    """The course a tie is about, as launches described it."""
    return session.scalar(
        select(LmsCourse).where(
            LmsCourse.registration_id == tie.registration_id,
            LmsCourse.deployment_id == tie.deployment_id,
            LmsCourse.context_id == tie.context_id,
        )
    )


def _note(tie_id: int, words: str) -> None:
    with transaction() as tx:
        tx.session.execute(
            update(RosterTie).where(RosterTie.id == tie_id).values(problem=words[:300])
        )


def _people(course_id: int, client: Client, learners: Sequence[Member]) -> list[int]:
    """Everybody listed is known here from now on, also before their first launch."""
    found: list[int] = []
    for some in chunks(range(len(learners)), AT_ONCE):
        with transaction() as tx:
            course = tx.session.get_one(LmsCourse, course_id)
            registration = tx.session.get_one(Registration, client.registration_id)
            for each in (learners[index] for index in some):
                person_id = _admitted(tx, registration, each)
                if person_id is not None:
                    join_course(
                        tx.session, course, person_id, each.subject, learns=True, now=clock.now()
                    )
                    found.append(person_id)
    return found


def _admitted(tx: Tx, registration: Registration, member: Member) -> int | None:
    try:
        person = org_actions.admit_person(
            tx.session,
            registration.organization_id,
            issuer=registration.issuer,
            client_id=registration.client_id,
            subject=member.subject,
            given_name=member.given_name,
            family_name=member.family_name,
            full_name=member.full_name,
            email=member.email,
            locale=None,
            now=clock.now(),
        )
    except PersonDeactivatedError:
        return None
    tx.session.flush()
    return person.id


def ask_all(tx: Tx) -> int:
    """Every tied course is read again, by the nightly turn."""
    ids = tx.session.scalars(select(RosterTie.id).where(RosterTie.until_at.is_(None))).all()
    tx.then_many(JobName.SYNC_ROSTER, [(each,) for each in ids])
    return len(ids)


def ask_after_launch(tx: Tx, course: LmsCourse, *, now: datetime) -> None:
    """The ties of the course somebody launched from are read again, unless just done."""
    ids = tx.session.scalars(
        select(RosterTie.id).where(
            RosterTie.registration_id == course.registration_id,
            RosterTie.deployment_id == course.deployment_id,
            RosterTie.context_id == course.context_id,
            RosterTie.until_at.is_(None),
            (RosterTie.synced_at.is_(None)) | (RosterTie.synced_at <= now - FRESH),
        )
    ).all()
    tx.then_many(JobName.SYNC_ROSTER, [(each,) for each in ids])


def join_course(
    session: Session,
    course: LmsCourse,
    person_id: int,
    subject: str,
    *,
    learns: bool,
    now: datetime,
) -> None:
    """The person is one of the course's, by this id there. Safe to call again."""
    row = {
        "organization_id": course.organization_id,
        "course_id": course.id,
        "person_id": person_id,
        "subject": subject,
        "learns": learns,
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


def courses(session: Session, organization_id: int) -> Sequence[tuple[LmsCourse, str]]:
    """The courses whose LMS lists their people, by title, each with the LMS's name."""
    rows = session.execute(
        select(LmsCourse, Registration.name)
        .join(Registration, Registration.id == LmsCourse.registration_id)
        .where(LmsCourse.organization_id == organization_id, LmsCourse.members_url.is_not(None))
        .order_by(LmsCourse.title, LmsCourse.id)
    )
    return [(row[0], row[1]) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class TieLine:
    """A course that fills a unit."""

    id: int
    title: str
    lms: str
    people: int
    synced_at: datetime | None
    problem: str | None


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
    return [
        TieLine(
            id=row.RosterTie.id,
            title=row.RosterTie.title,
            lms=row.name,
            people=row.people,
            synced_at=row.RosterTie.synced_at,
            problem=row.RosterTie.problem,
        )
        for row in rows
    ]
