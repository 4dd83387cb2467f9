"""How much a request may bring is decided by who asks, before anything of it is read."""

import io
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from plugin.core.context import current_settings
from plugin.core.db import db
from plugin.web import bodies
from plugin.web.roles import Role
from tests.support.clamd import EICAR, clamd
from tests.support.packages import package
from tests.support.world import World

MEGABYTE = 1024 * 1024
SENT = 6 * MEGABYTE
UPLOAD = "/admin/modules/import"


class Counted(io.BytesIO):
    """A body that knows how far it was read."""

    @property
    def taken(self) -> int:
        return self.tell()

    def close(self) -> None:
        """It can be asked afterwards."""


def post(client: FlaskClient, path: str, size: int = SENT) -> tuple[int, int, str]:
    """Status, how much was read, and the page, after a file of this size was sent."""
    head = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="c.zip"\r\n'
        b"Content-Type: application/zip\r\n\r\n"
    )
    content = head + b"x" * size + b"\r\n--x--\r\n"
    body = Counted(content)
    answer = client.post(
        path,
        input_stream=body,
        content_length=len(content),
        content_type="multipart/form-data; boundary=x",
    )
    return answer.status_code, body.taken, answer.get_data(as_text=True)


@pytest.fixture
def guarded(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """As in production, form tokens are looked for in every form."""
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    return app


@pytest.mark.parametrize("path", [UPLOAD, "/lti/launch", "/admin/modules/1", "/nowhere"])
def test_a_stranger_sends_no_file_to_our_disk(
    guarded: Flask, client: FlaskClient, path: str
) -> None:
    status, taken, _ = post(client, path)
    assert status in {404, 413}
    assert taken < MEGABYTE


def test_neither_does_who_may_not_bring_one(
    guarded: Flask, world: World, client: FlaskClient
) -> None:
    world.sign_in(client, world.person("Lars Learner"))
    status, taken, page = post(client, UPLOAD)
    assert (status, taken < MEGABYTE) == (413, True)
    assert "at most 4 MB are taken here" in page


def test_the_largest_upload_is_a_setting_and_is_named(
    app: Flask, world: World, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = world.person("Anna Admin")
    world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)
    assert post(client, UPLOAD)[0] == 303
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 5 * MEGABYTE)
    status, taken, page = post(client, UPLOAD)
    assert (status, taken < MEGABYTE) == (413, True)
    assert "at most 5 MB are taken here" in page
    assert "PLUGIN_UPLOAD_MAX_MB" in page


def test_every_page_with_a_file_says_how_large_it_may_be(app: Flask) -> None:
    taking = {name for name, view in app.view_functions.items() if hasattr(view, "takes_files")}
    assert taking == {
        "scorm.new_package",
        "scorm.module",
        "documents.new",
        "documents.module",
        "imports.new",
        "person_records.record",
        "submit.show",
    }
    assert bodies.LITTLE > 1024 * 1024, "a logo is small enough for everybody"


def test_evidence_an_admin_brings_is_scanned_like_any_file(
    app: Flask, world: World, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, person = world.person("Anna Admin"), world.person("Lars Learner")
    world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)
    module = world.module()
    db.session.commit()
    form = {
        "module_id": str(module.id),
        "happened_on": "2027-01-05",
        "reason": "Seen on paper",
        "once": "once-only-token",
        "evidence": (io.BytesIO(b"%PDF-1.7\n" + EICAR), "paper.pdf"),
    }
    with clamd() as (address, _):
        scanning = replace(current_settings(), clamav=address)
        monkeypatch.setitem(app.extensions, "plugin_settings", scanning)
        answer = client.post(
            f"/admin/people/{person.id}/completions/new",
            data=form,
            content_type="multipart/form-data",
        )
    assert answer.status_code == 422
    assert "Eicar-Test" in answer.get_data(as_text=True)
    assert not [each for each in current_settings().storage_path.rglob("*") if each.is_file()]


def test_a_package_within_the_limit_is_taken(app: Flask, world: World, client: FlaskClient) -> None:
    admin = world.person("Anna Admin")
    world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)
    answer = client.post(
        UPLOAD, data={"file": (package(), "c.zip")}, content_type="multipart/form-data"
    )
    assert answer.status_code == 303
