"""Answers of services nobody should give: the caller is told so, and nothing is changed by them."""

import gzip
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from flask import Flask
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from plugin.core import http
from plugin.core.context import current_settings
from plugin.core.db import db, read_session
from plugin.core.http import OutgoingError, Reply
from plugin.lti.tool import checks, columns, services
from plugin.lti.tool.errors import KeysUnavailableError
from plugin.lti.tool.members import members
from plugin.lti.tool.platform_keys import usable_keys
from plugin.lti.tool.results import results
from plugin.lti.tool.service_models import InstallCheck, LineItem, LmsCourse
from plugin.lti.tool.services import SCORE, Client, ServiceError
from plugin.org.models import Person
from tests.functional.lti.campus import Peer, registration
from tests.functional.lti.hostile.values import NASTY, RAW, SCRIPT
from tests.functional.lti.platform import jwk_of, private_key
from tests.support.work import work_off

pytestmark = pytest.mark.once

URL = "https://lms.example.test/lists"
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "NUL": b"\x00" * 100,
    "HTML": b"<html><body><h1>Sign in</h1></body></html>",
    "not UTF-8": b"\xff\xfe\xfa",
    "UTF-16": '{"x": []}'.encode("utf-16-be"),
    "gzip nobody announced": gzip.compress(b"{}"),
    "half": b'{"members": [{"user_id": "1"',
    "null": b"null",
    "number": b"7",
    "text": b'"members"',
    "deep": b"[" * 100_000,
    "script": SCRIPT.encode(),
}
STATUSES = [
    100,
    204,
    301,
    302,
    304,
    307,
    400,
    401,
    403,
    404,
    409,
    413,
    418,
    422,
    429,
    500,
    503,
    999,
]


@dataclass
class Service:
    """A platform that gives tokens until told otherwise; everything else answers `reply`."""

    reply: Reply = field(default_factory=lambda: Reply(200, {}, b"{}"))
    token: Reply = field(
        default_factory=lambda: Reply(200, {}, b'{"access_token": "t", "expires_in": 3600}')
    )
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def call(self, _settings: Any, _method: str, url: str, **more: Any) -> Reply:
        self.asked.append((url, more.get("headers") or {}))
        return self.token if url.endswith("/token") else self.reply


@pytest.fixture
def service(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> Service:
    found = Service()
    monkeypatch.setattr(http, "call", found.call)
    return found


@pytest.fixture
def client_(service: Service, peer: Peer, app: Flask) -> Client:
    return services.client_of(read_session(), current_settings(), registration().id, "1")


def said(value: Any) -> Reply:
    return Reply(200, {}, json.dumps(value).encode())


def test_k3_a_token_answer_with_nonsense_in_it_gives_no_token(
    client_: Client, service: Service
) -> None:
    for label, value in NASTY.items():
        service.token = said({"access_token": value, "expires_in": 60})
        if label in {"digits", "sql", "path", "address", "template", "markup"}:
            continue  # printable: what a token looks like is the LMS's business
        with pytest.raises(ServiceError):
            services.access_token(client_, [SCORE])
    for body in BODIES.values():
        service.token = Reply(200, {}, body)
        with pytest.raises(ServiceError):
            services.access_token(client_, [SCORE])
    for status in STATUSES:
        service.token = Reply(status, {}, b'{"access_token": "t"}')
        if status in services.OK:
            continue
        with pytest.raises(ServiceError):
            services.access_token(client_, [SCORE])


def test_k3_a_life_nobody_can_mean_is_a_usual_one(client_: Client, service: Service) -> None:
    lives = [json.dumps(each) for each in NASTY.values()] + [*RAW.values(), '"3600"', "3600.5"]
    for raw in lives:
        services.forget_token(client_, [SCORE])
        service.token = Reply(200, {}, f'{{"access_token": "t", "expires_in": {raw}}}'.encode())
        try:
            assert services.access_token(client_, [SCORE]) == "t"
        except ServiceError:  # no JSON at all
            assert raw in RAW.values()


@pytest.mark.parametrize(
    "read", [members, results, columns.columns], ids=lambda each: each.__name__
)
def test_n8_a_list_that_is_none_is_an_error_never_an_empty_list(
    client_: Client, service: Service, read: Any
) -> None:
    for body in BODIES.values():
        service.reply = Reply(200, {}, body)
        with pytest.raises(ServiceError):
            read(client_, URL)
    for raw in RAW.values():
        service.reply = Reply(200, {}, f'{{"members": {raw}}}'.encode())
        with suppress(ServiceError):
            assert not getattr(read(client_, URL), "people", None)
    for status in (each for each in STATUSES if each not in services.OK):
        service.reply = Reply(status, {}, b'{"members": []}' if read is members else b"[]")
        with pytest.raises(ServiceError):
            read(client_, URL)


@pytest.mark.parametrize(
    "read", [members, results, columns.columns], ids=lambda each: each.__name__
)
@pytest.mark.parametrize(
    "link",
    [
        *(
            "https://evil.example/more",
            "http://lms.example.test/more",
            "//evil.example/x",
            "https://[",
        ),
        *(
            "https://lms.example.test@evil.example/",
            "https://lms.example.test:8443/x",
            "javascript:x",
        ),
        *(
            "file:///etc/passwd",
            "https://lms.example.test\\@evil.example/",
            "http://169.254.169.254/",
        ),
    ],
)
def test_n4_our_token_does_not_follow_a_list_to_somebody_else(
    client_: Client, service: Service, read: Any, link: str
) -> None:
    page = {"members": []} if read is members else []
    service.reply = Reply(200, {"Link": f'<{link}>; rel="next"'}, json.dumps(page).encode())
    with pytest.raises(ServiceError):
        read(client_, URL)
    assert {url.split("?")[0] for url, headers in service.asked if "Authorization" in headers} <= {
        URL,
        URL + "/results",
    }


@pytest.mark.parametrize(
    "read", [members, results, columns.columns], ids=lambda each: each.__name__
)
def test_n8_a_list_that_never_ends_is_an_error(
    client_: Client, service: Service, read: Any
) -> None:
    page = {"members": []} if read is members else []
    turn = iter(range(10_000))

    def endless(_settings: Any, _method: str, url: str, **_more: Any) -> Reply:
        if url.endswith("/token"):
            return service.token
        header = {"LINK": f'<?page={next(turn)}>; rel="next"'}
        return Reply(200, header, json.dumps(page).encode())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http, "call", endless)
        with pytest.raises(ServiceError):
            read(client_, URL)
    service.reply = Reply(200, {"Link": f'<{URL}>; rel="next"'}, json.dumps(page).encode())
    with pytest.raises(ServiceError):
        read(client_, URL if read is not results else "https://lms.example.test")


def test_n6_people_of_nonsense_are_passed_over(client_: Client, service: Service) -> None:
    names = ("user_id", "status", "roles", "name", "given_name", "email", "message", "picture")
    for value in NASTY.values():
        listed = [value, *({"user_id": "7", "roles": ["Learner"], name: value} for name in names)]
        service.reply = said({"members": listed})
        for each in members(client_, URL).values():
            assert 0 < len(each.subject) <= 255
            for text in (each.full_name, each.email, each.given_name):
                assert text is None or (len(text) <= 1000 and "\x00" not in text)


def test_a13_grades_of_nonsense_are_passed_over(client_: Client, service: Service) -> None:
    names = ("id", "userId", "resultScore", "resultMaximum", "comment", "scoreOf", "timestamp")
    for value in [*NASTY.values(), "1e400", "nan", "-5", 1e308, 5e-324]:
        good = {"userId": "7", "resultScore": 5, "resultMaximum": 10}
        service.reply = said([value, *({**good, name: value} for name in names)])
        for each in results(client_, URL).results:
            assert 0 <= each.share <= 100
    for raw in RAW.values():
        body = f'[{{"userId": "7", "resultScore": {raw}, "resultMaximum": {raw}}}]'
        service.reply = Reply(200, {}, body.encode())
        with suppress(ServiceError):
            assert all(0 <= each.share <= 100 for each in results(client_, URL).results)


def test_a3_columns_of_nonsense_are_passed_over(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.launch("lars")
    work_off()
    before = db.session.query(LineItem).count()
    course_id = db.session.query(LmsCourse).one().id
    service = Service()
    monkeypatch.setattr(http, "call", service.call)
    names = ("id", "resourceId", "resourceLinkId", "label", "tag", "scoreMaximum")
    for value in NASTY.values():
        good = {"id": f"{URL}/1", "resourceId": "module:999", "label": "x"}
        service.reply = said([value, *({**good, name: value} for name in names)])
        columns.read_columns(course_id)
    db.session.rollback()
    assert db.session.query(LineItem).count() == before


def test_the_checks_end_whatever_the_lms_answers(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.launch("lars")
    work_off()
    service = Service()
    monkeypatch.setattr(http, "call", service.call)
    number = registration().id
    replies = [
        *(Reply(200, {"Date": "nonsense"}, body) for body in BODIES.values()),
        *(Reply(status, {"date": "Mon, 99 Foo 99999"}, SCRIPT.encode()) for status in STATUSES),
        *(said({"id": value, "keys": [value], "members": value}) for value in NASTY.values()),
    ]
    for reply in replies:
        service.reply = reply
        checks.run(number, with_trial=True)
    service.token = Reply(200, {}, b"<html>")
    checks.run(number, with_trial=True)
    db.session.rollback()
    kept = db.session.query(InstallCheck).all()
    assert {each.name for each in kept} >= {"token", "their_keys", "columns", "roster", "trial"}
    assert all("<" not in (each.words or "") for each in kept)
    assert db.session.query(Person).count() == 1


def test_a_call_that_fails_in_the_middle_of_the_checks_is_told(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.launch("lars")
    work_off()

    def silent(*_words: Any, **_more: Any) -> Reply:
        raise OutgoingError("no answer in time (ReadTimeout)")

    monkeypatch.setattr(http, "call", silent)
    checks.run(registration().id, with_trial=True)
    db.session.rollback()
    assert {each.words for each in db.session.query(InstallCheck)} == {
        "no answer in time (ReadTimeout)"
    }


@pytest.mark.parametrize("label", NASTY)
def test_v3_key_sets_of_nonsense_have_no_key(label: str) -> None:
    value = NASTY[label]
    good = {"kty": "RSA", "kid": "k", "n": "AQAB", "e": "AQAB"}
    listed = [
        value,
        *({**good, name: value} for name in ("kty", "kid", "n", "e", "use", "alg", "key_ops")),
    ]
    assert usable_keys(said({"keys": listed})) == {}
    for whole in (value, {"keys": value}):
        with suppress(KeysUnavailableError):
            assert usable_keys(said(whole)) == {}


def test_v3_keys_that_anybody_could_sign_with_or_nobody_can_use_are_no_keys() -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    curve = json.loads(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key()))
    private = json.loads(RSAAlgorithm.to_jwk(private_key()))
    good = jwk_of(private_key(), "good")
    keys = [
        {**private, "kid": "private"},
        jwk_of(small, "small"),
        {"kty": "oct", "kid": "oct", "k": "c2VjcmV0", "alg": "HS256"},
        {**curve, "kid": "curve"},
        {**good, "kid": "for encryption", "use": "enc"},
        {**good, "kid": "other algorithm", "alg": "RS512"},
        {**good, "kid": "even exponent", "e": "Ag"},
        {**good, "kid": "exponent 1", "e": "AQ"},
        {**good, "kid": "endless exponent", "e": good["n"] + "AAAA"},
        {**good, "kid": 7},
        {each: text for each, text in good.items() if each != "kid"},
        {**jwk_of(private_key("other"), "good"), "use": "enc"},
        good,
        jwk_of(private_key("other"), "good"),
    ]
    found = usable_keys(said({"keys": keys}))
    assert list(found) == ["good"]
    assert found["good"].public_numbers() == private_key().public_key().public_numbers()


def test_v3_of_thousands_of_keys_only_the_first_are_looked_at() -> None:
    good = jwk_of(private_key(), "good")
    many = [{**good, "kid": str(number)} for number in range(3000)]
    assert len(usable_keys(said({"keys": many}))) == 100
