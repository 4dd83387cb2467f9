"""Canvas makes its developer key from an address of ours (Canvas, LTI Advantage tools)."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from plugin.core.db import db, transaction
from plugin.lti.tool import actions
from plugin.lti.tool.addresses import tool_addresses
from plugin.lti.tool.configuration import ALL_SCOPES, TOOL, Platform, registration_request
from plugin.lti.tool.models import RegistrationState
from plugin.lti.tool.profiles import CANVAS
from plugin.lti.tool.queries import registration_by_uid
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.lti.conftest import register
from tests.functional.lti.platform import Lms
from tests.support.html import read
from tests.support.world import World

UID = "0123456789abcdef"
NEW = "/admin/lms/new/canvas"
ADDRESSES = {
    "name": "Campus",
    "issuer": "https://canvas.instructure.com",
    "client_id": "10000000000042",
    "auth_url": "https://sso.canvaslms.com/api/lti/authorize_redirect",
    "token_url": "https://canvas.instructure.com/login/oauth2/token",
    "jwks_url": "https://sso.canvaslms.com/api/lti/security/jwks",
    "uid": UID,
}


@pytest.fixture
def admin(world: World, client: FlaskClient) -> FlaskClient:
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    return client


@pytest.fixture
def canvas(world: World) -> Lms:
    return made(register(world), "canvas")


def made(
    lms: Lms,
    make: str | None,
    *,
    scopes: tuple[str, ...] = (),
    state: RegistrationState = RegistrationState.ACTIVE,
) -> Lms:
    with transaction() as tx:
        found = registration_by_uid(tx.session, lms.uid)
        found.product, found.scopes = make, list(scopes)
        if state is not found.state:
            actions.set_state(tx.session, found, state, by=None, now=NOW)
    return lms


def key_of(client: FlaskClient, uid: str) -> Any:
    answer = client.get(f"/lti/{uid}/canvas.json")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    return answer.json


def shown(page: str) -> list[str]:
    """The addresses of such JSON among the values to be copied, as a path."""
    texts = [each.words for each in read(page).all("code")]
    return [each.removeprefix("https://tool.example.test") for each in texts if "json" in each]


def test_r4_a_developer_key_has_canvas_s_form(client: FlaskClient, canvas: Lms) -> None:
    base = f"https://tool.example.test/lti/{canvas.uid}"
    key = key_of(client, canvas.uid)
    (extension,) = key.pop("extensions")
    fields = key.pop("custom_fields")
    assert (fields["context_history"], fields["account"]) == (
        "$Context.id.history",
        "$Canvas.account.sisSourceId",
    )
    assert set(key.pop("scopes")) == set(ALL_SCOPES)
    name = key.pop("title")
    assert name
    assert key == {
        "description": "Training, assigned and kept valid",
        "target_link_uri": f"{base}/launch",
        "oidc_initiation_url": f"{base}/login",
        "public_jwk_url": f"{base}/jwks",
        "redirect_uris": [f"{base}/launch"],
    }
    usual = {"enabled": True, "target_link_uri": f"{base}/launch", "text": name}
    picks = {"message_type": "LtiDeepLinkingRequest", **usual}
    opens = {"message_type": "LtiResourceLinkRequest", **usual}
    assert extension == {
        "platform": "canvas.instructure.com",
        "domain": "tool.example.test",
        "tool_id": "module-assignment",
        "privacy_level": "public",
        "settings": {
            "text": name,
            "icon_url": "https://tool.example.test/static/icon.svg",
            "placements": [
                {"placement": "assignment_selection", **picks},
                {"placement": "link_selection", **picks},
                {"placement": "course_navigation", "default": "disabled", **opens},
                {
                    "placement": "account_navigation",
                    "custom_fields": {"view": "admin"},
                    "visibility": "admins",
                    **opens,
                },
            ],
        },
    }


def test_r4_a_developer_key_asks_for_what_dynamic_registration_asks_for(
    client: FlaskClient, canvas: Lms
) -> None:
    platform = Platform(
        issuer="https://canvas.instructure.com",
        auth_url="https://sso.canvaslms.com/api/lti/authorize_redirect",
        token_url="https://canvas.instructure.com/login/oauth2/token",
        jwks_url="https://sso.canvaslms.com/api/lti/security/jwks",
        registration_url="https://canvas.instructure.com/api/lti/registrations",
        token_audience=None,
        product="canvas",
        scopes=("openid", *ALL_SCOPES),
        variables=(),
    )
    ours = tool_addresses("https://tool.example.test", canvas.uid)
    key = key_of(client, canvas.uid)
    asked = registration_request(platform, ours, product_name=key["title"])
    tool = asked[TOOL]
    (extension,) = key["extensions"]
    assert key["scopes"] == asked["scope"].split()
    assert key["redirect_uris"] == asked["redirect_uris"]
    assert key["oidc_initiation_url"] == asked["initiate_login_uri"]
    assert key["public_jwk_url"] == asked["jwks_uri"]
    assert key["custom_fields"] == tool["custom_parameters"]
    assert (key["description"], extension["domain"]) == (tool["description"], tool["domain"])
    assert extension["privacy_level"] == tool[CANVAS + "privacy_level"]
    assert [
        (each["placement"], each["message_type"], each.get("custom_fields"))
        for each in extension["settings"]["placements"]
    ] == [
        (place, each["type"], each.get("custom_parameters"))
        for each in tool["messages"]
        for place in each["placements"]
    ]


def test_it_is_kept_shortly_and_brings_no_cookie(client: FlaskClient, canvas: Lms) -> None:
    answer = client.get(f"/lti/{canvas.uid}/canvas.json")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("make", [None, "moodle", "blackboard", "other"])
def test_other_makes_have_no_developer_key(
    world: World, client: FlaskClient, make: str | None
) -> None:
    lms = made(register(world), make)
    assert client.get(f"/lti/{lms.uid}/canvas.json").status_code == 404


def test_a_canvas_that_registered_itself_has_its_key(world: World, client: FlaskClient) -> None:
    lms = made(register(world), "canvas", scopes=ALL_SCOPES)
    assert client.get(f"/lti/{lms.uid}/canvas.json").status_code == 404


@pytest.mark.parametrize("uid", [UID, "%00", "x y", "é", "register"])
@pytest.mark.parametrize("seal", ["", "?new=", "?new=%C3%A9", f"?new={'0' * 32}"])
def test_a_developer_key_of_an_unknown_registration_is_not_found(
    client: FlaskClient, uid: str, seal: str
) -> None:
    assert client.get(f"/lti/{uid}/canvas.json{seal}").status_code == 404


def test_the_address_shown_before_the_registration_goes_on_until_it_is_disabled(
    admin: FlaskClient,
) -> None:
    (address,) = shown(admin.get(NEW, query_string={"uid": UID}).text)
    assert shown(admin.get(NEW, query_string={"uid": UID}).text) == [address]
    before = admin.get(address)
    assert before.status_code == 200
    assert before.json["target_link_uri"] == f"https://tool.example.test/lti/{UID}/launch"
    assert admin.get(address.replace(UID, "f" * 16)).status_code == 404
    page = admin.post(NEW, data=ADDRESSES).headers["Location"]
    assert shown(admin.get(page).text) == [urlsplit(address).path]
    assert key_of(admin, UID) == admin.get(address).json == before.json
    number = re.findall(r"\d+", page)[0]
    admin.post(f"/admin/lms/{number}/disable")
    db.session.rollback()
    assert admin.get(address).status_code == 404
    assert admin.get(urlsplit(address).path).status_code == 404
    assert shown(admin.get(page).text) == []


def test_other_makes_are_shown_no_such_address(admin: FlaskClient, lms: Lms) -> None:
    assert shown(admin.get("/admin/lms/new/moodle", query_string={"uid": UID}).text) == []
    number = registration_by_uid(db.session, lms.uid).id
    assert shown(admin.get(f"/admin/lms/{number}").text) == []
