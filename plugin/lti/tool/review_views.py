"""One learner's work, opened by a teacher from the LMS's gradebook (submission review)."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Blueprint, render_template
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.assign.facts import RowStatus
from plugin.core import clock
from plugin.core.db import read_session
from plugin.lti.tool import wanted
from plugin.lti.tool.errors import ReviewUnknownError
from plugin.lti.tool.service_models import CourseMember, LineItem, LmsCourse
from plugin.modules.models import Completion, Module
from plugin.org.models import Person, SignIn
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("review", __name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One completion of a module."""

    title: str
    happened_at: datetime
    passed: bool
    score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One required module and whether it is valid now."""

    title: str
    is_valid: bool
    valid_through: date | None


@bp.get("/review/<int:visit_id>")
@requires(Role.LEARNER)
def review(visit_id: int) -> str:
    """What the launch was about: only for the visit it belongs to, whose roles were checked when
    it began; whom the message names decides nothing about rights."""
    session = read_session()
    said = session.scalar(
        select(SignIn.launch).where(SignIn.id == visit_id, SignIn.person_id == me().person_id)
    )
    if not said or "for_user" not in said or not said.get("context"):
        raise ReviewUnknownError
    course, person = _learner(session, said)
    item = _item(session, course, said)
    return render_template(
        "lti/review.html",
        person=person,
        course=course,
        attempts=_attempts(session, person.id, item),
        duties=_duties(session, person, item),
        share=_share(session, person.id, item),
    )


def _learner(session: Session, said: dict[str, Any]) -> tuple[LmsCourse, Person]:
    row = session.execute(
        select(LmsCourse, Person)
        .join(CourseMember, CourseMember.course_id == LmsCourse.id)
        .join(Person, Person.id == CourseMember.person_id)
        .where(
            LmsCourse.organization_id == me().organization_id,
            LmsCourse.registration_id == said["registration_id"],
            LmsCourse.deployment_id == said["deployment_id"],
            LmsCourse.context_id == said["context"]["id"],
            CourseMember.subject == said["for_user"],
        )
        .order_by(CourseMember.learns.desc(), CourseMember.seen_at.desc())
        .limit(1)  # two entries of one human, until a step has made them one
    ).one_or_none()
    if row is None:
        raise ReviewUnknownError
    return row[0], row[1]


def _item(session: Session, course: LmsCourse, said: dict[str, Any]) -> LineItem:
    url = (said.get("services") or {}).get("line_item")
    found = session.scalar(
        select(LineItem).where(
            LineItem.course_id == course.id, LineItem.url == url, LineItem.ended_at.is_(None)
        )
    )
    if found is None:
        raise ReviewUnknownError
    return found


def _attempts(session: Session, person_id: int, item: LineItem) -> list[Attempt]:
    if item.module_id is None:
        return []
    rows = session.execute(
        select(Completion, Module.title)
        .join(Module, Module.id == Completion.module_id)
        .where(Completion.person_id == person_id, Completion.module_id == item.module_id)
        .order_by(Completion.happened_at.desc(), Completion.id.desc())
    )
    return [
        Attempt(
            title=row.title,
            happened_at=row.Completion.happened_at,
            passed=row.Completion.passed,
            score=row.Completion.score,
        )
        for row in rows
    ]


def _duties(session: Session, person: Person, item: LineItem) -> list[Duty]:
    if item.module_id is not None:
        return []
    standings, titles = wanted.standings_of(session, person.organization_id, person.id, clock.now())
    return [
        Duty(
            title=titles[row.module_id],
            is_valid=row.is_satisfied,
            valid_through=row.valid_through,
        )
        for standing in standings
        if item.configuration_id in {None, standing.configuration_id}
        for row in standing.rows
        if row.status is RowStatus.REQUIRED
    ]


def _share(session: Session, person_id: int, item: LineItem) -> float | None:
    return wanted.wanted_now(session, person_id, item, clock.now())
