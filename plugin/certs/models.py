"""Tables of certificates, what happened to them, and their editions."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.certs.rules import EditionKind, EventKind
from plugin.core.base import AppendOnly, Base, EnumText, IntKey, JsonDict


class Certificate(Base):
    """Proof for one person under one configuration; one credential ID and address for ever.

    `erased_at`: the person's data is gone; the row stays so that the address can say so.
    """

    __tablename__ = "certificate"
    __table_args__ = (
        UniqueConstraint("person_id", "configuration_id"),
        Index(None, "organization_id", "created_at"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    configuration_id: Mapped[int] = mapped_column(ForeignKey("configuration.id"), index=True)
    credential_id: Mapped[str] = mapped_column(unique=True)
    token: Mapped[str] = mapped_column(unique=True)
    passcode: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]


class CertificateEvent(AppendOnly, Base):
    """An admin revoked a certificate, suspended it, or lifted a suspension."""

    __tablename__ = "certificate_event"
    __table_args__ = (Index(None, "certificate_id"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    certificate_id: Mapped[int] = mapped_column(ForeignKey("certificate.id"))
    kind: Mapped[EventKind] = mapped_column(EnumText(EventKind))
    at: Mapped[datetime]
    by_person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str]


class Edition(Base):
    """One printing of a certificate: its facts are frozen, its PDF is kept."""

    __tablename__ = "edition"
    __table_args__ = (
        UniqueConstraint("certificate_id", "number"),
        Index(
            "ix_edition_unrendered",
            "id",
            sqlite_where=text("rendered_at IS NULL"),
            postgresql_where=text("rendered_at IS NULL"),
        ),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    certificate_id: Mapped[int] = mapped_column(ForeignKey("certificate.id"))
    number: Mapped[int]
    kind: Mapped[EditionKind] = mapped_column(EnumText(EditionKind))
    facts: Mapped[JsonDict]
    valid_through: Mapped[date | None]
    issued_at: Mapped[datetime]
    silent: Mapped[bool] = mapped_column(default=False)
    pdf_key: Mapped[str | None]
    pdf_sha256: Mapped[str | None]
    rendered_at: Mapped[datetime | None]
