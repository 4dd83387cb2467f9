"""Messages: a row first, a delivery later; each happens once per cause."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, literal, null, or_, select, update
from sqlalchemy.orm import Session

from plugin.core.base import EnumText, UTCDateTime
from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.core.upsert import insert_new
from plugin.notify.models import Hindrance, Message, MessageKind, MessageState
from plugin.org.models import Person

CLAIM_LIFE = timedelta(minutes=5)
"""How long a sender may be silent before another one sends again (with the same Message-ID)."""
GIVE_UP_AFTER = timedelta(days=5)
GIVE_UP_ATTEMPTS = 8
"""As mail servers do: after days of trying it has failed, unless we ourselves were away."""
CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A stored file that goes with a message."""

    key: str
    filename: str
    sha256: str
    media_type: str = "application/pdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A message that a cause asks for; `key` names the cause.

    With a `zone` it is news of the day: it waits for 09:00 there and shares one mail with what
    else the person is told that day.
    """

    person_id: int
    kind: MessageKind
    key: str
    facts: Mapping[str, Any]
    attachments: Sequence[Attachment] = field(default=())
    not_before: datetime | None = None
    zone: str | None = None
    cause: str | None = None


def queue_message(
    tx: Tx,
    *,
    organization_id: int,
    person_id: int,
    kind: MessageKind,
    key: str,
    facts: Mapping[str, Any],
    now: datetime,
    attachments: Sequence[Attachment] = (),
    not_before: datetime | None = None,
    cause: str | None = None,
) -> bool:
    """The message exists and will go; False when this cause had its message before."""
    message = NewMessage(
        person_id=person_id,
        kind=kind,
        key=key,
        facts=facts,
        attachments=attachments,
        not_before=not_before,
        cause=cause,
    )
    return queue_messages(tx, organization_id, [message], now=now) == 1


def queue_messages(
    tx: Tx, organization_id: int, messages: Sequence[NewMessage], *, now: datetime
) -> int:
    """Queue many messages of one organization in few statements; returns how many are new.

    Who has no address gets the row all the same, as undeliverable: the dashboard tells them, and
    admins see that mail does not reach them.
    """
    return sum(
        _queue_chunk(tx, organization_id, messages[start : start + CHUNK], now)
        for start in range(0, len(messages), CHUNK)
    )


def _queue_chunk(
    tx: Tx, organization_id: int, messages: Sequence[NewMessage], now: datetime
) -> int:
    people = _people(tx.session, organization_id, messages)
    rows = [
        _row(organization_id, message, people[message.person_id], now)
        for message in messages
        if message.person_id in people
    ]
    if not rows:
        return 0
    new = insert_new(
        tx.session,
        Message,
        rows,
        key=("organization_id", "key"),
        returning=[Message.id, Message.state, Message.not_before],
    )
    by_moment: dict[datetime, list[tuple[int]]] = {}
    for row in new:
        if row.state is MessageState.QUEUED:
            by_moment.setdefault(row.not_before, []).append((row.id,))
    for moment, ids in by_moment.items():
        tx.then_many(JobName.DELIVER_MESSAGE, ids, due_at=moment)
    return len(new)


def _people(
    session: Session, organization_id: int, messages: Sequence[NewMessage]
) -> dict[int, Any]:
    lines = session.execute(
        select(Person.id, Person.email, Person.locale).where(
            Person.organization_id == organization_id,
            Person.id.in_({message.person_id for message in messages}),
        )
    )
    return {line.id: line for line in lines}


def _row(organization_id: int, message: NewMessage, person: Any, now: datetime) -> dict[str, Any]:
    return {
        "organization_id": organization_id,
        "person_id": message.person_id,
        "kind": message.kind,
        "key": message.key,
        "cause": message.cause,
        "facts": dict(message.facts),
        "attachments": [
            {
                "key": each.key,
                "filename": each.filename,
                "sha256": each.sha256,
                "media_type": each.media_type,
            }
            for each in message.attachments
        ],
        "locale": person.locale,
        "state": MessageState.QUEUED if person.email else MessageState.UNDELIVERABLE,
        "created_at": now,
        "not_before": message.not_before or now,
        "zone": message.zone,
        "attempts": 0,
        "error": None if person.email else Hindrance.NO_ADDRESS.value,
    }


def claimable(now: datetime) -> ColumnElement[bool]:
    """The message waits to be sent, or is in the hands of a sender that has died."""
    return or_(
        Message.state == MessageState.QUEUED,
        and_(Message.state == MessageState.SENDING, Message.claimed_at <= now - CLAIM_LIFE),
    )


def claim(session: Session, message_id: int, *, now: datetime) -> bool:
    """This sender, and no other, may send the message now."""
    claimed = session.execute(
        update(Message)
        .where(Message.id == message_id, claimable(now))
        .values(state=MessageState.SENDING, claimed_at=now, attempts=Message.attempts + 1)
        .returning(Message.id)
    ).one_or_none()
    return claimed is not None


def mark_sent(session: Session, message_ids: Sequence[int], *, now: datetime) -> None:
    """The server has taken the mail that brings these messages."""
    _end(session, message_ids, state=MessageState.SENT, sent_at=now, error=None)


def mark_failed(session: Session, message_ids: Sequence[int], *, words: str, now: datetime) -> None:
    """The server refused the mail for good, with these words."""
    _end(session, message_ids, state=MessageState.FAILED, error=words[:500], ended_at=now)


def give_back(session: Session, message_ids: Sequence[int], *, words: str, now: datetime) -> None:
    """It could not be sent now; it stays queued, unless it has been tried for days."""
    is_hopeless = (Message.not_before <= now - GIVE_UP_AFTER) & (
        Message.attempts >= GIVE_UP_ATTEMPTS
    )
    failed, queued = (
        literal(state, EnumText(MessageState))
        for state in (MessageState.FAILED, MessageState.QUEUED)
    )
    state = case((is_hopeless, failed), else_=queued)
    ended_at = case((is_hopeless, literal(now, UTCDateTime())), else_=null())
    _end(
        session,
        message_ids,
        state=state,
        error=words[:500],
        ended_at=ended_at,
        turn_at=None,
        turn_of=None,
    )


def _end(session: Session, message_ids: Sequence[int], **values: Any) -> None:
    session.execute(
        update(Message)
        .where(Message.id.in_(message_ids), Message.state == MessageState.SENDING)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
