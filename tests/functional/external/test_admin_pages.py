"""Admins register tools by hand, say what they are told, and see what they said."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.core.db import db
from plugin.lti.platform.models import ExternalTool, ToolLink, ToolState
from plugin.lti.platform.scopes import MEMBERSHIP
from plugin.modules.models import Module
from plugin.web.roles import Role
from tests.functional.external.maker import REDIRECT, SITE, Maker, assigned, new_module
from tests.support.html import read
from tests.support.queries import counted
from tests.support.world import World

FORM = {
    "name": "Quiz maker",
    "target_url": f"{SITE}/launch",
    "login_url": f"{SITE}/login",
    "redirect_urls": f"{REDIRECT}\r\n{SITE}/other\r\n",
    "jwks_url": f"{SITE}/jwks",
    "picker_url": "",
}
PAGES = ("/admin/tools", "/admin/tools/new", "/admin/tools/invite")


@pytest.fixture
def admin(client: FlaskClient, world: World) -> FlaskClient:
    person = world.person("Ada Admin")
    world.grant(person, Role.ADMIN)
    world.sign_in(client, person)
    return client


def test_a_tool_by_hand(admin: FlaskClient) -> None:
    answer = admin.post("/admin/tools/new", data={**FORM, "shares_name": "y", "lists_people": "y"})
    assert answer.status_code == 303
    tool = db.session.query(ExternalTool).one()
    assert tool.redirect_urls == [REDIRECT, f"{SITE}/other"]
    assert (tool.shares_name, tool.shares_email) == (True, False)
    assert MEMBERSHIP in tool.scopes
    page = admin.get(answer.headers["Location"])
    assert tool.client_id in page.text
    assert f"/platform/{tool.uid}/authorize" in page.text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"target_url": "http://maker.example.test"}, "target_url"),
        ({"login_url": "javascript:alert(1)"}, "login_url"),
        ({"jwks_url": ""}, "jwks_url"),
        ({"redirect_urls": "https://ok.example.test\nnonsense"}, "redirect_urls"),
        ({"picker_url": "nonsense"}, "picker_url"),
    ],
)
def test_a_mistake_is_said_at_its_field_and_nothing_is_kept(
    admin: FlaskClient, change: dict[str, str], field: str
) -> None:
    page = admin.post("/admin/tools/new", data={**FORM, **change})
    assert page.status_code == 422
    assert f'id="{field}-error"' in page.text
    assert db.session.query(ExternalTool).count() == 0


def test_what_a_tool_is_told_can_be_changed(admin: FlaskClient, maker: Maker) -> None:
    page = admin.get(f"/admin/tools/{maker.tool_id}/edit")
    assert "Quiz maker" in page.text
    answer = admin.post(
        f"/admin/tools/{maker.tool_id}/edit", data={**FORM, "name": "Other", "shares_email": "y"}
    )
    assert answer.status_code == 303
    tool = db.session.query(ExternalTool).one()
    assert (tool.name, tool.shares_email, tool.picker_url) == ("Other", True, None)


def test_a_module_by_its_address(admin: FlaskClient, maker: Maker) -> None:
    address = f"/admin/tools/{maker.tool_id}/modules/new"
    said = {
        "title": "Ladders",
        "target_url": f"{SITE}/launch?quiz=9",
        "custom": "quiz=9\nmode = a=b\n",
        "pass_mark": "80",
    }
    assert admin.post(address, data={**said, "pass_mark": "101"}).status_code == 422
    assert admin.post(address, data=said).status_code == 303
    module = db.session.query(Module).one()
    assert (module.title, module.pass_share) == ("Ladders", 0.8)
    link = db.session.query(ToolLink).one()
    assert link.custom == {"quiz": "9", "mode": "a=b"}
    page = admin.get(f"/admin/modules/{module.id}/external")
    assert "mode=a=b" in page.text
    changed = {**said, "title": "Steps", "pass_mark": ""}
    assert admin.post(f"/admin/modules/{module.id}/external", data=changed).status_code == 303
    db.session.rollback()
    assert (module.title, module.pass_share) == ("Steps", None)
    assert db.session.query(ToolLink).count() == 1, "the same address is the same version"


def test_switched_off_and_on(admin: FlaskClient, maker: Maker) -> None:
    for state in ("disabled", "active"):
        assert admin.post(f"/admin/tools/{maker.tool_id}/state/{state}").status_code == 303
        db.session.rollback()
        assert db.session.query(ExternalTool).one().state == state
    assert admin.post(f"/admin/tools/{maker.tool_id}/state/pending").status_code == 404


def test_what_is_switched_off_is_said_to_admins_too(admin: FlaskClient, maker: Maker) -> None:
    module = new_module(maker)
    address = f"/admin/modules/{module.id}/external"
    assert "cannot open" not in admin.get(address).text
    admin.post(f"/admin/tools/{maker.tool_id}/state/disabled")
    assert "learners cannot open this module" in admin.get(address).text
    assert "Learners cannot open its modules" in admin.get(f"/admin/tools/{maker.tool_id}").text
    assert admin.get(f"/admin/tools/{maker.tool_id}/pick").status_code == 403


def test_a_tool_that_nobody_wants_need_not_wait(admin: FlaskClient, maker: Maker) -> None:
    db.session.query(ExternalTool).one().state = ToolState.PENDING
    db.session.commit()
    page = read(admin.get(f"/admin/tools/{maker.tool_id}").text)
    (form,) = (each for each in page.all("form") if "Decline" in each.words)
    assert admin.post(form.attributes["action"]).status_code == 303
    assert "Waits for you" not in admin.get("/admin/tools").text


def test_a_new_key_by_a_button(admin: FlaskClient, maker: Maker) -> None:
    assert admin.post(f"/admin/tools/{maker.tool_id}/key").status_code == 303
    keys = admin.get(maker.path(maker.ours.jwks)).get_json()["keys"]
    assert len(keys) == 2


def test_what_the_tool_said_is_on_its_page(maker: Maker, client: FlaskClient, world: World) -> None:
    start = assigned(world, new_module(maker), client)
    maker.report(maker.launch(start))
    person = world.person("Ada Admin")
    world.grant(person, Role.ADMIN)
    world.sign_in(client, person)
    page = client.get(f"/admin/tools/{maker.tool_id}")
    assert "Lars Learner" in page.text
    assert "80 %" in page.text
    assert "Passed" in page.text


@pytest.mark.parametrize("role", [None, Role.MANAGER])
def test_nobody_but_admins_sees_these_pages(
    maker: Maker, client: FlaskClient, world: World, role: Role | None
) -> None:
    person = world.person("Mary Manager")
    if role:
        world.grant(person, role, world.unit())
    world.sign_in(client, person)
    module = new_module(maker)
    for page in (
        *PAGES,
        f"/admin/tools/{maker.tool_id}",
        f"/admin/tools/{maker.tool_id}/pick",
        f"/admin/tools/{maker.tool_id}/pick/start",
        f"/admin/modules/{module.id}/external",
    ):
        assert client.get(page).status_code == 403, page
    assert client.post(f"/admin/tools/{maker.tool_id}/key").status_code == 403


def test_another_organizations_tool_does_not_exist(
    maker: Maker, client: FlaskClient, world: World
) -> None:
    stranger = world.person("Eve", organization=world.new_organization("Elsewhere"))
    world.grant(stranger, Role.ADMIN)
    world.sign_in(client, stranger)
    module = new_module(maker)
    for page in (
        f"/admin/tools/{maker.tool_id}",
        f"/admin/tools/{maker.tool_id}/edit",
        f"/admin/tools/{maker.tool_id}/pick/start",
        f"/admin/tools/{maker.tool_id}/modules/new",
        f"/admin/modules/{module.id}/external",
    ):
        assert client.get(page).status_code == 404, page
    assert client.post(f"/admin/tools/{maker.tool_id}/state/disabled").status_code == 404
    assert "Quiz maker" not in client.get("/admin/tools").text


def test_pages_take_the_same_statements_for_more(admin: FlaskClient, maker: Maker) -> None:
    def count(page: str) -> Any:
        with counted() as statements:
            admin.get(page)
        return len(statements)

    pages = ("/admin/tools", f"/admin/tools/{maker.tool_id}")
    new_module(maker, "First")
    few = [count(page) for page in pages]
    for number in range(3):
        new_module(maker, f"More {number}")
    assert [count(page) for page in pages] == few
