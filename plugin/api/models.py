"""Tables of keys for other systems, of what they were answered, and of what they are told."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.core.base import Base, EnumText, IntKey, JsonDict, JsonList


class Scope(StrEnum):
    """What a key may do."""

    COMPLETIONS_WRITE = "completions:write"
    COMPLETIONS_READ = "completions:read"
    PEOPLE_READ = "people:read"
    MODULES_READ = "modules:read"


class EventName(StrEnum):
    """What another system can be told."""

    COMPLETION_RECORDED = "completion.recorded"
    CERTIFICATE_ISSUED = "certificate.issued"
    CERTIFICATE_RENEWED = "certificate.renewed"
    CERTIFICATE_RESTORED = "certificate.restored"
    CERTIFICATE_INVALID = "certificate.invalid"
    TEST = "webhook.test"
    """Only when an administrator asks for it; says nothing of anybody."""


class DeliveryState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


class ApiKey(Base):
    """What another system signs in with; shown once, kept as a hash."""

    __tablename__ = "api_key"
    __table_args__ = (Index(None, "organization_id"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    name: Mapped[str]
    key_hash: Mapped[str] = mapped_column(unique=True)
    hint: Mapped[str]
    """The first characters, by which people tell keys apart."""
    scopes: Mapped[JsonList]
    created_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    """To the hour."""
    revoked_at: Mapped[datetime | None]


class ApiAnswer(Base):
    """What a request with this idempotency key was answered: the same again gets the same."""

    __tablename__ = "api_answer"
    __table_args__ = (UniqueConstraint("api_key_id", "idempotency_key"), Index(None, "created_at"))

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    api_key_id: Mapped[int] = mapped_column(ForeignKey("api_key.id"))
    idempotency_key: Mapped[str]
    digest: Mapped[str]
    body: Mapped[JsonDict]
    created_at: Mapped[datetime]


class Webhook(Base):
    """An address of another system that is told what happens here.

    `collected_at`: everything recorded until then was looked at.
    """

    __tablename__ = "webhook"
    __table_args__ = (Index(None, "organization_id"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    url: Mapped[str]
    events: Mapped[JsonList]
    sealed_secret: Mapped[str]
    former_secret: Mapped[str | None]
    """The sealed secret before this one, which signs beside it until `former_until`."""
    former_until: Mapped[datetime | None]
    created_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    collected_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_words: Mapped[str | None]


class WebhookDelivery(Base):
    """One event for one address: it happens once per cause, and is tried until it is taken."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("webhook_id", "cause"),
        Index(
            "ix_webhook_delivery_waiting",
            "due_at",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id"))
    uid: Mapped[str] = mapped_column(unique=True)
    """What the receiver tells a repetition by."""
    event: Mapped[EventName] = mapped_column(EnumText(EventName))
    cause: Mapped[str]
    body: Mapped[JsonDict]
    state: Mapped[DeliveryState] = mapped_column(EnumText(DeliveryState))
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None]
    words: Mapped[str | None]
    """What the receiver, or the network, said last."""
