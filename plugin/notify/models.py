"""The table of messages: a row first, a delivery later."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from plugin.core.base import Base, EnumText, IntKey, JsonDict, JsonList


class MessageKind(StrEnum):
    NEW_TRAINING = "new_training"
    NEW_REQUIREMENT = "new_requirement"
    REMINDER = "reminder"
    CERTIFICATE_ISSUED = "certificate_issued"
    CERTIFICATE_RENEWED = "certificate_renewed"
    CERTIFICATE_RESTORED = "certificate_restored"
    CERTIFICATE_SUSPENDED = "certificate_suspended"
    CERTIFICATE_REVOKED = "certificate_revoked"


class MessageState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNDELIVERABLE = "undeliverable"


class Message(Base):
    """One mail to one person; its key makes it happen once per cause."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("organization_id", "key"),
        Index(None, "person_id"),
        Index(None, "state", "not_before"),
        Index(None, "organization_id", "cause"),
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
    claimed_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
