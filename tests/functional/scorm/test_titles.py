"""A course is given another title: two of one title can be told apart by learners too."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.core.audit import AuditEntry
from plugin.core.db import db
from plugin.modules.models import Module
from plugin.web.roles import Role
from tests.support.html import read
from tests.support.play import brought_in
from tests.support.world import World


@pytest.fixture
def admin(world: World, client: FlaskClient) -> FlaskClient:
    person = world.person("Anna Admin")
    world.grant(person, Role.ADMIN)
    world.sign_in(client, person)
    return client


def test_an_admin_gives_a_course_another_title(world: World, admin: FlaskClient) -> None:
    module = brought_in(world)
    page = f"/admin/modules/{module.id}"
    before = read(admin.get(page).text).by_id("title").attributes["value"]
    assert before == module.title
    answer = admin.post(f"{page}/title", data={"title": "  Ladders, for painters "})
    assert (answer.status_code, answer.location) == (303, page)
    db.session.rollback()
    assert db.session.get_one(Module, module.id).title == "Ladders, for painters"
    said = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "module.changed")).one()
    assert (said.before, said.after) == ({"title": before}, {"title": "Ladders, for painters"})


@pytest.mark.parametrize("title", ["", "   ", "x" * 201])
def test_a_title_that_cannot_be_is_refused_at_its_field(
    world: World, admin: FlaskClient, title: str
) -> None:
    module = brought_in(world)
    before = module.title
    answer = admin.post(f"/admin/modules/{module.id}/title", data={"title": title})
    assert answer.status_code == 422
    field = read(answer.text).by_id("title").attributes
    assert (field["value"], field["aria-invalid"]) == (title, "true")
    db.session.rollback()
    assert db.session.get_one(Module, module.id).title == before


def test_a_course_that_is_not_ours_is_not_found(world: World, admin: FlaskClient) -> None:
    assert admin.post("/admin/modules/999999/title", data={"title": "x"}).status_code == 404
