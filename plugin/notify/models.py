"""The table of messages: a row first, a delivery later."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from plugin.core.base import Base, EnumText, IntKey, JsonDict, JsonList


class MessageKind(StrEnum):
    NEW_TRAINING = "new_training"
    NEW_REQUIREMENT = "new_requirement"
    REMINDER = "reminder"
    EXPIRED = "expired"
    CERTIFICATE_ISSUED = "certificate_issued"
    CERTIFICATE_RENEWED = "certificate_renewed"
    CERTIFICATE_RESTORED = "certificate_restored"
    CERTIFICATE_SUSPENDED = "certificate_suspended"
    CERTIFICATE_REVOKED = "certificate_revoked"
    MANAGER_DIGEST = "manager_digest"


class MessageState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNDELIVERABLE = "undeliverable"
    CANCELLED = "cancelled"


class CancelReason(StrEnum):
    """Why a message was not sent after all; kept in `Message.error`."""

    DONE = "done"
    """What it asked for was done before it left."""
    CHANGED = "changed"
    """The day it spoke of is no longer the day: a retake, a waiver, another version."""
    LEFT = "left"
    """The training no longer covers the person."""
    SUPERSEDED = "superseded"
    """Something more urgent about the same thing goes instead."""


class Digest(Base):
    """The mail that brings everything a person is told in one day, the messages' shared delivery.

    One a day; a second, `urgent` one only for a certificate that turned invalid later that day.
    """

    __tablename__ = "digest"
    __table_args__ = (UniqueConstraint("person_id", "day", "urgent"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    day: Mapped[date]
    urgent: Mapped[bool]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class Message(Base):
    """One mail to one person; its key makes it happen once per cause."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("organization_id", "key"),
        Index(None, "person_id"),
        Index(None, "state", "not_before"),
        Index(None, "organization_id", "cause"),
        Index(None, "digest_id"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[MessageKind] = mapped_column(EnumText(MessageKind))
    key: Mapped[str]
    cause: Mapped[str | None]  # the row that caused it, such as configuration_version:12
    facts: Mapped[JsonDict]
    attachments: Mapped[JsonList]
    locale: Mapped[str | None]
    state: Mapped[MessageState] = mapped_column(EnumText(MessageState))
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    zone: Mapped[str | None]
    """News of the day: it waits for 09:00 here and shares its mail. None: a mail of its own."""
    digest_id: Mapped[int | None] = mapped_column(ForeignKey("digest.id"))
    claimed_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
