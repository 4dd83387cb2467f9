"""The courses of an LMS as admins see them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.lti.tool import copies
from plugin.lti.tool.notice_models import CopyState
from plugin.lti.tool.service_models import CourseMember, LineItem, LmsCourse

MAX_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseLine:
    """A course as admins see it."""

    id: int
    title: str
    context_id: str
    people: int
    columns: int
    copy_of: str | None
    copy_id: int | None
    is_decided: bool
    seen_at: datetime


def course_lines(session: Session, registration_id: int) -> list[CourseLine]:
    """The courses people came from lately, newest first; a copy names what it was copied from."""
    people = (
        select(func.count())
        .where(CourseMember.course_id == LmsCourse.id, CourseMember.learns.is_(True))
        .scalar_subquery()
    )
    columns = (
        select(func.count())
        .where(LineItem.course_id == LmsCourse.id, LineItem.ended_at.is_(None))
        .scalar_subquery()
    )
    rows = session.execute(
        select(LmsCourse, people.label("people"), columns.label("columns"))
        .where(LmsCourse.registration_id == registration_id)
        .order_by(LmsCourse.seen_at.desc(), LmsCourse.id)
        .limit(MAX_SHOWN)
    ).all()
    known = copies.proposed(session, registration_id)
    titles = {row.LmsCourse.context_id: row.LmsCourse.title for row in rows}
    return [
        CourseLine(
            id=row.LmsCourse.id,
            title=row.LmsCourse.title,
            context_id=row.LmsCourse.context_id,
            people=row.people,
            columns=row.columns,
            copy_of=next((titles.get(each, each) for each in row.LmsCourse.copied_from), None),
            copy_id=known[row.LmsCourse.id].id if row.LmsCourse.id in known else None,
            is_decided=row.LmsCourse.id in known
            and known[row.LmsCourse.id].state is not CopyState.PROPOSED,
            seen_at=row.LmsCourse.seen_at,
        )
        for row in rows
    ]
