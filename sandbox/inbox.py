"""A mail inbox: receives by SMTP, keeps each mail as a file, and reads it back for the pages."""

import base64
import email
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session

MAX_BYTES = 25 * 1024 * 1024
MAIL_ID = re.compile("[0-9]{1,20}")


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An attachment of a mail."""

    number: int
    filename: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MailLine:
    """A mail in the list."""

    id: str
    subject: str
    sender: str
    to: str
    date: str
    files: tuple[File, ...]


class Inbox:
    """Every mail that ever arrived, newest first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        target = self.folder / f"{time.time_ns()}.eml"
        part = target.with_suffix(".part")
        part.write_bytes(raw)
        part.replace(target)
        return "250 Message accepted for delivery"

    def mails(self) -> list[MailLine]:
        paths = sorted(self.folder.glob("*.eml"), reverse=True)
        return [line_of(path.stem, _parse(path)) for path in paths]

    def mail(self, mail_id: str) -> EmailMessage | None:
        """The mail with this id, parsed; None when there is none."""
        path = self.folder / f"{mail_id}.eml"
        if MAIL_ID.fullmatch(mail_id) is None or not path.exists():
            return None
        return _parse(path)


def line_of(mail_id: str, mail: EmailMessage) -> MailLine:
    """What the list says of a mail."""
    return MailLine(
        id=mail_id,
        subject=str(mail["Subject"] or "(no subject)"),
        sender=str(mail["From"] or ""),
        to=str(mail["To"] or ""),
        date=str(mail["Date"] or ""),
        files=tuple(file for file, _ in _files(mail)),
    )


def body_of(mail: EmailMessage, kind: str) -> str:
    """The text (`plain`) or the HTML (`html`) of a mail, or nothing."""
    part = mail.get_body((kind,))
    return str(part.get_content()) if part is not None else ""


def page_of(mail: EmailMessage) -> str:
    """The HTML of a mail, its links opening in a new window (the mail stands in a frame).

    Pictures the mail brings itself stand in it.
    """
    away, html = '<base target="_blank">', body_of(mail, "html")
    for part in mail.walk():
        name = str(part["Content-ID"] or "").strip("<> ")
        if name and part.get_content_maintype() == "image":
            content = part.get_payload(decode=True)
            picture = base64.b64encode(content if isinstance(content, bytes) else b"").decode()
            source = f"data:{part.get_content_type()};base64,{picture}"
            html = html.replace(f"cid:{name}", source)
    page, places = re.subn("<head[^>]*>", rf"\g<0>{away}", html, count=1)
    return page if places else away + page


def attachment(mail: EmailMessage, number: int) -> tuple[File, bytes] | None:
    """An attachment and its bytes."""
    return next((found for found in _files(mail) if found[0].number == number), None)


def _files(mail: EmailMessage) -> Iterator[tuple[File, bytes]]:
    for number, part in enumerate(mail.iter_attachments()):
        content = part.get_payload(decode=True)
        raw = content if isinstance(content, bytes) else part.as_bytes()
        name = part.get_filename() or "file"
        kind = part.get_content_type()
        yield File(number=number, filename=name, media_type=kind, size=len(raw)), raw


def smtp_server(inbox: Inbox, *, host: str, port: int) -> Controller:
    """An SMTP server that fills the inbox; the caller starts and stops it."""
    return Controller(inbox, hostname=host, port=port, data_size_limit=MAX_BYTES)


def _parse(path: Path) -> EmailMessage:
    mail = email.message_from_bytes(path.read_bytes(), policy=modern)
    assert isinstance(mail, EmailMessage)
    return mail
