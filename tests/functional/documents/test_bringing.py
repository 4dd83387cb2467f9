"""Admins bring documents and their versions; nobody else does, and nothing but PDFs."""

import io
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from plugin.core.audit import AuditEntry
from plugin.core.context import current_settings, storage
from plugin.core.db import db
from plugin.documents import actions
from plugin.documents.models import Document
from plugin.modules.models import Module, ModuleKind
from plugin.org.models import Person
from plugin.web.roles import Role
from tests.support.clamd import EICAR, clamd
from tests.support.documents import new_document
from tests.support.html import read
from tests.support.papers import pdf
from tests.support.queries import counted
from tests.support.world import World


def bring(
    client: FlaskClient, to: object = "new", content: bytes = b"", **form: str
) -> TestResponse:
    return client.post(
        f"/admin/modules/documents/{to}",
        data={"file": (io.BytesIO(content or pdf()), "Site rules.pdf"), **form},
        content_type="multipart/form-data",
    )


def modules() -> list[Module]:
    db.session.rollback()
    return list(db.session.scalars(select(Module).order_by(Module.id)))


def test_a_pdf_becomes_a_module_named_after_its_file(admin: FlaskClient) -> None:
    answer = bring(admin)
    assert answer.status_code == 303
    (made,) = modules()
    assert (made.title, made.kind) == ("Site rules", ModuleKind.DOCUMENT)
    listed = read(admin.get("/admin/modules").get_data(as_text=True)).words
    assert f"Site rules {made.id} Document to acknowledge 1" in listed
    page = admin.get(f"/admin/modules/documents/{made.id}").get_data(as_text=True)
    assert "Site rules.pdf" in page
    taken = admin.get(f"/admin/modules/documents/{made.id}/1.pdf")
    assert taken.data == pdf()
    assert taken.headers["Content-Disposition"].startswith("attachment")


def test_new_versions_are_numbered_and_say_what_changed(admin: FlaskClient, boss: Person) -> None:
    module = new_document(boss)
    answer = bring(admin, module.id, pdf("Two"), changes="Helmets too.", effect="equivalent")
    assert answer.status_code == 303
    words = read(admin.get(f"/admin/modules/documents/{module.id}").get_data(as_text=True)).words
    assert "Helmets too." in words
    assert admin.get(f"/admin/modules/documents/{module.id}/2.pdf").data == pdf("Two")
    assert admin.get(f"/admin/modules/documents/{module.id}/1.pdf").data == pdf()
    assert admin.get(f"/admin/modules/documents/{module.id}/3.pdf").status_code == 404


def test_what_must_be_acknowledged_anew_is_decided_about_next(
    admin: FlaskClient, boss: Person
) -> None:
    module = new_document(boss)
    answer = bring(admin, module.id, pdf("Two"), effect="anew")
    assert f"/admin/modules/{module.id}/versions/2/before" in answer.headers["Location"]
    assert len(modules()) == 1
    following = read(admin.get(answer.headers["Location"]).text)
    assert "Site rules" in following.words
    chosen = [
        each for each in following.all("input", name="effect") if "checked" in each.attributes
    ]
    assert [each.attributes["value"] for each in chosen] == ["retraining"]  # as it was said before
    page = admin.get(f"/admin/modules/documents/{module.id}").text
    assert "What was acknowledged before: Goes on counting · Change" in read(page).words


@pytest.mark.parametrize("content", [b"<html>%PDF</html>", b"MZ\x90", b"\x89PNG\r\n\x1a\n" * 9])
def test_what_is_no_pdf_is_refused_and_not_kept(admin: FlaskClient, content: bytes) -> None:
    answer = bring(admin, content=content)
    assert answer.status_code == 422
    assert "This file is no PDF." in answer.text
    assert modules() == []
    assert [each for each in storage().root.rglob("*") if each.is_file()] == []


def test_a_pdf_that_is_too_large_is_refused(
    admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "MAX_MEGABYTES", 1)
    answer = bring(admin, content=pdf() + b" " * 1024 * 1024)
    assert answer.status_code == 422
    assert "This PDF is larger than 1 MB." in answer.text


def test_without_a_file_the_form_says_so(admin: FlaskClient) -> None:
    answer = admin.post("/admin/modules/documents/new", data={"title": "x"})
    assert answer.status_code == 422
    assert "Choose the PDF." in answer.text


def test_a_virus_is_refused_by_its_name(
    app: Flask, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with clamd() as (address, seen):
        scanning = replace(current_settings(), clamav=address)
        monkeypatch.setitem(app.extensions, "plugin_settings", scanning)
        answer = bring(admin, content=pdf() + EICAR)
        assert answer.status_code == 422
        assert "Eicar-Test" in answer.text
        assert bring(admin).status_code == 303
    assert len(seen) == 2
    assert len(modules()) == 1


def test_only_admins_of_the_organization_see_and_change_documents(
    app: Flask, world: World, admin: FlaskClient, client: FlaskClient
) -> None:
    other = world.new_organization("Elsewhere")
    them = world.person("Theo Their", organization=other)
    world.grant(them, Role.ADMIN)
    theirs = new_document(them)
    for path in ("", "/1.pdf"):
        assert admin.get(f"/admin/modules/documents/{theirs.id}{path}").status_code == 404
    assert bring(admin, theirs.id).status_code == 404
    manager = world.person("Mia Manager")
    world.grant(manager, Role.MANAGER, world.unit())
    world.sign_in(client, manager)
    for path in ("/admin/modules/new", "/admin/modules/documents/new"):
        assert client.get(path).status_code == 403
    assert len(db.session.scalars(select(Document)).all()) == 1


def test_another_kind_of_module_has_no_page_of_versions_here(
    world: World, admin: FlaskClient
) -> None:
    assert admin.get(f"/admin/modules/documents/{world.module().id}").status_code == 404


def test_the_page_of_versions_needs_as_many_statements_for_many_as_for_one(
    admin: FlaskClient, boss: Person
) -> None:
    module = new_document(boss)
    address = f"/admin/modules/documents/{module.id}"
    with counted() as one:
        admin.get(address)
    for number in range(5):
        bring(admin, module.id, pdf(str(number)), effect="equivalent")
    admin.get(address)  # says what was flashed
    with counted() as many:
        admin.get(address)
    assert len(many) == len(one)


def test_every_kind_of_module_can_be_chosen(admin: FlaskClient) -> None:
    page = read(admin.get("/admin/modules/new").get_data(as_text=True))
    links = page.all("main")[0].all("ul")[0].all("a")
    assert len(links) >= 4
    for link in links:
        assert admin.get(link.attributes["href"]).status_code == 200


def test_a_document_is_renamed_and_what_was_acknowledged_stays(
    admin: FlaskClient, boss: Person
) -> None:
    module = new_document(boss)
    address = f"/admin/modules/documents/{module.id}/title"
    assert admin.post(address, data={"title": "Rules of the yard"}).status_code == 303
    (renamed,) = modules()
    assert (renamed.title, renamed.current_version_id) == (
        "Rules of the yard",
        module.current_version_id,
    )
    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "module.changed")
    ).one()
    assert (entry.before, entry.after) == (
        {"title": "Site rules"},
        {"title": "Rules of the yard"},
    )
    for title in ("", "   ", "x" * 201):
        assert admin.post(address, data={"title": title}).status_code == 422
    assert modules()[0].title == "Rules of the yard"


def test_a_document_of_another_organization_is_not_renamed(
    admin: FlaskClient, world: World
) -> None:
    stranger = world.person("Eve", organization=world.new_organization("Elsewhere"))
    theirs = new_document(stranger)
    address = f"/admin/modules/documents/{theirs.id}/title"
    assert admin.post(address, data={"title": "Mine"}).status_code == 404
    assert modules()[0].title == "Site rules"


@pytest.mark.parametrize(
    ("name", "kept", "title"),
    [
        (b'filename="../a/Rules.pdf"', "Rules.pdf", "Rules"),
        (b"filename*=UTF-8''Rules%0d%0aX.pdf", "Rules X.pdf", "Rules X"),
        (b"filename*=UTF-8''Rules%00.pdf", "Rules .pdf", "Rules"),
        (b"filename*=UTF-8''Ru%E2%80%AEfdp.exe", "Ru fdp.exe", "Ru fdp"),
        (b'filename="' + b"x" * 3000 + b'.pdf"', "x" * 196 + ".pdf", "x" * 196),
        (b'filename=" "', "document.pdf", "document"),
    ],
)
def test_a_name_is_one_that_every_list_and_header_can_show(
    admin: FlaskClient, name: bytes, kept: str, title: str
) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; ' + name + b"\r\n\r\n"
    answer = admin.post(
        "/admin/modules/documents/new",
        data=head + pdf() + b"\r\n--x--\r\n",
        content_type="multipart/form-data; boundary=x",
    )
    assert answer.status_code == 303
    (made,) = modules()
    assert made.title == title
    assert db.session.scalars(select(Document)).one().filename == kept
    taken = admin.get(f"/admin/modules/documents/{made.id}/1.pdf")
    assert (taken.status_code, taken.data) == (200, pdf())


def test_a_document_that_does_not_become_a_module_leaves_no_file(
    admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(actions, "create", broken)
    assert bring(admin).status_code == 500
    assert [each for each in storage().root.rglob("*") if each.is_file()] == []
