"""Receivers of webhooks that misbehave, and addresses that lead where nobody may be called."""

import base64
import hashlib
import hmac
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from plugin.api.models import DeliveryState, Webhook, WebhookDelivery
from plugin.core import http
from plugin.core.context import current_settings
from plugin.core.db import db, transaction
from plugin.modules.models import Module
from plugin.org.models import Person
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.api.test_webhooks import collect, lars, module, secret
from tests.support.world import World

__all__ = ["lars", "module", "secret"]
Behaviour = Callable[[socket.socket], None]


@dataclass
class Receiver:
    """A server that hears whole requests and does with each connection what it likes."""

    port: int
    behave: Behaviour = lambda _line: None
    heard: list[bytes] = field(default_factory=list)

    def serve(self, server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                line, _ = server.accept()
                threading.Thread(target=self.take, args=(line,), daemon=True).start()

    def take(self, line: socket.socket) -> None:
        with line, suppress(OSError):
            said = b""
            while b"}" not in said.rpartition(b"\r\n\r\n")[2]:
                said += line.recv(65536)
            self.heard.append(said)
            self.behave(line)


@pytest.fixture
def receiver(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = Receiver(port=server.getsockname()[1])
        threading.Thread(target=found.serve, args=(server,), daemon=True).start()
        allowed = replace(current_settings(), outgoing_allow=f"localhost:{found.port}")
        monkeypatch.setitem(app.extensions, "plugin_settings", allowed)
        yield found
        server.shutdown(socket.SHUT_RDWR)


def leads_to(url: str) -> None:
    with transaction() as tx:
        tx.session.query(Webhook).one().url = url


def delivery() -> WebhookDelivery:
    db.session.rollback()
    return db.session.query(WebhookDelivery).one()


def saying(*parts: bytes) -> Behaviour:
    def behave(line: socket.socket) -> None:
        for part in parts:
            line.sendall(part)

    return behave


def hangs(line: socket.socket) -> None:
    time.sleep(3)


def streams_for_ever(line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        line.sendall(b"x" * 65536)


def drips_for_ever(line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        line.sendall(b"X-A: b\r\n")
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("behave", "words"),
    [
        (saying(), "no connection"),
        (
            saying(
                b"HTTP/1.1 301 Moved\r\nLocation: http://169.254.169.254/\r\n",
                b"Content-Length: 0\r\n\r\n",
            ),
            "HTTP 301",
        ),
        (
            saying(b"HTTP/1.1 307 Go\r\nLocation: //localhost:1/\r\nContent-Length: 0\r\n\r\n"),
            "HTTP 307",
        ),
        (
            saying(
                b"HTTP/1.1 100 Continue\r\n\r\n" * 3,
                b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
            ),
            "HTTP 503",
        ),
        (saying(b"SMTP ready\r\n"), "no connection"),
        (saying(b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n"), "HTTP 999"),
        (saying(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 2000 + b"\r\n"), "no connection"),
        (hangs, "no answer in time"),
        (drips_for_ever, "the answer takes too long"),
    ],
)
def test_a_receiver_that_misbehaves_hears_it_again_later_and_keeps_nobody(
    world: World,
    receiver: Receiver,
    secret: str,
    lars: Person,
    module: Module,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    behave: Behaviour,
    words: str,
) -> None:
    monkeypatch.setattr(http, "call", hurried(http.call))
    receiver.behave = behave
    leads_to(f"http://localhost:{receiver.port}/hook?token=hidden")
    world.completion(lars, module)
    collect()
    found = delivery()
    assert (found.state, found.attempts, found.claimed_at) == (DeliveryState.WAITING, 1, None)
    assert words in str(found.words)
    assert found.due_at == NOW + timedelta(minutes=1, seconds=5)
    assert len(receiver.heard) == 1
    logged = "".join(capsys.readouterr())
    for hidden in (secret, "hidden", "v1,", f"{receiver.port}/hook"):
        assert hidden not in logged + str(found.words)


def drips_a_body(line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 202 Taken\r\nContent-Length: 1000\r\n\r\n")
    while True:
        line.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize(
    "behave",
    [
        streams_for_ever,
        drips_a_body,
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"),
        saying(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot packed"),
    ],
)
def test_what_is_taken_is_not_sent_again_whatever_is_said_beside_it(
    world: World,
    receiver: Receiver,
    secret: str,
    lars: Person,
    module: Module,
    monkeypatch: pytest.MonkeyPatch,
    behave: Behaviour,
) -> None:
    monkeypatch.setattr(http, "call", hurried(http.call))
    receiver.behave = behave
    leads_to(f"http://localhost:{receiver.port}/hook")
    world.completion(lars, module)
    collect()
    assert (delivery().state, delivery().attempts) == (DeliveryState.SENT, 1)
    assert len(receiver.heard) == 1


def hurried(call: Callable[..., Any]) -> Callable[..., Any]:
    def soon(*args: Any, **more: Any) -> Any:
        return call(*args, **{**more, "silence": 0.5, "deadline": 1.0})

    return soon


def test_what_is_sent_can_be_checked_with_the_secret_alone(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module
) -> None:
    receiver.behave = saying(b"HTTP/1.1 204 OK\r\n\r\n")
    leads_to(f"http://localhost:{receiver.port}/hook")
    world.completion(lars, module)
    collect()
    head, _, body = receiver.heard[0].partition(b"\r\n\r\n")
    named = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    said = f"{named['webhook-id']}.{named['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
    assert named["webhook-signature"] == f"v1,{signature}"
    assert delivery().state is DeliveryState.SENT


@pytest.mark.parametrize(
    "address",
    ["10.0.0.7", "169.254.169.254", "::1", "::ffff:10.0.0.7", "fd00::7", "64:ff9b::a00:7"],
)
def test_a_name_that_leads_inside_is_not_called(
    world: World,
    secret: str,
    lars: Person,
    module: Module,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
) -> None:
    look_up = socket.getaddrinfo

    def inside(_host: object, port: int, **more: Any) -> Any:
        return look_up("8.8.8.8", port, **more) + look_up(address, port, **more)

    monkeypatch.setattr(socket, "getaddrinfo", inside)
    world.completion(lars, module)
    collect()
    assert delivery().state is DeliveryState.WAITING
    assert "private network" in str(delivery().words)


@pytest.mark.parametrize(
    "url",
    [
        "https://user@payroll.example.test/",
        "https://user:word@payroll.example.test/",
        "https://payroll.example.test\\@10.0.0.7/",
        "https://payroll.example.test/#part",
        "https://payroll.example.test:99999/",
        "https://payroll.example.test:x/",
        "https://payroll.example.test/\r\nX: y",
        "https://payroll.example.test/\x00",
        "https:///hook",
        "https://",
        "//payroll.example.test/",
        "ftp://payroll.example.test/",
        "file:///etc/passwd",
        "http://10.0.0.7/",
        "http://localhost.example.test/",
        "https://p\u0430yroll\uff0eexample.test/",
        "https://payroll.example.test/" + "x" * 2048,
    ],
)
def test_an_address_that_is_none_or_names_a_person_is_refused_at_its_field(
    client: FlaskClient, world: World, url: str
) -> None:
    ada = world.person("Ada Admin")
    world.grant(ada, Role.ADMIN)
    world.sign_in(client, ada)
    said = {"url": url, "events": ["completion.recorded"]}
    assert client.post("/admin/systems/webhooks/new", data=said).status_code == 422
    assert db.session.query(Webhook).count() == 0
