"""Everything that changes documents and what was acknowledged of them."""

from datetime import datetime
from pathlib import PurePosixPath
from typing import IO

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from plugin.core.db import Tx
from plugin.core.names import file_name, on_one_line
from plugin.core.secrets import new_token
from plugin.core.storage import Storage, Stored
from plugin.core.upsert import insert_absent
from plugin.documents import queries
from plugin.documents.models import Document, DocumentOpening
from plugin.modules import actions as module_actions
from plugin.modules.models import Completion, CompletionSource, Module, ModuleKind, Run, RunState
from plugin.modules.rules import Report
from plugin.modules.titles import MAX_TITLE
from plugin.org.errors import FieldError
from plugin.scorm.uploads import refuse_viruses

MAX_MEGABYTES = 50
HEAD = 1024
"""How far from its beginning a PDF may say what it is (ISO 32000-1, annex H)."""


def keep_pdf(files: Storage, organization_id: int, source: IO[bytes], *, scanner: str) -> Stored:
    """The PDF lies in the storage, whole; raises FieldError for anything else."""
    key = f"documents/{organization_id}/{new_token()}.pdf"
    kept = files.put_stream(key, source)
    with files.held(key):
        with files.path(key).open("rb") as content:
            is_pdf = b"%PDF-" in content.read(HEAD)
        if not is_pdf or kept.size > MAX_MEGABYTES * 1024 * 1024:
            raise FieldError("file", _why_not(is_pdf=is_pdf))
        refuse_viruses(files, key, scanner=scanner, field="file")
    return kept


def _why_not(*, is_pdf: bool) -> str:
    if not is_pdf:
        return str(_("This file is no PDF. Save or print the document as a PDF first."))
    return str(_("This PDF is larger than %(limit)d MB.", limit=MAX_MEGABYTES))


def create(
    tx: Tx,
    organization_id: int,
    *,
    title: str,
    kept: Stored,
    filename: str,
    by: int | None,
    now: datetime,
) -> Module:
    """A published module: this document, to be read and acknowledged."""
    module = module_actions.create_module(
        tx.session,
        organization_id,
        kind=ModuleKind.DOCUMENT,
        title=_title(title, filename),
        by=by,
        now=now,
    )
    add_version(tx, module, kept=kept, filename=filename, changes="", by=by, now=now)
    return module


def _title(title: str, filename: str) -> str:
    stem = PurePosixPath(_name(filename)).stem
    return on_one_line(title, MAX_TITLE) or on_one_line(stem, MAX_TITLE)


def _name(filename: str) -> str:
    return file_name(filename, MAX_TITLE) or "document.pdf"


def add_version(
    tx: Tx,
    module: Module,
    *,
    kept: Stored,
    filename: str,
    changes: str,
    by: int | None,
    now: datetime,
) -> Document:
    """Whoever reads from now on reads this; what was acknowledged before goes on counting."""
    version = module_actions.add_version(tx.session, module, package_id=None, by=by, now=now)
    document = Document(
        organization_id=module.organization_id,
        module_version_id=version.id,
        filename=_name(filename),
        key=kept.key,
        sha256=kept.sha256,
        size=kept.size,
        changes=changes.strip(),
        created_at=now,
        created_by=by,
    )
    tx.session.add(document)
    tx.session.flush()
    return document


def follow_current(session: Session, run: Run) -> None:
    """A sitting in which nothing was acknowledged yet is about the current version."""
    module = session.get_one(Module, run.module_id)
    if module.current_version_id is not None:
        run.module_version_id = module.current_version_id


def note_opening(tx: Tx, reading: queries.Reading, *, now: datetime) -> None:
    """The document was given to its reader in this sitting. Safe to call again."""
    row = {
        "run_id": reading.run.id,
        "document_id": reading.document.id,
        "organization_id": reading.run.organization_id,
        "opened_at": now,
    }
    once = ("run_id", "document_id")
    tx.session.execute(insert_absent(tx.session, DocumentOpening, [row], key=once))


def acknowledge(
    tx: Tx, run: Run, *, number: int, has_agreed: bool, now: datetime
) -> Completion | None:
    """The reader says that they read and understood version `number`; recorded once.

    Refused unless it was opened, is still the current one, and the box is ticked. None when this
    sitting was acknowledged before.
    """
    tx.session.refresh(run, with_for_update=True)
    if run.state is not RunState.OPEN:
        return None
    reading = queries.reading_of(tx.session, run)
    if not reading.is_current or number != reading.number:
        raise FieldError("agreed", _("There is a newer version of this document. Read it first."))
    if reading.opened_at is None:
        raise FieldError("agreed", _("Open the document and read it first."))
    if not has_agreed:
        raise FieldError("agreed", _("Tick the box if you have read and understood it."))
    return module_actions.record_completion(
        tx,
        run,
        Report(is_completed=True, is_passed=None, is_finished=True, progress=1.0),
        source=CompletionSource.DOCUMENT,
        evidence={
            "document": {
                "number": reading.number,
                "filename": reading.document.filename,
                "sha256": reading.document.sha256,
                "opened_at": reading.opened_at.isoformat(),
            }
        },
        now=now,
    )
