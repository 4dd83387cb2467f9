"""Content is picked in a tool and becomes modules (deep linking 2.0, the platform's side)."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import db
from plugin.core.secrets import new_token
from plugin.lti.platform.claims import INSTRUCTOR
from plugin.lti.platform.models import ToolColumn, ToolLink
from plugin.lti.tool.claims import DEEP_LINKING
from plugin.modules.models import Module, ModuleKind
from plugin.web.roles import Role
from tests.conftest import NOW, TOOL
from tests.functional.external.maker import DL, LTI, SITE, Maker
from tests.functional.lti.platform import ABSENT
from tests.support.world import World


@pytest.fixture
def asked(maker: Maker, client: FlaskClient, world: World) -> dict[str, Any]:
    """An admin opens the tool to choose; the claims it hears."""
    admin = world.person("Ada Admin")
    world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)
    page = client.get(f"/admin/tools/{maker.tool_id}/pick")
    assert f"/admin/tools/{maker.tool_id}/pick/start" in page.text
    return maker.launch(f"/admin/tools/{maker.tool_id}/pick/start")


def choice(maker: Maker, asked: dict[str, Any], items: Any, **changes: Any) -> str:
    now = int(clock.now().timestamp())
    key = changes.pop("key", "maker")
    said = {
        "iss": maker.client_id,
        "aud": maker.ours.issuer,
        "iat": now,
        "exp": now + 60,
        "nonce": new_token(),
        LTI + "deployment_id": "1",
        LTI + "message_type": "LtiDeepLinkingResponse",
        LTI + "version": "1.3.0",
        DL + "content_items": items,
        DL + "data": asked[DEEP_LINKING]["data"],
        **changes,
    }
    return maker.sign(said, key)


def send(client: FlaskClient, asked: dict[str, Any], token: str) -> Any:
    back = str(asked[DEEP_LINKING]["deep_link_return_url"]).removeprefix(TOOL)
    return client.application.test_client(use_cookies=False).post(back, data={"JWT": token})


LINK = {
    "type": "ltiResourceLink",
    "title": "Ladders",
    "url": f"{SITE}/launch?quiz=9",
    "custom": {"quiz": "9"},
    "lineItem": {"scoreMaximum": 20, "resourceId": "q9", "tag": "quiz"},
}


def test_p8_what_is_asked(asked: dict[str, Any]) -> None:
    assert asked[LTI + "message_type"] == "LtiDeepLinkingRequest"
    assert INSTRUCTOR in asked[LTI + "roles"]
    assert asked[DEEP_LINKING]["accept_types"] == ["ltiResourceLink"]
    assert LTI + "resource_link" not in asked


def test_p8_links_become_modules(maker: Maker, client: FlaskClient, asked: dict[str, Any]) -> None:
    items = [LINK, {"type": "ltiResourceLink", "title": "Default address"}]
    page = send(client, asked, choice(maker, asked, items))
    assert page.status_code == 200, page.text
    assert "2 modules were added" in page.text
    assert 'target="_parent"' in page.text
    ladders, default = db.session.query(Module).order_by(Module.id)
    assert (ladders.title, ladders.kind) == ("Ladders", ModuleKind.LTI)
    link = db.session.query(ToolLink).filter_by(module_id=ladders.id).one()
    assert (link.target_url, link.custom) == (f"{SITE}/launch?quiz=9", {"quiz": "9"})
    column = db.session.query(ToolColumn).filter_by(link_id=link.id).one()
    assert (column.score_maximum, column.resource_id, column.tag) == (20, "q9", "quiz")
    other = db.session.query(ToolLink).filter_by(module_id=default.id).one()
    assert other.target_url == f"{SITE}/pick"
    assert "Ladders" in client.get("/admin/modules").text


@pytest.mark.parametrize(
    ("item", "title"),
    [
        ({"lineItem": {"scoreMaximum": 20, "label": "Ladders, quiz"}}, "Ladders, quiz"),
        ({"title": "", "lineItem": {"scoreMaximum": 20}}, "Quiz maker"),
        ({"title": None}, "Quiz maker"),
    ],
)
def test_p8_a_link_that_names_no_title_has_that_of_its_line_item_or_the_tools_name(
    maker: Maker, client: FlaskClient, asked: dict[str, Any], item: dict[str, Any], title: str
) -> None:
    link = {"type": "ltiResourceLink", "url": f"{SITE}/x", **item}
    assert "1 module was added" in send(client, asked, choice(maker, asked, [link])).text
    assert db.session.query(Module).one().title == title


@pytest.mark.parametrize(
    "item",
    [
        {"type": "html", "html": "<script>alert(1)</script>"},
        {"type": "link", "url": "https://elsewhere.example.test"},
        {"type": "ltiResourceLink", "title": "x", "url": "javascript:alert(1)"},
        {"type": "ltiResourceLink", "title": "x", "url": "http://maker.example.test/"},
        {"type": "ltiResourceLink", "title": ["x"]},
        {"type": "ltiResourceLink", "title": "x", "lineItem": "yes"},
        {"type": "ltiResourceLink", "title": "x", "lineItem": {"scoreMaximum": 0}},
        {"type": "ltiResourceLink", "title": "x", "lineItem": {"scoreMaximum": "100"}},
        {"type": "ltiResourceLink", "title": "x", "lineItem": {}},
        "x",
        None,
    ],
)
def test_p8_anything_else_is_left_out_and_said(
    maker: Maker, client: FlaskClient, asked: dict[str, Any], item: Any
) -> None:
    page = send(client, asked, choice(maker, asked, [item]))
    assert page.status_code == 200
    assert "Nothing was added" in page.text
    assert "left out" in page.text
    assert "<script>alert" not in page.text
    assert db.session.query(Module).count() == 0


def test_p8_what_the_tool_says_is_shown_as_text(
    maker: Maker, client: FlaskClient, asked: dict[str, Any]
) -> None:
    more = {DL + "msg": "<i>hello</i>", DL + "errormsg": "<b>broken</b>"}
    page = send(client, asked, choice(maker, asked, [], **more))
    assert "&lt;i&gt;hello" in page.text
    assert "&lt;b&gt;broken" in page.text


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "someone-else"},
        {"aud": "https://elsewhere.example.test"},
        {"aud": ABSENT},
        {"exp": int(NOW.timestamp()) - 61},
        {"exp": int(NOW.timestamp()) + 3600},
        {"exp": ABSENT},
        {"nonce": ABSENT},
        {"nonce": 7},
        {LTI + "deployment_id": "2"},
        {LTI + "message_type": "LtiResourceLinkRequest"},
        {LTI + "version": "1.2"},
        {DL + "data": "other"},
        {DL + "data": ABSENT},
        {DL + "content_items": {}},
        {"key": "stranger"},
    ],
)
def test_p8_an_answer_that_is_not_ours_adds_nothing(
    maker: Maker, client: FlaskClient, asked: dict[str, Any], change: dict[str, Any]
) -> None:
    page = send(client, asked, choice(maker, asked, [LINK], **change))
    assert page.status_code == 400
    assert "external.pick_refused" in page.text
    assert db.session.query(Module).count() == 0
    assert send(client, asked, choice(maker, asked, [LINK])).status_code == 200


def test_p8_an_answer_counts_once(maker: Maker, client: FlaskClient, asked: dict[str, Any]) -> None:
    token = choice(maker, asked, [LINK])
    assert send(client, asked, token).status_code == 200
    assert send(client, asked, token).status_code == 400
    assert send(client, asked, choice(maker, asked, [LINK])).status_code == 400
    assert db.session.query(Module).count() == 1


def test_p8_an_answer_comes_within_two_hours(
    maker: Maker, client: FlaskClient, asked: dict[str, Any]
) -> None:
    with clock.at(NOW + timedelta(hours=2, seconds=1)):
        assert send(client, asked, choice(maker, asked, [LINK])).status_code == 400


@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
def test_p8_nonsense_is_refused(
    maker: Maker, client: FlaskClient, asked: dict[str, Any], token: str
) -> None:
    assert send(client, asked, token).status_code == 400
    address = f"/platform/{maker.uid}/answers/unknown"
    assert client.post(address, data={"JWT": token}).status_code == 400
