"""A mail inbox: receives by SMTP, keeps each mail as a file, and reads it back for the pages."""

import email
import time
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session

MAX_BYTES = 25 * 1024 * 1024


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
        return [self._line(path) for path in sorted(self.folder.glob("*.eml"), reverse=True)]

    def mail(self, mail_id: str) -> EmailMessage | None:
        """The mail with this id, parsed; None when there is none."""
        path = self.folder / f"{int(mail_id)}.eml" if mail_id.isdigit() else None
        if path is None or not path.exists():
            return None
        return _parse(path)

    def line(self, mail_id: str) -> MailLine:
        return self._line(self.folder / f"{int(mail_id)}.eml")

    def _line(self, path: Path) -> MailLine:
        mail = _parse(path)
        return MailLine(
            id=path.stem,
            subject=str(mail["Subject"]),
            sender=str(mail["From"]),
            to=str(mail["To"]),
            date=str(mail["Date"]),
            files=tuple(
                File(
                    number=number,
                    filename=part.get_filename() or "file",
                    media_type=part.get_content_type(),
                    size=len(part.get_content()),
                )
                for number, part in enumerate(mail.iter_attachments())
            ),
        )


def body_of(mail: EmailMessage, kind: str) -> str:
    """The text (`plain`) or the HTML (`html`) of a mail, or nothing."""
    part = mail.get_body((kind,))
    return str(part.get_content()) if part is not None else ""


def attachment(mail: EmailMessage, number: int) -> tuple[File, bytes] | None:
    """An attachment and its bytes."""
    for place, part in enumerate(mail.iter_attachments()):
        if place == number:
            content = part.get_content()
            raw = content if isinstance(content, bytes) else str(content).encode()
            name = part.get_filename() or "file"
            kind = part.get_content_type()
            return File(number=number, filename=name, media_type=kind, size=len(raw)), raw
    return None


def smtp_server(inbox: Inbox, *, host: str, port: int) -> Controller:
    """An SMTP server that fills the inbox; the caller starts and stops it."""
    return Controller(inbox, hostname=host, port=port, data_size_limit=MAX_BYTES)


def _parse(path: Path) -> EmailMessage:
    mail = email.message_from_bytes(path.read_bytes(), policy=modern)
    assert isinstance(mail, EmailMessage)
    return mail
