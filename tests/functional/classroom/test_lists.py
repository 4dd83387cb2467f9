"""The list of a session: nothing typed is lost, and nobody who came meanwhile."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.classroom import actions
from plugin.classroom.models import Attendance, ClassSession
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.modules.models import Completion, Module
from plugin.org.models import Person
from tests.conftest import NOW
from tests.functional.classroom.conftest import DURING, Planned
from tests.support.html import read
from tests.support.world import World


@pytest.fixture
def number(world: World, planned: Planned, learner: Person) -> int:
    """A session in which the learner and somebody else have seats."""
    found = planned().id
    other = world.person("Olga Other", email="olga@example.test")
    with transaction() as tx:
        for each in (learner, other):
            actions.sign_up(tx, tx.session.get_one(ClassSession, found), each.id, now=NOW)
    return found


def rows() -> list[Attendance]:
    db.session.rollback()
    return list(db.session.scalars(select(Attendance).order_by(Attendance.id)))


def completed() -> set[int]:
    db.session.rollback()
    return set(db.session.scalars(select(Completion.person_id)))


def shown(teaching: FlaskClient, number: int) -> dict[str, str]:
    """What a browser would send back of the list as it is shown now."""
    page = teaching.get(f"/teaching/{number}").get_data(as_text=True)
    return dict(re.findall(r'name="(was-\d+)" value="(\w+)"', page))


def come(number: int, row: Attendance) -> None:
    with transaction() as tx:
        found = tx.session.get_one(ClassSession, number)
        actions.come(tx, found, row.person_id, leads=False, now=DURING)


def test_who_scans_the_code_while_the_list_is_open_stays_on_it(
    teaching: FlaskClient, number: int
) -> None:
    first, second = rows()
    with clock.at(DURING):
        said = shown(teaching, number)
        come(number, second)
        said |= {f"present-{first.id}": "yes", "do": "confirm"}
        teaching.post(f"/teaching/{number}", data=said)
    assert [each.present_at is not None for each in rows()] == [True, True]
    assert completed() == {first.person_id}  # the other was not ticked on the page that was seen


def test_a_tick_that_is_taken_away_is_taken_away(teaching: FlaskClient, number: int) -> None:
    first, second = rows()
    come(number, second)
    with clock.at(DURING):
        teaching.post(f"/teaching/{number}", data={**shown(teaching, number), "do": "save"})
    assert [each.present_at is not None for each in rows()] == [False, False]
    assert first.id < second.id


def test_a_score_that_is_refused_loses_nothing_that_was_typed(
    teaching: FlaskClient, number: int
) -> None:
    first, second = rows()
    with clock.at(DURING):
        said = {
            **shown(teaching, number),
            f"present-{first.id}": "yes",
            f"passed-{first.id}": "yes",
            f"score-{first.id}": "85",
            f"score-{second.id}": "850",
            "do": "save",
        }
        answer = teaching.post(f"/teaching/{number}", data=said)
    assert answer.status_code == 422
    page = read(answer.get_data(as_text=True))
    assert "checked" in page.by_id(f"present-{first.id}").attributes
    assert page.by_id(f"score-{first.id}").attributes["value"] == "85"
    wrong = page.by_id(f"score-{second.id}").attributes
    assert (wrong["value"], wrong["aria-invalid"]) == ("850", "true")
    assert "aria-invalid" not in page.by_id(f"score-{first.id}").attributes


def test_a_score_is_shown_as_it_was_typed(teaching: FlaskClient, number: int) -> None:
    first, _second = rows()
    with clock.at(DURING):
        said = {**shown(teaching, number), f"score-{first.id}": "85", "do": "save"}
        teaching.post(f"/teaching/{number}", data=said)
        page = read(teaching.get(f"/teaching/{number}").get_data(as_text=True))
    assert page.by_id(f"score-{first.id}").attributes["value"] == "85"


def test_a_name_nobody_has_leaves_the_list_where_it_can_be_saved(
    teaching: FlaskClient, number: int
) -> None:
    first, _second = rows()
    with clock.at(DURING):
        said = {**shown(teaching, number), f"present-{first.id}": "yes", "who": "No Body"}
        answer = teaching.post(f"/teaching/{number}/add", data=said)
    assert answer.status_code == 422
    page = read(answer.get_data(as_text=True))
    (form,) = (each for each in page.all("form") if each.all("ul", **{"class": "entries"}))
    assert form.attributes["action"].endswith(f"/teaching/{number}")
    assert "checked" in page.by_id(f"present-{first.id}").attributes


def test_who_is_put_on_the_list_does_not_cost_what_was_ticked_before(
    world: World, teaching: FlaskClient, number: int
) -> None:
    world.person("Walter Walk-in", email="walter@example.test")
    first, _second = rows()
    with clock.at(DURING):
        said = {**shown(teaching, number), f"present-{first.id}": "yes"}
        teaching.post(f"/teaching/{number}/add", data={**said, "who": "walter@example.test"})
    assert [each.present_at is not None for each in rows()] == [True, False, True]


def test_a_list_on_which_everybody_is_recorded_offers_nothing_to_confirm(
    teaching: FlaskClient, number: int
) -> None:
    with clock.at(DURING):
        said = shown(teaching, number)
        ticked = {f"present-{each.id}": "yes" for each in rows()}
        teaching.post(f"/teaching/{number}", data={**said, **ticked, "do": "confirm"})
        page = read(teaching.get(f"/teaching/{number}").get_data(as_text=True))
    assert not page.all("button", value="confirm")
    assert page.all("button")


def test_who_is_present_is_not_offered_to_give_the_seat_back(
    client: FlaskClient, module: Module, number: int
) -> None:
    first, _second = rows()
    way = str(client.post(f"/modules/{module.id}/start").headers["Location"])
    early = DURING - timedelta(hours=1, minutes=10)
    with clock.at(early):
        assert "Withdraw" in client.get(way).get_data(as_text=True)
        with transaction() as tx:
            actions.come(
                tx,
                tx.session.get_one(ClassSession, number),
                first.person_id,
                leads=False,
                now=early,
            )
        assert "Withdraw" not in client.get(way).get_data(as_text=True)


def test_cancelling_a_session_without_seats_speaks_of_nobody(
    admin: FlaskClient, planned: Planned
) -> None:
    number = planned().id
    page = admin.get(f"/admin/sessions/{number}/cancel").get_data(as_text=True)
    assert "Nobody has a seat." in page
    said = admin.post(
        f"/admin/sessions/{number}/cancel", data={"reason": "Fog"}, follow_redirects=True
    ).get_data(as_text=True)
    assert "The session is cancelled." in said
    assert "0 people" not in said


def test_whoever_came_is_found_by_a_name_of_any_letters(
    world: World, teaching: FlaskClient, number: int
) -> None:
    someone = world.person("Øyvind Ærlig", email=None)
    with clock.at(DURING):
        answer = teaching.post(f"/teaching/{number}/add", data={"who": " Øyvind Ærlig "})
    assert answer.status_code == 303
    assert rows()[-1].person_id == someone.id
