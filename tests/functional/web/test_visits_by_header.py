"""A visit in a browser that keeps no cookie: its script brings the session, nothing else does."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import db
from plugin.org.models import SignIn
from plugin.web import visits
from plugin.web.roles import Role
from tests.functional.web.test_visits import TOKEN_FIELD, checked_forms
from tests.support.world import World

__all__ = ["checked_forms"]


@pytest.fixture
def framed(app: Flask, client: FlaskClient) -> FlaskClient:
    """A browser that drops every cookie it is given."""
    return app.test_client(use_cookies=False)


@pytest.fixture
def visit(world: World, client: FlaskClient) -> SignIn:
    """The visit of an admin whose cookie another browser holds."""
    admin = world.person("Ada Byron")
    world.grant(admin, Role.ADMIN)
    return world.sign_in(client, admin)


def root_of(visit: SignIn) -> str:
    return visits.PATH + visit.token_hash[:16]


def sealed(app: Flask, client: FlaskClient, visit: SignIn) -> str:
    """What the script of this visit holds."""
    with client.session_transaction(base_url="https://tool.example.test") as session:
        token = session[visits.TOKEN]
    return visits.seal(token)


def bearer(session: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {session}"}


def test_a_page_is_shown_to_who_brings_the_session(
    app: Flask, client: FlaskClient, framed: FlaskClient, visit: SignIn
) -> None:
    session = sealed(app, client, visit)
    answer = framed.get(f"{root_of(visit)}/admin/people", headers=bearer(session))
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert session not in answer.text
    assert framed.get(f"{root_of(visit)}/admin/people").status_code == 401


def test_a_cookie_is_no_session_for_a_script_nor_the_other_way_round(
    app: Flask, client: FlaskClient, framed: FlaskClient, visit: SignIn
) -> None:
    name = visits.COOKIE + visit.token_hash[:16]
    cookie = client.get_cookie(name, domain="tool.example.test")
    assert cookie
    assert framed.get(f"{root_of(visit)}/", headers=bearer(cookie.value)).status_code == 401
    thief = app.test_client()
    thief.set_cookie(name, sealed(app, client, visit), domain="tool.example.test")
    assert thief.get(f"{root_of(visit)}/").status_code == 401


def test_a_session_opens_its_own_visit_only_and_never_an_address_without_one(
    app: Flask, client: FlaskClient, framed: FlaskClient, visit: SignIn, world: World
) -> None:
    session = sealed(app, client, visit)
    eve = world.sign_in(client, world.person("Eve Stranger"))
    assert framed.get(f"{root_of(eve)}/", headers=bearer(session)).status_code == 401
    assert framed.get("/", headers=bearer(session)).status_code == 401
    assert client.get(f"{root_of(eve)}/", headers=bearer("guess")).status_code == 401


def test_an_ended_visit_is_over_for_its_script_too(
    app: Flask, client: FlaskClient, framed: FlaskClient, visit: SignIn
) -> None:
    session = sealed(app, client, visit)
    db.session.get_one(SignIn, visit.id).ended_at = clock.now()
    db.session.commit()
    answer = framed.get(f"{root_of(visit)}/", headers=bearer(session))
    assert answer.status_code == 401
    assert "visit/pages.js" not in answer.text


def test_a_form_is_checked_and_its_redirect_is_told_to_the_script(
    app: Flask, client: FlaskClient, framed: FlaskClient, visit: SignIn, checked_forms: None
) -> None:
    session = sealed(app, client, visit)
    address = f"{root_of(visit)}/admin/people/new"
    said = {"name": "New Person", "unit_id": "0"}
    assert framed.post(address, data=said, headers=bearer(session)).status_code == 400
    shown = framed.get(address, headers=bearer(session))
    session = shown.headers[visits.SESSION_HEADER]
    token = TOKEN_FIELD.search(shown.text)
    assert token
    said["csrf_token"] = token[1]
    wrong = framed.post(address, data=said | {"name": ""}, headers=bearer(session))
    assert wrong.status_code == 422
    assert visits.LOCATION_HEADER not in wrong.headers
    sent = framed.post(address, data=said, headers=bearer(session))
    assert (sent.status_code, sent.get_data()) == (204, b"")
    assert "Location" not in sent.headers
    assert sent.headers[visits.LOCATION_HEADER].startswith(f"{root_of(visit)}/admin/people?")
    session = sent.headers[visits.SESSION_HEADER]  # it holds what the next page will say
    page = framed.get(sent.headers[visits.LOCATION_HEADER], headers=bearer(session))
    assert re.search(r'class="alert alert-success"', page.text)


def test_a_frame_without_its_session_gets_the_script_that_may_still_hold_it(
    framed: FlaskClient, visit: SignIn
) -> None:
    answer = framed.get(f"{root_of(visit)}/admin/people")
    assert answer.status_code == 401
    assert "data-resume" in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors https://lms.example.test")
    assert "form-action 'self' https://lms.example.test;" in policy


@pytest.mark.parametrize("name", ["0" * 16, "f" * 16])
def test_of_a_visit_that_is_none_nothing_is_told(framed: FlaskClient, name: str) -> None:
    answer = framed.get(f"{visits.PATH}{name}/")
    assert answer.status_code == 401
    assert "data-resume" not in answer.text
    assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]


def test_a_script_asked_from_elsewhere_gets_no_leave_to_bring_a_session(
    framed: FlaskClient, visit: SignIn
) -> None:
    answer = framed.options(
        f"{root_of(visit)}/",
        headers={
            "Origin": "https://evil.example",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization",
        },
    )
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Access-Control-Allow-Headers" not in answer.headers
