"""Webhooks: addresses of other systems that are told what happened, and their secrets."""

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.orm import Session

from plugin.api.errors import WebhookEndedError, WebhookUnknownError
from plugin.api.models import DeliveryState, EventName, Webhook, WebhookDelivery
from plugin.core import audit
from plugin.core.addresses import is_secure_address
from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.core.secrets import encrypt
from plugin.org.errors import FieldError

PREFIX = "whsec_"
SECRET_BYTES = 24
MAX_URL = 2048
MAX_WEBHOOKS = 20
"""In use at once, in one organization."""
OVERLAP = timedelta(days=1)
"""How long a former secret signs beside the new one."""


def create(
    session: Session,
    organization_id: int,
    *,
    url: str,
    events: Sequence[EventName],
    encryption_key: str,
    by: int,
    now: datetime,
) -> tuple[Webhook, str]:
    """From now on the address is told; also its secret, which is shown this once."""
    if not is_secure_address(url):
        raise FieldError("url", _("Use a complete https address."))
    in_use = session.scalar(
        select(func.count(Webhook.id)).where(
            Webhook.organization_id == organization_id, Webhook.ended_at.is_(None)
        )
    )
    if (in_use or 0) >= MAX_WEBHOOKS:
        raise FieldError(
            "url",
            _("%(num)d webhooks are in use. End one that is not needed.", num=MAX_WEBHOOKS),
        )
    secret = _new_secret()
    webhook = Webhook(
        organization_id=organization_id,
        url=url,
        events=[each.value for each in events],
        sealed_secret=encrypt(secret.encode(), encryption_key=encryption_key),
        created_by=by,
        created_at=now,
        collected_at=now,
    )
    session.add(webhook)
    audit.record(
        session,
        "webhook.created",
        about=webhook,
        by=by,
        now=now,
        after={"url": url, "events": list(webhook.events)},
    )
    return webhook, secret


def _new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def rotate(
    session: Session, webhook: Webhook, *, encryption_key: str, by: int, now: datetime
) -> str:
    """A new secret, shown this once; the one before signs beside it for `OVERLAP` more."""
    secret = _new_secret()
    webhook.former_secret, webhook.former_until = webhook.sealed_secret, now + OVERLAP
    webhook.sealed_secret = encrypt(secret.encode(), encryption_key=encryption_key)
    audit.record(session, "webhook.secret_rotated", about=webhook, by=by, now=now)
    return secret


def webhook_of(session: Session, organization_id: int, webhook_id: int) -> Webhook:
    """The organization's webhook with this id."""
    found = session.scalar(
        select(Webhook).where(Webhook.organization_id == organization_id, Webhook.id == webhook_id)
    )
    if found is None:
        raise WebhookUnknownError(webhook_id=webhook_id)
    return found


def end(session: Session, webhook: Webhook, *, by: int | None, words: str, now: datetime) -> None:
    """The address is told nothing any more. Safe to call again."""
    if webhook.ended_at is None:
        webhook.ended_at, webhook.end_words = now, words or None
        audit.record(session, "webhook.ended", about=webhook, by=by, now=now, reason=words or None)


def send_again(tx: Tx, webhook: Webhook, *, by: int, now: datetime) -> int:
    """Everything that was given up is tried again from the beginning; returns how many."""
    given_up = WebhookDelivery.state == DeliveryState.FAILED
    return _send_again(tx, webhook, given_up, by=by, now=now)


def send_one_again(tx: Tx, webhook: Webhook, delivery_id: int, *, by: int, now: datetime) -> int:
    """This event is sent again, taken before or not, under the same id; 0 if it waits anyhow."""
    one = and_(WebhookDelivery.id == delivery_id, WebhookDelivery.state != DeliveryState.WAITING)
    return _send_again(tx, webhook, one, by=by, now=now)


def _send_again(
    tx: Tx, webhook: Webhook, which: ColumnElement[bool], *, by: int, now: datetime
) -> int:
    if webhook.ended_at is not None:
        raise WebhookEndedError(webhook_id=webhook.id)
    rows = tx.session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.webhook_id == webhook.id, which)
        .values(state=DeliveryState.WAITING, attempts=0, due_at=now, claimed_at=None)
        .returning(WebhookDelivery.id)
        .execution_options(synchronize_session=False)
    ).all()
    tx.then_many(JobName.SEND_WEBHOOK, [(row.id,) for row in rows])
    if rows:
        audit.record(
            tx.session, "webhook.sent_again", about=webhook, by=by, now=now, after={"n": len(rows)}
        )
    return len(rows)


def has_failed(session: Session, webhook: Webhook) -> bool:
    """Whether anything was given up."""
    given_up = select(WebhookDelivery.id).where(
        WebhookDelivery.webhook_id == webhook.id, WebhookDelivery.state == DeliveryState.FAILED
    )
    return session.scalar(given_up.limit(1)) is not None


def deliveries_of(session: Session, webhook: Webhook, limit: int = 50) -> Sequence[WebhookDelivery]:
    """The last events of this address, newest first."""
    return session.scalars(
        select(WebhookDelivery)
        .where(WebhookDelivery.webhook_id == webhook.id)
        .order_by(WebhookDelivery.id.desc())
        .limit(limit)
    ).all()
