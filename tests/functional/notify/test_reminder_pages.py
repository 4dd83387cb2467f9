"""Reminders are switched off with one click from a mail, and on again; nothing else ever is."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.notify import reminder_choices
from plugin.notify.gate import addressee
from plugin.notify.mail_models import ChoicePlace, ReminderChoice
from plugin.org.models import Person
from tests.support.html import read
from tests.support.world import World


@pytest.fixture
def person(world: World) -> Person:
    return world.person()


def path_of(person: Person) -> str:
    organization_id, person_id = person.organization_id, person.id
    db.session.rollback()
    with transaction() as tx:
        token = reminder_choices.token_for(tx.session, organization_id, person_id, now=clock.now())
    return f"/reminders/{token}"


def wants(person: Person) -> bool:
    db.session.rollback()
    return addressee(db.session(), person.id).wants_reminders


def places() -> list[tuple[bool, ChoicePlace]]:
    db.session.rollback()
    found = db.session.scalars(select(ReminderChoice).order_by(ReminderChoice.id))
    return [(each.wanted, each.place) for each in found]


def test_one_click_of_a_mail_program_switches_reminders_off(
    person: Person, client: FlaskClient
) -> None:
    answer = client.post(path_of(person), data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert not wants(person)
    assert places() == [(False, ChoicePlace.ONE_CLICK)]


def test_one_click_carries_no_cookie_and_no_token_of_a_form_and_is_not_sent_elsewhere(
    app: Flask, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 8058 §3.2: also as multipart/form-data."""
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    form = {"List-Unsubscribe": "One-Click"}
    stranger = app.test_client(use_cookies=False)
    answer = stranger.post(path_of(person), data=form, content_type="multipart/form-data")
    assert answer.status_code == 200
    assert not wants(person)


def test_opening_the_link_changes_nothing_and_shows_a_button(
    person: Person, client: FlaskClient
) -> None:
    path = path_of(person)
    page = client.get(path)
    assert page.status_code == 200
    assert "Switch reminders off" in page.text
    assert "Harbour Works" in page.text
    assert person.full_name not in page.text, "a forwarded mail tells nobody's name"
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert wants(person)


def test_the_button_switches_off_and_on_again(person: Person, client: FlaskClient) -> None:
    path = path_of(person)
    page = client.post(path, data={"wanted": "no"}).text
    assert "Reminders are off" in page
    assert "Switch reminders on" in page
    assert not wants(person)
    assert "Reminders are on" in client.post(path, data={"wanted": "yes"}).text
    assert wants(person)
    assert places() == [(False, ChoicePlace.PAGE), (True, ChoicePlace.PAGE)]


def test_clicking_twice_is_one_choice(person: Person, client: FlaskClient) -> None:
    path = path_of(person)
    for _ in range(2):
        client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert len(places()) == 1


def test_a_link_nobody_was_sent_opens_nothing(person: Person, client: FlaskClient) -> None:
    path_of(person)
    for answer in (client.get("/reminders/guess"), client.post("/reminders/guess")):
        assert answer.status_code == 404
        assert "This address is not complete" in read(answer.text).words


def test_the_link_stays_the_same_and_holds_nothing_of_the_person(
    world: World, person: Person
) -> None:
    path = path_of(person)
    assert path == path_of(person)
    assert path != path_of(world.person("Bob Other"))
    assert len(path.removeprefix("/reminders/")) == 32


def test_who_was_merged_chooses_for_who_they_are_now(
    world: World, person: Person, client: FlaskClient
) -> None:
    path, survivor = path_of(person), world.person("Ada Lovelace")
    person.merged_into_id, person.deactivated_at = survivor.id, clock.now()
    world.add(person)
    client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert not wants(survivor)
