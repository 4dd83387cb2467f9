"""Courses, their people and their gradebook columns, as launches name them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.assign.models import Configuration
from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import Tx, read_session, transaction
from plugin.core.http import OutgoingError
from plugin.core.log import log
from plugin.core.outbox import JobName
from plugin.core.upsert import insert_absent
from plugin.lti.tool import copies, grades_in, notice_handlers, rosters, services
from plugin.lti.tool.addresses import is_secure_address
from plugin.lti.tool.claims import is_id, text_of, web_address
from plugin.lti.tool.configuration import words_of
from plugin.lti.tool.course_members import join_course
from plugin.lti.tool.models import Registration
from plugin.lti.tool.notice_models import CopyState
from plugin.lti.tool.service_models import CourseMember, LineItem, LmsCourse
from plugin.lti.tool.services import Client, ServiceError
from plugin.modules.models import Module
from plugin.org.models import Identity, SignIn

LEARNS = frozenset({"context:Learner", "context:Member"})
MAX_NUMBER = 2**63 - 1
MAX_SHOWN = 200
MAX_PAGES = 100


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
    if has_columns:
        tx.then(JobName.READ_COLUMNS, course.id)
    subject = _subject(session, visit)
    if subject is None:
        return
    learns = bool(LEARNS.intersection(said.get("roles", ())))
    join_course(session, course, visit.person_id, subject, learns=learns, now=now)
    item = _note_line_item(session, course, said, offered, now=now)
    if item is not None:
        grades_in.ask_for(tx, item)
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
    course.line_items_url = _usable(offered.get("line_items")) or course.line_items_url
    course.members_url = _usable(offered.get("members")) or course.members_url
    history = str(said.get("custom", {}).get("context_history", ""))
    origins = [each.strip() for each in history.split(",") if is_id(each.strip())]
    copies.note_origins(session, course, origins, now=now)
    if course.members_url and said.get("resource_link_id"):
        course.link_id = said["resource_link_id"]
    course.seen_at = now
    return course, course.line_items_url is not None and not had_columns


def _usable(address: object) -> str | None:
    found = web_address(address)
    return found if found and is_secure_address(found) else None


def _subject(session: Session, visit: SignIn) -> str | None:
    """The id the LMS of the launch knows the person by."""
    return session.scalar(
        select(Identity.subject)
        .join(
            Registration,
            (Registration.issuer == Identity.issuer)
            & (Registration.client_id == Identity.client_id),
        )
        .where(
            Identity.person_id == visit.person_id,
            Registration.id == visit.launch["registration_id"],
        )
        .limit(1)
    )


def _note_line_item(
    session: Session,
    course: LmsCourse,
    said: Mapping[str, Any],
    offered: Mapping[str, Any],
    *,
    now: datetime,
) -> LineItem | None:
    """The activity's own column, by what its link opens. Its address may have changed: then the
    old one is over (a teacher unticks and ticks grading, or restores a course)."""
    url, link_id = _usable(offered.get("line_item")), said.get("resource_link_id")
    if url is None or not link_id:
        return None
    custom = said.get("custom", {})
    target = target_of(session, course.organization_id, custom) or _target_of_history(
        session, course, custom.get("link_history", "")
    )
    item = keep_line_item(session, course, url, link_id=link_id, label="", target=target, now=now)
    for other in open_items(session, course.id):
        if other.resource_link_id == link_id and other.url != url:
            other.ended_at, other.end_words = now, "replaced"
    return item


def _target_of_history(session: Session, course: LmsCourse, history: str) -> Mapping[str, int]:
    """What the activities were about that this one was copied from, if its own id got lost."""
    ids = [each.strip() for each in history.split(",") if is_id(each.strip())][:MAX_SHOWN]
    if not ids:
        return {}
    rows = session.scalars(
        select(LineItem)
        .join(LmsCourse, LmsCourse.id == LineItem.course_id)
        .where(
            LmsCourse.registration_id == course.registration_id,
            LmsCourse.deployment_id == course.deployment_id,
            LineItem.resource_link_id.in_(ids),
        )
    ).all()
    for item in sorted(rows, key=lambda row: ids.index(row.resource_link_id or "")):
        if item.module_id is not None:
            return {"module_id": item.module_id}
        if item.configuration_id is not None:
            return {"configuration_id": item.configuration_id}
    return {}


def keep_line_item(
    session: Session,
    course: LmsCourse,
    url: str,
    *,
    link_id: str | None,
    label: str,
    target: Mapping[str, int],
    named: str | None = None,
    now: datetime,
) -> LineItem:
    """The column at this address, for what it is about now: what its link says, else the id of
    ours that the column itself carries (`named`), also when read earlier. Safe to call again."""
    known = session.scalar(
        select(LineItem).where(
            LineItem.course_id == course.id, LineItem.url == url, LineItem.ended_at.is_(None)
        )
    )
    if known is None:
        known = LineItem(
            organization_id=course.organization_id,
            course_id=course.id,
            url=url,
            label=label,
            created_at=now,
        )
        session.add(known)
    known.resource_link_id = link_id or known.resource_link_id
    known.resource_id = named or known.resource_id
    target = target or _target_named(session, course.organization_id, known.resource_id)
    known.module_id = target.get("module_id")
    known.configuration_id = target.get("configuration_id")
    session.flush()
    return known


def read_columns(course_id: int) -> None:
    """The course's columns that carry one of our ids are ours (A6, DL8): a copy of a course is
    known again before anybody opens its activities, and nothing is made twice."""
    session = read_session()
    course = session.get(LmsCourse, course_id)
    if course is None or course.line_items_url is None:
        return
    client = services.client_of(
        session, current_settings(), course.registration_id, course.deployment_id
    )
    url = course.line_items_url
    session.rollback()
    try:
        listed = columns(client, url)
    except (OutgoingError, ServiceError) as error:
        log.warning("columns.not_read", course_id=course_id, reason=type(error).__name__)
        return
    with transaction() as tx:
        found = tx.session.get_one(LmsCourse, course_id, with_for_update=True)
        for each in listed:
            _keep_listed(tx, found, each, now=clock.now())


def columns(client: Client, url: str) -> list[Any]:
    """Every column of ours in the course's gradebook; pages are followed as the LMS names them
    (A3). Raises ServiceError when one of them cannot be read."""
    found: list[Any] = []
    seen: set[str] = set()
    wanted: str | None = url
    while wanted:
        if wanted in seen or len(seen) >= MAX_PAGES:
            raise ServiceError("columns", 0, "the pages of the list do not end")
        seen.add(wanted)
        reply = client.call(
            "GET", wanted, scopes=[services.LINE_ITEM_READ], accept=services.LINE_ITEMS_JSON
        )
        listed = services.json_of(reply)
        if reply.status not in services.OK or not isinstance(listed, list):
            raise ServiceError("columns", reply.status, words_of(reply.body), reply)
        found += listed
        wanted = services.next_page(reply, base=wanted)
    return found


def _keep_listed(tx: Tx, course: LmsCourse, said: Any, *, now: datetime) -> None:
    if not isinstance(said, Mapping):
        return
    url, named = _usable(said.get("id")), None
    for each in (text_of(said.get("resourceId")), text_of(said.get("tag"))):
        if named is None and _target_named(tx.session, course.organization_id, each):
            named = each
    if url is None or named is None:
        return
    label, link_id = text_of(said.get("label")), said.get("resourceLinkId")
    keep_line_item(
        tx.session,
        course,
        url,
        link_id=str(link_id) if is_id(link_id) else None,
        label=(label or "")[:255],
        target={},
        named=named,
        now=now,
    )


def _target_named(session: Session, organization_id: int, named: object) -> Mapping[str, int]:
    """What one of our ids in a column (its `resourceId` or `tag`) is about (DL8)."""
    if not isinstance(named, str):
        return {}
    kind, _, number = named.partition(":")
    return target_of(session, organization_id, {kind: number})


def open_items(session: Session, course_id: int) -> list[LineItem]:
    """The columns of a course that the LMS still has, as far as we know."""
    return list(
        session.scalars(
            select(LineItem).where(LineItem.course_id == course_id, LineItem.ended_at.is_(None))
        )
    )


def target_of(session: Session, organization_id: int, custom: Mapping[str, str]) -> dict[str, int]:
    """What a link is about, by its custom parameters, which any teacher may edit: only ids of the
    organization's own modules and configurations count, everything else means the dashboard."""
    module_id = _number(custom.get("module"))
    if module_id is not None and _is_own(session, Module, module_id, organization_id):
        return {"module_id": module_id}
    configuration_id = _number(custom.get("configuration"))
    if configuration_id is not None and _is_own(
        session, Configuration, configuration_id, organization_id
    ):
        return {"configuration_id": configuration_id}
    return {}


def _number(text: str | None) -> int | None:
    if not text or not (text.isascii() and text.isdecimal()) or len(text) > len(str(MAX_NUMBER)):
        return None
    number = int(text)
    return number if 0 < number <= MAX_NUMBER else None


def _is_own(session: Session, table: Any, row_id: int, organization_id: int) -> bool:
    found = session.scalar(
        select(table.id).where(table.id == row_id, table.organization_id == organization_id)
    )
    return found is not None


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
