"""Line items and results as a tool sees them (AGS 2.0, sections 3.2 and 3.3)."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from plugin.core import strict
from plugin.lti.platform import queries
from plugin.lti.platform.addresses import PlatformAddresses
from plugin.lti.platform.errors import ServiceRefusal
from plugin.lti.platform.models import (
    ExternalTool,
    PairwiseId,
    ScoreCallback,
    ToolColumn,
    ToolLink,
)
from plugin.lti.platform.rules import (
    DAY,
    REFUSED,
    bad,
    json_object,
    maximum_of,
    too_many,
)
from plugin.lti.tool.claim_values import is_id

MAX_COLUMNS = 1000
MAX_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows, and where the next ones begin, if there are any."""

    items: Sequence[dict[str, Any]]
    next_after: int | None


def listed(
    session: Session,
    tool: ExternalTool,
    ours: PlatformAddresses,
    *,
    link_uid: str | None,
    resource_id: str | None,
    tag: str | None,
    limit: int,
    after: int,
) -> Page:
    """The tool's line items that fit the filters, oldest first."""
    bound = aliased(ToolLink)
    statement = _columns(tool).where(ToolColumn.id > after).order_by(ToolColumn.id)
    if link_uid is not None:
        statement = statement.join(
            bound, (bound.id == ToolColumn.link_id) | (bound.id == ToolColumn.bound_link_id)
        ).where(bound.uid == link_uid)
    if resource_id is not None:
        statement = statement.where(ToolColumn.resource_id == resource_id)
    if tag is not None:
        statement = statement.where(ToolColumn.tag == tag)
    found = session.scalars(statement.limit(limit + 1)).all()
    shown = found[:limit]
    links = _link_uids(session, shown)
    return Page(
        items=[said_of(each, links, ours) for each in shown],
        next_after=shown[-1].id if len(found) > limit else None,
    )


def _columns(tool: ExternalTool) -> Select[ToolColumn]:
    return select(ToolColumn).where(ToolColumn.tool_id == tool.id, ToolColumn.removed_at.is_(None))


def _link_uids(session: Session, columns: Sequence[ToolColumn]) -> dict[int, str]:
    ids = {each.link_id or each.bound_link_id for each in columns} - {None}
    rows = session.execute(select(ToolLink.id, ToolLink.uid).where(ToolLink.id.in_(ids)))
    return {row.id: row.uid for row in rows}


def column_at(session: Session, tool: ExternalTool, uid: str) -> ToolColumn:
    """The tool's own line item; another's does not exist for it."""
    found = session.scalar(_columns(tool).where(ToolColumn.uid == uid)) if is_id(uid) else None
    if found is None:
        raise ServiceRefusal(404, "not_found", "this line item does not exist")
    return found


def one(session: Session, tool: ExternalTool, uid: str, ours: PlatformAddresses) -> dict[str, Any]:
    column = column_at(session, tool, uid)
    return said_of(column, _link_uids(session, [column]), ours)


def said_of(
    column: ToolColumn, links: Mapping[int, str], ours: PlatformAddresses
) -> dict[str, Any]:
    said: dict[str, Any] = {
        "id": ours.line_item(column.uid),
        "label": column.label,
        "scoreMaximum": column.score_maximum,
    }
    link = links.get(column.link_id or column.bound_link_id or 0)
    optional = {
        "resourceLinkId": link,
        "resourceId": column.resource_id,
        "tag": column.tag,
        "startDateTime": _text(column.start_at),
        "endDateTime": _text(column.end_at),
    }
    return {**said, **{name: value for name, value in optional.items() if value is not None}}


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def create(
    session: Session, tool: ExternalTool, body: bytes, ours: PlatformAddresses, *, now: datetime
) -> dict[str, Any]:
    """A line item of the tool's own: it keeps scores and completes nothing."""
    said = json_object(body)
    label, maximum = _label(said), maximum_of(said.get("scoreMaximum"))
    start_at, end_at = _dates(said)
    link = _named_link(session, tool, said.get("resourceLinkId"))
    _require_room(session, tool, now=now)
    column = ToolColumn(
        organization_id=tool.organization_id,
        tool_id=tool.id,
        uid=secrets.token_hex(8),
        link_id=None,
        bound_link_id=link.id if link else None,
        label=label,
        score_maximum=maximum,
        resource_id=_optional(said, "resourceId"),
        tag=_optional(said, "tag"),
        start_at=start_at,
        end_at=end_at,
        created_at=now,
    )
    session.add(column)
    session.flush()
    return said_of(column, {link.id: link.uid} if link else {}, ours)


def _require_room(session: Session, tool: ExternalTool, *, now: datetime) -> None:
    """So many at once, and so many in a day: one that is removed stays on record."""
    there = session.scalar(_columns(tool).with_only_columns(func.count(ToolColumn.id)))
    if (there or 0) >= MAX_COLUMNS:
        raise ServiceRefusal(403, "too_many", f"a tool may have {MAX_COLUMNS} line items")
    last_at = session.scalar(
        select(ToolColumn.created_at)
        .where(ToolColumn.tool_id == tool.id, ToolColumn.created_at > now - DAY)
        .order_by(ToolColumn.created_at.desc())
        .offset(MAX_COLUMNS - 1)
        .limit(1)
    )
    if last_at is not None:
        raise too_many(f"{MAX_COLUMNS} line items were made in a day", last_at=last_at, now=now)


def _named_link(session: Session, tool: ExternalTool, uid: object) -> ToolLink | None:
    if uid is None:
        return None
    found = session.scalar(
        select(ToolLink).where(
            ToolLink.tool_id == tool.id, ToolLink.uid == (uid if is_id(uid) else "")
        )
    )
    if found is None:
        raise ServiceRefusal(404, "not_found", "resourceLinkId is not a link of this tool")
    return found


def replace(
    session: Session, tool: ExternalTool, uid: str, body: bytes, ours: PlatformAddresses
) -> dict[str, Any]:
    """The line item says what was sent, whole; its id and its link stay (3.2.6)."""
    column = column_at(session, tool, uid)
    said = json_object(body)
    links = _link_uids(session, [column])
    before = said_of(column, links, ours)
    for fixed in ("id", "resourceLinkId"):
        if said.get(fixed, before.get(fixed)) != before.get(fixed):
            raise bad(f"{fixed} cannot be changed")
    column.label, column.score_maximum = _label(said), maximum_of(said.get("scoreMaximum"))
    column.resource_id, column.tag = _optional(said, "resourceId"), _optional(said, "tag")
    column.start_at, column.end_at = _dates(said)
    session.flush()
    return said_of(column, links, ours)


def remove(session: Session, tool: ExternalTool, uid: str, *, now: datetime) -> None:
    """A line item of the tool's own is gone; the one that completes a module stays."""
    column = column_at(session, tool, uid)
    if column.link_id is not None:
        raise ServiceRefusal(403, "forbidden", "this line item completes a module and stays")
    column.removed_at = now


def _label(said: Mapping[str, Any]) -> str:
    label = said.get("label")
    if not is_id(label):
        raise bad("label must be a text of 1 to 255 characters")
    return str(label)


def _optional(said: Mapping[str, Any], name: str) -> str | None:
    value = said.get(name)
    if value is None or value == "":
        return None
    if not is_id(value):
        raise bad(f"{name} must be a text of at most 255 characters")
    return str(value)


def _dates(said: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    start_at, end_at = _date(said, "startDateTime"), _date(said, "endDateTime")
    if start_at and end_at and end_at < start_at:
        raise bad("endDateTime lies before startDateTime")
    return start_at, end_at


def _date(said: Mapping[str, Any], name: str) -> datetime | None:
    if said.get(name) is None or said[name] == "":
        return None
    moment = strict.moment(said[name])
    if moment is None:
        raise bad(f"{name} must be an ISO 8601 date and time with a time zone")
    return moment


def results(
    session: Session,
    tool: ExternalTool,
    uid: str,
    ours: PlatformAddresses,
    *,
    subject: str | None,
    limit: int,
    after: int,
) -> Page:
    """The last thing of the tool that was accepted of each person, as far as fully graded."""
    column = column_at(session, tool, uid)
    later = aliased(ScoreCallback)
    is_last = ~(
        select(later.id)
        .where(
            later.column_id == ScoreCallback.column_id,
            later.person_id == ScoreCallback.person_id,
            later.outcome.not_in(list(REFUSED)),
            later.stamped_at > ScoreCallback.stamped_at,
        )
        .exists()
    )
    statement = (
        select(ScoreCallback, PairwiseId)
        .join(
            PairwiseId,
            (PairwiseId.tool_id == ScoreCallback.tool_id)
            & (PairwiseId.person_id == ScoreCallback.person_id),
        )
        .where(
            ScoreCallback.column_id == column.id,
            ScoreCallback.outcome.not_in(list(REFUSED)),
            is_last,
            PairwiseId.id > after,
        )
        .order_by(PairwiseId.id)
        .limit(limit + 1)
    )
    if subject is not None:
        called = queries.person_called(session, tool, subject)
        statement = statement.where(PairwiseId.id == (called.id if called else 0))
    rows = session.execute(statement).all()
    shown = rows[:limit]
    address = ours.line_item(column.uid)
    return Page(
        items=[_result(row.ScoreCallback, row.PairwiseId, column, address) for row in shown],
        next_after=shown[-1].PairwiseId.id if len(rows) > limit else None,
    )


def _result(
    said: ScoreCallback, called: PairwiseId, column: ToolColumn, address: str
) -> dict[str, Any]:
    result: dict[str, Any] = {
        "id": f"{address}/results/{called.subject}",
        "scoreOf": address,
        "userId": called.subject,
        "resultMaximum": column.score_maximum,
    }
    if said.is_final and said.score is not None:
        result["resultScore"] = said.score * column.score_maximum
    if said.comment:
        result["comment"] = said.comment
    return result
