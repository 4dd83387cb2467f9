"""Tables around the messages: how an organization mails, what was sent, and what came back."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from plugin.core.base import AppendOnly, Base, EnumText, IntKey, JsonList


class MailSettings(Base):
    """How an organization mails; no row: as the installation does."""

    __tablename__ = "mail_settings"

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"), unique=True)
    sender_name: Mapped[str | None]
    reply_to: Mapped[str | None]
    per_minute: Mapped[int | None]
    off_kinds: Mapped[JsonList]
    """The kinds of messages that are not mailed."""
    hook_secret: Mapped[str | None]
    """What signs reports of bounces, encrypted."""
    updated_at: Mapped[datetime]


class SentMail(AppendOnly, Base):
    """A mail as it was handed to the server, or as the server refused it: its very words.

    One mail may bring several messages (`Message.mail_id`).
    """

    __tablename__ = "sent_mail"
    __table_args__ = (
        UniqueConstraint("header_id"),
        Index(None, "person_id"),
        Index(None, "organization_id", "address"),
        Index(None, "created_at"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    header_id: Mapped[str]
    """The part of the Message-ID before the @, which answers of mail servers carry."""
    sender: Mapped[str]
    reply_to: Mapped[str | None]
    address: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    html: Mapped[str | None]
    attachments: Mapped[JsonList]
    """File names and their SHA-256."""
    locale: Mapped[str]
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]
    """When text and HTML were erased, the only change there is: they had been kept long enough."""


class AddressFact(StrEnum):
    """What became known of an address."""

    HARD = "hard"
    """A server said that it does not exist or takes no mail from us, for good."""
    SOFT = "soft"
    """A mail did not arrive this time."""
    CLEARED = "cleared"
    """An admin said that it works again."""


class AddressSource(StrEnum):
    """Who said so."""

    HOOK = "hook"
    REPORT = "report"
    ADMIN = "admin"


class AddressEvent(AppendOnly, Base):
    """One fact about a person's address. It is dead while the newest one that counts is `hard`.

    A person whose address changes has another one, of which nothing is known.
    """

    __tablename__ = "address_event"
    __table_args__ = (
        UniqueConstraint("organization_id", "seal"),
        Index(None, "person_id", "address"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    address: Mapped[str]
    """In small letters."""
    fact: Mapped[AddressFact] = mapped_column(EnumText(AddressFact))
    source: Mapped[AddressSource] = mapped_column(EnumText(AddressSource))
    words: Mapped[str]
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("sent_mail.id"))
    by_person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
    seal: Mapped[str]
    """The same report told twice has the same seal."""


class ReminderLink(Base):
    """The address part by which a person switches reminders off without signing in."""

    __tablename__ = "reminder_link"

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), unique=True)
    token: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]


class ChoicePlace(StrEnum):
    """Where a person made the choice."""

    ONE_CLICK = "one_click"
    PAGE = "page"
    DASHBOARD = "dashboard"


class ReminderChoice(AppendOnly, Base):
    """Whether a person wants reminders by mail; the newest one counts, and without one they do."""

    __tablename__ = "reminder_choice"
    __table_args__ = (Index(None, "person_id", "id"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    wanted: Mapped[bool]
    place: Mapped[ChoicePlace] = mapped_column(EnumText(ChoicePlace))
    at: Mapped[datetime]


class MailRate(Base):
    """Whose minutes are given away how far: an organization's, or (without one) the server's.

    `paused_until`: the server could not be reached and is left alone for a while.
    """

    __tablename__ = "mail_rate"

    id: Mapped[IntKey]
    scope: Mapped[str] = mapped_column(unique=True)
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id"))
    bulk_minute: Mapped[int]
    bulk_used: Mapped[int]
    single_minute: Mapped[int]
    single_used: Mapped[int]
    failures: Mapped[int]
    paused_until: Mapped[datetime | None]


class TopicKind(StrEnum):
    """What a message of Amazon SNS is, in its own words."""

    CONFIRMATION = "SubscriptionConfirmation"
    NOTIFICATION = "Notification"
    END = "UnsubscribeConfirmation"


class TopicState(StrEnum):
    """What became of it. `refused`: not signed by SNS. `failed`: SNS could not be reached."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class TopicMessage(Base):
    """One message of Amazon SNS, kept until a job has read it; `organization_id` None: to all."""

    __tablename__ = "topic_message"
    __table_args__ = (UniqueConstraint("key"), Index(None, "organization_id"))

    id: Mapped[IntKey]
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id"))
    key: Mapped[str]
    kind: Mapped[TopicKind] = mapped_column(EnumText(TopicKind))
    topic: Mapped[str]
    content: Mapped[str | None]
    """Gone when it was read."""
    state: Mapped[TopicState] = mapped_column(EnumText(TopicState))
    words: Mapped[str | None]
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class TopicCertificate(Base):
    """A certificate of Amazon SNS, as its server gave it."""

    __tablename__ = "topic_certificate"
    __table_args__ = (UniqueConstraint("url"),)

    id: Mapped[IntKey]
    url: Mapped[str]
    pem: Mapped[str]
    fetched_at: Mapped[datetime]
