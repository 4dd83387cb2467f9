"""The way to the mail server: verified, never waiting for ever, open from mail to mail."""

import ipaddress
import socket
import ssl
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask

from plugin.core import clock
from plugin.core.context import storage
from plugin.core.db import db
from plugin.notify import mailer
from plugin.notify.actions import GIVE_UP_ATTEMPTS, Attachment
from plugin.notify.mailer import UnavailableError
from plugin.notify.models import MessageState
from tests.functional.notify.test_delivery import only_message, tell
from tests.support import smtp
from tests.support.work import work_off
from tests.support.world import World

Connect = Callable[..., None]


@pytest.fixture
def connect(app: Flask) -> Iterator[Connect]:
    """Tell the product which mail server to use; what it was told before comes back."""
    mail = app.extensions["mail"]
    before = {name: getattr(mail, name) for name in ("port", "use_tls", "username", "password")}

    def use(port: int, **more: object) -> None:
        for name, value in ({"port": port, "use_tls": False} | more).items():
            setattr(mail, name, value)

    yield use
    for name, value in before.items():
        setattr(mail, name, value)


@pytest.fixture
def inbox(connect: Connect) -> Iterator[smtp.Inbox]:
    with smtp.server() as server:
        connect(server.port)
        yield server


def tell_many(world: World, number: int) -> None:
    for each in range(number):
        tell(world.person(f"Person {each}", email=f"p{each}@example.test"), key=f"cause {each}")


def self_signed(folder: Path, *, address: str) -> tuple[ssl.SSLContext, Path]:
    """A server's context whose certificate names `address`, and the certificate itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.test")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "mail.pem", folder / "mail.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, private)
    return context, certificate


def test_many_mails_go_over_one_connection(world: World, inbox: smtp.Inbox) -> None:
    tell_many(world, 6)
    work_off()
    assert len(inbox.mails) == 6
    assert len(inbox.connections) == 1


def test_a_connection_is_renewed_after_so_many_mails(
    world: World, inbox: smtp.Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailer, "MAILS_PER_CONNECTION", 2)
    tell_many(world, 5)
    work_off()
    assert len(inbox.mails) == 5
    assert len(inbox.connections) == 3


def test_a_connection_that_lay_idle_is_not_trusted(
    world: World, inbox: smtp.Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailer, "IDLE_SECONDS", 0)
    tell_many(world, 2)
    work_off()
    assert len(inbox.connections) == 2


def test_a_server_that_hangs_up_between_two_mails_gets_each_mail_once(
    world: World, inbox: smtp.Inbox
) -> None:
    inbox.hang_up_after = 2
    tell_many(world, 6)
    for minutes in range(4):  # a hang-up in the middle of our question is one more try later
        with clock.at(clock.now() + timedelta(minutes=minutes)), suppress(UnavailableError):
            work_off()
    assert len({mail["Message-ID"] for mail in inbox.mails}) == len(inbox.mails) == 6


def test_one_refused_recipient_does_not_hold_up_the_next_mail(
    world: World, inbox: smtp.Inbox
) -> None:
    inbox.answers = ["250", "550 5.1.1 no such mailbox", "250"]
    tell_many(world, 3)
    work_off()
    assert [mail["To"] for mail in inbox.mails] == [
        "Person 0 <p0@example.test>",
        "Person 2 <p2@example.test>",
    ]
    assert len(inbox.connections) == 1


def test_a_no_to_data_itself_does_not_hold_up_the_next_mail(
    world: World, inbox: smtp.Inbox
) -> None:
    inbox.deaf = 1
    tell_many(world, 3)
    work_off()
    assert [mail["To"] for mail in inbox.mails] == [
        "Person 1 <p1@example.test>",
        "Person 2 <p2@example.test>",
    ]


def test_a_silent_server_is_given_up(
    world: World, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailer, "TIMEOUT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connect(silent.getsockname()[1])
        tell(world.person())
        with pytest.raises(UnavailableError):
            work_off()
    assert only_message().state is MessageState.QUEUED


def test_a_server_that_cannot_prove_its_name_gets_no_mail(
    world: World, connect: Connect, tmp_path: Path
) -> None:
    context, _ = self_signed(tmp_path, address="127.0.0.1")
    with smtp.server(context) as server:
        connect(server.port, use_tls=True)
        tell(world.person())
        with pytest.raises(UnavailableError):
            work_off()
        assert server.mails == []
    assert only_message().error == "SSLCertVerificationError"


@pytest.mark.parametrize(("named", "arrives"), [("127.0.0.1", True), ("127.0.0.9", False)])
def test_a_trusted_certificate_counts_only_for_the_name_in_it(
    world: World,
    connect: Connect,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    named: str,
    arrives: bool,
) -> None:
    context, certificate = self_signed(tmp_path, address=named)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with smtp.server(context) as server:
        connect(server.port, use_tls=True)
        tell(world.person())
        if arrives:
            work_off()
        else:
            with pytest.raises(UnavailableError):
                work_off()
        assert len(server.mails) == int(arrives)


def test_a_wrong_password_is_ours_to_repair_and_costs_no_mail(
    world: World, connect: Connect
) -> None:
    with smtp.server(
        auth_require_tls=False, authenticator=lambda *_: smtp.refused_password()
    ) as server:
        connect(server.port, username="plugin", password="wrong")
        tell(world.person())
        with pytest.raises(UnavailableError):
            work_off()
    message = only_message()
    assert message.state is MessageState.QUEUED
    assert message.error is not None
    assert message.error.startswith("535")


def test_a_refused_sender_address_is_ours_to_repair_and_costs_no_mail(
    world: World, inbox: smtp.Inbox
) -> None:
    inbox.sender_answers = ["550 5.7.1 sender not allowed"]
    tell(world.person())
    with pytest.raises(UnavailableError):
        work_off()
    assert only_message().state is MessageState.QUEUED
    with clock.at(clock.now() + timedelta(minutes=1)):
        work_off()
    assert len(inbox.mails) == 1


def test_a_mail_that_is_too_big_is_refused_for_good(world: World, inbox: smtp.Inbox) -> None:
    inbox.sender_answers = ["552 5.3.4 too big"]
    tell(world.person())
    work_off()
    assert only_message().state is MessageState.FAILED


@pytest.mark.parametrize("address", ["josé@example.test", f"ada@{'x' * 70}é.test", "ada@é..test"])
def test_an_address_that_cannot_be_written_is_refused_and_nobody_else_waits(
    world: World, inbox: smtp.Inbox, address: str
) -> None:
    tell(world.person("Ada", email=address), key="odd")
    odd = only_message()
    tell(world.person("Grace", email="grace@example.test"), key="plain")
    work_off()
    assert [mail["To"] for mail in inbox.mails] == ["Grace <grace@example.test>"]
    db.session.refresh(odd)
    assert odd.state is MessageState.FAILED


def test_a_domain_in_another_script_is_written_as_servers_know_it(
    world: World, inbox: smtp.Inbox
) -> None:
    tell(world.person("Ada", email="ada@bücher.test"))
    work_off()
    assert inbox.mails[0]["To"] == "Ada <ada@xn--bcher-kva.test>"


def test_a_very_long_name_in_another_script_arrives_whole(world: World, inbox: smtp.Inbox) -> None:
    name = " ".join(["Ελευθερία"] * 20)
    tell(world.person(name, email="eleftheria@example.test"))
    work_off()
    (address,) = inbox.mails[0]["To"].addresses
    assert (address.display_name, address.addr_spec) == (name, "eleftheria@example.test")


def test_a_file_that_is_not_there_yet_gives_the_message_back(
    world: World, inbox: smtp.Inbox
) -> None:
    tell(
        world.person(),
        attachments=[Attachment(key="editions/1.pdf", filename="Certificate.pdf", sha256="")],
    )
    with pytest.raises(FileNotFoundError):
        work_off()
    assert only_message().state is MessageState.QUEUED
    storage().put("editions/1.pdf", b"%PDF-1.4")
    with clock.at(clock.now() + timedelta(minutes=1)):
        work_off()
    assert len(inbox.mails) == 1


@pytest.mark.parametrize(
    ("days", "attempts", "state"),
    [
        (6, GIVE_UP_ATTEMPTS, MessageState.FAILED),
        (6, 0, MessageState.QUEUED),
        (4, GIVE_UP_ATTEMPTS, MessageState.QUEUED),
    ],
    ids=["tried for days", "we were away for days", "not for long yet"],
)
def test_a_message_is_given_up_after_days_of_trying(
    world: World, inbox: smtp.Inbox, days: int, attempts: int, state: MessageState
) -> None:
    tell(world.person())
    only_message().attempts = attempts
    db.session.commit()
    inbox.answers = ["451 4.7.1 come back later"]
    with clock.at(clock.now() + timedelta(days=days)), pytest.raises(UnavailableError):
        work_off()
    message = only_message()
    assert (message.state, message.error) == (state, "451 4.7.1 come back later")


def test_what_is_logged_of_a_failure_names_nobody(world: World, inbox: smtp.Inbox) -> None:
    inbox.answers = ["451 4.7.1 <ada@example.test> come back later"]
    tell(world.person(email="ada@example.test"))
    with pytest.raises(UnavailableError) as caught:
        work_off()
    told = "".join(traceback.format_exception(caught.value))
    assert "ada@example.test" not in told
    assert only_message().error == "451 4.7.1 <ada@example.test> come back later"
