"""The grades owed to gradebooks, as admins see them: what was sent, what was not and why."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session

from plugin.assign.models import Configuration
from plugin.lti.tool.errors import GradeUnknownError
from plugin.lti.tool.grading import NOT_TAKEN
from plugin.lti.tool.models import Registration
from plugin.lti.tool.service_models import Grade, GradeState, LineItem, LmsCourse
from plugin.modules import naming
from plugin.modules.models import Module
from plugin.org.models import Person
from plugin.org.search import has_words
from plugin.web.listing import Asked, Slice

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for never, so that it sorts the same on every database."""
SORTS = ("person", "course", "changed", "sent")


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeLine:
    """One person's grade in one column; `wanted`, `sent` and `seen` are shares."""

    id: int
    person_id: int
    person: str
    lms: str
    course: str
    about: str | None
    wanted: float
    sent: float | None
    sent_at: datetime | None
    seen: float | None
    seen_at: datetime | None
    """What the gradebook said when it was last looked into, and when that was."""
    state: GradeState
    words: str | None
    attempts: int
    due_at: datetime
    may_resend: bool


def grades(session: Session, organization_id: int, asked: Asked) -> Slice[GradeLine]:
    """One page of the organization's grades, in two statements."""
    chosen = _chosen(organization_id, asked)
    total = session.scalar(_joined(select(func.count()).select_from(Grade)).where(*chosen))
    page = (
        _joined(
            select(
                Grade,
                Person.full_name,
                Registration.name.label("lms"),
                LmsCourse.title,
                func.coalesce(naming.column(organization_id), Configuration.name).label("about"),
                LineItem.ended_at,
            ).select_from(Grade)
        )
        .where(*chosen)
        .order_by(*_order(asked))
        .limit(asked.size)
        .offset(asked.offset)
    )
    lines = [_line(row) for row in session.execute(page)]
    return Slice(items=lines, total=total or 0, asked=asked)


def _joined(statement: Any) -> Any:
    return (
        statement.join(Person, Person.id == Grade.person_id)
        .join(LineItem, LineItem.id == Grade.line_item_id)
        .join(LmsCourse, LmsCourse.id == LineItem.course_id)
        .join(Registration, Registration.id == LmsCourse.registration_id)
        .outerjoin(Module, Module.id == LineItem.module_id)
        .outerjoin(Configuration, Configuration.id == LineItem.configuration_id)
    )


def _chosen(organization_id: int, asked: Asked) -> list[ColumnElement[bool]]:
    state, lms = asked.filters.get("state"), asked.filters.get("lms")
    return [
        Grade.organization_id == organization_id,
        has_words(asked.q),
        Grade.state == GradeState(state) if state else true(),
        LmsCourse.registration_id == int(lms) if lms else true(),
    ]


def _order(asked: Asked) -> list[Any]:
    keys: dict[str, list[Any]] = {
        "person": [Person.full_name, Grade.id],
        "course": [LmsCourse.title, Person.full_name, Grade.id],
        "changed": [Grade.wanted_at, Grade.id],
        "sent": [func.coalesce(Grade.sent_at, EARLIEST), Grade.id],
    }
    return [key.desc() if asked.descending else key for key in keys[asked.sort]]


def _line(row: Any) -> GradeLine:
    grade: Grade = row.Grade
    return GradeLine(
        id=grade.id,
        person_id=grade.person_id,
        person=row.full_name,
        lms=row.lms,
        course=row.title,
        about=row.about,
        wanted=grade.wanted,
        sent=grade.sent,
        sent_at=grade.sent_at,
        seen=grade.seen,
        seen_at=grade.seen_at,
        state=grade.state,
        words=grade.words,
        attempts=grade.attempts,
        due_at=grade.due_at,
        may_resend=row.ended_at is None,
    )


def not_taken(session: Session, organization_id: int, registration_id: int | None) -> int:
    """How many grades LMSs did not take and may take yet, in one statement."""
    statement = (
        select(func.count())
        .select_from(Grade)
        .join(LineItem, LineItem.id == Grade.line_item_id)
        .join(LmsCourse, LmsCourse.id == LineItem.course_id)
        .where(
            Grade.organization_id == organization_id,
            Grade.state.in_(NOT_TAKEN),
            LineItem.ended_at.is_(None),
            LmsCourse.registration_id == registration_id if registration_id else true(),
        )
    )
    return session.scalar(statement) or 0


def grade_of(session: Session, organization_id: int, grade_id: int) -> Grade:
    """The grade, if it is the organization's; locked."""
    found = session.scalar(
        select(Grade)
        .where(Grade.id == grade_id, Grade.organization_id == organization_id)
        .with_for_update()
    )
    if found is None:
        raise GradeUnknownError(grade_id)
    return found
