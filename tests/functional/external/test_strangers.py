"""What strangers and careless tools may send: always an answer that says what is wrong."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.core.db import db, transaction
from plugin.lti.platform.models import ExternalTool, ToolState
from plugin.lti.platform.scopes import ALL
from plugin.modules.models import Module
from plugin.org.models import Grant
from plugin.web.limits import limiter
from tests.conftest import NOW
from tests.functional.external.maker import SCORE, Maker, column_of
from tests.functional.external.test_picking import LINK, asked, choice, send
from tests.support.world import World

__all__ = ["asked"]
NUL = "%00"


@pytest.mark.parametrize(
    "query",
    [f"resource_link_id={NUL}", f"resource_id=a{NUL}", f"tag={NUL}", "tag=" + "a" * 256],
)
def test_p6_a_filter_no_line_item_can_have_is_refused(maker: Maker, query: str) -> None:
    answer = maker.call("GET", f"{maker.ours.line_items}?{query}")
    assert (answer.status_code, answer.get_json()["error"]) == (400, "bad_request")


def test_p6_p7_filters_of_results_and_people_are_texts(maker: Maker, start: str) -> None:
    claims = maker.launch(start)
    assert maker.call("GET", f"{column_of(claims)}/results?user_id={NUL}").status_code == 400
    with transaction() as tx:
        tx.session.get_one(ExternalTool, maker.tool_id).scopes = list(ALL)
    bearer = maker.token(" ".join(ALL))
    for query in (f"rlid={NUL}", f"role={NUL}"):
        answer = maker.call("GET", f"{maker.ours.memberships}?{query}", token=bearer)
        assert answer.status_code == 400


@pytest.mark.parametrize("uid", [["a"], {"a": 1}, 7, "\x00", "\ud800"])
def test_p6_a_link_that_is_no_name_is_nobodys(maker: Maker, uid: Any) -> None:
    said = {"label": "A", "scoreMaximum": 1, "resourceLinkId": uid}
    assert maker.call("POST", maker.ours.line_items, said).status_code == 404


@pytest.mark.parametrize(
    "path", ["jwks", ".well-known/openid-configuration", "back", "authorize", "lineitems"]
)
def test_p3_an_address_with_odd_signs_is_nobodys(client: FlaskClient, path: str) -> None:
    assert client.get(f"/platform/{NUL}/{path}").status_code in {401, 404}


def test_p6_a_line_item_with_odd_signs_does_not_exist(maker: Maker) -> None:
    assert maker.call("GET", f"{maker.ours.line_items}/{NUL}").status_code == 404
    said = maker.score({"sub": "somebody"})
    answer = maker.call("POST", f"{maker.ours.line_items}/{NUL}/scores", said, kind=SCORE)
    assert answer.status_code == 404


def test_p5_who_asks_for_tokens_too_often_waits(maker: Maker) -> None:
    limiter.reset()
    answers = [maker.ask_token(client_assertion="nonsense") for _ in range(61)]
    assert [each.status_code for each in answers[:60]] == [400] * 60
    refused = answers[60]
    assert (refused.status_code, refused.get_json()["error"]) == (429, "too_many_requests")
    assert refused.headers["Retry-After"] == "60"
    with_another_address = maker.client.application.test_client(use_cookies=False)
    again = with_another_address.post(
        maker.path(maker.ours.token), environ_base={"REMOTE_ADDR": "192.0.2.7"}
    )
    assert again.status_code == 400, "a stranger does not use up the tool's share"
    limiter.reset()


def test_p6_a_body_that_is_too_large_is_said_in_the_same_form(maker: Maker, start: str) -> None:
    claims = maker.launch(start)
    answer = maker.send(claims, b"[" * 70_000)
    assert (answer.status_code, answer.get_json()["error"]) == (413, "too_large")


def test_p8_a_tool_that_was_switched_off_adds_nothing(
    maker: Maker, client: FlaskClient, asked: dict[str, Any]
) -> None:
    with transaction() as tx:
        tx.session.get_one(ExternalTool, maker.tool_id).state = ToolState.DISABLED
    assert send(client, asked, choice(maker, asked, [LINK])).status_code == 400
    assert db.session.query(Module).count() == 0


def test_p8_who_is_no_admin_any_more_adds_nothing(
    maker: Maker, client: FlaskClient, asked: dict[str, Any]
) -> None:
    with transaction() as tx:
        for each in tx.session.query(Grant):
            each.revoked_at = NOW
    assert send(client, asked, choice(maker, asked, [LINK])).status_code == 400
    assert db.session.query(Module).count() == 0


def test_p2_without_a_cookie_the_refusal_is_shown_where_the_tool_stands(
    maker: Maker, start: str, world: World
) -> None:
    hints = maker.hints(start)
    stranger = maker.client.application.test_client(use_cookies=False)
    answer = stranger.post(maker.path(maker.ours.authorization), data=maker.question(hints))
    assert maker.heard(answer)["error"] == "login_required"
    policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self' " in policy
    wrong = maker.question(hints, redirect_uri="https://evil.example/")
    answer = stranger.post(maker.path(maker.ours.authorization), data=wrong)
    assert answer.status_code == 400
    assert "frame-ancestors 'self' " in answer.headers["Content-Security-Policy"]
