"""A clock that was ahead is set back: what it put off into its own future is for now.

Otherwise a step handed out, or a mail claimed, by that clock would wait until it is reached again.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, update

from plugin.core.db import Tx, transaction
from plugin.core.outbox import OutboxRow
from plugin.jobs.step import FIRST_DELAY, MAX_ATTEMPTS
from plugin.notify.mail_models import MailRate
from plugin.notify.models import Message, MessageState
from plugin.notify.throttle import LONGEST_PAUSE

CLOCKS_DIFFER = timedelta(minutes=5)
"""No more than this between two machines; what is further ahead was written before a set-back."""
LONGEST_DELAY = FIRST_DELAY * 2**MAX_ATTEMPTS


def forget_the_future(*, now: datetime) -> int:
    """Steps and mails that an earlier, later-showing clock holds are free; returns how many."""
    with transaction() as tx:
        steps = _free_steps(tx, now) + _hasten_steps(tx, now)
        _free_mails(tx, now)
        return steps


def _free_steps(tx: Tx, now: datetime) -> int:
    """Handed out in the future: handed out again, which `step` makes harmless."""
    return _number(
        tx,
        update(OutboxRow)
        .where(_is_to_do(), OutboxRow.dispatched_at > now + CLOCKS_DIFFER)
        .values(dispatched_at=None, due_at=now),
    )


def _hasten_steps(tx: Tx, now: datetime) -> int:
    """Asked for in the future, or to be tried again later than ever: due now.

    A step that has its hour, such as a mail for 09:00, finds that out and waits for it again.
    """
    is_ahead = or_(
        OutboxRow.created_at > now + CLOCKS_DIFFER,
        and_(OutboxRow.attempts > 0, OutboxRow.due_at > now + LONGEST_DELAY),
    )
    return _number(
        tx,
        update(OutboxRow)
        .where(_is_to_do(), OutboxRow.dispatched_at.is_(None), OutboxRow.due_at > now, is_ahead)
        .values(due_at=now),
    )


def _free_mails(tx: Tx, now: datetime) -> None:
    """A claim of the future runs out as if it had been made now; the server is tried again."""
    soon = now + CLOCKS_DIFFER
    for statement in (
        update(Message)
        .where(Message.state == MessageState.SENDING, Message.claimed_at > soon)
        .values(claimed_at=now),
        update(Message)
        .where(
            Message.state == MessageState.QUEUED,
            Message.created_at > soon,
            Message.not_before > soon,
        )
        .values(not_before=now),
        update(MailRate)
        .where(MailRate.paused_until > now + LONGEST_PAUSE + CLOCKS_DIFFER)
        .values(paused_until=None),
    ):
        tx.session.execute(statement.execution_options(synchronize_session=False))


def _is_to_do() -> ColumnElement[bool]:
    return and_(OutboxRow.done_at.is_(None), OutboxRow.failed_at.is_(None))


def _number(tx: Tx, statement: Any) -> int:
    found = tx.session.execute(
        statement.returning(OutboxRow.id).execution_options(synchronize_session=False)
    )
    return len(found.all())
