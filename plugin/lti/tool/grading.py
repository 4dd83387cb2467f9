"""Grades that LMSs are owed, kept as rows: written when facts change, delivered by `scores`."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from plugin.assign.models import StoredStanding
from plugin.core import audit
from plugin.core.db import Tx, chunks
from plugin.core.outbox import JobName
from plugin.lti.tool import merged
from plugin.lti.tool.score_rows import ask_to_send
from plugin.lti.tool.score_rules import SPACING
from plugin.lti.tool.service_models import (
    CourseMember,
    Grade,
    GradeState,
    LineItem,
    LmsCourse,
)
from plugin.lti.tool.wanted import Owed, Wanted, organization_of, wanted_of
from plugin.modules.models import Module, ModuleKind
from plugin.org.models import Organization

NOT_TAKEN = frozenset({GradeState.REFUSED, GradeState.FAILED})
AT_ONCE = 1000
LAPSES_SEEN = timedelta(hours=3)
"""How far back the hourly look goes; the nightly one finds what it missed."""


def update_grades(tx: Tx, person_id: int, *, again: bool = False, now: datetime) -> None:
    """Every column that is about the person says, soon, what is true now. Safe to call again.

    With `again` also what was refused is sent once more: who launches is in the course.

    Nothing is written before there is something to say, and nothing is ever cleared: an LMS takes
    anything but a full grade for the end of the grade before (checklist 4.6).
    """
    session = tx.session
    for heir_id in merged.hand_over(session, person_id):
        tx.then(JobName.UPDATE_GRADES, heir_id)
    owed = _owed(session, person_id)
    if not owed:
        return
    wanted = wanted_of(session, person_id, owed, now)
    known = {
        grade.line_item_id: grade
        for grade in session.scalars(
            select(Grade)
            .where(Grade.person_id == person_id)
            .order_by(Grade.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    }
    for each in owed:
        share = wanted.get(each.line_item_id)
        if share is not None:
            grade = known.get(each.line_item_id)
            _want(tx, each, person_id, grade, share, again=again, now=now)


def _owed(session: Session, person_id: int) -> Sequence[Owed]:
    rows = session.execute(
        select(LineItem.id, LineItem.module_id, LineItem.configuration_id, CourseMember.subject)
        .join(CourseMember, CourseMember.course_id == LineItem.course_id)
        .outerjoin(Module, Module.id == LineItem.module_id)
        .where(
            CourseMember.person_id == person_id,
            CourseMember.learns.is_(True),
            LineItem.ended_at.is_(None),
            or_(Module.id.is_(None), Module.kind != ModuleKind.LMS_GRADE),
        )
        .order_by(LineItem.id)
    )
    return [
        Owed(
            line_item_id=row.id,
            module_id=row.module_id,
            configuration_id=row.configuration_id,
            subject=row.subject,
        )
        for row in rows
    ]


def _want(
    tx: Tx,
    owed: Owed,
    person_id: int,
    grade: Grade | None,
    wanted: Wanted,
    *,
    again: bool,
    now: datetime,
) -> None:
    is_new = grade is None
    if grade is None:
        grade = _new_grade(tx.session, owed, person_id, now)
    elif (
        grade.wanted == wanted.share
        and grade.is_completed == wanted.is_completed
        and grade.subject == owed.subject
        and not (again and grade.state in NOT_TAKEN)
    ):
        return
    is_more = is_new or wanted.share > grade.wanted
    grade.begun_at = wanted.begun_at
    grade.reached_at = wanted.reached_at or (now if is_more else grade.reached_at)
    grade.wanted, grade.wanted_at, grade.subject = wanted.share, now, owed.subject
    grade.is_completed = wanted.is_completed
    if grade.state is GradeState.OVERRIDDEN:
        return  # a teacher's word stands until an admin says otherwise
    if grade.state is GradeState.WAITING and grade.attempts:
        return  # the newest value leaves when the next attempt is due
    grade.due_at = _soonest(grade, now)
    grade.state, grade.words, grade.attempts, grade.unseen = GradeState.WAITING, None, 0, 0
    tx.session.flush()
    tx.then(JobName.SEND_GRADE, grade.id, due_at=grade.due_at)


def _new_grade(session: Session, owed: Owed, person_id: int, now: datetime) -> Grade:
    grade = Grade(
        organization_id=organization_of(session, owed.line_item_id),
        line_item_id=owed.line_item_id,
        person_id=person_id,
        subject=owed.subject,
        state=GradeState.WAITING,
        attempts=0,
        unseen=0,
        due_at=now,
    )
    session.add(grade)
    return grade


def _soonest(grade: Grade, now: datetime) -> datetime:
    """When the row's next score may leave: some time after the answer to the one before."""
    return max(now, min(grade.due_at, now + SPACING))


def ask_for(tx: Tx, person_ids: Sequence[int]) -> None:
    """Those of these people whom some column is about get theirs looked at, one by one."""
    about = (
        select(CourseMember.person_id)
        .join(LineItem, LineItem.course_id == CourseMember.course_id)
        .where(
            CourseMember.person_id.in_(person_ids),
            CourseMember.learns.is_(True),
            LineItem.ended_at.is_(None),
        )
        .distinct()
    )
    found = tx.session.scalars(about).all() if person_ids else ()
    tx.then_many(JobName.UPDATE_GRADES, [(each,) for each in found])


def resend(tx: Tx, grade: Grade, *, by: int, now: datetime) -> None:
    """An admin wants the grade sent, also over what a teacher wrote."""
    audit.record(
        tx.session,
        "grade.resent",
        about=grade,
        by=by,
        now=now,
        before={"state": grade.state.value},
    )
    grade.due_at, grade.forced = _soonest(grade, now), True
    grade.state, grade.words, grade.attempts, grade.unseen = GradeState.WAITING, None, 0, 0
    tx.then(JobName.SEND_GRADE, grade.id, due_at=grade.due_at)


def resend_failed(
    tx: Tx, organization_id: int, *, registration_id: int | None, by: int, now: datetime
) -> int:
    """Whatever LMSs did not take is sent once more; what teachers wrote stays; returns how many."""
    organization = tx.session.get_one(Organization, organization_id)
    of_lms = (
        select(LineItem.id)
        .join(LmsCourse, LmsCourse.id == LineItem.course_id)
        .where(LineItem.ended_at.is_(None))
    )
    if registration_id is not None:
        of_lms = of_lms.where(LmsCourse.registration_id == registration_id)
    rows = tx.session.execute(
        update(Grade)
        .where(
            Grade.organization_id == organization_id,
            Grade.state.in_(NOT_TAKEN),
            Grade.line_item_id.in_(of_lms),
        )
        .values(state=GradeState.WAITING, words=None, attempts=0, unseen=0, due_at=now)
        .returning(Grade.line_item_id, Grade.id)
        .execution_options(synchronize_session=False)
    ).all()
    if rows:
        ask_to_send(tx, [(row.line_item_id, row.id) for row in rows])
        audit.record(
            tx.session,
            "grades.resent",
            about=organization,
            by=by,
            now=now,
            after={"grades": len(rows)},
        )
    return len(rows)


def ask_for_lapsed(tx: Tx, *, now: datetime) -> None:
    """Standings that ended lately: their columns go down. Done twice, nothing happens."""
    ended = (
        select(StoredStanding.person_id)
        .where(StoredStanding.ends_at > now - LAPSES_SEEN, StoredStanding.ends_at <= now)
        .distinct()
    )
    for some in chunks(tx.session.scalars(ended).all(), AT_ONCE):
        ask_for(tx, some)


def ask_for_everybody(tx: Tx) -> int:
    """Whoever some column is about is looked at again, whatever was missed; returns how many."""
    found = tx.session.scalars(
        select(CourseMember.person_id)
        .join(LineItem, LineItem.course_id == CourseMember.course_id)
        .where(LineItem.ended_at.is_(None), CourseMember.learns.is_(True))
        .distinct()
    ).all()
    for some in chunks(found, AT_ONCE):
        tx.then_many(JobName.UPDATE_GRADES, [(each,) for each in some])
    return len(found)
