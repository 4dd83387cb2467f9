"""What leaves as one mail: a message of its own, or all the news a person has of one day."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from plugin.core.base import JsonDict
from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.notify import actions, digests, gate, queries
from plugin.notify.gate import Gate
from plugin.notify.letterhead import Letterhead
from plugin.notify.models import CancelReason, Digest, Message, MessageKind, MessageState
from plugin.notify.queries import Envelope
from plugin.org.models import Person

MORNING = time(9)
FAR = timedelta(days=2)
UNDER_WAY = (MessageState.QUEUED, MessageState.SENDING)

Verdict = JsonDict | CancelReason
Reread = Callable[[Session, Sequence[Message], datetime], Mapping[int, Verdict]]
"""What each message has to say now: its facts, or why there is nothing to say any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One mail under way, and the messages it brings."""

    message_ids: Sequence[int]
    kinds: frozenset[MessageKind]
    envelope: Envelope
    address: str
    head: Letterhead
    digest_id: int | None = None
    is_again: bool = False
    """A server may have it: it stays the mail it was, under the Message-ID it had."""


def as_written(
    _session: Session, messages: Sequence[Message], _now: datetime
) -> dict[int, Verdict]:
    """What each message said when it was queued."""
    return {message.id: dict(message.facts) for message in messages}


def claim(tx: Tx, message_id: int, reread: Reread, *, now: datetime) -> Parcel | None:
    """What to send, if it is ours to send now.

    A message in another's hands is looked at later; news whose time has not come waits for it.
    What is held back ends here.
    """
    organization_id, person_id, zone = tx.session.execute(
        select(Message.organization_id, Message.person_id, Message.zone).where(
            Message.id == message_id
        )
    ).one()
    if zone is None:
        door = gate.of(tx.session, organization_id, person_id)
        return _claim_one(tx, message_id, reread, door, now=now)
    _lock(tx.session, person_id)
    door = gate.of(tx.session, organization_id, person_id)
    message = tx.session.get_one(Message, message_id, populate_existing=True)
    if not _is_claimable(message, now):
        _look_later(tx, message)
        return None
    if message.digest_id is not None:
        return _again(tx.session, message.digest_id, reread, door, now=now)
    opens_at = _nine(_day(now, zone), zone)
    if now < opens_at:
        _postpone(tx, [message], lambda _message: opens_at)
        return None
    return _claim_day(tx, message, zone, reread, door, now=now)


def release(session: Session, parcel: Parcel) -> None:
    """The digest did not leave: its messages may leave with others, another time."""
    if parcel.digest_id is None or parcel.is_again:
        return
    session.execute(
        update(Message)
        .where(Message.digest_id == parcel.digest_id)
        .values(digest_id=None)
        .execution_options(synchronize_session=False)
    )
    session.execute(delete(Digest).where(Digest.id == parcel.digest_id))


def mark_sent(session: Session, parcel: Parcel, *, now: datetime) -> None:
    """The server has taken the mail."""
    actions.mark_sent(session, parcel.message_ids, now=now)
    if parcel.digest_id is not None:
        session.execute(update(Digest).where(Digest.id == parcel.digest_id).values(sent_at=now))


def unclaim(session: Session, parcel: Parcel) -> None:
    """It does not leave now, though nothing was tried: its messages wait as before."""
    session.execute(
        update(Message)
        .where(Message.id.in_(parcel.message_ids))
        .values(state=MessageState.QUEUED, attempts=Message.attempts - 1)
    )
    release(session, parcel)


def _claim_one(
    tx: Tx, message_id: int, reread: Reread, door: Gate, *, now: datetime
) -> Parcel | None:
    is_ours = actions.claim(tx.session, message_id, now=now)
    message = tx.session.get_one(Message, message_id, populate_existing=True)
    if not is_ours:
        _look_later(tx, message)
        return None
    left = _still_to_say(tx.session, [message], reread, now=now, in_same_words=True)
    if not door.let_through(left, now=now):
        return None
    return _parcel([message], queries.envelope(tx.session, message_id), door)


def _parcel(
    messages: Sequence[Message], envelope: Envelope, door: Gate, digest_id: int | None = None
) -> Parcel:
    return Parcel(
        message_ids=[each.id for each in messages],
        kinds=frozenset(each.kind for each in messages),
        envelope=envelope,
        address=door.to.address or "",
        head=door.head,
        digest_id=digest_id,
    )


def _lock(session: Session, person_id: int) -> None:
    """Nobody else makes up a mail to this person until this transaction ends."""
    session.execute(select(Person.id).where(Person.id == person_id).with_for_update(key_share=True))


def _is_claimable(message: Message, now: datetime) -> bool:
    is_dead = message.claimed_at is not None and message.claimed_at <= now - actions.CLAIM_LIFE
    return message.state is MessageState.QUEUED or (
        message.state is MessageState.SENDING and is_dead
    )


def _look_later(tx: Tx, message: Message) -> None:
    if message.state is MessageState.SENDING and message.claimed_at is not None:
        later = message.claimed_at + actions.CLAIM_LIFE
        tx.then(JobName.DELIVER_MESSAGE, message.id, due_at=later)


def _again(
    session: Session, digest_id: int, reread: Reread, door: Gate, *, now: datetime
) -> Parcel | None:
    """Its sender or its line died on the way: the same mail again, under the same Message-ID.

    What may not go any more, or has lost its cause, is left out; what is left says what it said,
    and the Message-ID still names all that it held at first.
    """
    messages = session.scalars(
        select(Message).where(Message.digest_id == digest_id).order_by(Message.id)
    ).all()
    under_way = [each for each in messages if each.state in UNDER_WAY]
    caused = _still_to_say(session, under_way, reread, now=now, in_same_words=True)
    left = door.let_through(caused, now=now)
    if not left:
        return None
    parcel = _seal(session, left, digest_id, door, now=now)
    key = _key([each.key for each in messages], left[0].organization_id)
    return replace(parcel, envelope=replace(parcel.envelope, key=key), is_again=True)


def _claim_day(
    tx: Tx, message: Message, zone: str, reread: Reread, door: Gate, *, now: datetime
) -> Parcel | None:
    """The day's news of the message's person as one mail, unless the day had its mail."""
    day = _day(now, zone)
    waiting = _waiting(tx.session, message.person_id, _midnight(day, zone), now)
    left = door.let_through(_still_to_say(tx.session, waiting, reread, now=now), now=now)
    if not any(each.not_before <= now for each in left):
        return None
    taken = _taken(tx.session, message.person_id, day, zone)
    is_urgent = False in taken
    if is_urgent and (True in taken or not any(_is_urgent(each) for each in left)):
        due = [each for each in left if each.not_before <= now]
        _postpone(tx, due, lambda each: _nine(_day(now, each.zone) + timedelta(days=1), each.zone))
        return None
    digest = Digest(
        organization_id=message.organization_id,
        person_id=message.person_id,
        day=day,
        urgent=is_urgent,
        created_at=now,
    )
    tx.session.add(digest)
    tx.session.flush()
    return _seal(tx.session, left, digest.id, door, now=now)


def _waiting(
    session: Session, person_id: int, before: datetime, now: datetime
) -> Sequence[Message]:
    """News that waits for this day, also where 09:00 comes later than where it came first."""
    return session.scalars(
        select(Message)
        .where(
            Message.person_id == person_id,
            Message.zone.is_not(None),
            Message.digest_id.is_(None),
            Message.not_before < before,
            actions.claimable(now),
        )
        .order_by(Message.id)
    ).all()


def _still_to_say(
    session: Session,
    messages: Sequence[Message],
    reread: Reread,
    *,
    now: datetime,
    in_same_words: bool = False,
) -> list[Message]:
    """The messages whose cause still holds, with what it says now; the others are cancelled."""
    verdicts, left = reread(session, messages, now), []
    for message in messages:
        verdict = verdicts[message.id]
        if isinstance(verdict, CancelReason):
            message.state, message.error = MessageState.CANCELLED, verdict.value
            message.ended_at = now
        else:
            message.facts = message.facts if in_same_words else verdict
            left.append(message)
    return left


def _taken(session: Session, person_id: int, day: date, zone: str) -> set[bool]:
    """Whether the day had its mail (False is in it), and its urgent one (True)."""
    digests = session.execute(
        select(Digest.day, Digest.urgent, Digest.created_at).where(
            Digest.person_id == person_id, Digest.day >= day - FAR
        )
    )
    return {each.urgent for each in digests if day in {each.day, _day(each.created_at, zone)}}


def _is_urgent(message: Message) -> bool:
    """A certificate that turned invalid today is said today."""
    return message.kind is MessageKind.NEW_REQUIREMENT


def _postpone(tx: Tx, messages: Sequence[Message], until: Callable[[Any], datetime]) -> None:
    for message in messages:
        message.not_before = until(message)
        tx.then(JobName.DELIVER_MESSAGE, message.id, due_at=message.not_before)


def _seal(
    session: Session, messages: Sequence[Message], digest_id: int, door: Gate, *, now: datetime
) -> Parcel:
    """These messages are under way together; one alone says it in its own words."""
    for message in messages:
        message.state, message.claimed_at = MessageState.SENDING, now
        message.attempts, message.digest_id = message.attempts + 1, digest_id
    session.flush()
    envelope = queries.envelope(session, messages[0].id)
    if len(messages) > 1:
        envelope = replace(
            envelope,
            template=digests.DIGEST,
            key=_key([each.key for each in messages], messages[0].organization_id),
            facts=digests.facts_of([(each.kind, each.facts) for each in messages]),
        )
    return _parcel(messages, envelope, door, digest_id)


def _key(keys: Sequence[str], organization_id: int) -> str:
    """What makes the Message-ID of a mail that brings the messages with these keys."""
    return ":".join([str(organization_id), *keys])


def _day(moment: datetime, zone: str) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()


def _nine(day: date, zone: str) -> datetime:
    return datetime.combine(day, MORNING, ZoneInfo(zone)).astimezone(UTC)


def _midnight(day: date, zone: str) -> datetime:
    """The moment the day is over."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone)).astimezone(UTC)
