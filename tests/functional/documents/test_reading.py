"""A learner reads a document and acknowledges it; what they acknowledged is kept."""

import hashlib
import re
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.core import clock
from plugin.core.db import db
from plugin.documents.models import Document, DocumentOpening
from plugin.modules.models import Completion, CompletionSource, Module, Run, RunState
from plugin.org.models import Person
from tests.conftest import CONTENT, NOW
from tests.functional.assign.places import HIDDEN, judge, publish, row
from tests.support.documents import new_version
from tests.support.html import read
from tests.support.papers import pdf
from tests.support.world import World


def opened(client: FlaskClient, module: Module) -> str:
    """The address of the page that holds the document."""
    answer = client.post(f"/modules/{module.id}/start")
    assert answer.status_code == 303
    return str(answer.headers["Location"])


def file_address(client: FlaskClient, page: str) -> str:
    text = client.get(page).get_data(as_text=True)
    found = re.search(r'src="https://content\.example\.test(/d/[^"]+)"', text)
    assert found
    return found[1]


def opens_file(client: FlaskClient, page: str) -> None:
    answer = client.get(file_address(client, page), base_url=CONTENT)
    assert answer.status_code == 200


def says(client: FlaskClient, page: str, number: int = 1, **said: str) -> tuple[int, str]:
    answer = client.post(f"{page}/acknowledge", data={"number": number, **said})
    return answer.status_code, answer.get_data(as_text=True)


def completions() -> list[Completion]:
    db.session.rollback()
    return list(db.session.scalars(select(Completion).order_by(Completion.id)))


def test_an_acknowledgement_is_a_completion_with_its_version_as_evidence(
    client: FlaskClient, learner: Person, module: Module
) -> None:
    page = opened(client, module)
    opens_file(client, page)
    assert says(client, page, agreed="yes")[0] == 303
    (only,) = completions()
    assert (only.passed, only.source, only.person_id) == (
        True,
        CompletionSource.DOCUMENT,
        learner.id,
    )
    assert only.module_version_id == db.session.get_one(Module, module.id).current_version_id
    assert only.evidence["document"] == {
        "number": 1,
        "filename": "rules.pdf",
        "sha256": hashlib.sha256(pdf()).hexdigest(),
        "opened_at": NOW.isoformat(),
    }
    judge()
    home = client.get("/").get_data(as_text=True)
    assert "Valid through" in home


def test_the_file_is_given_by_the_packages_origin_for_the_browsers_own_reader(
    client: FlaskClient, learner: Person, module: Module
) -> None:
    page = opened(client, module)
    address = file_address(client, page)
    shown = client.get(address, base_url=CONTENT)
    assert shown.data == pdf()
    assert shown.mimetype == "application/pdf"
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert "https://lms.example.test" in shown.headers["Content-Security-Policy"]
    assert shown.headers["Content-Disposition"].startswith("inline")
    taken = client.get(f"{address}/download", base_url=CONTENT)
    assert taken.headers["Content-Disposition"].startswith("attachment")
    assert client.get(address).status_code == 404  # not on the tool's own origin


def test_the_address_of_the_file_is_over_after_half_a_day_and_cannot_be_made_up(
    client: FlaskClient, learner: Person, module: Module
) -> None:
    address = file_address(client, opened(client, module))
    with clock.at(NOW + timedelta(hours=13)):
        answer = client.get(address, base_url=CONTENT)
    assert answer.status_code == 404
    assert "Open the document from your training" in answer.get_data(as_text=True)
    for wrong in (address[:-3] + "AAA", "/d/x", "/d/x.y", f"{address}é", "/d/e30.e30"):
        assert client.get(wrong, base_url=CONTENT).status_code == 404


def test_it_cannot_be_acknowledged_before_it_was_opened(
    client: FlaskClient, learner: Person, module: Module
) -> None:
    page = opened(client, module)
    client.head(file_address(client, page), base_url=CONTENT)
    status, text = says(client, page, agreed="yes")
    assert status == 422
    assert "Open the document and read it first." in text
    assert completions() == []


def test_the_box_must_be_ticked(client: FlaskClient, learner: Person, module: Module) -> None:
    page = opened(client, module)
    opens_file(client, page)
    status, text = says(client, page)
    assert status == 422
    box = read(text).all("input", name="agreed")[0]
    assert box.attributes["aria-describedby"] == "agreed-error"
    assert "Tick the box" in text
    assert completions() == []


def test_opening_and_acknowledging_twice_are_one_fact_each(
    client: FlaskClient, learner: Person, module: Module
) -> None:
    page = opened(client, module)
    opens_file(client, page)
    opens_file(client, page)
    assert [says(client, page, agreed="yes")[0] for _ in range(2)] == [303, 303]
    assert len(completions()) == 1
    assert len(db.session.scalars(select(DocumentOpening)).all()) == 1
    done = client.get(page).get_data(as_text=True)
    assert "You acknowledged this version on" in done
    assert "Acknowledge again" in done


def test_a_new_version_is_what_must_be_read_before_anything_is_acknowledged(
    client: FlaskClient, learner: Person, module: Module, boss: Person
) -> None:
    page = opened(client, module)
    opens_file(client, page)
    new_version(boss, module, changes="Helmets in hall 3.")
    status, text = says(client, page, agreed="yes")
    assert status == 422
    assert "There is a newer version" in text
    assert opened(client, module) == page
    assert "Helmets in hall 3." in client.get(page).get_data(as_text=True)
    assert says(client, page, number=2, agreed="yes")[0] == 422  # not opened yet
    opens_file(client, page)
    assert says(client, page, number=1, agreed="yes")[0] == 422  # an older page of it
    assert says(client, page, number=2, agreed="yes")[0] == 303
    assert completions()[0].evidence["document"]["number"] == 2


def test_an_equivalent_version_asks_nothing_of_who_acknowledged_the_one_before(
    client: FlaskClient, learner: Person, module: Module, boss: Person
) -> None:
    page = opened(client, module)
    opens_file(client, page)
    says(client, page, agreed="yes")
    new_version(boss, module)
    judge()
    home = client.get("/").get_data(as_text=True)
    assert "Valid through" in home
    again = opened(client, module)
    assert again != page
    assert "Version 2" in client.get(again).get_data(as_text=True)


def test_history_says_which_version_was_acknowledged(
    client: FlaskClient, learner: Person, module: Module
) -> None:
    page = opened(client, module)
    opens_file(client, page)
    says(client, page, agreed="yes")
    assert "Acknowledged, version 1" in read(client.get("/history").get_data(as_text=True)).words


def test_the_admins_page_of_the_person_shows_the_proof(
    client: FlaskClient, admin: FlaskClient, learner: Person, module: Module
) -> None:
    page = opened(client, module)
    opens_file(client, page)
    says(client, page, agreed="yes")
    words = read(admin.get(f"/admin/people/{learner.id}/training").get_data(as_text=True)).words
    assert "acknowledged, version 1" in words
    assert hashlib.sha256(pdf()).hexdigest() in words
    transcript = admin.get(f"/admin/people/{learner.id}/transcript.pdf")
    assert transcript.status_code == 200


def test_hidden_documents_and_those_of_others_are_refused_by_every_address(
    app: Flask, world: World, client: FlaskClient, learner: Person, module: Module
) -> None:
    page = opened(client, module)
    other = app.test_client()
    world.sign_in(other, world.person("Olga Other"))
    assert other.get(page).status_code == 404
    assert says(other, page, agreed="yes")[0] == 404
    publish(1, row(module, HIDDEN))
    assert client.get(page).status_code == 404
    assert says(client, page, agreed="yes")[0] == 404
    assert client.post("/documents/999/acknowledge").status_code == 404


def test_a_sitting_of_another_kind_of_module_is_no_document(
    world: World, client: FlaskClient, learner: Person
) -> None:
    other = world.module("A course")
    publish(1, row(other))
    run = world.add(
        Run(
            organization_id=learner.organization_id,
            person_id=learner.id,
            module_id=other.id,
            module_version_id=other.current_version_id,
            number=1,
            state=RunState.OPEN,
            started_at=NOW,
            last_activity_at=NOW,
        )
    )
    assert client.get(f"/documents/{run.id}").status_code == 404


def test_documents_are_facts(learner: Person, module: Module) -> None:
    assert db.session.scalars(select(Document)).one().sha256 == hashlib.sha256(pdf()).hexdigest()
