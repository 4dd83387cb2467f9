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
    EVIDENCE_APPROVED = "evidence_approved"
    EVIDENCE_REJECTED = "evidence_rejected"
    SESSION_CHANGED = "session_changed"
    SESSION_CANCELLED = "session_cancelled"
    MANAGER_DIGEST = "manager_digest"
    TEST = "test"


class MessageState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNDELIVERABLE = "undeliverable"
    CANCELLED = "cancelled"
    BOUNCED = "bounced"
    SUPPRESSED = "suppressed"


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


class Hindrance(StrEnum):
    """Why a message is not handed to the server; kept in `Message.error`."""

    DEACTIVATED = "deactivated"
    """The person's access was switched off."""
    NO_ADDRESS = "no address"
    DEAD_ADDRESS = "dead address"
    SWITCHED_OFF = "switched off"
    """The organization does not mail this kind."""
    UNSUBSCRIBED = "unsubscribed"
    """The person wants no reminders by mail."""


class TurnOf(StrEnum):
    """Which throttle gave a message its minute."""

    ORGANIZATION = "organization"
    SERVER = "server"


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


class ManagerRound(Base):
    """The managers of an organization hear of their units on this day; `weekly`: of everything."""

    __tablename__ = "manager_round"
    __table_args__ = (UniqueConstraint("organization_id", "day"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    day: Mapped[date]
    weekly: Mapped[bool]
    at: Mapped[datetime]
    told_at: Mapped[datetime | None]


class Message(Base):
    """One mail to one person; its key makes it happen once per cause."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("organization_id", "key"),
        Index(None, "person_id"),
        Index(None, "state", "not_before"),
        Index(None, "organization_id", "cause"),
        Index(None, "digest_id"),
        Index(None, "organization_id", "created_at"),
        Index(None, "mail_id"),
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
    ended_at: Mapped[datetime | None]
    """When it bounced, was held back, or failed."""
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("sent_mail.id"))
    turn_at: Mapped[datetime | None]
    turn_of: Mapped[TurnOf | None] = mapped_column(EnumText(TurnOf))
    """The minute a throttle gave it, and whose that was."""
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
