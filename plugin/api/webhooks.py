"""Webhooks: other systems are told what happened, signed, and again until they take it.

Signed as Standard Webhooks 1.0 has it: `webhook-id`, `webhook-timestamp`, and `webhook-signature`,
`v1,` with the base64 of the HMAC-SHA256 of id, timestamp and body, joined by dots.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from plugin.api.errors import WebhookUnknownError
from plugin.api.happenings import Happening, Window, happened
from plugin.api.models import DeliveryState, EventName, Webhook, WebhookDelivery
from plugin.api.moments import text_of
from plugin.core import audit, clock, http
from plugin.core.addresses import is_secure_address
from plugin.core.context import current_settings
from plugin.core.db import Tx, transaction
from plugin.core.http import OutgoingError
from plugin.core.log import log
from plugin.core.outbox import JobName
from plugin.core.secrets import decrypt, encrypt
from plugin.core.upsert import insert_absent
from plugin.org.errors import FieldError

PREFIX = "whsec_"
SECRET_BYTES = 24
MAX_URL = 2048
MAX_WEBHOOKS = 20
"""In use at once, in one organization."""
LOOK_BACK = timedelta(minutes=15)
"""Facts written by slow transactions appear late; they are looked for again."""
CLAIM_LIFE = timedelta(minutes=2)
PAUSES = tuple(
    timedelta(seconds=each) for each in (5, 60, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000)
)
"""Between the tries: about two days in all."""
GONE = 410
SUCCESS = range(200, 300)
MAX_WORDS = 200


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
    secret = PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
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


def collect(tx: Tx, *, now: datetime) -> int:
    """What happened is owed to every address that wants to know; returns how many are new.

    Safe to run late, twice and at once: a cause makes one delivery, and a webhook in another's
    hands is passed by.
    """
    found = tx.session.scalars(
        select(Webhook)
        .where(Webhook.ended_at.is_(None))
        .order_by(Webhook.id)
        .with_for_update(skip_locked=True)
    ).all()
    return sum(_collect(tx, webhook, now) for webhook in found)


def _collect(tx: Tx, webhook: Webhook, now: datetime) -> int:
    since = max(webhook.created_at, webhook.collected_at - LOOK_BACK)
    window = Window(organization_id=webhook.organization_id, since=since, until=now)
    events = [EventName(each) for each in webhook.events]
    made = 0
    for some in happened(tx.session, window, events):
        rows = [_row(webhook, each, now) for each in some]
        new = tx.session.execute(
            insert_absent(tx.session, WebhookDelivery, rows, key=("webhook_id", "cause")).returning(
                WebhookDelivery.id
            )
        ).all()
        tx.then_many(JobName.SEND_WEBHOOK, [(row.id,) for row in new])
        made += len(new)
    webhook.collected_at = now
    return made


def _row(webhook: Webhook, happening: Happening, now: datetime) -> dict[str, object]:
    return {
        "organization_id": webhook.organization_id,
        "webhook_id": webhook.id,
        "uid": f"msg_{secrets.token_hex(12)}",
        "event": happening.event,
        "cause": happening.cause,
        "body": {
            "type": happening.event.value,
            "timestamp": text_of(happening.at),
            "data": happening.body,
        },
        "state": DeliveryState.WAITING,
        "created_at": now,
        "due_at": now,
        "attempts": 0,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A delivery that is ours to send now."""

    id: int
    url: str
    headers: dict[str, str]
    content: bytes


def send(delivery_id: int) -> None:
    """The event is taken, or tried again later, or given up after about two days.

    At least once: the receiver tells a repetition by `webhook-id`.
    """
    parcel = _claim(delivery_id)
    if parcel is None:
        return
    try:
        reply = http.call(
            current_settings(), "POST", parcel.url, headers=parcel.headers, data=parcel.content
        )
    except OutgoingError as error:
        _later(parcel.id, str(error))
        return
    if reply.status in SUCCESS:
        _taken(parcel.id)
    elif reply.status == GONE:
        _gone(parcel.id)
    else:
        _later(parcel.id, f"HTTP {reply.status}")


def _claim(delivery_id: int) -> Parcel | None:
    now = clock.now()
    with transaction() as tx:
        delivery = tx.session.get(WebhookDelivery, delivery_id, with_for_update=True)
        if delivery is None or delivery.state is not DeliveryState.WAITING:
            return None
        held = delivery.claimed_at
        if held is not None and held > now - CLAIM_LIFE:
            tx.then(JobName.SEND_WEBHOOK, delivery_id, due_at=held + CLAIM_LIFE)
            return None
        webhook = tx.session.get_one(Webhook, delivery.webhook_id)
        if webhook.ended_at is not None:
            delivery.state, delivery.words = DeliveryState.FAILED, "the webhook was ended"
            return None
        delivery.claimed_at, delivery.attempts = now, delivery.attempts + 1
        content = json.dumps(delivery.body, ensure_ascii=False, separators=(",", ":")).encode()
        secret = decrypt(
            webhook.sealed_secret, encryption_key=current_settings().encryption_key
        ).decode()
        return Parcel(
            id=delivery.id,
            url=webhook.url,
            headers=signed_headers(delivery.uid, content, secret=secret, now=now),
            content=content,
        )


def signed_headers(uid: str, content: bytes, *, secret: str, now: datetime) -> dict[str, str]:
    """The headers by which a receiver knows us, the event and its age."""
    stamp = str(int(now.timestamp()))
    key = base64.b64decode(secret.removeprefix(PREFIX))
    said = b".".join((uid.encode(), stamp.encode(), content))
    signature = base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
    return {
        "Content-Type": "application/json",
        "webhook-id": uid,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature}",
    }


def _taken(delivery_id: int) -> None:
    with transaction() as tx:
        tx.session.execute(
            update(WebhookDelivery)
            .where(WebhookDelivery.id == delivery_id)
            .values(state=DeliveryState.SENT, sent_at=clock.now(), claimed_at=None, words=None)
        )


def _later(delivery_id: int, words: str) -> None:
    with transaction() as tx:
        delivery = tx.session.get_one(WebhookDelivery, delivery_id, with_for_update=True)
        if delivery.state is not DeliveryState.WAITING:
            return  # another try of the same event ended first
        delivery.claimed_at, delivery.words = None, words[:MAX_WORDS]
        if delivery.attempts > len(PAUSES):
            delivery.state = DeliveryState.FAILED
            log.warning("webhook.given_up", delivery_id=delivery_id)
            return
        delivery.due_at = clock.now() + PAUSES[delivery.attempts - 1]
        tx.then(JobName.SEND_WEBHOOK, delivery_id, due_at=delivery.due_at)


def _gone(delivery_id: int) -> None:
    """The receiver says that nobody will ever be there again (410)."""
    with transaction() as tx:
        delivery = tx.session.get_one(WebhookDelivery, delivery_id, with_for_update=True)
        if delivery.state is DeliveryState.WAITING:
            delivery.state, delivery.claimed_at = DeliveryState.FAILED, None
            delivery.words = f"HTTP {GONE}"
        webhook = tx.session.get_one(Webhook, delivery.webhook_id)
        end(tx.session, webhook, by=None, words=f"HTTP {GONE}", now=clock.now())


def send_again(tx: Tx, webhook: Webhook, *, by: int, now: datetime) -> int:
    """Everything that was given up is tried again from the beginning; returns how many."""
    rows = tx.session.execute(
        update(WebhookDelivery)
        .where(
            WebhookDelivery.webhook_id == webhook.id,
            WebhookDelivery.state == DeliveryState.FAILED,
        )
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


def deliveries_of(session: Session, webhook: Webhook, limit: int = 50) -> Sequence[WebhookDelivery]:
    """The last events of this address, newest first."""
    return session.scalars(
        select(WebhookDelivery)
        .where(WebhookDelivery.webhook_id == webhook.id)
        .order_by(WebhookDelivery.id.desc())
        .limit(limit)
    ).all()
