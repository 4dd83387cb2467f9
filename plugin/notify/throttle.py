"""When a mail may go: the organization's minute, then the server's; and never while it is away.

Everything is in the database, so any number of workers keep to it together, and nobody sleeps: what
has to wait is given back to the queue for a later moment.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from plugin.core.upsert import insert_absent
from plugin.notify.mail_models import MailRate
from plugin.notify.models import Message, TurnOf
from plugin.notify.turns import Given, next_turn

MINUTE = timedelta(minutes=1)
TURN_LIFE = 2 * MINUTE
"""A minute that was missed by more is asked for anew, or an outage would end in a flood."""
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(minutes=10)
SERVER = "server"


def turn_of(
    session: Session,
    messages: Sequence[Message],
    *,
    organization_limit: int | None,
    server_limit: int,
    is_bulk: bool,
    now: datetime,
) -> datetime | None:
    """When the mail that brings these messages may go; None: now.

    Each mail asks each throttle once. The organization's minute comes first: its long queue takes
    nothing of the server's before.
    """
    held_at, held_of = _held(messages, now)
    if held_at is not None and held_at > now:
        return held_at
    organization_id = messages[0].organization_id
    wishes = [
        (TurnOf.ORGANIZATION, organization_limit or 0, organization_id),
        (TurnOf.SERVER, server_limit, None),
    ]
    if held_of is not None:
        wishes = wishes[1:] if held_of is TurnOf.ORGANIZATION else []
    for of, limit, owner in wishes:
        at = _take(session, owner, limit, is_bulk=is_bulk, now=now) if limit else now
        if at > now:
            for message in messages:
                message.turn_at, message.turn_of = at, of
            return at
    return None


def paused_until(session: Session, *, now: datetime) -> datetime | None:
    """Until when the server is left alone because it could not be reached; None: it is not."""
    until = session.scalar(select(MailRate.paused_until).where(MailRate.scope == SERVER))
    return until if until is not None and until > now else None


def note_unreachable(session: Session, *, now: datetime) -> datetime:
    """The server did not answer: nobody tries for a while, longer each time; returns until when."""
    rate = _locked(session, None)
    rate.failures += 1
    pause = FIRST_PAUSE * 2 ** min(rate.failures - 1, 10)
    rate.paused_until = now + min(pause, LONGEST_PAUSE)
    return rate.paused_until


def note_reached(session: Session) -> None:
    """The server answers again."""
    session.execute(
        update(MailRate)
        .where(MailRate.scope == SERVER, MailRate.failures > 0)
        .values(failures=0, paused_until=None)
    )


def _held(messages: Sequence[Message], now: datetime) -> tuple[datetime | None, TurnOf | None]:
    """The minute the messages have, unless it was missed."""
    turns = [
        (each.turn_at, each.turn_of)
        for each in messages
        if each.turn_at is not None and now < each.turn_at + TURN_LIFE
    ]
    return max(turns, key=lambda turn: turn[0], default=(None, None))


def _take(
    session: Session, organization_id: int | None, limit: int, *, is_bulk: bool, now: datetime
) -> datetime:
    rate = _locked(session, organization_id)
    given = Given(
        bulk_minute=rate.bulk_minute,
        bulk_used=rate.bulk_used,
        single_minute=rate.single_minute,
        single_used=rate.single_used,
    )
    minute = int(now.timestamp() // 60)
    at, given = next_turn(given, minute=minute, limit=limit, is_bulk=is_bulk)
    for name, value in asdict(given).items():
        setattr(rate, name, value)
    return now if at == minute else datetime.fromtimestamp(at * 60, UTC)


def _locked(session: Session, organization_id: int | None) -> MailRate:
    """The row of this throttle, which nobody else can lock until this transaction ends."""
    scope = SERVER if organization_id is None else f"organization:{organization_id}"
    row = {"scope": scope, "organization_id": organization_id, "failures": 0}
    insert = insert_absent(session, MailRate, [row | asdict(Given())], key=("scope",))
    session.execute(insert)
    return session.scalars(
        select(MailRate)
        .where(MailRate.scope == scope)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
