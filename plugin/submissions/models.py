"""The table of external certificates that were submitted."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.core.base import Base, EnumText, IntKey, JsonDict


class SubmissionState(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class SubmittedCertificate(Base):
    """A certificate from elsewhere, as its holder submitted it, and what was decided of it.

    Decided once, and never by the person themselves; in a sitting at most one waits.
    """

    __tablename__ = "submitted_certificate"
    __table_args__ = (
        CheckConstraint(
            "decided_by IS NULL OR decided_by <> person_id", name="never_by_oneself"
        ),
        Index("ix_submitted_certificate_organization_id_state",
              "organization_id", "state", "submitted_at"),
        Index(None, "person_id"),
        Index(
            "uq_submitted_certificate_waiting",
            "run_id",
            unique=True,
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )  # fmt: skip

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    module_id: Mapped[int] = mapped_column(ForeignKey("module.id"))
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    name: Mapped[str]
    issuer: Mapped[str]
    issued_on: Mapped[date]
    ends_on: Mapped[date | None]
    file: Mapped[JsonDict]
    state: Mapped[SubmissionState] = mapped_column(EnumText(SubmissionState))
    submitted_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str]
    """Why it was rejected, in words for its holder."""
    completion_id: Mapped[int | None] = mapped_column(ForeignKey("completion.id"))
