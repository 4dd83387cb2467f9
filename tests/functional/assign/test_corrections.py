"""Completions that were recorded wrongly: seen, corrected, proved by a file."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.core.audit import AuditEntry
from plugin.core.db import db
from plugin.modules.models import Completion, Module
from plugin.org.models import Person, Unit
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.assign.places import judge, row, stored, training
from tests.support.world import World


@pytest.fixture
def quay(world: World) -> Unit:
    return world.unit("Quay")


@pytest.fixture
def manager(world: World, client: FlaskClient, quay: Unit) -> FlaskClient:
    person = world.person("Mary", email="mary@example.test")
    world.grant(person, Role.MANAGER, quay)
    world.member(person, quay)
    world.sign_in(client, person)
    return client


@pytest.fixture
def ada(world: World, quay: Unit) -> Person:
    person = world.person("Ada Byron")
    world.member(person, quay, since=NOW - timedelta(days=300))
    return person


@pytest.fixture
def height(world: World) -> Module:
    return world.module("Height")


@pytest.fixture
def passed(world: World, ada: Person, height: Module) -> Completion:
    return world.completion(ada, height, happened_at=NOW - timedelta(days=40), score=0.9)


def correct(client: FlaskClient, completion: Completion, **said: Any) -> Any:
    address = f"/admin/people/{completion.person_id}/completions/{completion.id}/correct"
    sent = {"passed": "yes", "happened_on": "2027-02-01", "reason": "as the paper says"} | said
    return client.post(address, data=sent)


def records(person: Person) -> list[Completion]:
    db.session.rollback()
    found = select(Completion).where(Completion.person_id == person.id).order_by(Completion.id)
    return list(db.session.scalars(found))


def test_the_form_begins_with_what_was_recorded(manager: FlaskClient, passed: Completion) -> None:
    page = manager.get(f"/admin/people/{passed.person_id}/completions/{passed.id}/correct").text
    assert 'value="2027-01-29"' in page
    assert 'value="90"' in page


def test_a_day_and_a_score_are_corrected_and_both_stay_on_record(
    manager: FlaskClient, ada: Person, passed: Completion, height: Module, quay: Unit
) -> None:
    configuration_id = training(quay, row(height, validity_months=12))
    assert correct(manager, passed, score="75").status_code == 302
    judge()
    first, second = records(ada)
    assert (second.supersedes_id, second.score, second.reason) == (
        first.id, 0.75, "as the paper says",
    )  # fmt: skip
    assert second.happened_at.date().isoformat() == "2027-02-01"
    found = stored(ada, configuration_id)
    assert found is not None
    assert str(found.valid_through) == "2028-02-01"
    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "completion.corrected")
    ).one()
    assert (entry.before or {})["score"] == 0.9
    page = manager.get(f"/admin/people/{ada.id}/training").text
    assert page.count("/correct") == 1
    assert "as the paper says" in page


def test_not_passed_does_not_count(
    manager: FlaskClient, ada: Person, passed: Completion, height: Module, quay: Unit
) -> None:
    configuration_id = training(quay, row(height))
    correct(manager, passed, passed="no", score="90")
    judge()
    found = stored(ada, configuration_id)
    assert found is not None
    assert not found.complete
    assert records(ada)[-1].score is None


def test_what_was_corrected_meanwhile_is_not_corrected_again(
    manager: FlaskClient, ada: Person, passed: Completion
) -> None:
    correct(manager, passed)
    answer = correct(manager, passed, reason="my own paper")
    assert answer.status_code == 422
    assert "corrected already" in answer.text
    assert "my own paper" in answer.text
    assert len(records(ada)) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [("happened_on", "2027-04-01"), ("happened_on", ""), ("score", "140"), ("reason", " ")],
)
def test_bad_input_is_said_beside_its_field(
    manager: FlaskClient, ada: Person, passed: Completion, field: str, value: str
) -> None:
    answer = correct(manager, passed, **{field: value})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert len(records(ada)) == 1


def test_nobody_corrects_their_own(
    world: World, manager: FlaskClient, quay: Unit, height: Module
) -> None:
    mary = db.session.scalars(select(Person).where(Person.full_name == "Mary")).one()
    mine = world.completion(mary, height)
    answer = correct(manager, mine)
    assert answer.status_code == 422
    assert len(records(mary)) == 1
    assert "/correct" not in manager.get(f"/admin/people/{mary.id}/training").text


def test_evidence_is_linked_and_stays_with_the_correction(
    manager: FlaskClient, ada: Person, height: Module
) -> None:
    sent = {
        "module_id": height.id,
        "happened_on": "2027-03-01",
        "reason": "seen",
        "once": "a",
        "evidence": (BytesIO(b"%PDF-1.7 proof"), "proof.pdf"),
    }
    manager.post(f"/admin/people/{ada.id}/completions/new", data=sent)
    first = records(ada)[-1]
    assert (
        f"completions/{first.id}/evidence" in manager.get(f"/admin/people/{ada.id}/training").text
    )
    correct(manager, first)
    last = records(ada)[-1]
    page = manager.get(f"/admin/people/{ada.id}/training").text
    assert f"completions/{last.id}/evidence" in page
    answer = manager.get(f"/admin/people/{ada.id}/completions/{last.id}/evidence")
    assert answer.data == b"%PDF-1.7 proof"


def test_people_out_of_reach_and_completions_of_others_are_not_found(
    world: World, manager: FlaskClient, ada: Person, height: Module, passed: Completion
) -> None:
    stranger = world.person("Eve", email=None)
    theirs = world.completion(stranger, height)
    assert correct(manager, theirs).status_code == 404
    address = f"/admin/people/{ada.id}/completions/{theirs.id}/correct"
    assert manager.get(address).status_code == 404
    learner = manager.application.test_client()
    world.sign_in(learner, ada)
    assert correct(learner, passed).status_code == 403


def test_a_last_day_of_its_own_is_recorded_kept_and_corrected(
    manager: FlaskClient, ada: Person, height: Module, quay: Unit
) -> None:
    asked = training(quay, row(height, validity_months=12))
    said = {
        "module_id": height.id,
        "happened_on": "2027-03-01",
        "ends_on": "2027-06-30",
        "reason": "The card says so",
        "once": "a",
    }
    address = f"/admin/people/{ada.id}/completions/new"
    refused = manager.post(address, data={**said, "ends_on": "2027-02-28"})
    assert refused.status_code == 422
    assert "It cannot end before the day it happened." in refused.text
    assert manager.post(address, data=said).status_code == 302
    judge()
    assert str(found_of(ada, asked)) == "2027-06-30"
    (first,) = records(ada)
    page = manager.get(f"/admin/people/{ada.id}/completions/{first.id}/correct").text
    assert 'value="2027-06-30"' in page
    assert "counts through Jun 30, 2027" in manager.get(f"/admin/people/{ada.id}/training").text
    assert correct(manager, first, happened_on="2027-03-01", ends_on="").status_code == 302
    judge()
    assert str(found_of(ada, asked)) == "2028-03-01"
    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "completion.corrected")
    ).one()
    assert [(entry.before or {})["valid_until_on"], (entry.after or {})["valid_until_on"]] == [
        "2027-06-30",
        None,
    ]


def found_of(person: Person, asked: int) -> object:
    line = stored(person, asked)
    assert line is not None
    return line.valid_through
