"""Cells of gradebooks after a merge: they belong to whom the LMS's id stands for now (0062)."""

from collections.abc import Sequence

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session, aliased

from plugin.lti.tool.models import Registration
from plugin.lti.tool.service_models import CourseMember, Grade, LineItem, LmsCourse
from plugin.org.models import Identity


def hand_over(session: Session, person_id: int) -> Sequence[int]:
    """Places in courses whose id there is somebody else's by now are that person's, with what the
    gradebook was told; returns who they are. Done twice, nothing happens."""
    rows = session.execute(
        select(CourseMember, Identity.person_id)
        .join(LmsCourse, LmsCourse.id == CourseMember.course_id)
        .join(Registration, Registration.id == LmsCourse.registration_id)
        .join(
            Identity,
            (Identity.issuer == Registration.issuer)
            & (Identity.client_id == Registration.client_id)
            & (Identity.subject == CourseMember.subject),
        )
        .where(
            CourseMember.person_id == person_id,
            CourseMember.learns.is_(True),
            Identity.person_id != person_id,
        )
        .order_by(CourseMember.id)
        .with_for_update(of=CourseMember)
    ).all()
    for member, heir_id in rows:
        _hand_over(session, member, heir_id)
    return sorted({heir_id for _member, heir_id in rows})


def _hand_over(session: Session, member: CourseMember, heir_id: int) -> None:
    """One account of one course; an heir who is in the course by another account keeps that."""
    theirs = aliased(Grade)
    session.execute(
        update(Grade)
        .where(
            Grade.person_id == member.person_id,
            Grade.line_item_id.in_(
                select(LineItem.id).where(LineItem.course_id == member.course_id)
            ),
            ~exists().where(theirs.line_item_id == Grade.line_item_id, theirs.person_id == heir_id),
        )
        .values(person_id=heir_id)
        .execution_options(synchronize_session=False)
    )
    known = session.scalar(
        select(CourseMember).where(
            CourseMember.course_id == member.course_id, CourseMember.person_id == heir_id
        )
    )
    if known is None:
        member.person_id = heir_id
    elif known.subject == member.subject:  # they have launched since
        session.delete(member)
    else:
        member.learns = False
    session.flush()
