"""Reads of documents, their versions, and who acknowledged them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.documents.errors import DocumentNotFoundError
from plugin.documents.models import Document, DocumentOpening
from plugin.modules.models import Completion, Module, ModuleVersion, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionLine:
    """One version of a document as its admin sees it."""

    id: int
    number: int
    filename: str
    size: int
    sha256: str
    changes: str
    created_at: datetime
    people: int
    """Who acknowledged it."""


def versions_of(session: Session, module: Module) -> list[VersionLine]:
    """Every version of the module, the newest first, in one statement."""
    people = (
        select(Completion.module_version_id, func.count(Completion.person_id.distinct()).label("n"))
        .where(Completion.module_id == module.id, Completion.passed)
        .group_by(Completion.module_version_id)
        .subquery()
    )
    rows = session.execute(
        select(ModuleVersion.id, ModuleVersion.number, Document, func.coalesce(people.c.n, 0))
        .join(Document, Document.module_version_id == ModuleVersion.id)
        .outerjoin(people, people.c.module_version_id == ModuleVersion.id)
        .where(
            ModuleVersion.module_id == module.id,
            ModuleVersion.organization_id == module.organization_id,
        )
        .order_by(ModuleVersion.number.desc())
    )
    return [
        VersionLine(
            id=version_id,
            number=number,
            filename=document.filename,
            size=document.size,
            sha256=document.sha256,
            changes=document.changes,
            created_at=document.created_at,
            people=count,
        )
        for version_id, number, document, count in rows
    ]


def document_of_number(session: Session, module: Module, number: int) -> Document:
    found = session.scalar(
        select(Document)
        .join(ModuleVersion, ModuleVersion.id == Document.module_version_id)
        .where(
            Document.organization_id == module.organization_id,
            ModuleVersion.module_id == module.id,
            ModuleVersion.number == number,
        )
    )
    if found is None:
        raise DocumentNotFoundError(module.id)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A sitting with the document it is about."""

    run: Run
    document: Document
    number: int
    is_current: bool
    opened_at: datetime | None


def reading_of(session: Session, run: Run) -> Reading:
    """What the sitting is about, and whether it was opened, in one statement."""
    row = session.execute(
        select(Document, ModuleVersion.number, Module.current_version_id, DocumentOpening.opened_at)
        .join(ModuleVersion, ModuleVersion.id == Document.module_version_id)
        .join(Module, Module.id == ModuleVersion.module_id)
        .outerjoin(
            DocumentOpening,
            (DocumentOpening.run_id == run.id) & (DocumentOpening.document_id == Document.id),
        )
        .where(
            Document.organization_id == run.organization_id,
            Document.module_version_id == run.module_version_id,
        )
    ).one_or_none()
    if row is None:
        raise DocumentNotFoundError(run.id)
    document, number, current_id, opened_at = row
    return Reading(
        run=run,
        document=document,
        number=number,
        is_current=current_id == run.module_version_id,
        opened_at=opened_at,
    )


def document_of(session: Session, organization_id: int, document_id: int) -> Document:
    found = session.scalar(
        select(Document).where(
            Document.organization_id == organization_id, Document.id == document_id
        )
    )
    if found is None:
        raise DocumentNotFoundError(document_id)
    return found
