"""An import that is interrupted: counted, tried again, and ended with its reason (decision 175)."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from plugin.core.base import JsonList
from plugin.core.context import storage
from plugin.core.db import read_session, transaction
from plugin.core.log import log
from plugin.core.outbox import JobName
from plugin.core.queue import StepTookTooLongError
from plugin.core.storage import is_full
from plugin.scorm import wording
from plugin.scorm.errors import NotTriedAgainError
from plugin.scorm.findings import Finding, error
from plugin.scorm.models import Package, PackageState

MAX_ATTEMPTS = 5
ENDED = "import.ended"
UPLOADS = "uploads"
KEPT_FOR = timedelta(days=7)
"""How long the file of an import that could not be finished is kept for another attempt."""
TEMPORARY = (OSError, DBAPIError, MemoryError, StepTookTooLongError)
_NOT_THE_PACKAGE = {
    "import.defect",
    "import.no_space",
    "import.trouble",
    "import.interrupted",
    "scan.unreachable",
}
"""Findings that say nothing about the package: the same file may do the next time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An import that is to be done now; `number` counts from 1."""

    package_id: int
    organization_id: int
    upload_key: str
    number: int


def begin(package_id: int, *, now: datetime) -> Attempt | None:
    """The attempt is counted before anything is done, so that one that kills its worker counts too.

    None when the import has ended, or ends here because attempts were interrupted too often.
    """
    with transaction() as tx:
        package = _locked(tx.session, package_id)
        if package.state is not PackageState.IMPORTING:
            return None
        if package.attempts >= MAX_ATTEMPTS:
            finding = error("import.interrupted", reference=_reference())
            _end(package, _logged(package_id, finding), now=now)
            return None
        package.attempts, package.percent = package.attempts + 1, 0
        return Attempt(
            package_id=package_id,
            organization_id=package.organization_id,
            upload_key=package.upload_key,
            number=package.attempts,
        )


def stopped(attempt: Attempt, key: str, cause: Exception, *, now: datetime) -> bool:
    """Nothing of this attempt is left, and the import ended with its reason: true; false: the
    trouble may pass, and the step is to be tried again."""
    read_session().rollback()
    with transaction() as tx:
        package = _locked(tx.session, attempt.package_id)
        if package.base_key == key:  # it was written down all the same
            return True
        storage().remove_tree(key)
        if package.state is not PackageState.IMPORTING:
            return True
        is_here = storage().exists(attempt.upload_key)
        if is_here and isinstance(cause, TEMPORARY) and attempt.number < MAX_ATTEMPTS:
            return False
        finding = _finding(cause, _reference()) if is_here else error("import.lost")
        _end(package, _logged(attempt.package_id, finding, cause), now=now)
        return True


def may_be_tried_again(package: Package) -> bool:
    """Whether the file is still here and nothing was found to be wrong with it."""
    return (
        package.state is PackageState.FAILED
        and is_kept(package.findings)
        and storage().exists(package.upload_key)
    )


def is_kept(findings: JsonList) -> bool:
    """Whether the errors are the server's, so that the file is kept for another attempt."""
    codes = {each["code"] for each in findings if each["severity"] == "error"}
    return bool(codes) and codes <= _NOT_THE_PACKAGE


def try_again(session: Session, package: Package) -> tuple[JobName, int]:
    """The import begins anew; the step that is now owed. Refuses when there is nothing to try."""
    package = _locked(session, package.id)
    if not may_be_tried_again(package):
        raise NotTriedAgainError(package.id)
    package.state, package.findings, package.finished_at = PackageState.IMPORTING, [], None
    package.attempts, package.percent = 0, 0
    return JobName.IMPORT_PACKAGE, package.id


def forget(*, now: datetime) -> None:
    """The files of imports that failed long ago are gone, and what was left by any that stopped
    in the middle: unpacked beside a package, or brought and never recorded."""
    session = read_session()
    ended = session.scalars(
        select(Package).where(
            Package.state != PackageState.IMPORTING,
            Package.finished_at < now - KEPT_FOR,
            Package.finished_at > now - 5 * KEPT_FOR,
        )
    ).all()
    for package in ended:
        if package.state is PackageState.FAILED:
            storage().path(package.upload_key).unlink(missing_ok=True)
        _clear(shelf(package.organization_id, package.id), keep=package.base_key)
    _clear_uploads(session, now - KEPT_FOR)
    session.rollback()


def shelf(organization_id: int, package_id: int) -> str:
    """Where each attempt to unpack a package has a folder of its own."""
    return f"packages/{organization_id}/{package_id}"


def _clear(place: str, *, keep: str | None) -> None:
    found = storage().path(place)
    for each in sorted(found.iterdir()) if found.is_dir() else ():
        if f"{place}/{each.name}" != keep:
            storage().remove_tree(f"{place}/{each.name}")
    if keep is None and found.is_dir():
        found.rmdir()


def _clear_uploads(session: Session, before: datetime) -> None:
    """Who was stopped while storing a file left it, whole or in part, under a name nobody knows."""
    brought = storage().path(UPLOADS).glob("*/*")
    old = {f"{UPLOADS}/{each.parent.name}/{each.name}" for each in brought if _is_old(each, before)}
    for key in old.difference(session.scalars(select(Package.upload_key)) if old else ()):
        storage().path(key).unlink(missing_ok=True)


def _is_old(file: Path, before: datetime) -> bool:
    try:
        return file.stat().st_mtime < before.timestamp()
    except FileNotFoundError:  # its import has just ended
        return False


def _locked(session: Session, package_id: int) -> Package:
    return session.scalars(
        select(Package)
        .where(Package.id == package_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _reference() -> str:
    return secrets.token_hex(6)


def _end(package: Package, finding: Finding, *, now: datetime) -> None:
    package.state, package.finished_at = PackageState.FAILED, now
    package.findings = wording.stored((finding,))


def _finding(cause: Exception, reference: str) -> Finding:
    if is_full(cause):
        return error("import.no_space", reference=reference)
    if isinstance(cause, TEMPORARY):
        return error("import.trouble", reference=reference)
    return error("import.defect", reference=reference)


def _logged(package_id: int, finding: Finding, cause: Exception | None = None) -> Finding:
    """The finding and the log's line carry the same reference."""
    facts = {"code": finding.code, "package_id": package_id, **finding.facts}
    log.error(ENDED, exc_info=cause, **facts)
    return finding
