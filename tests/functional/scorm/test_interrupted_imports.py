"""An import always ends: what may pass is tried again a few times, the rest is said at once."""

import errno
import os
import shutil
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.core import clock
from plugin.core.context import storage
from plugin.core.db import db
from plugin.core.outbox import OutboxRow
from plugin.jobs import periodic, reconcile
from plugin.modules.models import Module
from plugin.scorm import attempts, importing
from plugin.scorm.models import Package, PackageState
from plugin.web.roles import Role
from tests.support.html import read
from tests.support.packages import package
from tests.support.play import brought_in
from tests.support.work import work_off
from tests.support.world import World


@pytest.fixture
def admin(world: World, client: FlaskClient) -> FlaskClient:
    person = world.person("Anna Admin")
    world.grant(person, Role.ADMIN)
    world.sign_in(client, person)
    return client


@pytest.fixture(autouse=True)
def empty_storage(app: Flask) -> None:
    for name in ("uploads", "packages"):
        storage().remove_tree(name)


def waiting(world: World) -> int:
    return importing.receive(
        package(), world.organization.id, filename="c.zip", title="", module_id=None,
        trusts_status=False, by=None,
    )  # fmt: skip


def break_down(monkeypatch: pytest.MonkeyPatch, trouble: BaseException) -> None:
    """From now on the library that reads zips meets this trouble."""

    def infolist(_archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
        raise trouble

    monkeypatch.setattr(zipfile.ZipFile, "infolist", infolist)


def found(package_id: int) -> Package:
    db.session.rollback()
    return db.session.get_one(Package, package_id, populate_existing=True)


def unpacked() -> list[Path]:
    return [path for path in storage().root.joinpath("packages").rglob("*") if path.is_file()]


def test_an_unforeseen_defect_ends_the_import_with_a_reference_and_can_be_tried_again(
    world: World, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    package_id = waiting(world)
    with monkeypatch.context() as broken:
        break_down(broken, RuntimeError("nobody thought of this"))
        work_off()
    failed = found(package_id)
    assert failed.state is PackageState.FAILED
    page = admin.get(f"/admin/packages/{package_id}")
    reference = failed.findings[0]["facts"]["reference"]
    assert f"reference {reference}" in page.text
    assert "our defect" in page.text
    assert "http-equiv" not in page.text
    assert [each.words for each in read(page.text).all("button")].count("Try again") == 1
    assert unpacked() == []
    assert db.session.scalars(select(Module)).all() == []
    assert reconcile.run(now=clock.now())["import_package"] == 0, "nobody asks for it any more"
    assert admin.post(f"/admin/packages/{package_id}/again").status_code == 303
    work_off()
    assert found(package_id).state is PackageState.READY
    assert admin.post(f"/admin/packages/{package_id}/again").status_code == 409


def test_a_new_version_whose_import_did_not_end_says_that_the_module_stays(
    world: World, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = brought_in(world)
    package_id = importing.receive(
        package(), world.organization.id, filename="c.zip", title="", module_id=module.id,
        trusts_status=False, by=None,
    )  # fmt: skip
    with monkeypatch.context() as broken:
        break_down(broken, RuntimeError("nobody thought of this"))
        work_off()
    page = read(admin.get(f"/admin/packages/{package_id}").text).words
    assert "so the module stays at the version it has" in page
    assert "no module of it" not in page


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "import.no_space"),
        (OSError(errno.EIO, "Input/output error"), "import.trouble"),
        (MemoryError(), "import.trouble"),
    ],
)
def test_trouble_that_may_pass_is_tried_again_a_few_times_and_then_said(
    world: World, monkeypatch: pytest.MonkeyPatch, trouble: Exception, code: str
) -> None:
    package_id = waiting(world)
    break_down(monkeypatch, trouble)
    for _ in range(attempts.MAX_ATTEMPTS - 1):
        with pytest.raises(type(trouble)):
            importing.import_package(package_id)
        assert found(package_id).state is PackageState.IMPORTING
        assert unpacked() == []
    importing.import_package(package_id)
    failed = found(package_id)
    assert (failed.state, failed.findings[0]["code"]) == (PackageState.FAILED, code)
    assert attempts.may_be_tried_again(failed)


def test_a_disk_that_fills_up_while_unpacking_keeps_nothing_of_the_attempt(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    package_id = waiting(world)
    read, seen = zipfile.ZipExtFile.read, list[int]()

    def full(stream: zipfile.ZipExtFile, n: int | None = -1) -> bytes:
        seen.append(len(unpacked()))
        if seen[-1] > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return read(stream, n)

    with monkeypatch.context() as filling:
        filling.setattr(zipfile.ZipExtFile, "read", full)
        with pytest.raises(OSError, match="No space"):
            importing.import_package(package_id)
    assert max(seen) > 1, "files were there already"
    assert unpacked() == []
    importing.import_package(package_id)
    assert found(package_id).state is PackageState.READY


def test_a_package_larger_than_the_room_left_is_not_begun(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    package_id = waiting(world)
    with monkeypatch.context() as small:
        usage = shutil.disk_usage(storage().root)
        small.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=10))
        for _ in range(attempts.MAX_ATTEMPTS - 1):
            with pytest.raises(OSError, match="No space"):
                importing.import_package(package_id)
            assert unpacked() == []
        importing.import_package(package_id)
    failed = found(package_id)
    assert (failed.state, failed.findings[0]["code"]) == (PackageState.FAILED, "import.no_space")


def test_trouble_that_passed_leaves_no_trace(
    world: World, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    package_id = waiting(world)
    with monkeypatch.context() as full:
        break_down(full, OSError(errno.ENOSPC, "No space left on device"))
        with pytest.raises(OSError, match="No space"):
            importing.import_package(package_id)
    importing.import_package(package_id)
    ready = found(package_id)
    assert (ready.state, ready.findings, ready.attempts) == (PackageState.READY, [], 2)


def test_an_import_that_kills_its_worker_each_time_ends_too(
    world: World, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    package_id = waiting(world)
    with monkeypatch.context() as killing:
        break_down(killing, SystemExit(137))
        for number in range(1, attempts.MAX_ATTEMPTS + 1):
            with pytest.raises(SystemExit):
                importing.import_package(package_id)
            assert found(package_id).attempts == number
        page = admin.get(f"/admin/packages/{package_id}").text
        assert f"attempt {attempts.MAX_ATTEMPTS} of {attempts.MAX_ATTEMPTS}" in page
        importing.import_package(package_id)
    assert found(package_id).findings[0]["code"] == "import.interrupted"


def test_a_file_that_is_gone_is_asked_for_again(world: World, admin: FlaskClient) -> None:
    package_id = waiting(world)
    storage().path(found(package_id).upload_key).unlink()
    work_off()
    page = admin.get(f"/admin/packages/{package_id}").text
    assert "no longer on the server" in page
    assert "Try again" not in page
    assert admin.post(f"/admin/packages/{package_id}/again").status_code == 409


def test_the_file_of_a_failed_import_is_kept_for_a_week(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    package_id = waiting(world)
    break_down(monkeypatch, RuntimeError("nobody thought of this"))
    work_off()
    failed = found(package_id)
    periodic.tidy()
    assert attempts.may_be_tried_again(found(package_id))
    failed = found(package_id)
    failed.finished_at = clock.now() - attempts.KEPT_FOR - timedelta(minutes=1)
    db.session.commit()
    periodic.tidy()
    assert not attempts.may_be_tried_again(found(package_id))
    assert not storage().exists(found(package_id).upload_key)


def test_what_was_left_by_who_was_stopped_in_the_middle_goes_with_time(world: World) -> None:
    """An attempt leaves what it unpacked, an upload what it stored; neither is on record."""
    package_id = waiting(world)
    half = storage().path(attempts.shelf(world.organization.id, package_id)) / "half-done"
    half.mkdir(parents=True)
    (half / "index.html").write_text("half")
    uploads = storage().path(attempts.UPLOADS) / str(world.organization.id)
    left, fresh = uploads / ".part-left", uploads / ".part-fresh"
    for each in (left, uploads / "unrecorded.zip", fresh):
        each.write_bytes(b"PK")
    work_off()
    ready = found(package_id)
    for each in uploads.iterdir():
        age = timedelta() if each == fresh else attempts.KEPT_FOR * 2
        os.utime(each, times=((clock.now() - age).timestamp(),) * 2)
    ready.finished_at = clock.now() - attempts.KEPT_FOR - timedelta(minutes=1)
    db.session.commit()
    periodic.tidy()
    ready = found(package_id)
    kept = storage().path(ready.base_key or "")
    assert [each.name for each in half.parent.iterdir()] == [kept.name]
    assert (kept / "index.html").is_file()
    assert {each.name for each in uploads.iterdir()} == {
        fresh.name,
        Path(ready.upload_key).name,
    }


def test_an_import_of_another_organization_cannot_be_tried_again(
    world: World, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = world.new_organization("Other")
    package_id = importing.receive(
        package(), other.id, filename="c.zip", title="", module_id=None, trusts_status=False,
        by=None,
    )  # fmt: skip
    break_down(monkeypatch, RuntimeError("nobody thought of this"))
    work_off()
    assert admin.post(f"/admin/packages/{package_id}/again").status_code == 404
    assert db.session.scalars(select(OutboxRow).where(OutboxRow.done_at.is_(None))).all() == []
