"""Gradebook columns of ours: found by the ids they carry, kept with what they are about."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.assign.models import Configuration
from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import Tx, read_session, transaction
from plugin.core.http import OutgoingError
from plugin.core.log import log
from plugin.lti.tool import services
from plugin.lti.tool.addresses import is_secure_address
from plugin.lti.tool.claim_values import is_id, text_of, web_address
from plugin.lti.tool.configuration import words_of
from plugin.lti.tool.service_models import LineItem, LmsCourse
from plugin.lti.tool.services import Client, ServiceError
from plugin.modules.models import Module

MAX_NUMBER = 2**63 - 1
MAX_HISTORY = 200
MAX_PAGES = 100


def usable_address(address: object) -> str | None:
    """An address of a service that we may call, or None."""
    found = web_address(address)
    return found if found and is_secure_address(found) else None


def target_of_history(session: Session, course: LmsCourse, history: str) -> Mapping[str, int]:
    """What the activities were about that this one was copied from, if its own id got lost."""
    ids = [each.strip() for each in history.split(",") if is_id(each.strip())][:MAX_HISTORY]
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
    scope = reading_scope(course.scopes)
    if scope is None:
        return
    client = services.client_of(
        session, current_settings(), course.registration_id, course.deployment_id
    )
    url = course.line_items_url
    session.rollback()
    try:
        listed = columns(client, url, scope=scope)
    except (OutgoingError, ServiceError) as error:
        log.warning("columns.not_read", course_id=course_id, reason=type(error).__name__)
        return
    with transaction() as tx:
        found = tx.session.get_one(LmsCourse, course_id, with_for_update=True)
        for each in listed:
            _keep_listed(tx, found, each, now=clock.now())


def reading_scope(offered: Sequence[str]) -> str | None:
    """The least that lets us read a course's columns, of what its launches listed (A1)."""
    wanted = (services.LINE_ITEM_READ, services.LINE_ITEM)
    return next((each for each in wanted if each in offered), None)


def columns(client: Client, url: str, *, scope: str = services.LINE_ITEM_READ) -> list[Any]:
    """Every column of ours in the course's gradebook; pages are followed as the LMS names them
    (A3). Raises ServiceError when one of them cannot be read."""
    found: list[Any] = []
    seen: set[str] = set()
    wanted: str | None = url
    while wanted:
        if wanted in seen or len(seen) >= MAX_PAGES:
            raise ServiceError("columns", 0, "the pages of the list do not end")
        seen.add(wanted)
        reply = client.call("GET", wanted, scopes=[scope], accept=services.LINE_ITEMS_JSON)
        listed = services.json_of(reply)
        if reply.status not in services.OK or not isinstance(listed, list):
            raise ServiceError("columns", reply.status, words_of(reply.body), reply)
        found += listed
        wanted = services.next_page(reply, base=wanted)
    return found


def _keep_listed(tx: Tx, course: LmsCourse, said: Any, *, now: datetime) -> None:
    if not isinstance(said, Mapping):
        return
    url, named = usable_address(said.get("id")), None
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
