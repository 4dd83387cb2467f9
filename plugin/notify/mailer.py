"""The one door to Flask-Mail: a verified connection with a timeout, and stable Message-IDs."""

import contextlib
import hashlib
import smtplib
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import charset
from email.errors import MessageError
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.utils import formataddr
from typing import Any

import flask_mail
from flask import Flask, current_app

from plugin.core.context import current_settings
from plugin.core.settings import Settings

# Long HTML lines are legal in a template and refused by servers: everything goes quoted-printable.
charset.add_charset("utf-8", charset.SHORTEST, charset.QP, "utf-8")

TIMEOUT_SECONDS = 20
GOOD_BYE_SECONDS = 2
IDLE_SECONDS = 30
MAILS_PER_CONNECTION = 100
PERMANENT = range(500, 600)
OK = 250
TOO_BIG = 552
LOGO = "logo"
"""The Content-ID of the organization's logo: in the HTML it is `cid:logo`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An attachment, read."""

    filename: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail to one person."""

    key: str
    sender_name: str
    to_name: str
    to_address: str
    subject: str
    text: str
    html: str
    files: Sequence[File] = ()
    reply_to: str | None = None
    logo: bytes | None = None
    """A PNG, shown in the HTML where it says `cid:logo`; nothing is fetched from anywhere."""
    unsubscribe_url: str | None = None
    """Where one click ends mails of this sort (RFC 8058)."""


class _Message(flask_mail.Message):
    """A mail whose HTML brings its own picture: multipart/related (RFC 2387)."""

    logo: bytes | None = None

    def _message(self) -> Any:
        whole: Any = super()._message()
        if self.logo is not None:
            alternative = whole.get_payload()[0]
            html = alternative.get_payload().pop()
            picture = MIMEImage(self.logo, "png")
            picture.add_header("Content-ID", f"<{LOGO}>")
            picture.add_header("Content-Disposition", "inline", filename="logo.png")
            related = MIMEMultipart("related", type="text/html")
            related.attach(html)
            related.attach(picture)
            alternative.attach(related)
        return whole


class _NotSentError(Exception):
    """`words` are the server's and may name a person; a log sees only the first, a code."""

    def __init__(self, words: str) -> None:
        super().__init__(words.partition(" ")[0])
        self.words = words


class RefusedError(_NotSentError):
    """The server will never take this mail."""


class UnavailableError(_NotSentError):
    """The mail could not be handed over now; trying again later may help."""


class UnreachableError(UnavailableError):
    """It is not about this mail: the server is not there, silent, or will not have us."""


class UncertainError(UnreachableError):
    """The line broke while the server had the mail in hand: it may have taken it."""


class _Handing:
    """A client of smtplib that knows whether a mail was being handed over when something broke."""

    is_handing = False

    def data(self, msg: Any) -> Any:
        self.is_handing = True
        answer = super().data(msg)  # type: ignore[misc]
        self.is_handing = False
        return answer


class _Plain(_Handing, smtplib.SMTP):
    pass


class _Wrapped(_Handing, smtplib.SMTP_SSL):
    pass


class _Connection(flask_mail.Connection):
    """Gives up on a silent server, and talks TLS only to the server it was told to.

    It stays open between the mails of a thread: opening one costs more than sending.
    """

    def __init__(self, mail: Any) -> None:
        super().__init__(mail)
        self.address = (mail.server, mail.port)
        self.host: _Plain | _Wrapped = self.configure_host()
        self.used_at = time.monotonic()

    def configure_host(self) -> _Plain | _Wrapped:
        mail = self.mail
        context = ssl.create_default_context()
        host: _Plain | _Wrapped
        if mail.use_ssl:
            host = _Wrapped(mail.server, mail.port, timeout=TIMEOUT_SECONDS, context=context)
        else:
            host = _Plain(mail.server, mail.port, timeout=TIMEOUT_SECONDS)
        if mail.use_tls:
            host.starttls(context=context)
        if mail.username and mail.password:
            host.login(mail.username, mail.password)
        return host

    def may_go_on(self, mail: Any) -> bool:
        """Whether the next mail can go this way: same server, not stale, and it still answers."""
        if self.mail is not mail or self.address != (mail.server, mail.port):
            return False
        is_fresh = time.monotonic() - self.used_at < IDLE_SECONDS
        if not is_fresh or self.num_emails >= MAILS_PER_CONNECTION:
            return False
        try:
            self.host.is_handing = False
            return bool(self.host.rset()[0] == OK)  # nothing is left of the mail before
        except (smtplib.SMTPException, OSError):
            return False

    def hang_up(self) -> None:
        """Say good-bye, if anybody listens; what the server took stays taken."""
        with contextlib.suppress(smtplib.SMTPException, OSError):
            if self.host.sock is not None:
                self.host.sock.settimeout(GOOD_BYE_SECONDS)
            self.host.quit()
        self.host.close()


_kept = threading.local()


def init_app(app: Flask, settings: Settings) -> None:
    """Tell Flask-Mail about the server of the settings."""
    app.config.update(
        MAIL_SERVER=settings.mail_host,
        MAIL_PORT=settings.mail_port,
        MAIL_USE_TLS=settings.mail_tls == "starttls",
        MAIL_USE_SSL=settings.mail_tls == "tls",
        MAIL_USERNAME=settings.mail_user or None,
        MAIL_PASSWORD=settings.mail_password or None,
        MAIL_DEFAULT_SENDER=settings.mail_sender,
        MAIL_SUPPRESS_SEND=False,
    )
    flask_mail.Mail(app)


def header_id(key: str) -> str:
    """The part of the Message-ID before the @: answers of mail servers carry it."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def message_id(key: str, sender: str) -> str:
    """The same key gives the same Message-ID, so a mailbox drops the rare double."""
    return f"<{header_id(key)}@{sender.rpartition('@')[2]}>"


def return_path(key: str) -> str:
    """Where mail servers report to: an address that names the mail, if a mailbox is set up."""
    settings = current_settings()
    local, _, domain = settings.mail_bounce_address.rpartition("@")
    return f"{local}+{header_id(key)}@{domain}" if local else settings.mail_sender


def send(mail: Mail, *, now: datetime) -> None:
    """Hand the mail to the server, dated `now`.

    Raises RefusedError or UnavailableError with its words, and no cause: the text of smtplib's
    errors holds the address, and they are logged.
    """
    try:
        message = _message(mail, now)
    except UnicodeError as error:  # an address no mail server of today understands
        raise _failure(error) from None
    connection = _connection()
    try:
        connection.send(message, return_path(mail.key))
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError) as error:
        _keep(connection)  # the server said no to this mail and listens to the next
        raise _failure(error) from None
    except (OSError, flask_mail.BadHeaderError, MessageError, UnicodeError) as error:
        was_handing = connection.host.is_handing and isinstance(error, OSError)
        connection.hang_up()
        if was_handing:
            raise UncertainError(_words(error)) from None
        raise _failure(error) from None
    except BaseException:
        connection.hang_up()
        raise
    _keep(connection)


def _message(mail: Mail, now: datetime) -> Any:
    sender = current_settings().mail_sender
    message = _Message(
        subject=" ".join(mail.subject.split()),
        recipients=[_address(mail.to_name, mail.to_address)],
        body=mail.text,
        html=mail.html,
        sender=_address(mail.sender_name, sender),
        charset="utf-8",
        reply_to=mail.reply_to,
        date=now.timestamp(),
    )
    message.logo = mail.logo
    message.msgId = message_id(mail.key, sender)
    message.extra_headers = {"Auto-Submitted": "auto-generated", **_unsubscribe(mail)}
    for file in mail.files:
        message.attach(file.filename, file.media_type, file.content)
    return message


def _unsubscribe(mail: Mail) -> dict[str, str]:
    """The headers of one-click unsubscription (RFC 8058 §3.1)."""
    if mail.unsubscribe_url is None:
        return {}
    return {
        "List-Unsubscribe": f"<{mail.unsubscribe_url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def _connection() -> _Connection:
    """The connection of this thread's last mail if it is still good, else a new one."""
    mail = current_app.extensions["mail"]
    last: _Connection | None = getattr(_kept, "connection", None)
    _kept.connection = None
    if last is not None:
        if last.may_go_on(mail):
            return last
        last.hang_up()
    try:
        return _Connection(mail)
    except OSError as error:  # also every smtplib.SMTPException: it says nothing about this mail
        raise UnreachableError(_words(error)) from error


def _keep(connection: _Connection) -> None:
    connection.used_at = time.monotonic()
    _kept.connection = connection


def _failure(error: Exception) -> RefusedError | UnavailableError:
    """For good only if the server's no is about this recipient or this mail.

    A no to our name, our password or our sender address is ours to repair: the mail waits.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(error.recipients.values()))
        error = smtplib.SMTPDataError(code, words)
    if isinstance(error, smtplib.SMTPDataError):
        is_final = error.smtp_code in PERMANENT
    elif isinstance(error, smtplib.SMTPResponseException):
        is_final = error.smtp_code == TOO_BIG
    else:
        is_final = not isinstance(error, OSError)  # it cannot be written as a mail
    if is_final:
        return RefusedError(_words(error))
    is_about_mail = isinstance(error, smtplib.SMTPDataError)
    return (UnavailableError if is_about_mail else UnreachableError)(_words(error))


def _words(error: Exception) -> str:
    """What the server said, or what went wrong; never a name or an address of ours."""
    if not isinstance(error, smtplib.SMTPResponseException):
        return type(error).__name__
    said = error.smtp_error
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{error.smtp_code} {text}"


def _address(name: str, address: str) -> str:
    """The header form; a domain in another script is written the way servers know it."""
    local, at, domain = address.rpartition("@")
    if not domain.isascii():
        domain = domain.encode("idna").decode("ascii")
    return formataddr((" ".join(name.split()), f"{local}{at}{domain}"))
