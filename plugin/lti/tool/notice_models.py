"""Tables of notices: what an LMS tells us between launches, and copies of courses it told of."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from plugin.core.base import Base, EnumText, IntKey, JsonDict


class NoticeHandler(Base):
    """A kind of notice that a deployment of an LMS offers, and where it was told to send it."""

    __tablename__ = "notice_handler"
    __table_args__ = (UniqueConstraint("registration_id", "deployment_id", "notice_type"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    deployment_id: Mapped[str]
    notice_type: Mapped[str]
    service_url: Mapped[str]
    handler: Mapped[str | None]
    """Our address the LMS was last told and accepted; none: it sends nothing yet."""
    subscribed_at: Mapped[datetime | None]
    tried_at: Mapped[datetime | None]
    problem: Mapped[str | None]
    """Why the LMS did not accept it, in its own words where it has some."""


class LmsNotice(Base):
    """A verified notice, kept by its own id: told twice it is still one."""

    __tablename__ = "lms_notice"
    __table_args__ = (
        UniqueConstraint("registration_id", "deployment_id", "notice_id"),
        UniqueConstraint("registration_id", "nonce_hash"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    deployment_id: Mapped[str]
    notice_id: Mapped[str]
    notice_type: Mapped[str]
    nonce_hash: Mapped[str]
    said: Mapped[JsonDict]
    received_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]


class CopyState(StrEnum):
    """What an admin said of a course that seems to be a copy."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


class CourseCopy(Base):
    """A course that its LMS says was copied from one we know; once per course."""

    __tablename__ = "course_copy"
    __table_args__ = (Index(None, "organization_id", "state"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    course_id: Mapped[int] = mapped_column(ForeignKey("lms_course.id"), unique=True)
    origin_id: Mapped[int] = mapped_column(ForeignKey("lms_course.id"))
    state: Mapped[CopyState] = mapped_column(EnumText(CopyState))
    found_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
