"""The import of a package: store, unpack, judge, publish. Long, so it opens short transactions."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import IO

from sqlalchemy import select, update

from plugin.core import clock
from plugin.core.context import current_settings, storage
from plugin.core.db import Tx, transaction
from plugin.core.names import file_name, on_one_line
from plugin.core.outbox import JobName
from plugin.core.secrets import new_token
from plugin.modules import actions as module_actions
from plugin.modules import queries as module_queries
from plugin.modules.models import ModuleKind
from plugin.scorm import attempts, queries, wording
from plugin.scorm.attempts import Attempt
from plugin.scorm.described import described
from plugin.scorm.models import Package, PackageState
from plugin.scorm.package import MEGABYTE, Limits, Unpacked, unpack
from plugin.scorm.scanner import Scanner

SAY_EVERY = timedelta(seconds=1)
MAX_TITLE = 200


def receive(
    source: IO[bytes],
    organization_id: int,
    *,
    filename: str,
    title: str,
    module_id: int | None,
    trusts_status: bool,
    retraining_on: date | None = None,
    by: int | None,
) -> int:
    """The zip is stored and its import is owed; the id of the package.

    A new version of a module is read as the module is: `trusts_status` is for a new one.
    """
    key = f"{attempts.UPLOADS}/{organization_id}/{new_token()}.zip"
    kept = storage().put_stream(key, source)
    try:
        with transaction() as tx:
            if module_id is not None:
                module = queries.course_of(tx.session, organization_id, module_id)
                trusts_status = queries.policy_of_module(tx.session, module).trusts_status
            package = Package(
                organization_id=organization_id,
                module_id=module_id,
                filename=file_name(filename, MAX_TITLE) or "package.zip",
                title=on_one_line(title, MAX_TITLE),
                trusts_status=trusts_status,
                retraining_on=retraining_on,
                sha256=kept.sha256,
                size=kept.size,
                upload_key=key,
                state=PackageState.IMPORTING,
                findings=[],
                created_at=clock.now(),
                created_by=by,
            )
            tx.session.add(package)
            tx.session.flush()
            tx.then(JobName.IMPORT_PACKAGE, package.id)
            return package.id
    except BaseException:
        storage().path(key).unlink(missing_ok=True)
        raise


def import_package(package_id: int) -> None:
    """The package is ready to play, or failed with its reasons. Safe to run again, even twice.

    Raises what may pass by itself (a full disk, a database that went away), a few times.
    """
    attempt = attempts.begin(package_id, now=clock.now())
    if attempt is None:
        return
    key = f"{_shelf(attempt)}/{new_token()}"
    try:
        _import(attempt, key)
    except Exception as cause:
        if not attempts.stopped(attempt, key, cause, now=clock.now()):
            raise


def _shelf(attempt: Attempt) -> str:
    return attempts.shelf(attempt.organization_id, attempt.package_id)


def _import(attempt: Attempt, key: str) -> None:
    files, package_id = storage(), attempt.package_id
    with files.path(attempt.upload_key).open("rb") as source:
        unpacked = unpack(
            source,
            files.path(key),
            limits=Limits(total=current_settings().unpacked_max_mb * MEGABYTE),
            on_progress=_progress_of(package_id),
            inspect=Scanner(current_settings().clamav) if current_settings().clamav else None,
        )
    with transaction() as tx:
        is_ours = _finish(tx, package_id, key, unpacked, now=clock.now())
    if not is_ours:
        files.remove_tree(key)
    elif not unpacked.is_usable:
        if not attempts.is_kept(wording.stored(unpacked.findings)):
            files.path(attempt.upload_key).unlink(missing_ok=True)
        with suppress(OSError):  # another attempt may still be at work in it
            files.path(_shelf(attempt)).rmdir()


def _progress_of(package_id: int) -> Callable[[int], None]:
    """Say how far it is, at most once a second, in a transaction of its own."""
    said_at: datetime = clock.now()

    def say(percent: int) -> None:
        nonlocal said_at
        if clock.now() - said_at < SAY_EVERY:
            return
        said_at = clock.now()
        with transaction() as tx:
            tx.session.execute(
                update(Package)
                .where(Package.id == package_id, Package.state == PackageState.IMPORTING)
                .values(percent=min(99, percent))
            )

    return say


def _finish(tx: Tx, package_id: int, key: str, unpacked: Unpacked, *, now: datetime) -> bool:
    """Write the result down unless another run of this step already did."""
    package = tx.session.scalars(
        select(Package).where(Package.id == package_id).with_for_update()
    ).one()
    if package.state is not PackageState.IMPORTING:
        return False
    package.findings = wording.stored(unpacked.findings)
    package.finished_at = now
    if unpacked.manifest is None:
        package.state = PackageState.FAILED
        return True
    package.state, package.percent, package.base_key = PackageState.READY, 100, key
    package.manifest = described(unpacked.manifest)
    titled = package.title or on_one_line(unpacked.manifest.title, MAX_TITLE)
    package.title = titled or package.filename
    _publish(tx, package, now=now)
    return True


def _publish(tx: Tx, package: Package, *, now: datetime) -> None:
    session, by = tx.session, package.created_by
    if package.module_id is None:
        module = module_actions.create_module(
            session,
            package.organization_id,
            kind=ModuleKind.SCORM,
            title=package.title,
            by=by,
            now=now,
        )
        package.module_id = module.id
    else:
        module = module_queries.module_of(session, package.organization_id, package.module_id)
    module_actions.add_version(session, module, package_id=package.id, by=by, now=now)
