"""Amazon SNS asks for a yes and tells of bounces: believed by its own signature, done by a job."""

import base64
import io
import json
import socket
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.x509.oid import NameOID
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.core import clock
from plugin.core.db import db
from plugin.notify.mail_models import AddressFact, TopicMessage, TopicState
from plugin.web.roles import Role
from tests.functional.notify.test_bounces import PATH, events, is_dead, secret_of, sent
from tests.support import smtp
from tests.support.html import read
from tests.support.work import work_off
from tests.support.world import World

HOST = "https://sns.eu-west-1.amazonaws.com"
CERTIFICATE = f"{HOST}/SimpleNotificationService-1.pem"
VISIT = f"{HOST}/?Action=ConfirmSubscription&Token=abc"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
KEY = generate_private_key(65537, 2048)
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
SIGNED = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn")
Tell = Callable[..., Any]


def certificate() -> bytes:
    made = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + timedelta(days=30))
        .sign(KEY, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


class Amazon:
    """SNS as our HTTP library meets it: what was asked for, and what it answers."""

    def __init__(self) -> None:
        self.visited: list[str] = []
        self.answers: dict[str, tuple[int, bytes]] = {
            CERTIFICATE: (200, certificate()),
            VISIT: (200, b"<ConfirmSubscriptionResponse/>"),
        }

    def request(self, _method: str, url: str, **_more: Any) -> Any:
        self.visited.append(url)
        status, body = self.answers[url]
        raw = io.BytesIO(body)
        found = SimpleNamespace(
            status_code=status,
            headers={},
            reason="",
            raw=SimpleNamespace(read1=lambda size, **_: raw.read1(size)),
        )
        return _Open(found)


class _Open:
    def __init__(self, found: Any) -> None:
        self.found = found

    def __enter__(self) -> Any:
        return self.found

    def __exit__(self, *_: object) -> None:
        return None


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch) -> Amazon:
    there = Amazon()
    place = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("52.94.5.1", 443))]
    look_up = socket.getaddrinfo

    def known(host: Any, *args: Any, **more: Any) -> Any:
        return place if str(host).endswith(".amazonaws.com") else look_up(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", known)

    def request(_session: Any, method: str, url: str, **more: Any) -> Any:
        return there.request(method, url, **more)

    monkeypatch.setattr(requests.Session, "request", request)
    return there


def signed(said: dict[str, Any], version: str = "2") -> dict[str, Any]:
    names = [name for name in SIGNED if name in said]
    text = "".join(f"{name}\n{said[name]}\n" for name in [*names, "Type"])
    how = hashes.SHA256() if version == "2" else hashes.SHA1()
    signature = base64.b64encode(KEY.sign(text.encode(), PKCS1v15(), how)).decode()
    return said | {
        "SignatureVersion": version,
        "Signature": signature,
        "SigningCertURL": CERTIFICATE,
    }


def envelope(kind: str, message: str, **more: str) -> dict[str, Any]:
    said = {"Type": kind, "MessageId": f"id of {message[:60]}", "TopicArn": TOPIC}
    return said | {"Message": message, "Timestamp": "2027-03-10T09:30:01.000Z"} | more


def handshake(**more: str) -> dict[str, Any]:
    said = {"SubscribeURL": VISIT, "Token": "abc"} | more
    return envelope("SubscriptionConfirmation", "You have chosen to subscribe.", **said)


def bounce(address: str = "ada@example.test") -> dict[str, Any]:
    recipient = {"emailAddress": address, "diagnosticCode": "smtp; 550 5.1.1 unknown"}
    told = {"bounceType": "Permanent", "bouncedRecipients": [recipient], "feedbackId": "f-1"}
    said = {"notificationType": "Bounce", "bounce": told, "mail": {}}
    return envelope("Notification", json.dumps(said), Subject="Amazon SES Email Event")


@pytest.fixture
def tell(app: Flask, world: World, client: FlaskClient, amazon: Amazon) -> Tell:
    """Amazon posts this to the organization's address, with its secret."""
    secret = secret_of(app, world.organization)
    path = f"{PATH}/{world.organization.slug}"

    def post(said: dict[str, Any], given: str = secret) -> Any:
        basic = base64.b64encode(f"sns:{given}".encode()).decode()
        content = json.dumps(said)
        return client.post(path, data=content, headers={"Authorization": f"Basic {basic}"})

    return post


def states() -> list[tuple[TopicState, str | None, str | None]]:
    db.session.rollback()
    found = db.session.scalars(select(TopicMessage).order_by(TopicMessage.id))
    return [(each.state, each.words, each.content) for each in found]


def test_a_subscription_is_confirmed_by_a_job_and_never_in_the_request(
    tell: Tell, amazon: Amazon, world: World, client: FlaskClient
) -> None:
    for _ in range(2):
        assert tell(signed(handshake())).status_code == 200
    assert amazon.visited == []
    assert "Waiting to be confirmed" in settings(world, client)
    work_off()
    assert amazon.visited == [CERTIFICATE, VISIT]
    assert states() == [(TopicState.DONE, None, None)]
    page = settings(world, client)
    assert TOPIC in page
    assert "Confirmed" in page


def settings(world: World, client: FlaskClient) -> str:
    admin = world.person("Mia Admin", email="mia@example.test")
    world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)
    return read(client.get("/admin/mail/settings").text).words


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_bounce_signed_by_amazon_is_recorded_and_its_certificate_asked_for_once(
    tell: Tell, amazon: Amazon, world: World, inbox: smtp.Inbox, version: str
) -> None:
    person, _message_id = sent(world, inbox)
    for _ in range(2):
        assert tell(signed(bounce(), version)).status_code == 200
    tell(signed(bounce("nobody@example.test"), version))
    work_off()
    assert events() == [AddressFact.HARD]
    assert is_dead(person)
    assert amazon.visited == [CERTIFICATE]


@pytest.mark.parametrize(
    "change",
    [
        {"Message": bounce("ada@example.test")["Message"].replace("5.1.1", "5.1.2")},
        {"Subject": "Another"},
        {"TopicArn": "arn:aws:sns:eu-west-1:666666666666:bounces"},
        {"Signature": "AAAA"},
        {"SignatureVersion": "3"},
    ],
)
def test_what_amazon_did_not_sign_changes_nothing_though_the_secret_is_right(
    tell: Tell, world: World, inbox: smtp.Inbox, change: dict[str, str]
) -> None:
    sent(world, inbox)
    assert tell(signed(bounce()) | change).status_code == 200
    work_off()
    assert events() == []
    assert states() == [(TopicState.REFUSED, "the signature is not of Amazon SNS", None)]


def test_a_forged_handshake_is_not_visited(
    tell: Tell, amazon: Amazon, world: World, client: FlaskClient
) -> None:
    tell(signed(handshake()) | {"Token": "other"})
    work_off()
    assert VISIT not in amazon.visited
    assert "Refused: not signed by Amazon SNS" in settings(world, client)


def test_an_expired_certificate_signs_nothing(tell: Tell) -> None:
    tell(signed(handshake()))
    with clock.at(clock.now() + timedelta(days=31)):
        work_off()
    assert states()[0][0] is TopicState.REFUSED


@pytest.mark.parametrize(
    "change",
    [
        {"SigningCertURL": "https://evil.test/x.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com@evil.test/x.pem"},
        {"SigningCertURL": "http://sns.eu-west-1.amazonaws.com/x.pem"},
        {"SubscribeURL": "https://evil.test/?Token=abc"},
        {"Signature": "no base64"},
        {"Message": "\0"},
        {"Message": "\ud800"},
        {"Token": None},
    ],
)
def test_a_server_that_is_not_amazons_is_refused_at_once(
    tell: Tell, change: dict[str, Any]
) -> None:
    assert tell(signed(handshake()) | change).status_code == 400
    assert states() == []


def test_the_secret_stays_the_first_gate(tell: Tell) -> None:
    assert tell(signed(handshake()), "another secret, long enough to be one").status_code == 401
    assert states() == []


def test_amazon_away_is_tried_again_with_growing_pauses_and_given_up_in_the_end(
    tell: Tell, amazon: Amazon, world: World, client: FlaskClient
) -> None:
    amazon.answers[VISIT] = (503, b"")
    tell(signed(handshake()))
    work_off()
    assert states()[0][:2] == (TopicState.WAITING, "HTTP 503")
    assert "HTTP 503" in settings(world, client)
    for day in range(1, 9):
        with clock.at(clock.now() + timedelta(days=day)):
            work_off()
    assert states() == [(TopicState.FAILED, "HTTP 503", None)]
    assert "ask for the confirmation again at Amazon" in settings(world, client)
    assert amazon.visited.count(VISIT) == 8


def test_amazon_away_for_a_minute_costs_nothing(tell: Tell, amazon: Amazon) -> None:
    amazon.answers[CERTIFICATE] = (500, b"")
    tell(signed(handshake()))
    work_off()
    amazon.answers[CERTIFICATE] = (200, certificate())
    with clock.at(clock.now() + timedelta(minutes=1)):
        work_off()
    assert states()[0][0] is TopicState.DONE
