"""Who did what, when and why: an append-only trail."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, Session, mapped_column

from plugin.core.base import AppendOnly, Base, IntKey, JsonDict


class AuditEntry(AppendOnly, Base):
    """One act. `by_person_id` is empty when the product itself or the command line acted."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index(None, "organization_id", "about_kind", "about_id"),
        Index(None, "organization_id", "at"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    at: Mapped[datetime]
    action: Mapped[str]
    about_kind: Mapped[str]
    about_id: Mapped[int]
    by_person_id: Mapped[int | None]
    before: Mapped[JsonDict | None]
    after: Mapped[JsonDict | None]
    reason: Mapped[str | None]


def record(
    session: Session,
    action: str,
    *,
    about: Base,
    by: int | None,
    now: datetime,
    before: JsonDict | None = None,
    after: JsonDict | None = None,
    reason: str | None = None,
) -> None:
    """`action` (feature.verb) happened to the row `about`; written in the caller's transaction."""
    session.flush()
    organization_id = (
        about.id if about.__tablename__ == "organization" else about.organization_id  # type: ignore[attr-defined]
    )
    session.add(
        AuditEntry(
            organization_id=organization_id,
            at=now,
            action=action,
            about_kind=about.__tablename__,
            about_id=about.id,  # type: ignore[attr-defined]
            by_person_id=by,
            before=before,
            after=after,
            reason=reason,
        )
    )
