"""Files that lie about what they are, with names nobody gave them, while the scanner is away."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from plugin.core import clock
from plugin.core.context import current_settings, storage
from plugin.modules.models import Module
from plugin.org.models import Unit
from plugin.submissions import actions
from tests.conftest import NOW
from tests.functional.submissions.test_submitting import (
    PAPER,
    approves,
    only,
    opened,
    page,
    submits,
)
from tests.support.clamd import EICAR, clamd
from tests.support.papers import pdf
from tests.support.world import World

__all__ = ["page"]
NOBODY = "127.0.0.1:1"


def files() -> list[Path]:
    return [each for each in storage().root.rglob("*") if each.is_file()]


@pytest.fixture
def scanner(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A scanner is set up, and away."""
    scanning = replace(current_settings(), clamav=NOBODY)
    monkeypatch.setitem(app.extensions, "plugin_settings", scanning)
    return


def test_a_file_that_is_refused_takes_nothing_from_who_brought_the_same(
    app: Flask,
    world: World,
    client: FlaskClient,
    admin: FlaskClient,
    module: Module,
    quay: Unit,
    page: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    submits(client, page)
    number = only().id
    approves(admin, number)
    other = app.test_client()
    somebody = world.person("Sam Second", email="sam@example.test")
    world.member(somebody, quay)
    world.sign_in(other, somebody)
    again = opened(other, module)
    with monkeypatch.context() as away:
        scanning = replace(current_settings(), clamav=NOBODY)
        away.setitem(app.extensions, "plugin_settings", scanning)
        refused = submits(other, again)
    assert refused.status_code == 422
    assert "scanner did not answer" in refused.text
    assert admin.get(f"/admin/submissions/{number}/file").data == pdf()
    assert submits(other, again).status_code == 303
    assert len(files()) == 2


def test_what_is_not_submitted_leaves_no_file(
    app: Flask, client: FlaskClient, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with clamd() as (address, _):
        scanning = replace(current_settings(), clamav=address)
        monkeypatch.setitem(app.extensions, "plugin_settings", scanning)
        assert submits(client, page, pdf() + EICAR).status_code == 422
        assert files() == []
        assert submits(client, page).status_code == 303
        assert submits(client, page, pdf("Another")).status_code == 409
    assert len(files()) == 1


def test_without_the_scanner_nothing_is_taken(
    client: FlaskClient, page: str, scanner: None
) -> None:
    assert submits(client, page).status_code == 422
    assert files() == []


def test_whoever_withdraws_all_day_long_waits_until_tomorrow(
    client: FlaskClient, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "MAX_A_DAY", 2)
    for number in (1, 2):
        assert submits(client, page).status_code == 303
        client.post(f"{page}/{number}/withdraw")
    refused = submits(client, page)
    assert refused.status_code == 422
    assert "At most 2 files are taken in a day." in refused.text
    assert len(files()) == 2
    with clock.at(NOW.replace(day=NOW.day + 1, hour=23)):
        assert submits(client, page, ends_on="").status_code == 303


def test_a_file_that_is_lost_is_said_to_be(
    client: FlaskClient, admin: FlaskClient, page: str
) -> None:
    submits(client, page)
    (kept,) = files()
    kept.unlink()
    number = only().id
    assert admin.get(f"/admin/submissions/{number}/file").status_code == 404
    assert client.get(f"{page}/{number}/file").status_code == 404


def raw(client: FlaskClient, address: str, name: bytes, content: bytes) -> TestResponse:
    """A form whose file is named in exactly these signs."""
    parts = [
        b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        % (key.encode(), text.encode())
        for key, text in PAPER.items()
    ]
    head = b'--x\r\nContent-Disposition: form-data; name="evidence"; ' + name
    parts.append(head + b"\r\nContent-Type: text/html\r\n\r\n" + content + b"\r\n--x--\r\n")
    kind = "multipart/form-data; boundary=x"
    return client.post(address, data=b"".join(parts), content_type=kind)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        (b'filename="../../etc/passwd.pdf"', "passwd.pdf"),
        (b'filename="C:\\\\temp\\\\a.pdf"', "a.pdf"),
        (b'filename="a.html"', "a.pdf"),
        (b'filename="a.pdf.exe"', "a.pdf.pdf"),
        (b"filename*=UTF-8''a%0d%0aSet-Cookie:%20x.pdf", "a Set-Cookie.pdf"),
        (b"filename*=UTF-8''a%00b.pdf", "a b.pdf"),
        (b"filename*=UTF-8''cod%E2%80%AEfdp.exe", "cod fdp.pdf"),
        (b"filename*=UTF-8''%ED%A0%80.pdf", None),
        (b'filename="' + b"x" * 5000 + b'.pdf"', "x" * 116 + ".pdf"),
        (
            'filename="\u0634\u0647\u0627\u062f\u0629.pdf"'.encode(),
            "\u0634\u0647\u0627\u062f\u0629.pdf",
        ),
        (b'filename=".."', "...pdf"),
        (b'filename=".pdf"', ".pdf.pdf"),
    ],
)
def test_a_name_is_one_that_every_list_and_header_can_show(
    client: FlaskClient, admin: FlaskClient, page: str, name: bytes, kept: str | None
) -> None:
    assert raw(client, page, name, pdf()).status_code == 303
    found = only().file["filename"]
    assert found == kept or (kept is None and found.isprintable())
    answer = admin.get(f"/admin/submissions/{only().id}/file")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert "Set-Cookie" not in answer.headers
    assert client.get(page).status_code == 200


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html><script>alert(1)</script>%PDF-1.7",
        b"GIF89a%PDF-1.7",
        b"PK\x03\x04%PDF-1.7",
        b"\x00%PDF-1.7",
        b"\xef\xbb\xbf%PDF-1.7",
        b"%pdf-1.7",
        b"\x89PNG\n",
    ],
)
def test_a_file_is_what_it_begins_with(client: FlaskClient, page: str, content: bytes) -> None:
    assert raw(client, page, b'filename="a.pdf"', content).status_code == 422
    assert files() == []
