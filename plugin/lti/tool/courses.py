"""Courses, their people and their gradebook columns, as launches name them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.core.upsert import insert_absent
from plugin.lti.tool import copies, grades_in, notice_handlers, rosters
from plugin.lti.tool.claim_values import is_id
from plugin.lti.tool.columns import (
    keep_line_item,
    open_items,
    target_of,
    target_of_history,
    usable_address,
)
from plugin.lti.tool.course_members import join_course
from plugin.lti.tool.models import Registration
from plugin.lti.tool.service_models import LmsCourse
from plugin.org.models import SignIn

LEARNS = frozenset({"context:Learner", "context:Member"})
REPLACED = "replaced"


def note_launch(tx: Tx, sign_in_id: int, *, now: datetime) -> None:
    """What a launch said of its course's services is known from now on (A2). Safe to call again.

    The column of the activity, if it has one, is owed this person's grade.
    """
    session = tx.session
    visit = session.get(SignIn, sign_in_id)
    if visit is None:
        return
    said = visit.launch
    context, offered = said.get("context"), said.get("services")
    if offered:
        registration = session.get_one(Registration, said["registration_id"])
        notice_handlers.note(tx, registration, said["deployment_id"], offered, now=now)
    if not context or not offered:
        return
    course, has_columns = _course(session, visit, said, context, offered, now=now)
    is_about_content = course.line_items_url is not None and not said.get("resource_link_id")
    if has_columns or is_about_content:
        tx.then(JobName.READ_COLUMNS, course.id)
    subject = said.get("subject")
    if subject is None:
        return
    learns = bool(LEARNS.intersection(said.get("roles", ())))
    join_course(session, course, visit.person_id, subject, learns=learns, now=now)
    _note_line_item(session, course, said, offered, now=now)
    grades_in.ask_after_launch(tx, course, now=now)
    if learns:
        tx.then(JobName.UPDATE_GRADES, visit.person_id, 1)
    rosters.ask_after_launch(tx, course, now=now)


def _course(
    session: Session,
    visit: SignIn,
    said: Mapping[str, Any],
    context: Mapping[str, Any],
    offered: Mapping[str, Any],
    *,
    now: datetime,
) -> tuple[LmsCourse, bool]:
    """The course with the addresses as last said, and whether it is new where its columns are."""
    key = {
        "registration_id": said["registration_id"],
        "deployment_id": said["deployment_id"],
        "context_id": context["id"],
    }
    row = {
        **key,
        "organization_id": visit.organization_id,
        "title": context.get("title") or context["id"],
        "scopes": [],
        "line_items_url": None,
        "members_url": None,
        "copied_from": [],
        "seen_at": now,
    }
    session.execute(insert_absent(session, LmsCourse, [row], key=tuple(key)))
    course = session.scalars(select(LmsCourse).filter_by(**key).with_for_update()).one()
    had_columns = course.line_items_url is not None
    course.title = context.get("title") or course.title
    course.scopes = list(offered.get("scopes") or ()) or course.scopes
    course.line_items_url = usable_address(offered.get("line_items")) or course.line_items_url
    course.members_url = usable_address(offered.get("members")) or course.members_url
    history = str(said.get("custom", {}).get("context_history", ""))
    origins = [each.strip() for each in history.split(",") if is_id(each.strip())]
    copies.note_origins(session, course, origins, now=now)
    if course.members_url and said.get("resource_link_id"):
        course.link_id = said["resource_link_id"]
    course.seen_at = now
    return course, course.line_items_url is not None and not had_columns


def _note_line_item(
    session: Session,
    course: LmsCourse,
    said: Mapping[str, Any],
    offered: Mapping[str, Any],
    *,
    now: datetime,
) -> None:
    """The activity's own column, by what its link opens. Its address may have changed: then the
    old one is over (a teacher unticks and ticks grading, or restores a course)."""
    url, link_id = usable_address(offered.get("line_item")), said.get("resource_link_id")
    if url is None or not link_id:
        return
    custom = said.get("custom", {})
    target = target_of(session, course.organization_id, custom) or target_of_history(
        session, course, custom.get("link_history", "")
    )
    keep_line_item(session, course, url, link_id=link_id, label="", target=target, now=now)
    for other in open_items(session, course.id):
        if other.resource_link_id == link_id and other.url != url:
            other.ended_at, other.end_words = now, REPLACED
