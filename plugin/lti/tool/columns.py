"""Gradebook columns of ours: found by the ids they carry, kept with what they are about."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.assign.models import Configuration
from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import chunks, read_session, transaction
from plugin.core.http import OutgoingError
from plugin.core.log import log
from plugin.core.upsert import insert_open
from plugin.lti.tool import services
from plugin.lti.tool.addresses import is_secure_address, origin_of
from plugin.lti.tool.claim_values import is_id, text_of, web_address
from plugin.lti.tool.service_models import LineItem, LmsCourse
from plugin.lti.tool.services import Client, ServiceError
from plugin.modules.models import Module

MAX_NUMBER = 2**63 - 1
MAX_HISTORY = 200
MAX_COLUMNS = 20_000
CHUNK = 500
TABLES: Mapping[str, Any] = {"module": Module, "configuration": Configuration}
"""What a column or link may be about, by the word our ids begin with."""


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
    named = known.resource_id = named or known.resource_id
    if not target and named:
        target = targets_named(session, course.organization_id, [named]).get(named, {})
    _aim(known, target)
    session.flush()
    return known


def _aim(item: LineItem, target: Mapping[str, int]) -> None:
    item.module_id = target.get("module_id")
    item.configuration_id = target.get("configuration_id")


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
        keep_listed(tx.session, found, listed, now=clock.now())


def reading_scope(offered: Sequence[str]) -> str | None:
    """The least that lets us read a course's columns, of what its launches listed (A1)."""
    wanted = (services.LINE_ITEM_READ, services.LINE_ITEM)
    return next((each for each in wanted if each in offered), None)


def columns(client: Client, url: str, *, scope: str = services.LINE_ITEM_READ) -> list[Any]:
    """Every column of ours in the course's gradebook; pages are followed as the LMS names them
    (A3). One that lies elsewhere is none: our token would go there.

    Raises ServiceError when a page cannot be read.
    """
    lines = client.lines(
        url,
        scope=scope,
        accept=services.LINE_ITEMS_JSON,
        step="columns",
        kind="list of columns",
        most=MAX_COLUMNS,
    )
    return [each for each in lines if is_column_at(url, each)]


def is_column_at(url: str, said: Any) -> bool:
    """Whether it is a column with an address where the list or the course's gradebook is."""
    address = usable_address(said.get("id")) if isinstance(said, Mapping) else None
    return address is not None and origin_of(address) == origin_of(url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A column as a gradebook lists it, with the ids it carries that may be ours."""

    url: str
    names: tuple[str, ...]
    label: str
    link_id: str | None


def keep_listed(
    session: Session, course: LmsCourse, listed: Iterable[Any], *, now: datetime
) -> None:
    """Those of the listed columns that carry an id of ours are known, with what they are about;
    the number of statements does not grow with them."""
    said = [column for each in listed if (column := _said(each))]
    names = [name for each in said for name in each.names]
    targets = targets_named(session, course.organization_id, names)
    known = {item.url: item for item in open_items(session, course.id)}
    new: dict[str, dict[str, Any]] = {}
    for each in said:
        named = next((name for name in each.names if name in targets), None)
        if named is None:
            continue
        item = known.get(each.url)
        if item is None:
            link_id = each.link_id or new.get(each.url, {}).get("resource_link_id")
            new[each.url] = _row(course, each, named, targets[named], link_id=link_id, now=now)
            continue
        item.resource_link_id = each.link_id or item.resource_link_id
        item.resource_id = named
        _aim(item, targets[named])
    insert_open(session, LineItem, list(new.values()))


def _row(
    course: LmsCourse,
    said: Said,
    named: str,
    target: Mapping[str, int],
    *,
    link_id: str | None,
    now: datetime,
) -> dict[str, Any]:
    return {
        "organization_id": course.organization_id,
        "course_id": course.id,
        "url": said.url,
        "resource_link_id": link_id,
        "resource_id": named,
        "label": said.label,
        "module_id": target.get("module_id"),
        "configuration_id": target.get("configuration_id"),
        "created_at": now,
    }


def _said(listed: Any) -> Said | None:
    if not isinstance(listed, Mapping) or (url := usable_address(listed.get("id"))) is None:
        return None
    names = (text_of(listed.get("resourceId")), text_of(listed.get("tag")))
    link_id = listed.get("resourceLinkId")
    return Said(
        url=url,
        names=tuple(name for name in names if name),
        label=(text_of(listed.get("label")) or "")[:255],
        link_id=link_id if isinstance(link_id, str) and is_id(link_id) else None,
    )


def targets_named(
    session: Session, organization_id: int, names: Sequence[str]
) -> dict[str, dict[str, int]]:
    """What those of the ids that are ours (a column's `resourceId` or `tag`) are about (DL8)."""
    numbers = {name: _numbered(name) for name in dict.fromkeys(names)}
    found: dict[str, dict[str, int]] = {}
    for kind, table in TABLES.items():
        wanted = {
            name: number for name, (said, number) in numbers.items() if said == kind and number
        }
        own = _own(session, table, sorted(set(wanted.values())), organization_id)
        found |= {name: {f"{kind}_id": n} for name, n in wanted.items() if n in own}
    return found


def _numbered(name: str) -> tuple[str, int | None]:
    kind, _, number = name.partition(":")
    return kind, _number(number)


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
    for kind, table in TABLES.items():
        number = _number(custom.get(kind))
        if number is not None and _own(session, table, [number], organization_id):
            return {f"{kind}_id": number}
    return {}


def _number(text: str | None) -> int | None:
    if not text or not (text.isascii() and text.isdecimal()) or len(text) > len(str(MAX_NUMBER)):
        return None
    number = int(text)
    return number if 0 < number <= MAX_NUMBER else None


def _own(session: Session, table: Any, ids: Sequence[int], organization_id: int) -> set[int]:
    """Those of the ids that are rows of the organization."""
    found: set[int] = set()
    for some in chunks(ids, CHUNK):
        found |= set(
            session.scalars(
                select(table.id).where(table.id.in_(some), table.organization_id == organization_id)
            )
        )
    return found
