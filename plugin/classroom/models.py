"""Tables of sessions, and of who has a seat in them and was there."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from plugin.core.base import Base, EnumText, IntKey


class SessionState(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    """It takes place; nobody signs up any more."""
    CANCELLED = "cancelled"


class How(StrEnum):
    """How somebody's presence is known."""

    CODE = "code"
    LIST = "list"


class ClassRules(Base):
    """How a module of sessions is completed, as its admin chose."""

    __tablename__ = "class_rules"

    module_id: Mapped[int] = mapped_column(ForeignKey("module.id"), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    confirms: Mapped[bool] = mapped_column(default=True)
    """Presence completes the module only once somebody confirms the list."""


class ClassSession(Base):
    """A module taught at one time in one place; never more seats taken than there are."""

    __tablename__ = "class_session"
    __table_args__ = (
        CheckConstraint("capacity IS NULL OR taken <= capacity", name="seats"),
        CheckConstraint("taken >= 0", name="no_seat_twice"),
        CheckConstraint("ends_at > starts_at", name="ends_after_it_starts"),
        Index(None, "module_id", "ends_at"),
        Index(None, "instructor_id"),
        Index(None, "organization_id", "ends_at"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    module_id: Mapped[int] = mapped_column(ForeignKey("module.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    zone: Mapped[str]
    place: Mapped[str]
    instructor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    capacity: Mapped[int | None]
    taken: Mapped[int] = mapped_column(default=0)
    note: Mapped[str]
    state: Mapped[SessionState] = mapped_column(EnumText(SessionState))
    secret: Mapped[str]
    """What the codes shown in the room are made with."""
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    moves: Mapped[int] = mapped_column(default=0)
    """How often it got another time or place: calendars replace what is older (RFC 5545)."""
    cancel_reason: Mapped[str] = mapped_column(default="")


class Attendance(Base):
    """One person and one session: a seat, presence, and what came of it."""

    __tablename__ = "attendance"
    __table_args__ = (UniqueConstraint("session_id", "person_id"), Index(None, "person_id"))

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    session_id: Mapped[int] = mapped_column(ForeignKey("class_session.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    signed_up_at: Mapped[datetime | None]
    """Since when there is a seat; None: withdrawn, or came without one."""
    present_at: Mapped[datetime | None]
    present_how: Mapped[How | None] = mapped_column(EnumText(How))
    present_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    passed: Mapped[bool | None]
    score: Mapped[float | None]
    completion_id: Mapped[int | None] = mapped_column(ForeignKey("completion.id"))
