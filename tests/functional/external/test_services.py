"""Tokens, line items, results and people, as an external tool asks for them."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.lti.platform.models import ExternalTool, ToolColumn, ToolState
from plugin.lti.platform.scopes import LINE_ITEM, LINE_ITEM_READ, MEMBERSHIP, RESULT_READ, SCORE
from plugin.lti.platform.signing import tool_keys
from plugin.modules.models import Module
from tests.conftest import NOW
from tests.functional.external.maker import Maker, column_of, new_maker, new_module
from tests.functional.lti.platform import ABSENT, jwk_of, private_key
from tests.support.queries import counted
from tests.support.world import World


def test_p5_a_token_holds_what_was_asked_and_is_allowed(maker: Maker) -> None:
    answer = maker.ask_token(f"{SCORE} {MEMBERSHIP} https://nothing.example.test/scope")
    said = answer.get_json()
    assert said["scope"] == SCORE
    assert said["token_type"] == "Bearer"
    assert said["expires_in"] == 3600
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("scope", ["", "openid", MEMBERSHIP, ABSENT])
def test_p5_a_token_for_nothing_allowed_is_not_given(maker: Maker, scope: Any) -> None:
    answer = maker.ask_token(scope)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ABSENT}, "unsupported_grant_type"),
        ({"client_assertion_type": "basic"}, "invalid_request"),
        ({"client_assertion": ABSENT}, "invalid_client"),
        ({"client_assertion": "a.b.c"}, "invalid_client"),
        ({"client_assertion": "x" * 70_000}, "invalid_client"),
    ],
)
def test_p5_a_token_request_of_the_wrong_form_is_refused(
    maker: Maker, change: dict[str, Any], error: str
) -> None:
    answer = maker.ask_token(**change)
    assert answer.status_code in {400, 413}
    if answer.status_code == 400:
        assert answer.get_json()["error"] == error


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "someone-else"},
        {"iss": ABSENT},
        {"sub": "someone-else"},
        {"sub": ABSENT},
        {"aud": "https://elsewhere.example.test/token"},
        {"aud": ABSENT},
        {"aud": []},
        {"aud": ["https://tool.example.test/token"]},
        {"exp": ABSENT},
        {"exp": int(NOW.timestamp()) - 61},
        {"exp": int(NOW.timestamp()) + 3600},
        {"exp": "soon"},
        {"iat": int(NOW.timestamp()) + 120},
        {"iat": int(NOW.timestamp()) - 3600},
        {"jti": ABSENT},
        {"jti": 7},
        {"jti": ""},
        {"key": "stranger"},
    ],
)
def test_p5_an_assertion_that_is_not_the_tools_or_not_for_us_gives_no_token(
    maker: Maker, change: dict[str, Any]
) -> None:
    answer = maker.ask_token(client_assertion=maker.assertion(**change))
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_client")


def test_p5_the_issuer_is_an_audience_too_and_an_extra_one_is_not(maker: Maker) -> None:
    ours = [maker.ours.issuer]
    assert maker.ask_token(client_assertion=maker.assertion(aud=ours)).status_code == 200
    more = [*ours, "https://elsewhere.example.test"]
    assert maker.ask_token(client_assertion=maker.assertion(aud=more)).status_code == 400


def test_p5_an_assertion_works_once(maker: Maker) -> None:
    said = maker.assertion()
    assert maker.ask_token(client_assertion=said).status_code == 200
    assert maker.ask_token(client_assertion=said).status_code == 400


def test_p5_an_assertion_of_another_tool_gives_no_token(
    maker: Maker, client: FlaskClient, world: World
) -> None:
    other = new_maker(client, world, name="Another")
    other.keys = maker.keys
    foreign = other.assertion(aud=maker.ours.token)
    assert maker.ask_token(client_assertion=foreign).status_code == 400


def test_p5_a_pending_or_disabled_tool_gets_no_token(maker: Maker) -> None:
    for state in (ToolState.PENDING, ToolState.DISABLED):
        with transaction() as tx:
            tx.session.get_one(ExternalTool, maker.tool_id).state = state
        assert maker.ask_token().status_code == 400


def test_p5_a_tools_new_key_is_fetched_once_it_signs(maker: Maker) -> None:
    assert maker.ask_token().status_code == 200
    maker.kid = "maker-2"
    maker.keys.append(jwk_of(private_key("maker"), "maker-2"))
    with clock.at(NOW + timedelta(seconds=31)):
        assert maker.ask_token(client_assertion=maker.assertion()).status_code == 200
    tool_keys.forget()


def test_p6_line_items_are_made_read_changed_and_removed(maker: Maker, module: Module) -> None:
    token = maker.token()
    said = {"label": "Extra", "scoreMaximum": 20, "resourceId": "r", "tag": "t"}
    made = maker.call("POST", maker.ours.line_items, said, token=token)
    assert made.status_code == 201
    assert made.mimetype == "application/vnd.ims.lis.v2.lineitem+json"
    address = made.get_json()["id"]
    assert maker.call("GET", address, token=token).get_json() == {"id": address, **said}
    changed = {"label": "Other", "scoreMaximum": 30, "endDateTime": "2027-04-01T12:00:00+02:00"}
    assert maker.call("PUT", address, changed, token=token).status_code == 200
    assert maker.call("GET", address, token=token).get_json() == {
        "id": address,
        "label": "Other",
        "scoreMaximum": 30,
        "endDateTime": "2027-04-01T10:00:00Z",
    }
    assert maker.call("DELETE", address, token=token).status_code == 204
    assert maker.call("GET", address, token=token).status_code == 404


def test_p6_the_line_item_that_completes_a_module_stays(maker: Maker, module: Module) -> None:
    token = maker.token()
    (listed,) = maker.call("GET", maker.ours.line_items, token=token).get_json()
    assert listed["label"] == "Fire quiz"
    assert maker.call("DELETE", listed["id"], token=token).status_code == 403
    for change in ({"id": f"{listed['id']}x"}, {"resourceLinkId": "other"}):
        answer = maker.call("PUT", listed["id"], {**listed, **change}, token=token)
        assert answer.status_code == 400
    assert db.session.query(ToolColumn).filter(ToolColumn.removed_at.is_(None)).count() == 1


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"label": "x"},
        {"label": "", "scoreMaximum": 1},
        {"label": 7, "scoreMaximum": 1},
        {"label": "x" * 256, "scoreMaximum": 1},
        {"label": "x", "scoreMaximum": 0},
        {"label": "x", "scoreMaximum": "1"},
        {"label": "x", "scoreMaximum": True},
        {"label": "x", "scoreMaximum": 1, "tag": 7},
        {"label": "x", "scoreMaximum": 1, "startDateTime": "tomorrow"},
        {"label": "x", "scoreMaximum": 1, "endDateTime": ["a"]},
        [],
        b"nothing",
    ],
)
def test_p6_a_malformed_line_item_is_refused(maker: Maker, said: Any) -> None:
    answer = maker.call("POST", maker.ours.line_items, said)
    assert answer.status_code == 400
    assert answer.get_json()["error_description"]


def test_p6_a_line_item_for_a_foreign_link_is_refused(maker: Maker) -> None:
    said = {"label": "x", "scoreMaximum": 1, "resourceLinkId": "nobody"}
    assert maker.call("POST", maker.ours.line_items, said).status_code == 404


def test_p6_reading_needs_the_reading_scope_and_writing_the_writing_one(maker: Maker) -> None:
    reader = maker.token(LINE_ITEM_READ)
    said = {"label": "x", "scoreMaximum": 1}
    assert maker.call("GET", maker.ours.line_items, token=reader).status_code == 200
    assert maker.call("POST", maker.ours.line_items, said, token=reader).status_code == 403
    writer = maker.token(LINE_ITEM)
    assert maker.call("POST", maker.ours.line_items, said, token=writer).status_code == 201


def test_p6_line_items_are_filtered_and_come_page_by_page(maker: Maker) -> None:
    token = maker.token()
    for number in range(5):
        said = {
            "label": f"L{number}",
            "scoreMaximum": 1,
            "tag": "even" if number % 2 == 0 else "odd",
        }
        maker.call("POST", maker.ours.line_items, said, token=token)
    seen, address = [], f"{maker.ours.line_items}?tag=even&limit=2"
    while address:
        answer = maker.call("GET", address, token=token)
        seen += [each["label"] for each in answer.get_json()]
        link = answer.headers.get("Link", "")
        address = link.partition("<")[2].partition(">")[0]
    assert seen == ["L0", "L2", "L4"]
    wrong = maker.call("GET", f"{maker.ours.line_items}?limit=many", token=token)
    assert wrong.status_code == 400


def test_p6_results_are_the_last_fully_graded_scores(maker: Maker, start: str) -> None:
    claims = maker.launch(start)
    token = maker.token()
    maker.report(claims, comment="Good")
    address = f"{column_of(claims)}/results"
    (said,) = maker.call("GET", address, token=token).get_json()
    assert said["userId"] == claims["sub"]
    assert (said["resultScore"], said["resultMaximum"]) == (80, 100)
    assert (said["comment"], said["scoreOf"]) == ("Good", column_of(claims))
    later = (NOW + timedelta(seconds=1)).isoformat()
    maker.report(claims, timestamp=later, gradingProgress="Pending")
    (said,) = maker.call("GET", address, token=token).get_json()
    assert "resultScore" not in said
    nobody = maker.call("GET", f"{address}?user_id=nobody", token=token)
    assert nobody.get_json() == []
    assert maker.call("GET", address, token=maker.token(SCORE)).status_code == 403
    assert maker.call("GET", address, token=maker.token(RESULT_READ)).status_code == 200


def test_p7_people_are_listed_only_when_an_admin_allows_it(maker: Maker, start: str) -> None:
    claims = maker.launch(start)
    assert maker.ask_token(MEMBERSHIP).status_code == 400
    with transaction() as tx:
        tool = tx.session.get_one(ExternalTool, maker.tool_id)
        tool.scopes = [*tool.scopes, MEMBERSHIP]
    token = maker.token(MEMBERSHIP)
    answer = maker.call("GET", maker.ours.memberships, token=token)
    assert answer.mimetype == "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
    (member,) = answer.get_json()["members"]
    assert member["user_id"] == claims["sub"]
    assert "name" not in member
    assert "email" not in member
    link = "https://purl.imsglobal.org/spec/lti/claim/resource_link"
    here = maker.call("GET", f"{maker.ours.memberships}?rlid={claims[link]['id']}", token=token)
    assert len(here.get_json()["members"]) == 1
    assert maker.call("GET", f"{maker.ours.memberships}?rlid=x", token=token).status_code == 404
    teachers = maker.call("GET", f"{maker.ours.memberships}?role=Instructor", token=token)
    assert teachers.get_json()["members"] == []


def test_p6_listing_takes_the_same_statements_for_more_line_items(maker: Maker) -> None:
    token = maker.token()

    def count() -> int:
        with counted() as statements:
            maker.call("GET", maker.ours.line_items, token=token)
        return len(statements)

    new_module(maker, "First")
    few = count()
    for number in range(4):
        new_module(maker, f"More {number}")
    assert count() == few


def test_p6_addresses_of_no_tool_say_so_in_json(client: FlaskClient) -> None:
    for path in ("token", "lineitems", ".well-known/openid-configuration"):
        method = "POST" if path == "token" else "GET"
        answer = client.open(f"/platform/nobody/{path}", method=method)
        assert answer.status_code in {401, 404}
        assert answer.mimetype == "application/json"
