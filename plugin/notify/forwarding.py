"""Two entries are one person: news of training that still waits for the one goes to the other."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.notify.models import CancelReason, Message, MessageState
from plugin.org.models import Person

TOLD = (MessageState.QUEUED, MessageState.SENDING, MessageState.SENT)


def forward(
    session: Session, absorbed: Person, survivor: Person, merge_id: int, *, now: datetime
) -> list[int]:
    """What waits for `absorbed` is news of `survivor`, and is asked again when it leaves; what the
    survivor has heard or will hear anyway ends here. Returns what went over."""
    known = {_subject(each) for each in _news_of(session, survivor.id) if each.state in TOLD}
    moved = []
    for message in _news_of(session, absorbed.id):
        if message.state is not MessageState.QUEUED:
            continue
        if _subject(message) in known:
            message.state, message.ended_at = MessageState.CANCELLED, now
            message.error = CancelReason.SUPERSEDED.value
            continue
        message.person_id, message.locale = survivor.id, survivor.locale
        message.key = _prefix(merge_id) + message.key
        moved.append(message.id)
    session.flush()
    return moved


def take_back(session: Session, absorbed: Person, merge_id: int, ids: Sequence[int]) -> None:
    """The two are two again: what went over and still waits is the absorbed person's."""
    waiting = session.scalars(
        select(Message)
        .where(Message.id.in_(ids), Message.state == MessageState.QUEUED)
        .with_for_update()
    )
    for message in waiting:
        message.person_id, message.locale = absorbed.id, absorbed.locale
        message.key = message.key.removeprefix(_prefix(merge_id))
    session.flush()


def _prefix(merge_id: int) -> str:
    return f"merge:{merge_id}:"


def _news_of(session: Session, person_id: int) -> Sequence[Message]:
    return session.scalars(
        select(Message)
        .where(Message.person_id == person_id, Message.zone.is_not(None))
        .order_by(Message.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def _subject(message: Message) -> tuple[object, ...]:
    """What it tells: two messages with the same are one thing said twice."""
    said = message.facts
    names = ("configuration_id", "about", "on", "days")
    return (message.kind, *(said.get(name) for name in names))
