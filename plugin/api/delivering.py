"""Events leave: collected from the facts, signed, and sent again until they are taken.

Signed as Standard Webhooks 1.0 has it: `webhook-id`, `webhook-timestamp`, and `webhook-signature`,
`v1,` with the base64 of the HMAC-SHA256 of id, timestamp and body, joined by dots; for a day after
a new secret also with the one before, so that a receiver may change it when it likes.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from plugin.api.errors import WebhookEndedError
from plugin.api.happenings import happened
from plugin.api.models import DeliveryState, EventName, Webhook, WebhookDelivery
from plugin.api.moments import text_of
from plugin.api.webhooks import PREFIX, end
from plugin.api.windows import LOOK_BACK, Happening, Window
from plugin.core import audit, clock, http
from plugin.core.context import current_settings
from plugin.core.db import Tx, transaction
from plugin.core.http import OutgoingError
from plugin.core.log import log
from plugin.core.outbox import JobName
from plugin.core.secrets import decrypt
from plugin.core.upsert import insert_absent

CLAIM_LIFE = timedelta(minutes=2)
PAUSES = tuple(
    timedelta(seconds=each) for each in (5, 60, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000)
)
"""Between the tries: about two days in all."""
GONE = 410
SUCCESS = range(200, 300)
KEEP_DELIVERIES = timedelta(days=90)
"""How long it is known what an address was told."""
ENDED = "the webhook was ended"
MAX_WORDS = 200


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


def send_test(tx: Tx, webhook: Webhook, *, by: int, now: datetime) -> None:
    """The address is told of nothing but a test, once; signed and tried again like any event."""
    if webhook.ended_at is not None:
        raise WebhookEndedError(webhook_id=webhook.id)
    cause = f"test:{secrets.token_hex(12)}"
    happening = Happening(event=EventName.TEST, cause=cause, at=now, row_id=0, body={})
    delivery = WebhookDelivery(**_row(webhook, happening, now))
    tx.session.add(delivery)
    tx.session.flush()
    tx.then(JobName.SEND_WEBHOOK, delivery.id)
    audit.record(tx.session, "webhook.tested", about=webhook, by=by, now=now)


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

    The status decides; what is said beside it is not read. At least once: the receiver tells a
    repetition by `webhook-id`.
    """
    parcel = _claim(delivery_id)
    if parcel is None:
        return
    try:
        reply = http.call(
            current_settings(),
            "POST",
            parcel.url,
            headers=parcel.headers,
            data=parcel.content,
            wants_body=False,
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
            delivery.state, delivery.words = DeliveryState.FAILED, ENDED
            return None
        delivery.claimed_at, delivery.attempts = now, delivery.attempts + 1
        content = json.dumps(delivery.body, ensure_ascii=False, separators=(",", ":")).encode()
        return Parcel(
            id=delivery.id,
            url=webhook.url,
            headers=signed_headers(delivery.uid, content, _secrets(webhook, now), now=now),
            content=content,
        )


def _secrets(webhook: Webhook, now: datetime) -> list[str]:
    """What is signed with, the newest first."""
    sealed = [webhook.sealed_secret]
    former, until = webhook.former_secret, webhook.former_until
    if former is not None and until is not None and until > now:
        sealed.append(former)
    key = current_settings().encryption_key
    return [decrypt(each, encryption_key=key).decode() for each in sealed]


def signed_headers(
    uid: str, content: bytes, known: Sequence[str], *, now: datetime
) -> dict[str, str]:
    """The headers by which a receiver knows us, the event and its age."""
    stamp = str(int(now.timestamp()))
    said = b".".join((uid.encode(), stamp.encode(), content))
    return {
        "Content-Type": "application/json",
        "webhook-id": uid,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{_signature(said, secret)}" for secret in known),
    }


def _signature(said: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()


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


def forget_deliveries(session: Session, *, before: datetime) -> None:
    """What was told, or given up, long ago is not kept; what still waits is, and what would be
    told once more because nobody collected since."""
    looked_at = select(Webhook.id).where(
        or_(Webhook.ended_at.is_not(None), Webhook.collected_at > before + LOOK_BACK)
    )
    session.execute(
        delete(WebhookDelivery).where(
            WebhookDelivery.created_at < before,
            WebhookDelivery.state != DeliveryState.WAITING,
            WebhookDelivery.webhook_id.in_(looked_at),
        )
    )
