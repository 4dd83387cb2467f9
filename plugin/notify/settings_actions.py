"""What an admin settles about the organization's mail."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.core import audit
from plugin.core.base import JsonDict
from plugin.core.db import Tx
from plugin.notify.actions import queue_message
from plugin.notify.letterhead import ALWAYS_MAILED, settings_of
from plugin.notify.mail_models import MailSettings
from plugin.notify.models import Message, MessageKind
from plugin.notify.samples import SAMPLES
from plugin.org.errors import FieldError
from plugin.org.models import Person
from plugin.org.rules import email_of

TESTS_PER_HOUR = 10
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The settings as an admin fills them in; empty ones are as the installation does it."""

    sender_name: str
    reply_to: str
    per_minute: int | None
    off_kinds: frozenset[MessageKind]


def save(session: Session, organization_id: int, wishes: Wishes, *, by: int, now: datetime) -> None:
    """Mails go out this way from now on; those that wait too."""
    if wishes.reply_to and email_of(wishes.reply_to) is None:
        raise FieldError("reply_to", _("This is not an email address."))
    settings = settings_of(session, organization_id, now=now)
    before = _said(settings)
    settings.sender_name = " ".join(wishes.sender_name.split()) or None
    settings.reply_to = email_of(wishes.reply_to)
    settings.per_minute = wishes.per_minute
    settings.off_kinds = _sorted(wishes.off_kinds - ALWAYS_MAILED)
    settings.updated_at = now
    if _said(settings) != before:
        audit.record(
            session,
            "mail.settings_changed",
            about=settings,
            by=by,
            now=now,
            before=before,
            after=_said(settings),
        )


def send_test(tx: Tx, person: Person, kind: MessageKind, *, now: datetime) -> None:
    """A sample of this kind goes to the admin's own address, marked as a test.

    Refuses without an address, and more than ten an hour.
    """
    if not person.email:
        raise FieldError("test", _("You have no email address here to send a test to."))
    tx.session.refresh(person, with_for_update=True)
    sent = tx.session.scalar(
        select(func.count()).where(
            Message.person_id == person.id,
            Message.kind == MessageKind.TEST,
            Message.created_at > now - HOUR,
        )
    )
    if (sent or 0) >= TESTS_PER_HOUR:
        raise FieldError("test", _("That is enough for now: ten tests an hour. Try again later."))
    queue_message(
        tx,
        organization_id=person.organization_id,
        person_id=person.id,
        kind=MessageKind.TEST,
        key=f"test:{person.id}:{kind.value}:{now.isoformat()}:{sent}",
        facts={**SAMPLES[kind], "sample_of": kind.value},
        cause=f"person:{person.id}",
        now=now,
    )


def _said(settings: MailSettings) -> JsonDict:
    return {
        "sender_name": settings.sender_name,
        "reply_to": settings.reply_to,
        "per_minute": settings.per_minute,
        "off_kinds": settings.off_kinds,
    }


def _sorted(kinds: Iterable[MessageKind]) -> list[str]:
    return sorted(kind.value for kind in kinds)
