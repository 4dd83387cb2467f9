"""A browser that keeps no cookie in the frame: a button, safe against strangers, works once."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from plugin.core import clock
from plugin.core.db import db
from plugin.lti.tool.models import Login
from plugin.org.models import Person, SignIn
from tests.functional.lti.conftest import register
from tests.functional.lti.platform import Lms
from tests.support.visits import page_of
from tests.support.world import World

TOOL = "https://tool.example.test"


@pytest.fixture
def framed(app: Flask, client: FlaskClient) -> FlaskClient:
    """A browser that drops every cookie it is given."""
    return app.test_client(use_cookies=False)


def code_of(answer: TestResponse) -> str:
    found = re.search(r'name="code" value="([^"]+)"', answer.get_data(as_text=True))
    assert found
    return found[1]


def press(client: FlaskClient, lms: Lms, code: str, origin: str | None = TOOL) -> TestResponse:
    return client.post(
        f"/lti/{lms.uid}/continue",
        data={"code": code},
        headers={"Origin": origin} if origin else {},
    )


def visits() -> int:
    db.session.rollback()
    return db.session.query(SignIn).count()


def test_a_launch_without_its_cookie_offers_a_new_window_and_names_the_person(
    framed: FlaskClient, lms: Lms
) -> None:
    answer = lms.launch(framed)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert 'target="_blank"' in page
    assert "Open in a new window" in page
    assert "Lars Learner" in page
    assert not any("__Host-visit-" in each for each in answer.headers.getlist("Set-Cookie"))
    policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors https://lms.example.test" in policy
    assert visits() == 0


def test_the_button_signs_in_in_the_new_window(
    framed: FlaskClient, client: FlaskClient, lms: Lms
) -> None:
    answer = press(client, lms, code_of(lms.launch(framed, custom={"view": "admin"})))
    assert (answer.status_code, page_of(answer)) == (303, "/admin")
    visit = db.session.query(SignIn).one()
    assert visit.person_id == db.session.query(Person).one().id
    assert visit.launch["resource_link_id"] == "1"
    assert any("__Host-visit-" in each for each in answer.headers.getlist("Set-Cookie"))


def test_the_button_works_once(framed: FlaskClient, client: FlaskClient, lms: Lms) -> None:
    code = code_of(lms.launch(framed))
    assert press(client, lms, code).status_code == 303
    again = press(client, lms, code)
    assert again.status_code == 400
    assert "lti.handover" in again.get_data(as_text=True)
    assert visits() == 1


def test_the_button_works_for_five_minutes(
    framed: FlaskClient, client: FlaskClient, lms: Lms
) -> None:
    code = code_of(lms.launch(framed))
    with clock.shifted(timedelta(minutes=5)):
        assert press(client, lms, code).status_code == 400
    assert visits() == 0


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", TOOL + ":8443", ""])
def test_a_page_of_somebody_else_cannot_press_the_button(
    framed: FlaskClient, client: FlaskClient, lms: Lms, origin: str | None
) -> None:
    code = code_of(lms.launch(framed))
    assert press(client, lms, code, origin).status_code == 400
    assert visits() == 0
    assert press(client, lms, code).status_code == 303


def test_a_token_without_its_cookie_is_used_up_all_the_same(
    framed: FlaskClient, client: FlaskClient, lms: Lms
) -> None:
    asked = lms.begin(client)
    token = lms.sign(lms.claims(asked["nonce"]))
    assert lms.post(framed, token, asked["state"]).status_code == 200
    for browser in (client, framed):
        answer = lms.post(browser, token, asked["state"])
        assert answer.status_code == 400
        assert "lti.login_used" in answer.get_data(as_text=True)
    assert visits() == 0


def test_the_code_is_kept_as_a_hash_and_belongs_to_one_registration(
    framed: FlaskClient, client: FlaskClient, lms: Lms, world: World
) -> None:
    code = code_of(lms.launch(framed))
    assert press(client, register(world, client_id="client-2"), code).status_code == 400
    assert db.session.query(Login).one().handover_hash != code
    answer = client.post("/lti/other/continue", data={"code": code}, headers={"Origin": TOOL})
    assert answer.status_code == 404
    assert press(client, lms, "").status_code == 400
    assert press(client, lms, "guess").status_code == 400
