"""How long the words of mails are kept; that somebody was told, when and why, stays."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from plugin.notify.mail_models import SentMail
from plugin.notify.models import Message

CHUNK = 1000


def erase_bodies(session: Session, *, before: datetime, now: datetime) -> int:
    """Text and HTML of the oldest mails from before then are gone, and what their messages were
    written from; returns how many. Subject, addressee, dates, cause and seals of files stay."""
    ids = session.scalars(
        select(SentMail.id)
        .where(SentMail.created_at < before, SentMail.erased_at.is_(None))
        .order_by(SentMail.created_at)
        .limit(CHUNK)
    ).all()
    session.execute(
        update(SentMail)
        .where(SentMail.id.in_(ids))
        .values(text="", html=None, erased_at=now)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Message)
        .where(Message.mail_id.in_(ids))
        .values(facts={})
        .execution_options(synchronize_session=False)
    )
    return len(ids)
