"""We launch an external tool: who may, what it hears, and what is refused (LTI core 5, OIDC)."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.lti.platform import actions, signing
from plugin.lti.platform.claims import LEARNER
from plugin.lti.platform.models import ExternalTool, ToolLaunch, ToolState
from plugin.modules.models import Module
from plugin.org.models import Membership
from tests.conftest import NOW, TOOL
from tests.functional.external.maker import (
    LTI,
    REDIRECT,
    SITE,
    Maker,
    assigned,
    column_of,
    new_maker,
    new_module,
)
from tests.functional.lti.platform import ABSENT
from tests.support.queries import counted
from tests.support.world import World


def test_p1_p2_the_tool_hears_what_is_opened_and_who_opens_it(maker: Maker, start: str) -> None:
    hints = maker.hints(start)
    assert hints["iss"] == maker.ours.issuer
    assert hints["client_id"] == maker.client_id
    assert hints["target_link_uri"] == f"{SITE}/launch?quiz=3"
    assert hints["lti_deployment_id"] == "1"
    assert hints["lti_storage_target"] == "_parent"
    claims = maker.launch(start)
    assert claims[LTI + "message_type"] == "LtiResourceLinkRequest"
    assert claims[LTI + "version"] == "1.3.0"
    assert claims[LTI + "deployment_id"] == "1"
    assert claims[LTI + "target_link_uri"] == f"{SITE}/launch?quiz=3"
    assert claims[LTI + "roles"] == [LEARNER]
    assert claims[LTI + "resource_link"]["title"] == "Fire quiz"
    assert claims[LTI + "context"]["title"] == "Harbour Works"
    assert claims["nonce"] == "nonce-1"
    assert claims["exp"] - claims["iat"] == 300
    assert claims[LTI + "custom"] == {
        "from": "us",
        "quiz": "3",
        "who": claims["sub"],
        "name": "$Person.name.full",
    }
    assert claims[LTI + "launch_presentation"]["document_target"] == "iframe"
    assert claims[LTI + "launch_presentation"]["return_url"].startswith(TOOL)
    assert column_of(claims).startswith(maker.ours.line_items)


def test_p2_a_tool_hears_no_name_and_no_address_unless_told(maker: Maker, start: str) -> None:
    claims = maker.launch(start)
    assert not {"name", "given_name", "family_name", "email"} & claims.keys()
    assert not any("namesroleservice" in name for name in claims)
    with transaction() as tx:
        tool = tx.session.get_one(ExternalTool, maker.tool_id)
        tool.shares_name = tool.shares_email = True
    claims = maker.launch(start)
    assert (claims["name"], claims["email"]) == ("Lars Learner", "lars@example.test")
    assert claims[LTI + "custom"]["name"] == "Lars Learner"


def test_p11_each_tool_knows_a_person_by_a_name_of_its_own(
    maker: Maker, start: str, client: FlaskClient, world: World, module: Module
) -> None:
    first = maker.launch(start)["sub"]
    assert maker.launch(start)["sub"] == first
    other = new_maker(client, world, name="Another")
    other.keys = maker.keys
    second = other.launch(assigned(world, new_module(other, "Another quiz"), client))["sub"]
    assert first != second


def test_p9_the_page_that_holds_the_tool_lets_only_this_page_frame_others(
    client: FlaskClient, start: str
) -> None:
    page = client.get(start.removesuffix("/start"))
    policy = page.headers["Content-Security-Policy"]
    assert f"frame-src 'self' https: {SITE};" in policy
    assert "frame-ancestors" in policy
    assert 'data-origins="https://maker.example.test"' in page.text
    assert "window=1" in page.text


def test_p1_in_a_window_of_its_own_the_tool_is_told_so(maker: Maker, start: str) -> None:
    hints = maker.hints(f"{start}?window=1")
    assert "lti_storage_target" not in hints
    claims = maker.verified(maker.heard(maker.ask(hints))["id_token"])
    assert claims[LTI + "launch_presentation"]["document_target"] == "window"


@pytest.mark.parametrize(
    "redirect",
    [
        "https://evil.example.test/launch",
        f"{REDIRECT}/",
        f"{REDIRECT}?x=1",
        f"{REDIRECT}#x",
        "https://maker.example.test.evil.test/launch",
        "https://user@maker.example.test/launch",
        "http://maker.example.test/launch",
        "javascript:alert(1)",
        "",
        ABSENT,
    ],
)
def test_p2_a_foreign_address_hears_nothing(maker: Maker, start: str, redirect: Any) -> None:
    answer = maker.ask(maker.hints(start), redirect_uri=redirect)
    assert answer.status_code == 400
    assert "external.launch_refused" in answer.text
    assert "<form" not in answer.text
    assert "evil" not in answer.text


@pytest.mark.parametrize("client_id", ["someone-else", "", ABSENT])
def test_p2_a_foreign_client_id_hears_nothing(maker: Maker, start: str, client_id: Any) -> None:
    answer = maker.ask(maker.hints(start), client_id=client_id)
    assert answer.status_code == 400
    assert "<form" not in answer.text


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": ABSENT}, "invalid_scope"),
        ({"response_type": "code"}, "invalid_request"),
        ({"response_mode": "query"}, "invalid_request"),
        ({"prompt": "login"}, "invalid_request"),
        ({"prompt": ABSENT}, "invalid_request"),
        ({"state": ABSENT}, "invalid_request"),
        ({"nonce": ABSENT}, "invalid_request"),
        ({"login_hint": ABSENT}, "invalid_request"),
        ({"lti_message_hint": ABSENT}, "invalid_request"),
        ({"login_hint": "6"}, "login_required"),
        ({"lti_message_hint": "6"}, "login_required"),
    ],
)
def test_p2_a_wrong_question_is_answered_with_its_error(
    maker: Maker, start: str, change: dict[str, Any], error: str
) -> None:
    said = maker.heard(maker.ask(maker.hints(start), **change))
    assert said["error"] == error
    assert said["error_description"]
    assert "id_token" not in said


def test_p2_hints_work_once(maker: Maker, start: str) -> None:
    hints = maker.hints(start)
    assert "id_token" in maker.heard(maker.ask(hints))
    assert maker.heard(maker.ask(hints))["error"] == "login_required"


def test_p2_hints_of_a_wrong_question_are_not_used_up(maker: Maker, start: str) -> None:
    hints = maker.hints(start)
    maker.ask(hints, prompt="login")
    assert "id_token" in maker.heard(maker.ask(hints))


def test_p1_p2_hints_end_after_five_minutes(maker: Maker, start: str) -> None:
    hints = maker.hints(start)
    with clock.at(NOW + timedelta(minutes=5, seconds=1)):
        assert maker.heard(maker.ask(hints))["error"] == "login_required"


def test_p2_hints_in_somebody_elses_browser_open_nothing(
    maker: Maker, start: str, world: World
) -> None:
    hints = maker.hints(start)
    other = maker.client.application.test_client()
    world.sign_in(other, world.person("Eve Other", email=None))
    answer = other.post(maker.path(maker.ours.authorization), data=maker.question(hints))
    assert maker.heard(answer)["error"] == "login_required"


def test_p2_a_browser_with_several_visits_opens_the_tool_for_the_one_that_began(
    maker: Maker, start: str, client: FlaskClient, world: World
) -> None:
    hints = maker.hints(start)
    subject = maker.launch(start)["sub"]
    world.sign_in(client, world.person("Eve Other", email=None))
    claims = maker.verified(maker.heard(maker.ask(hints))["id_token"])
    assert claims["sub"] == subject


def test_p2_without_a_visit_nobody_is_named(maker: Maker, start: str) -> None:
    hints = maker.hints(start)
    stranger = maker.client.application.test_client()
    answer = stranger.post(maker.path(maker.ours.authorization), data=maker.question(hints))
    assert maker.heard(answer)["error"] == "login_required"


def test_p2_hints_of_one_tool_open_no_other(
    maker: Maker, start: str, client: FlaskClient, world: World
) -> None:
    hints = maker.hints(start)
    other = new_maker(client, world, name="Another")
    assert other.heard(other.ask(hints))["error"] == "login_required"


def test_p1_a_disabled_tool_is_not_opened(maker: Maker, start: str, client: FlaskClient) -> None:
    hints = maker.hints(start)
    with transaction() as tx:
        tx.session.get_one(ExternalTool, maker.tool_id).state = ToolState.DISABLED
    refused = client.get(start)
    assert refused.status_code == 403
    assert "frame-ancestors 'self'" in refused.headers["Content-Security-Policy"]
    assert maker.ask(hints).status_code == 403


def test_a_disabled_tool_is_said_on_the_page_and_not_in_an_empty_frame(
    maker: Maker, start: str, client: FlaskClient
) -> None:
    with transaction() as tx:
        tx.session.get_one(ExternalTool, maker.tool_id).state = ToolState.DISABLED
    page = client.get(start.removesuffix("/start"))
    assert page.status_code == 403
    assert "an external tool that is switched off here" in page.text
    assert "<iframe" not in page.text


def test_p1_a_module_that_is_not_assigned_any_more_is_not_opened(
    maker: Maker, start: str, client: FlaskClient
) -> None:
    db.session.query(Membership).update({"until_at": clock.now()})
    db.session.commit()
    assert client.get(start).status_code == 404
    assert client.get(start.removesuffix("/start")).status_code == 404


def test_p1_another_persons_sitting_is_not_opened(
    maker: Maker, start: str, client: FlaskClient, world: World
) -> None:
    world.sign_in(client, world.person("Eve Other", email=None))
    assert client.get(start).status_code == 404


def test_p1_the_database_keeps_no_hint(maker: Maker, start: str) -> None:
    hints = maker.hints(start)
    row = db.session.query(ToolLaunch).order_by(ToolLaunch.id.desc()).first()
    assert row is not None
    assert hints["login_hint"] not in {row.login_hash, row.message_hash}
    assert hints["lti_message_hint"] not in {row.login_hash, row.message_hash}


def test_p3_a_new_key_signs_and_the_old_one_is_published_two_days_longer(
    maker: Maker, start: str
) -> None:
    (old,) = maker.client.get(maker.path(maker.ours.jwks)).get_json()["keys"]
    with transaction() as tx:
        tool = tx.session.get_one(ExternalTool, maker.tool_id)
        signing.rotate(tx.session, tool, by=None, now=clock.now())
    said = maker.heard(maker.ask(maker.hints(start)))
    keys = maker.client.get(maker.path(maker.ours.jwks)).get_json()["keys"]
    assert [each["kid"] for each in keys][1:] == [old["kid"]]
    assert maker.verified(said["id_token"])
    with clock.at(NOW + timedelta(days=2, seconds=1)):
        keys = maker.client.get(maker.path(maker.ours.jwks)).get_json()["keys"]
    assert old["kid"] not in [each["kid"] for each in keys]


def test_p10_what_the_tool_says_is_shown_as_text(maker: Maker, client: FlaskClient) -> None:
    page = client.get(f"/platform/{maker.uid}/back", query_string={"lti_msg": "<b>Done</b>"})
    assert "&lt;b&gt;Done" in page.text
    assert 'target="_parent"' in page.text


def test_p2_a_launch_takes_a_fixed_number_of_statements(maker: Maker, start: str) -> None:
    maker.launch(start)
    hints = maker.hints(start)
    with counted() as statements:
        maker.ask(hints)
    assert len(statements) <= 16, statements


def test_p1_p5_ended_launches_and_tokens_are_forgotten(maker: Maker, start: str) -> None:
    maker.launch(start)
    maker.token()
    with transaction() as tx:
        actions.forget_ended(tx.session, before=NOW + timedelta(days=1))
    assert db.session.query(ToolLaunch).count() == 0
