"""Calls no honest tool makes: each is refused with a reason, none breaks, none counts."""

import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient

from plugin.core import clock, http
from plugin.core.db import db, transaction
from plugin.core.http import OutgoingError, Reply
from plugin.lti.platform import columns
from plugin.lti.platform.models import ExternalTool, ScoreCallback, ToolColumn
from plugin.lti.platform.scopes import ALL
from plugin.lti.platform.signing import tool_keys
from plugin.modules.models import Completion
from tests.functional.external.maker import LTI, SCORE, SITE, Maker, column_of
from tests.functional.lti.platform import private_key

pytestmark = pytest.mark.once


@pytest.fixture
def claims(maker: Maker, start: str) -> dict[str, Any]:
    """A learner has opened the module in the tool."""
    return maker.launch(start)


@pytest.fixture
def token(maker: Maker) -> str:
    """Everything is allowed to the tool, and this token holds it."""
    with transaction() as tx:
        tx.session.get_one(ExternalTool, maker.tool_id).scopes = list(ALL)
    return maker.token(" ".join(ALL))


def nothing_counted() -> bool:
    db.session.rollback()
    return db.session.query(ScoreCallback).count() == db.session.query(Completion).count() == 0


@pytest.mark.parametrize(
    ("deployment", "status"), [("1", 200), ("2", 400), ("", 400), (1, 400), (["1"], 400)]
)
def test_p5_an_assertion_of_an_unknown_deployment_gives_no_token(
    maker: Maker, deployment: Any, status: int
) -> None:
    said = maker.assertion(**{LTI + "deployment_id": deployment})
    answer = maker.ask_token(client_assertion=said)
    assert answer.status_code == status
    if status == 400:
        assert "deployment_id" in answer.get_json()["error_description"]


def signed_by_nobody(maker: Maker, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, "", algorithm="none", headers={"kid": maker.kid})


def signed_with_what_is_public(maker: Maker, claims: dict[str, Any]) -> str:
    public = str(maker.keys[0]["n"])
    return jwt.encode(claims, public, algorithm="HS256", headers={"kid": maker.kid})


def signed_by_a_key_it_names_itself(maker: Maker, claims: dict[str, Any]) -> str:
    header = {"kid": maker.kid, "jku": "https://evil.example.test/jwks"}
    return jwt.encode(claims, private_key("stranger"), algorithm="RS256", headers=header)


def signed_by_a_key_it_carries(maker: Maker, claims: dict[str, Any]) -> str:
    return maker.sign(claims, "stranger", jwk=maker.keys[0])


def signed_without_a_key_id(maker: Maker, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, private_key("maker"), algorithm="RS256")


def signed_and_changed(maker: Maker, claims: dict[str, Any]) -> str:
    head, _, signature = maker.sign(claims).split(".")
    middle = maker.sign({**claims, "jti": "other"}).split(".")[1]
    return f"{head}.{middle}.{signature}"


@pytest.mark.parametrize(
    "forge",
    [
        signed_by_nobody,
        signed_with_what_is_public,
        signed_by_a_key_it_names_itself,
        signed_by_a_key_it_carries,
        signed_without_a_key_id,
        signed_and_changed,
    ],
)
def test_p5_a_forged_assertion_gives_no_token(
    maker: Maker, forge: Callable[[Maker, dict[str, Any]], str]
) -> None:
    now = int(clock.now().timestamp())
    claims = {"iss": maker.client_id, "sub": maker.client_id, "aud": maker.ours.token}
    said = forge(maker, {**claims, "iat": now, "exp": now + 60, "jti": "forged"})
    answer = maker.ask_token(client_assertion=said)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_client")


@pytest.mark.parametrize(
    "reply",
    [
        OutgoingError("ConnectTimeout"),
        Reply(500, {}, b""),
        Reply(302, {"Location": "http://169.254.169.254/"}, b""),
        Reply(200, {}, b"<html>"),
        Reply(200, {}, b"[]"),
        Reply(200, {}, b'{"keys": {}}'),
        Reply(200, {}, b'{"keys": [null, 7, {"kid": "maker-1", "kty": "RSA"}]}'),
    ],
)
def test_p5_a_key_set_that_is_none_gives_no_token(
    maker: Maker, monkeypatch: pytest.MonkeyPatch, reply: Reply | Exception
) -> None:
    def call(*_args: object, **_more: object) -> Reply:
        if isinstance(reply, Exception):
            raise reply
        return reply

    monkeypatch.setattr(http, "call", call)
    tool_keys.forget()
    answer = maker.ask_token()
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_client")


def test_p5_a_parameter_that_stands_twice_gives_no_token(maker: Maker) -> None:
    said = {"grant_type": ["client_credentials", "client_credentials"]}
    answer = maker.ask_token(**said)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("name", ["redirect_uri", "client_id", "login_hint", "nonce", "scope"])
def test_p2_a_parameter_that_stands_twice_names_nobody(
    maker: Maker, start: str, client: FlaskClient, name: str
) -> None:
    question = maker.question(maker.hints(start))
    address = maker.path(maker.ours.authorization)
    doubled = {**question, name: [question[name], "https://evil.example.test/"]}
    for answer in (
        client.post(address, data=doubled),
        client.get(address, query_string=doubled),
        client.post(address, query_string={name: question[name]}, data=question),
    ):
        assert answer.status_code == 400
        assert "id_token" not in answer.text
    assert "id_token" in client.post(address, data=question).text


ODD_BODIES = [
    b"",
    b"null",
    b"7",
    b'"x"',
    b"[]",
    b"[{}]",
    b"{}",
    b"{",
    b"\xef\xbb\xbf{}",
    b"\xff\xfe\x00",
    b"[" * 16_000,
    b'{"a":' * 2_700 + b"1" + b"}" * 2_700,
    b'{"label": "A", "label": "B", "scoreMaximum": 1}',
    b'{"label": "A", "scoreMaximum": 1e999}',
    b'{"label": "A", "scoreMaximum": ' + b"9" * 5_000 + b"}",
    b'{"label": "A\\u0000", "scoreMaximum": 1}',
    b'{"label": "\\ud800", "scoreMaximum": 1}',
    b'{"label": ["A"], "scoreMaximum": {"a": 1}}',
]


@pytest.mark.parametrize("body", ODD_BODIES, ids=[str(number) for number in range(len(ODD_BODIES))])
def test_p6_p11_no_body_breaks_a_service(
    maker: Maker, claims: dict[str, Any], token: str, body: bytes
) -> None:
    column = column_of(claims)
    for method, address, kind in (
        ("POST", f"{column}/scores", SCORE),
        ("POST", maker.ours.line_items, columns_kind()),
        ("PUT", column, columns_kind()),
    ):
        answer = maker.call(method, address, body, token=token, kind=kind)
        assert answer.status_code == 400, (method, answer.text)
        assert answer.get_json()["error_description"]
    assert nothing_counted()
    assert db.session.query(ToolColumn).count() == 1


def columns_kind() -> str:
    return "application/vnd.ims.lis.v2.lineitem+json"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"comment": ["x"]}, "comment"),
        ({"comment": {"a": 1}}, "comment"),
        ({"comment": 7}, "comment"),
        ({"scoringUserId": 7}, "scoringUserId"),
        ({"submission": "now"}, "submission"),
        ({"submission": {"startedAt": "yesterday"}}, "submission.startedAt"),
        ({"submission": {"submittedAt": "2027-03-10T09:00:00"}}, "submission.submittedAt"),
        (
            {
                "submission": {
                    "startedAt": "2027-03-10T09:00:00Z",
                    "submittedAt": "2027-03-10T08:00:00Z",
                }
            },
            "submission.submittedAt",
        ),
        ({"scoreGiven": None, "scoreMaximum": "ten"}, "scoreMaximum"),
        ({"scoreGiven": None, "scoreMaximum": 0}, "scoreMaximum"),
        ({"scoreGiven": [8]}, "scoreGiven"),
        ({"scoreGiven": {"a": 8}}, "scoreGiven"),
        ({"userId": "x" * 256}, "userId"),
        ({"userId": "a\x00b"}, "userId"),
        ({"timestamp": "2027-03-10T09:30:00+99:99"}, "timestamp"),
        ({"timestamp": "9999-12-31T23:59:59-14:00"}, "timestamp"),
        ({"timestamp": "2" * 5_000}, "timestamp"),
        ({"timestamp": {"a": 1}}, "timestamp"),
    ],
)
def test_p11_what_is_malformed_is_refused_by_its_name(
    maker: Maker, claims: dict[str, Any], change: dict[str, Any], named: str
) -> None:
    answer = maker.report(claims, **change)
    assert answer.status_code == 400, answer.text
    assert named in answer.get_json()["error_description"]
    assert nothing_counted()


def test_p11_a_score_that_says_two_things_is_refused(maker: Maker, claims: dict[str, Any]) -> None:
    said = json.dumps(maker.score(claims, scoreGiven=1))
    doubled = said[:-1] + ', "scoreGiven": 10}'
    assert maker.send(claims, doubled.encode()).status_code == 400
    assert nothing_counted()


def test_p11_what_the_standard_allows_beside_a_score_is_taken(
    maker: Maker, claims: dict[str, Any]
) -> None:
    times = {"startedAt": "2027-03-10T09:00:00Z", "submittedAt": "2027-03-10T09:20:00.5+00:00"}
    more = {"submission": times, "scoringUserId": "5323497", "comment": "", "https://x/y": {"a": 1}}
    assert maker.report(claims, **more).status_code == 204
    assert db.session.query(Completion).one().passed


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "", "multipart/form-data"])
def test_p6_line_items_come_as_their_media_type(maker: Maker, token: str, kind: str) -> None:
    said = {"label": "A", "scoreMaximum": 1}
    for method in ("POST", "PUT"):
        address = f"{maker.ours.line_items}/x" if method == "PUT" else maker.ours.line_items
        answer = maker.call(method, address, said, token=token, kind=kind)
        assert (answer.status_code, answer.get_json()["error"]) == (415, "unsupported_media_type")


def test_p6_a_tool_makes_no_more_line_items_than_it_may(
    maker: Maker, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "MAX_COLUMNS", 2)
    said = {"label": "A", "scoreMaximum": 1}
    answers = [maker.call("POST", maker.ours.line_items, said, token=token) for _ in range(3)]
    assert [each.status_code for each in answers] == [201, 201, 403]
    assert answers[2].get_json()["error"] == "too_many"


def test_p6_dates_that_turn_round_are_refused(maker: Maker, token: str) -> None:
    said = {
        "label": "A",
        "scoreMaximum": 1,
        "startDateTime": "2027-03-11T00:00:00Z",
        "endDateTime": "2027-03-10T00:00:00Z",
    }
    answer = maker.call("POST", maker.ours.line_items, said, token=token)
    assert (answer.status_code, db.session.query(ToolColumn).count()) == (400, 0)


def test_p6_every_body_is_small(maker: Maker, claims: dict[str, Any], token: str) -> None:
    large = b" " * 70_000
    answer = maker.send(claims, b" " * 16_385, token=token)
    assert (answer.status_code, answer.get_json()["error"]) == (413, "too_large")
    assert maker.send(claims, b" " * 16_384, token=token).status_code == 400
    for method, address in (
        ("POST", maker.ours.line_items),
        ("PUT", column_of(claims)),
        ("POST", f"{column_of(claims)}/scores"),
    ):
        kind = SCORE if address.endswith("scores") else columns_kind()
        answer = maker.call(method, address, large, token=token, kind=kind)
        assert (answer.status_code, answer.get_json()["error"]) == (413, "too_large")
    answer = maker.ask_token(client_assertion="x" * 70_000)
    assert (answer.status_code, answer.get_json()["error"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PATCH", "lineitems", 405),
        ("DELETE", "lineitems", 405),
        ("GET", "lineitems/x/scores", 405),
        ("POST", "lineitems/x/results", 405),
        ("GET", "token", 405),
        ("GET", "register", 405),
        ("POST", "memberships", 405),
        ("GET", "nothing", 404),
        ("GET", "lineitems/x/y/z", 404),
    ],
)
def test_p6_no_such_address_or_method_is_said_in_json(
    maker: Maker, token: str, method: str, path: str, status: int
) -> None:
    answer = maker.call(method, f"{maker.ours.issuer}/{path}", token=token)
    assert (answer.status_code, answer.mimetype) == (status, "application/json")
    assert answer.get_json()["error"] == "bad_request"


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer a b", "bearer " + "x" * 8000],
)
def test_p5_p6_p7_no_service_answers_without_a_token(
    maker: Maker, claims: dict[str, Any], authorization: str
) -> None:
    server = maker.client.application.test_client(use_cookies=False)
    column = column_of(claims)
    for method, address in (
        ("GET", maker.ours.line_items),
        ("POST", maker.ours.line_items),
        ("GET", column),
        ("PUT", column),
        ("DELETE", column),
        ("POST", f"{column}/scores"),
        ("GET", f"{column}/results"),
        ("GET", maker.ours.memberships),
    ):
        answer = server.open(
            maker.path(address), method=method, headers={"Authorization": authorization}
        )
        assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_token")
    assert nothing_counted()


def test_p7_people_are_not_listed_for_a_foreign_link(maker: Maker, token: str) -> None:
    answer = maker.call("GET", f"{maker.ours.memberships}?rlid=somebodys", token=token)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "said", [{}, {"lti_msg": "x" * 5000}, {"lti_errormsg": "<script>alert(1)</script>"}, {"a": "b"}]
)
def test_p10_the_way_back_says_words_and_nothing_else(
    maker: Maker, client: FlaskClient, said: dict[str, str]
) -> None:
    page = client.get(f"/platform/{maker.uid}/back", query_string=said)
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert len(page.text) < 10_000


def test_p1_a_launch_never_goes_where_the_tool_is_not(maker: Maker, start: str) -> None:
    address = maker.client.get(f"{start}?target_link_uri=https://evil.example.test").location
    assert address is not None
    assert address.startswith(f"{SITE}/login")
    assert "evil" not in address
