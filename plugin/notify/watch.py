"""What waits to leave and should have gone long ago."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select, type_coerce
from sqlalchemy.orm import Session

from plugin.core.base import UTCDateTime
from plugin.notify import throttle
from plugin.notify.models import Message, MessageState

STUCK_AFTER = timedelta(minutes=30)
WAITING = (MessageState.QUEUED, MessageState.SENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How many messages are in each state, and what is stuck since when."""

    counts: Mapping[MessageState, int]
    stuck: int
    oldest_due_at: datetime | None
    paused_until: datetime | None


def due_at() -> ColumnElement[datetime]:
    """When a message is to leave: the minute a throttle gave it, or its own time."""
    return type_coerce(func.coalesce(Message.turn_at, Message.not_before), UTCDateTime())


def is_stuck(now: datetime) -> ColumnElement[bool]:
    """It waits, though it should have gone half an hour ago."""
    return Message.state.in_(WAITING) & (due_at() <= now - STUCK_AFTER)


def status(session: Session, *, now: datetime) -> Status:
    """Of the whole installation, in three statements."""
    counts = session.execute(
        select(Message.state, func.count().label("number"))
        .group_by(Message.state)
        .order_by(Message.state)
    )
    stuck, oldest = session.execute(
        select(func.count(), func.min(due_at())).where(is_stuck(now))
    ).one()
    return Status(
        counts={row.state: row.number for row in counts},
        stuck=stuck,
        oldest_due_at=oldest,
        paused_until=throttle.paused_until(session, now=now),
    )
