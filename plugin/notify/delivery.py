"""One mail leaves: claimed, sent, marked; each in a short transaction of its own."""

from datetime import datetime

from sqlalchemy import select, update

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import Tx, read_session, transaction
from plugin.core.log import log
from plugin.core.outbox import PostponedError, is_in_bulk
from plugin.core.upsert import insert_absent
from plugin.notify import actions, letters, parcels, reminder_choices, throttle
from plugin.notify.mail_models import SentMail
from plugin.notify.mailer import (
    Mail,
    RefusedError,
    UnavailableError,
    UncertainError,
    UnreachableError,
    send,
)
from plugin.notify.models import Message, MessageKind
from plugin.notify.parcels import Parcel, Reread, as_written

ONLY_REMINDERS = frozenset({MessageKind.REMINDER})


def deliver(message_id: int, reread: Reread = as_written) -> None:
    """The message is sent, held back, refused for good, or still queued (then an error is raised).

    News of the day leaves with all that is due to the person then, as `reread` has it now.
    At least once: a crash between sending and marking sends again, with the same Message-ID.
    """
    now, token, until = clock.now(), None, _away_until(clock.now())
    if until is not None:
        raise PostponedError(until)
    with transaction() as tx:
        parcel = parcels.claim(tx, message_id, reread, now=now)
        if parcel is None:
            return
        until = _turn(tx, parcel, now=now)
        if until is None and MessageKind.REMINDER in parcel.kinds:
            owner = (parcel.envelope.organization_id, parcel.envelope.person_id)
            token = reminder_choices.token_for(tx.session, *owner, now=now)
    if until is not None:
        raise PostponedError(until)
    _send(parcel, token)


def _away_until(now: datetime) -> datetime | None:
    """Until when nobody tries, because the server could not be reached."""
    session = read_session()
    until = throttle.paused_until(session, now=now)
    session.rollback()
    return until


def _turn(tx: Tx, parcel: Parcel, *, now: datetime) -> datetime | None:
    """When the throttles let the parcel go, and until then it is unclaimed; None: now."""
    limits = parcel.head.per_minute, current_settings().mail_per_minute
    if not any(limits):
        return None
    chosen = select(Message).where(Message.id.in_(parcel.message_ids)).order_by(Message.id)
    until = throttle.turn_of(
        tx.session,
        tx.session.scalars(chosen).all(),
        organization_limit=limits[0],
        server_limit=limits[1],
        is_bulk=is_in_bulk(),
        now=now,
    )
    if until is not None:
        parcels.unclaim(tx.session, parcel)
    return until


def _send(parcel: Parcel, token: str | None) -> None:
    try:
        mail = letters.mail_of(
            parcel.envelope,
            parcel.address,
            parcel.head,
            token=token,
            only_reminders=parcel.kinds == ONLY_REMINDERS,
        )
        send(mail, now=clock.now())
    except RefusedError as error:
        log.warning("message.refused", message_id=parcel.message_ids[0])
        with transaction() as tx:
            actions.mark_failed(tx.session, parcel.message_ids, words=error.words, now=clock.now())
            _keep(tx, parcel, mail, now=clock.now())
            throttle.note_reached(tx.session)
    except Exception as error:  # whatever it was, nobody holds the message any more
        _give_back(parcel, error)
        raise
    else:
        with transaction() as tx:
            parcels.mark_sent(tx.session, parcel, now=clock.now())
            _keep(tx, parcel, mail, now=clock.now())
            throttle.note_reached(tx.session)


def _give_back(parcel: Parcel, error: Exception) -> None:
    """Another time; and if the server is not there at all, nobody else tries for a while.

    What the server may have taken stays one mail, so that it comes again under the same Message-ID.
    """
    words = error.words if isinstance(error, UnavailableError) else type(error).__name__
    with transaction() as tx:
        actions.give_back(tx.session, parcel.message_ids, words=words, now=clock.now())
        if not isinstance(error, UncertainError):
            parcels.release(tx.session, parcel)
        if isinstance(error, UnreachableError):
            throttle.note_unreachable(tx.session, now=clock.now())


def _keep(tx: Tx, parcel: Parcel, mail: Mail, *, now: datetime) -> None:
    """The mail's words are kept once, and the messages it brought lead to them."""
    row = letters.kept(parcel.envelope, mail, now=now)
    tx.session.execute(insert_absent(tx.session, SentMail, [row], key=("header_id",)))
    mail_id = select(SentMail.id).where(SentMail.header_id == row["header_id"])
    tx.session.execute(
        update(Message)
        .where(Message.id.in_(parcel.message_ids))
        .values(mail_id=mail_id.scalar_subquery())
        .execution_options(synchronize_session=False)
    )
