import errno
import io
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from plugin.cli import plugin
from plugin.core.context import current_settings, storage
from plugin.core.db import db
from plugin.modules.models import Module, ModuleKind, ModuleVersion, Retraining
from plugin.scorm import importing
from plugin.scorm.errors import NoCourseError
from plugin.scorm.models import Package
from plugin.web.roles import Role
from tests.support.clamd import EICAR, clamd
from tests.support.html import read
from tests.support.packages import item, manifest, package, resource, zip_of
from tests.support.play import brought_in
from tests.support.work import work_off
from tests.support.world import World


@pytest.fixture
def admin(world: World, client: FlaskClient) -> FlaskClient:
    person = world.person("Anna Admin")
    world.grant(person, Role.ADMIN)
    world.sign_in(client, person)
    return client


def upload(client: FlaskClient, source: io.BytesIO, *, to: str = "import", **form: str) -> str:
    """Send the file; the address of the page that follows."""
    answer = client.post(
        f"/admin/modules/{to}",
        data={"file": (source, "course.zip"), **form},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return str(answer.headers["Location"])


def files_of(app: Flask) -> list[Path]:
    return [path for path in storage().root.rglob("*") if path.is_file()]


@pytest.fixture(autouse=True)
def empty_storage(app: Flask) -> None:
    for name in ("uploads", "packages"):
        storage().remove_tree(name)


def test_an_upload_shows_progress_without_scripts_then_the_module(admin: FlaskClient) -> None:
    page = upload(admin, package(manifest_bytes=manifest(title="Working at height")))
    waiting = admin.get(page).get_data(as_text=True)
    assert 'http-equiv="refresh"' in waiting
    assert "<progress" in waiting
    assert work_off() == 1
    done = admin.get(page).get_data(as_text=True)
    assert "The package is ready." in done
    assert 'http-equiv="refresh"' not in done
    listed = admin.get("/admin/modules").get_data(as_text=True)
    assert "Working at height" in listed
    assert db.session.scalars(select(ModuleVersion.number)).all() == [1]


def test_the_title_may_be_chosen(admin: FlaskClient) -> None:
    upload(admin, package(), title="Ladders")
    work_off()
    assert db.session.scalars(select(Module.title)).all() == ["Ladders"]


def test_a_bad_package_tells_why_and_leaves_nothing_behind(app: Flask, admin: FlaskClient) -> None:
    page = upload(admin, zip_of({"../evil.html": "x", "imsmanifest.xml": manifest()}))
    work_off()
    told = admin.get(page).get_data(as_text=True)
    assert "could not be imported" in told
    assert "points outside the package" in told
    assert "../evil.html" in told
    assert files_of(app) == []
    assert db.session.scalar(select(func.count(Module.id))) == 0
    assert "course.zip" in admin.get("/admin/modules/import").get_data(as_text=True)


def test_notes_are_shown_but_do_not_stop_the_import(admin: FlaskClient) -> None:
    page = upload(admin, zip_of({"c/imsmanifest.xml": manifest(), "c/index.html": "x"}))
    work_off()
    told = admin.get(page).get_data(as_text=True)
    assert "The package is ready." in told
    assert "lies in the folder c" in told


def test_one_file_that_is_missing_is_said_as_one(admin: FlaskClient) -> None:
    lists = manifest(resources=resource(inside='<file href="index.html"/><file href="gone.png"/>'))
    page = upload(admin, package(manifest_bytes=lists))
    work_off()
    told = admin.get(page).get_data(as_text=True)
    assert "Listed in the manifest but not in the zip (1): gone.png." in told


def test_how_large_a_package_may_be_is_said_before(admin: FlaskClient) -> None:
    made = number_of_a_module(admin)
    for page in ("import", made):
        told = admin.get(f"/admin/modules/{page}").get_data(as_text=True)
        assert f"at most {current_settings().upload_max_mb} MB" in told


def number_of_a_module(admin: FlaskClient) -> str:
    """A module whose next version may be brought."""
    upload(admin, package())
    work_off()
    return str(db.session.scalars(select(Module.id)).one())


def test_of_thousands_of_findings_a_page_shows_some_and_counts_the_rest(
    app: Flask, admin: FlaskClient, world: World, tmp_path: Path
) -> None:
    items = "".join(item(f"I{n}", f"Part {n}", "GONE") for n in range(4000))
    source = package(manifest_bytes=manifest(items=items + item("I", "Here")))
    page = upload(admin, io.BytesIO(source.getvalue()))
    work_off()
    told = read(admin.get(page).get_data(as_text=True))
    assert "What was found 4,000" in told.words
    assert "and 3980 more" in told.words
    assert len(told.all("code")) == 20
    assert len(db.session.scalars(select(Package.findings)).one()) == 20
    path = tmp_path / "many.zip"
    path.write_bytes(source.getvalue())
    arguments = ["module", "import", str(path), "--organization", world.organization.slug]
    done = app.test_cli_runner().invoke(plugin, arguments, obj=app)
    assert "and 3980 more" in done.output


def test_an_upload_the_disk_has_no_room_for_is_said_and_leaves_nothing(
    app: Flask, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as filled:
        filled.setattr(os, "fsync", full)
        answer = admin.post(
            "/admin/modules/import",
            data={"file": (package(), "course.zip")},
            content_type="multipart/form-data",
        )
    assert answer.status_code == 507
    told = read(answer.get_data(as_text=True)).words
    assert "The server's disk is full. Nothing of what was sent was kept." in told
    assert "make room" in told
    assert files_of(app) == []
    assert db.session.scalar(select(func.count(Package.id))) == 0


@pytest.mark.parametrize("is_good", [True, False])
def test_the_page_of_a_new_version_says_what_becomes_of_the_module(
    admin: FlaskClient, world: World, *, is_good: bool
) -> None:
    module = brought_in(world, title="Ladders")
    page = upload(admin, package() if is_good else zip_of({"a.txt": "x"}), to=str(module.id))
    work_off()
    told = read(admin.get(page).get_data(as_text=True)).words
    assert ("The new version is ready" in told) is is_good
    assert ("the module stays at the version it has" in told) is not is_good
    assert "can be assigned now" not in told


def test_no_file_is_said_at_the_field(admin: FlaskClient) -> None:
    answer = admin.post("/admin/modules/import", data={"title": "x"})
    assert "Choose the .zip file of the course." in answer.get_data(as_text=True)
    assert db.session.scalar(select(func.count(Package.id))) == 0


def test_a_new_version_keeps_the_module_and_its_title(admin: FlaskClient, world: World) -> None:
    module = brought_in(world, title="Ladders")
    upload(admin, package({"new.txt": "new"}), to=str(module.id))
    work_off()
    db.session.expire_all()
    numbers = db.session.scalars(select(ModuleVersion.number).order_by(ModuleVersion.id)).all()
    assert (numbers, module.title) == ([1, 2], "Ladders")
    second = db.session.scalars(select(ModuleVersion).where(ModuleVersion.number == 2)).one()
    assert module.current_version_id == second.id
    assert "course.zip" in admin.get(f"/admin/modules/{module.id}").get_data(as_text=True)


def test_a_new_version_is_read_as_the_module_is(admin: FlaskClient, world: World) -> None:
    module = brought_in(world, trusts_status=True)
    page = admin.get(f"/admin/modules/{module.id}").text
    assert "decides by its own status" in page
    assert 'name="trusts_status"' not in page
    upload(admin, package(), to=str(module.id))
    work_off()
    assert "decides by its own status" in admin.get(f"/admin/modules/{module.id}").text
    db.session.rollback()
    assert db.session.scalars(select(Package.trusts_status)).all() == [True, True]


def test_the_import_step_may_run_twice_and_does_its_work_once(world: World) -> None:
    module = brought_in(world)
    (package_id,) = db.session.scalars(select(Package.id)).all()
    importing.import_package(package_id)
    work_off()
    assert db.session.scalar(select(func.count(ModuleVersion.id))) == 1
    base = db.session.scalars(select(Package.base_key)).one()
    assert base is not None
    assert (storage().path(base) / "index.html").is_file()
    assert module.current_version_id is not None


def test_attempts_at_the_same_moment_make_one_version_and_one_folder(
    app: Flask, world: World
) -> None:
    package_id = importing.receive(
        package({"a.bin": bytes(3_000_000)}), world.organization.id, filename="c.zip", title="",
        module_id=None, trusts_status=False, by=None,
    )  # fmt: skip
    shelf = storage().path(f"packages/{world.organization.id}/{package_id}")

    def attempt(_number: int) -> None:
        with app.app_context():
            importing.import_package(package_id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(attempt, range(4)))
    db.session.rollback()
    assert db.session.scalar(select(func.count(ModuleVersion.id))) == 1
    base = db.session.scalars(select(Package.base_key)).one() or ""
    assert [each.name for each in shelf.iterdir()] == [base.rpartition("/")[2]]
    assert (storage().path(base) / "index.html").is_file()


def test_only_admins_bring_packages(world: World, client: FlaskClient) -> None:
    world.sign_in(client, world.person("Lars Learner"))
    module = brought_in(world)
    for path in ("/admin/modules", "/admin/modules/import", f"/admin/modules/{module.id}"):
        assert client.get(path).status_code == 403


def test_another_organizations_package_and_module_do_not_exist(
    world: World, admin: FlaskClient
) -> None:
    other = world.new_organization("Other")
    package_id = importing.receive(
        package(), other.id, filename="c.zip", title="Secret", module_id=None,
        trusts_status=False, by=None,
    )  # fmt: skip
    importing.import_package(package_id)
    theirs = db.session.scalars(select(Module)).one()
    assert admin.get(f"/admin/packages/{package_id}").status_code == 404
    assert admin.get(f"/admin/modules/{theirs.id}").status_code == 404
    answer = admin.post(
        f"/admin/modules/{theirs.id}",
        data={"file": (package(), "x.zip")},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 404
    assert db.session.scalar(select(func.count(Package.id))) == 1
    assert "Secret" not in admin.get("/admin/modules").get_data(as_text=True)


@pytest.mark.parametrize("kind", [each for each in ModuleKind if each is not ModuleKind.SCORM])
def test_a_module_of_another_kind_takes_no_package(
    app: Flask, world: World, admin: FlaskClient, kind: ModuleKind, tmp_path: Path
) -> None:
    module = world.module(kind=kind)
    db.session.commit()
    assert admin.get(f"/admin/modules/{module.id}").status_code == 404
    assert admin.get(f"/admin/modules/{module.id}/results").status_code == 404
    answer = admin.post(
        f"/admin/modules/{module.id}",
        data={"file": (package(), "x.zip"), "effect": "equivalent"},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 404
    path = tmp_path / "x.zip"
    path.write_bytes(package().getvalue())
    arguments = ["module", "import", str(path), "--organization", world.organization.slug]
    told = app.test_cli_runner().invoke(plugin, [*arguments, "--module", str(module.id)], obj=app)
    assert isinstance(told.exception, NoCourseError)
    db.session.rollback()
    assert db.session.scalar(select(func.count(Package.id))) == 0
    assert files_of(app) == []


def test_the_command_line_imports_and_tells(app: Flask, world: World, tmp_path: Path) -> None:
    path = tmp_path / "ladders.zip"
    path.write_bytes(package(manifest_bytes=manifest(title="Ladders")).getvalue())
    runner = app.test_cli_runner()
    arguments = ["module", "import", str(path), "--organization", world.organization.slug]
    done = runner.invoke(plugin, arguments, obj=app)
    assert done.exit_code == 0, done.output
    db.session.rollback()
    module = db.session.scalars(select(Module)).one()
    assert f"Imported “Ladders” as module {module.id}." in done.output
    again = runner.invoke(plugin, [*arguments, "--module", str(module.id)], obj=app)
    assert again.exit_code == 0, again.output
    db.session.rollback()
    assert db.session.scalar(select(func.count(ModuleVersion.id))) == 2
    odd = runner.invoke(plugin, [*arguments, "--module", str(module.id), "--trust-status"], obj=app)
    assert "is for a new module" in odd.output
    assert odd.exit_code == 2


def test_the_command_line_says_why_a_package_is_refused(
    app: Flask, world: World, tmp_path: Path
) -> None:
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "x")
    done = app.test_cli_runner().invoke(
        plugin,
        ["module", "import", str(path), "--organization", world.organization.slug],
        obj=app,
    )
    assert done.exit_code == 1
    assert "There is no imsmanifest.xml in this zip" in done.output
    assert "Nothing was imported." in done.output


def test_the_command_explains_itself_with_an_example(app: Flask) -> None:
    told = app.test_cli_runner().invoke(plugin, ["module", "import", "--help"]).output
    assert "Example: plugin module import" in told


def test_who_may_bring_packages_is_a_setting(
    app: Flask, world: World, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = brought_in(world)
    by_operator = replace(current_settings(), uploads_by="operator")
    monkeypatch.setitem(app.extensions, "plugin_settings", by_operator)
    page = admin.get(f"/admin/modules/{module.id}")
    assert page.status_code == 200
    assert "Upload a new version" not in page.get_data(as_text=True)
    assert admin.get("/admin/modules/import").status_code == 403
    for to in ("import", str(module.id)):
        answer = admin.post(
            f"/admin/modules/{to}",
            data={"file": (package(), "x.zip")},
            content_type="multipart/form-data",
        )
        assert answer.status_code == 403
        assert "whoever runs this server" in answer.get_data(as_text=True)
    assert db.session.scalar(select(func.count(Package.id))) == 1


def test_a_virus_fails_the_import_and_leaves_nothing_behind(
    app: Flask, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with clamd() as (address, _):
        scanning = replace(current_settings(), clamav=address)
        monkeypatch.setitem(app.extensions, "plugin_settings", scanning)
        page = upload(admin, package({"x.js": EICAR}))
        work_off()
    told = admin.get(page).get_data(as_text=True)
    assert "Eicar-Test" in told
    assert "x.js" in told
    assert files_of(app) == []


def test_a_version_to_be_learned_anew_is_brought_and_then_decided_about(
    admin: FlaskClient, world: World
) -> None:
    module = brought_in(world, title="Ladders")
    path, day = str(module.id), {"effect": "retraining", "from_on": "2027-06-01"}
    page = upload(admin, package(), to=path, **day)
    work_off()
    db.session.expire_all()
    assert db.session.scalars(select(ModuleVersion.number)).all() == [1, 2]
    assert db.session.scalar(select(func.count(Retraining.id))) == 0, "nothing without a look"
    told = read(admin.get(page).get_data(as_text=True))
    assert "from Jun 1, 2027 on it is to be required" in told.words
    (link,) = [each for each in told.all("a") if each.words == "Look and decide"]
    decision = admin.get(link.attributes["href"]).get_data(as_text=True)
    assert 'value="2027-06-01"' in decision


@pytest.mark.parametrize("day", ["", "2027-03-01", "soon"])
def test_a_day_that_cannot_be_is_said_before_anything_is_kept(
    app: Flask, admin: FlaskClient, world: World, day: str
) -> None:
    module = brought_in(world)
    kept = files_of(app)
    answer = admin.post(
        f"/admin/modules/{module.id}",
        data={"file": (package(), "c.zip"), "effect": "retraining", "from_on": day},
        content_type="multipart/form-data",
    )
    assert "Choose a day" in answer.text
    assert files_of(app) == kept
