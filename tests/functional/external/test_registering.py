"""A tool registers itself with us, and waits for an admin (dynamic registration 1.0)."""

import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.lti.platform import actions
from plugin.lti.platform.models import ExternalTool, ToolState
from plugin.lti.platform.scopes import GRADES, MEMBERSHIP
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.external.maker import SITE, first
from tests.functional.lti.platform import ABSENT
from tests.support.html import read
from tests.support.world import World

TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"


def wish(**changes: Any) -> dict[str, Any]:
    described = {
        "domain": "maker.example.test",
        "target_link_uri": f"{SITE}/launch",
        "custom_parameters": {"a": "b", "who": "$User.id"},
        "claims": ["iss", "sub", "name", "email"],
        "messages": [
            {"type": "LtiDeepLinkingRequest", "target_link_uri": f"{SITE}/pick"},
            {"type": "LtiResourceLinkRequest"},
        ],
        **changes.pop("described", {}),
    }
    said = {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": f"{SITE}/login",
        "redirect_uris": [f"{SITE}/launch"],
        "client_name": "Quiz maker",
        "jwks_uri": f"{SITE}/jwks",
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join((*GRADES, MEMBERSHIP)),
        TOOL: {name: value for name, value in described.items() if value is not ABSENT},
        **changes,
    }
    return {name: value for name, value in said.items() if value is not ABSENT}


@pytest.fixture
def invited(client: FlaskClient, world: World) -> dict[str, str]:
    """An admin opens a tool with an invitation; what the tool's page hears."""
    admin = world.person("Ada Admin")
    world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)
    page = client.post("/admin/tools/invite", data={"address": f"{SITE}/register?kind=lti"})
    assert page.status_code == 200, page.text
    assert f"frame-src https: {SITE}" in page.headers["Content-Security-Policy"]
    frame = read(page.text).all("iframe")[0]
    address = str(frame.attributes["src"])
    assert address.startswith(f"{SITE}/register?kind=lti&")
    return first(address)


def send(client: FlaskClient, invited: dict[str, str], said: Any, **more: Any) -> TestResponse:
    token = more.pop("token", invited["registration_token"])
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    address = client.get(local(invited["openid_configuration"])).get_json()
    return client.post(
        local(address["registration_endpoint"]),
        data=body,
        content_type=more.pop("kind", "application/json"),
        headers={"Authorization": f"Bearer {token}"},
    )


def local(address: str) -> str:
    return address.removeprefix("https://tool.example.test")


def test_p4_a_tool_registers_itself_and_waits(client: FlaskClient, invited: dict[str, str]) -> None:
    answer = send(client, invited, wish())
    assert answer.status_code == 201, answer.text
    said = answer.get_json()
    tool = db.session.query(ExternalTool).one()
    assert tool.state is ToolState.PENDING
    assert said["client_id"] == tool.client_id
    assert said[TOOL]["deployment_id"] == "1"
    assert said["scope"].split() == list(GRADES)
    assert (tool.picker_url, tool.custom) == (f"{SITE}/pick", {"a": "b", "who": "$User.id"})
    assert (tool.shares_name, tool.shares_email) == (False, False)
    page = client.get("/admin/tools")
    assert "Quiz maker" in page.text
    assert "Waits for you" in page.text
    assert client.post(f"/admin/tools/{tool.id}/state/active").status_code == 303
    db.session.rollback()
    assert db.session.query(ExternalTool).one().state is ToolState.ACTIVE


def test_the_overview_counts_the_tools_that_wait_and_leads_to_them(
    app: Flask, client: FlaskClient, world: World, invited: dict[str, str]
) -> None:
    def figures(browser: FlaskClient, path: str = "/admin/overview") -> list[str]:
        links = read(browser.get(path).text).all("a")
        found = [each for each in links if "external tools to accept" in each.words]
        return [f"{each.words} {each.attributes['href']}" for each in found]

    manager, browser = world.person("Mia Manager"), app.test_client()
    world.grant(manager, Role.MANAGER, world.unit("North Quay"))
    world.sign_in(browser, manager)
    assert figures(client) == []
    send(client, invited, wish())
    assert figures(client) == ["1 external tools to accept /admin/tools"]
    assert figures(client, "/admin/overview?as_of=2027-01-01") == []  # of the past nothing waits
    assert browser.get("/admin/overview").status_code == 200
    assert figures(browser) == [], "managers cannot accept"
    tool = db.session.query(ExternalTool).one()
    client.post(f"/admin/tools/{tool.id}/state/active")
    assert figures(client) == []


def test_p3_the_configuration_names_our_addresses(
    client: FlaskClient, invited: dict[str, str]
) -> None:
    said = client.get(local(invited["openid_configuration"])).get_json()
    assert invited["openid_configuration"].startswith(said["issuer"])
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint"):
        assert said[name].startswith(said["issuer"])
    assert "openid" in said["scopes_supported"]


def test_p4_an_invitation_works_once_and_for_a_week(
    client: FlaskClient, invited: dict[str, str]
) -> None:
    assert send(client, invited, wish(), token="wrong").status_code == 401
    with clock.at(NOW + timedelta(days=7, seconds=1)):
        assert send(client, invited, wish()).status_code == 401
    assert send(client, invited, wish()).status_code == 201
    assert send(client, invited, wish()).status_code == 401
    assert db.session.query(ExternalTool).count() == 1


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"described": {"domain": ["maker.example.test"]}}, "domain"),
        ({"described": {"domain": {"a": 1}}}, "domain"),
        ({"redirect_uris": [{"a": 1}]}, "redirect_uris"),
        ({"initiate_login_uri": ABSENT}, "initiate_login_uri"),
        ({"initiate_login_uri": "http://maker.example.test/login"}, "initiate_login_uri"),
        ({"initiate_login_uri": "javascript:alert(1)"}, "initiate_login_uri"),
        ({"redirect_uris": ABSENT}, "redirect_uris"),
        ({"redirect_uris": []}, "redirect_uris"),
        ({"redirect_uris": f"{SITE}/launch"}, "redirect_uris"),
        ({"redirect_uris": [7]}, "redirect_uris"),
        ({"redirect_uris": ["data:text/html,x"]}, "redirect_uris"),
        ({"redirect_uris": [f"{SITE}/{n}" for n in range(21)]}, "redirect_uris"),
        ({"jwks_uri": "ftp://maker.example.test"}, "jwks_uri"),
        ({"jwks_uri": None}, "jwks_uri"),
        ({"token_endpoint_auth_method": "client_secret_basic"}, "token_endpoint_auth_method"),
        ({TOOL: ABSENT}, "lti-tool-configuration"),
        ({TOOL: []}, "lti-tool-configuration"),
        ({"described": {"target_link_uri": ABSENT}}, "target_link_uri"),
        ({"described": {"domain": "evil.example.test"}}, "domain"),
        ({"described": {"domain": ABSENT}}, "domain"),
    ],
)
def test_p4_a_registration_that_cannot_be_is_refused_by_its_field(
    client: FlaskClient, invited: dict[str, str], change: dict[str, Any], named: str
) -> None:
    answer = send(client, invited, wish(**change))
    assert answer.status_code == 400, answer.text
    assert answer.get_json()["error"] == "invalid_client_metadata"
    assert named in answer.get_json()["error_description"]
    assert db.session.query(ExternalTool).count() == 0
    assert send(client, invited, wish()).status_code == 201, "the invitation is not used up"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 5000])
def test_p4_a_registration_that_is_no_json_is_refused(
    client: FlaskClient, invited: dict[str, str], body: bytes
) -> None:
    assert send(client, invited, body).status_code == 400


def test_p4_odd_optional_parts_are_not_said(client: FlaskClient, invited: dict[str, str]) -> None:
    said = wish(
        client_name=7,
        scope=["a"],
        described={"custom_parameters": [], "messages": {"type": "x"}, "claims": 7},
    )
    assert send(client, invited, said).status_code == 201
    tool = db.session.query(ExternalTool).one()
    assert (tool.name, tool.custom, tool.picker_url) == ("maker.example.test", {}, None)
    assert tool.scopes == []


def test_p4_an_invitation_registers_in_its_organization_only(
    client: FlaskClient, invited: dict[str, str], world: World
) -> None:
    elsewhere = world.new_organization("Elsewhere")
    with transaction() as tx:
        other, token = actions.invite_tool(tx.session, elsewhere.id, by=None, now=clock.now())
        uid = other.uid
    assert send(client, invited, wish(), token=token).status_code == 401
    answer = client.post(
        f"/platform/{uid}/register",
        data=json.dumps(wish()),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 201
    tool = db.session.query(ExternalTool).one()
    assert tool.organization_id == elsewhere.id
    assert client.get(f"/admin/tools/{tool.id}").status_code == 404
