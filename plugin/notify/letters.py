"""From a message to a mail: words, look, files, and what is kept of it."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from plugin.core.context import current_settings, storage
from plugin.core.log import log
from plugin.notify import mailer
from plugin.notify.emails import Wording, wording_of
from plugin.notify.letterhead import Letterhead
from plugin.notify.mailer import File, Mail
from plugin.notify.queries import Envelope
from plugin.org import pictures

LOGO_BOX = (320, 96)
"""Twice what it is shown at, for sharp screens."""


def words_of(
    template: str,
    facts: Mapping[str, Any],
    head: Letterhead,
    *,
    person_name: str,
    locale: str,
    logo: tuple[bytes, int, int] | None,
    unsubscribe_url: str | None,
) -> Wording:
    """Subject, text and HTML as this person gets them from this organization."""
    look = {
        "person_name": person_name,
        "organization_name": head.organization_name,
        "logo": {"width": logo[1] // 2, "height": logo[2] // 2} if logo else None,
        "unsubscribe_url": unsubscribe_url,
    }
    return wording_of(template, {**facts, **look}, locale=locale)


def mail_of(
    found: Envelope, address: str, head: Letterhead, *, token: str | None, only_reminders: bool
) -> Mail:
    """The whole mail. `token`: it holds a reminder, and says how to have no more of them."""
    logo = logo_of(head)
    url = f"{current_settings().tool_url}/reminders/{token}" if token else None
    wording = words_of(
        found.template,
        found.facts,
        head,
        person_name=found.person_name,
        locale=found.locale,
        logo=logo,
        unsubscribe_url=url,
    )
    return Mail(
        key=found.key,
        sender_name=head.sender_name,
        reply_to=head.reply_to,
        to_name=found.person_name,
        to_address=address,
        subject=wording.subject,
        text=wording.text,
        html=wording.html,
        logo=logo[0] if logo else None,
        unsubscribe_url=url if only_reminders else None,
        files=[
            File(
                filename=each["filename"],
                media_type=each["media_type"],
                content=storage().read(each["key"]),
            )
            for each in found.attachments
        ],
    )


def kept(found: Envelope, mail: Mail, *, now: datetime) -> dict[str, Any]:
    """What an auditor can see of it later: the very words, and the SHA-256 of each file."""
    return {
        "organization_id": found.organization_id,
        "person_id": found.person_id,
        "header_id": mailer.header_id(mail.key),
        "sender": mail.sender_name,
        "reply_to": mail.reply_to,
        "address": mail.to_address,
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html,
        "attachments": [
            {"filename": each["filename"], "sha256": each["sha256"]} for each in found.attachments
        ],
        "locale": found.locale,
        "created_at": now,
    }


def logo_of(head: Letterhead) -> tuple[bytes, int, int] | None:
    """The logo in the size of a mail; one that is gone or unreadable is left out."""
    if head.logo_key is None:
        return None
    try:
        return _small(head.logo_key)
    except (FileNotFoundError, pictures.PictureError):
        log.warning("mail.logo_missing")
        return None


@lru_cache(maxsize=64)
def _small(key: str) -> tuple[bytes, int, int]:
    """The file under a key never changes: a new logo has a new key."""
    return pictures.small(storage().read(key), LOGO_BOX)
