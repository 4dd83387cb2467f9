"""Several visits in one browser: each address says whose it is, and each opens by itself only."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import db
from plugin.org.models import Person, SignIn
from plugin.web import visits
from plugin.web.roles import Role
from tests.support.queries import counted
from tests.support.world import World

NAVIGATION = {"Sec-Fetch-Mode": "navigate"}
TOKEN_FIELD = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@pytest.fixture
def checked_forms(app: Flask) -> Iterator[None]:
    """Forms are checked as in production."""
    app.config["WTF_CSRF_ENABLED"] = True
    yield
    app.config["WTF_CSRF_ENABLED"] = False


def test_every_address_of_a_page_stays_in_its_visit_and_those_for_anybody_do_not(
    client: FlaskClient, world: World
) -> None:
    admin = world.person()
    world.grant(admin, Role.ADMIN)
    visit = world.sign_in(client, admin)
    root = visits.PATH + visit.token_hash[:16]
    page = client.get(f"{root}/admin/people?q=a").text
    linked = set(re.findall(r'(?:href|action|hx-get)="(/[^"]*)"', page))
    assert linked
    for each in linked:
        assert each.startswith((f"{root}/", "/static/", "/bootstrap/")), each
    answer = client.post(f"{root}/admin/units/{world.unit().id}/members/add", data={})
    assert answer.status_code == 404 or answer.headers["Location"].startswith(root)


@pytest.mark.parametrize("page", ["/verify", "/v/unknown", "/healthz", "/static/app.css"])
def test_what_anybody_may_open_has_one_address(
    client: FlaskClient, world: World, page: str
) -> None:
    visit = world.sign_in(client, world.person())
    assert client.get(page).status_code in {200, 404}
    assert client.get(f"{visits.PATH}{visit.token_hash[:16]}{page}").status_code == 404


def test_a_form_belongs_to_the_visit_it_was_shown_in(
    client: FlaskClient, world: World, checked_forms: None
) -> None:
    people = [world.person("Ada Byron"), world.person("Grace Hopper")]
    roots = []
    for person in people:
        world.grant(person, Role.ADMIN)
        roots.append(visits.PATH + world.sign_in(client, person).token_hash[:16])
    found = TOKEN_FIELD.search(client.get(f"{roots[0]}/admin/people/new").text)
    assert found
    client.get(f"{roots[1]}/admin/people/new")
    said = {"csrf_token": found[1], "name": "New Person", "unit_id": "0"}
    for wrong in (f"{roots[1]}/admin/people/new", "/admin/people/new"):
        assert "http.form_expired" in client.post(wrong, data=said).text
    assert db.session.query(Person).count() == 2
    assert client.post(f"{roots[0]}/admin/people/new", data=said).status_code in {302, 303}
    assert db.session.query(Person).count() == 3


def test_a_visit_opens_only_with_its_own_session(
    client: FlaskClient, app: Flask, world: World
) -> None:
    ada = world.sign_in(client, world.person("Ada Byron"))
    eve = world.sign_in(client, world.person("Eve Stranger"))
    jar = client.get_cookie(visits.COOKIE + eve.token_hash[:16], domain="tool.example.test")
    assert jar
    thief = app.test_client()
    thief.set_cookie(visits.COOKIE + ada.token_hash[:16], jar.value, domain="tool.example.test")
    assert thief.get(f"{visits.PATH}{ada.token_hash[:16]}/").status_code == 401
    assert thief.get("/").status_code == 401
    name = ada.token_hash[:16]
    assert app.test_client().get(f"{visits.PATH}{name}/").status_code == 401


def test_a_link_out_of_a_mail_goes_on_in_the_newest_visit(
    client: FlaskClient, world: World
) -> None:
    for name in ("Ada Byron", "Grace Hopper"):
        person = world.person(name)
        world.grant(person, Role.ADMIN)
        visit = world.sign_in(client, person)
    moved = client.get("/admin/people?q=a%20b&page=1", headers=NAVIGATION)
    root = visits.PATH + visit.token_hash[:16]
    assert moved.status_code == 302
    assert moved.headers["Location"] == f"{root}/admin/people?q=a%20b&page=1"
    page = client.get(moved.headers["Location"], headers=NAVIGATION)
    assert page.status_code == 200
    assert "Grace Hopper" in page.text


def test_nobody_is_ever_sent_round_in_circles(client: FlaskClient, world: World) -> None:
    visit = world.sign_in(client, world.person())
    db.session.get_one(SignIn, visit.id).ended_at = clock.now()
    db.session.commit()
    moved = client.get("/", headers=NAVIGATION)
    assert moved.status_code == 302
    assert client.get(moved.headers["Location"], headers=NAVIGATION).status_code == 401
    stranger = client.application.test_client()
    assert stranger.get("/", headers=NAVIGATION).status_code == 401


def test_a_page_of_a_visit_asks_for_its_person_once(client: FlaskClient, world: World) -> None:
    visit = world.sign_in(client, world.person())
    root = visits.PATH + visit.token_hash[:16]
    with counted() as statements:
        client.get(f"{root}/")
    assert sum("sign_in" in each for each in statements) == 1
