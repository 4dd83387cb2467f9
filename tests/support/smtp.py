"""A real SMTP server that tests look into: it keeps mails, and refuses when told to."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session


class Inbox:
    """What the server received; `answers` are said instead of 250, one per mail.

    `silent_after_data`: so many mails are taken, and the line is cut before the 250 is said.
    `hang_up_after`: the server drops each connection after so many mails, as servers do.
    `deaf`: for so many mails it takes the recipient and says no to `DATA` itself.
    `refused`: what is always said to an address. `delay`: seconds it thinks about each mail; who
    may not have waited for the 250 is in `unheard`, by the part of the Message-ID before the @.
    """

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answers: list[str] = []
        self.sender_answers: list[str] = []
        self.senders: list[str] = []
        self.connections: set[object] = set()
        self.hang_up_after: int | None = None
        self.refused: dict[str, str] = {}
        self.delay = 0.0
        self.silent_after_data = 0
        self.deaf = 0
        self.unheard: set[str] = set()
        self.port = 0

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.sender_answers:
            return self.sender_answers.pop(0)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        if self.answers:
            answer = self.answers.pop(0)
            if answer != "250":
                return answer
        if self.deaf:
            self.deaf -= 1
            return "250 OK"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        if self.delay:
            self.unheard.add(str(mail["Message-ID"]).strip("<>").partition("@")[0])
            await asyncio.sleep(self.delay)
        self.mails.append(mail)
        self.senders.append(str(envelope.mail_from))
        self.connections.add(session.peer)
        if self.silent_after_data:
            self.silent_after_data -= 1
            server.transport.abort()
        if self.hang_up_after and len(self.mails) % self.hang_up_after == 0:
            server.loop.call_soon(server.transport.close)
        return "250 OK"


def free_port() -> int:
    """A port of this machine nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def server(tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[Inbox]:
    """An SMTP server on a free port of this machine; with `tls`, it insists on STARTTLS."""
    inbox = Inbox()
    inbox.port = free_port()
    controller = Controller(
        inbox,
        hostname="127.0.0.1",
        port=inbox.port,
        tls_context=tls,
        require_starttls=tls is not None,
        **options,
    )
    controller.start()
    try:
        yield inbox
    finally:
        controller.stop()


def refused_password() -> AuthResult:
    """What an authenticator of the server answers to a wrong password."""
    return AuthResult(success=False, handled=False)


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    """The text or the HTML of a mail, decoded."""
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())
