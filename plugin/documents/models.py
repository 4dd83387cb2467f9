"""Tables of documents to read, and of who opened them."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from plugin.core.base import AppendOnly, Base, IntKey


class Document(AppendOnly, Base):
    """The PDF of one version of a module; never replaced."""

    __tablename__ = "document"

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    module_version_id: Mapped[int] = mapped_column(ForeignKey("module_version.id"), unique=True)
    filename: Mapped[str]
    key: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    changes: Mapped[str]
    """What is different from the version before, in its admin's words; empty: not said."""
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class DocumentOpening(AppendOnly, Base):
    """In this sitting the document was opened; it may be acknowledged."""

    __tablename__ = "document_opening"

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    opened_at: Mapped[datetime]
