"""Calls that use words of our own making, numbers at the edge and texts no database holds."""

import base64
import gzip
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import db
from plugin.lti.platform.models import ExternalTool, ScoreCallback, ToolLink
from tests.functional.external.maker import SCORE, Maker, column_of
from tests.functional.external.test_hostile_calls import claims, nothing_counted, token
from tests.functional.external.test_picking import LINK, asked, choice
from tests.functional.external.test_picking import send as send_choice
from tests.functional.external.test_registering import invited, wish
from tests.functional.external.test_registering import send as register

pytestmark = pytest.mark.once

__all__ = ["asked", "claims", "invited", "token"]
STEERING = [
    "endpoint=x",
    "_method=PATCH",
    "_external=1",
    "_scheme=javascript",
    "_anchor=%3E",
    "self=x",
]
ODD_TEXTS = ["a\x00b", "a\ud800b", "a\u202eb", "a" * 5000]


@pytest.mark.parametrize("query", [*STEERING, "uid=other", "item=other", "from=0"])
def test_p6_no_word_of_a_query_leads_the_next_page_elsewhere(
    maker: Maker, token: str, query: str
) -> None:
    for label in ("A", "B"):
        said = {"label": label, "scoreMaximum": 1}
        assert maker.call("POST", maker.ours.line_items, said, token=token).status_code == 201
    first = maker.call("GET", f"{maker.ours.line_items}?limit=1&{query}", token=token)
    assert first.status_code == 200, first.text
    link = first.headers["Link"]
    assert link.startswith(f"<{maker.ours.line_items}?limit=1&")
    second = maker.call("GET", link[1:].partition(">")[0], token=token)
    assert [each["label"] for each in second.get_json()] == ["B"]
    assert "Link" not in second.headers


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_p4_p8_parameters_are_kept_as_texts_everybody_can_hold(
    maker: Maker,
    client: FlaskClient,
    invited: dict[str, str],
    asked: dict[str, Any],
    text: str,
) -> None:
    custom = {"good": "1", "odd": text, "line\n": "x", text: "x", "list": ["x"], "empty": ""}
    answer = register(client, invited, wish(described={"custom_parameters": custom}))
    assert answer.status_code == 201, answer.text
    page = send_choice(client, asked, choice(maker, asked, [{**LINK, "custom": custom}]))
    assert page.status_code == 200
    tool = db.session.query(ExternalTool).order_by(ExternalTool.id.desc()).first()
    link = db.session.query(ToolLink).one()
    assert tool is not None
    for kept in (tool.custom, link.custom):
        assert set(kept) == {"good", "odd", "empty"}
        assert kept["odd"] in {"ab", "a" * 1000}


@pytest.mark.parametrize("uid", ["%00", "a%0ab", "%ED%A0%80", "x" * 3000])
def test_p4_p5_an_address_nobody_has_is_refused_in_json(client: FlaskClient, uid: str) -> None:
    headers = {"Authorization": "Bearer x"}
    for path, status in (("register", 401), ("token", 404)):
        answer = client.post(f"/platform/{uid}/{path}", json=wish(), headers=headers)
        assert (answer.status_code, answer.mimetype) == (status, "application/json")


def test_p6_a_defect_of_ours_is_said_in_json(
    maker: Maker, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("plugin.lti.platform.columns.listed", broken)
    answer = maker.call("GET", maker.ours.line_items, token=token)
    assert (answer.status_code, answer.mimetype) == (500, "application/json")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "lineitems", "GET, HEAD, OPTIONS, POST"),
        ("GET", "token", "OPTIONS, POST"),
        ("DELETE", "jwks", "GET, HEAD, OPTIONS"),
    ],
)
def test_p6_a_wrong_method_hears_the_right_ones(
    maker: Maker, token: str, method: str, path: str, allowed: str
) -> None:
    answer = maker.call(method, f"{maker.ours.issuer}/{path}", token=token)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize(
    ("change", "share"),
    [
        ({"scoreGiven": 1e308, "scoreMaximum": 5e-324}, 1.0),
        ({"scoreGiven": 10**300, "scoreMaximum": 1}, 1.0),
        ({"scoreGiven": 0, "scoreMaximum": 1e308}, 0.0),
        ({"scoreGiven": -0.0}, 0.0),
        ({"comment": "a\x00b\ud800\u202e"}, 0.8),
        ({"timestamp": "0001-01-01T00:00:00Z"}, 0.8),
        ({"timestamp": "20270310T093000Z"}, 0.8),
    ],
)
def test_p11_what_lies_at_the_edge_is_kept_and_given_back(
    maker: Maker, claims: dict[str, Any], change: dict[str, Any], share: float
) -> None:
    for _ in range(2):
        assert maker.report(claims, **change).status_code == 204
    assert db.session.query(ScoreCallback).one().score == share
    (result,) = maker.call("GET", f"{column_of(claims)}/results").get_json()
    assert result["resultScore"] == share * 100
    assert result.get("comment", "ab") == "ab"


def test_p11_a_body_that_is_packed_is_refused(maker: Maker, claims: dict[str, Any]) -> None:
    packed = gzip.compress(json.dumps(maker.score(claims)).encode())
    headers = {"Content-Encoding": "gzip"}
    address = f"{column_of(claims)}/scores"
    assert maker.call("POST", address, packed, kind=SCORE, headers=headers).status_code == 400
    assert nothing_counted()


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": "\x00"},
        {"state": '\x00"><script>alert(1)</script>'},
        {"state": "s" * 100_000},
        {"login_hint": "\x00"},
        {"lti_message_hint": "\ud800"},
        {"redirect_uri": "\x00"},
        {"client_id": "\x00\xff"},
        {"scope": "openid\x00"},
        {"prompt": "NONE"},
    ],
)
def test_p2_odd_words_break_nothing_and_run_nowhere(
    maker: Maker, start: str, client: FlaskClient, change: dict[str, str]
) -> None:
    question = maker.question(maker.hints(start), **change)
    said = urlencode({name: text.encode("utf-8", "replace") for name, text in question.items()})
    address = maker.path(maker.ours.authorization)
    form = "application/x-www-form-urlencoded"
    for answer in (
        client.get(f"{address}?{said}"),
        client.post(address, data=said, content_type=form),
    ):
        assert answer.status_code in {200, 400}
        assert "<script>alert" not in answer.text


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data; boundary=x", b"--x\r\nbroken"),
        ("multipart/form-data", b""),
        ("application/x-www-form-urlencoded", b"&" * 5000),
        ("text/plain", b"\xff\xfe"),
    ],
)
def test_p2_p5_a_body_of_another_kind_says_nothing(
    maker: Maker, client: FlaskClient, kind: str, body: bytes
) -> None:
    for address in (maker.ours.authorization, maker.ours.token):
        answer = client.post(maker.path(address), data=body, content_type=kind)
        assert answer.status_code == 400


@pytest.mark.parametrize(
    "change",
    [
        {"jti": "\x00"},
        {"jti": "j" * 300},
        {"jti": "\ud800"},
        {"exp": 1e308},
        {"exp": -1},
        {"exp": True},
        {"exp": 10**400},
        {"nbf": 1e308},
        {"nbf": "x"},
        {"aud": {"a": 1}},
        {"aud": [["x"]]},
        {"aud": [None]},
    ],
)
def test_p5_an_odd_assertion_gives_no_token(maker: Maker, change: dict[str, Any]) -> None:
    answer = maker.ask_token(client_assertion=maker.assertion(**change))
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_client")


@pytest.mark.parametrize(
    "kid", ["", "k" * 300, "\x00", 7, ["a"], {"a": 1}, None, "../../etc/passwd"]
)
def test_p5_an_odd_key_id_gives_no_token(maker: Maker, kid: Any) -> None:
    now = int(clock.now().timestamp())
    said = {"iss": maker.client_id, "sub": maker.client_id, "aud": maker.ours.token}
    parts = ({"alg": "RS256", "kid": kid}, {**said, "iat": now, "exp": now + 60, "jti": "a"})
    encoded = [base64.urlsafe_b64encode(json.dumps(each).encode()).decode() for each in parts]
    answer = maker.ask_token(client_assertion=f"{encoded[0]}.{encoded[1]}.AAAA".replace("=", ""))
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_client")
