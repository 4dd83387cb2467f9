"""The one door to Flask-Mail: a verified connection with a timeout, and stable Message-IDs."""

import contextlib
import hashlib
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email import charset
from email.utils import formataddr

import flask_mail
from flask import Flask, current_app

from plugin.core.context import current_settings
from plugin.core.settings import Settings

# Long HTML lines are legal in a template and refused by servers: everything goes quoted-printable.
charset.add_charset("utf-8", charset.SHORTEST, charset.QP, "utf-8")

TIMEOUT_SECONDS = 20
PERMANENT = range(500, 600)


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


class RefusedError(Exception):
    """The server will never take this mail; `words` are the server's."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class UnavailableError(Exception):
    """The mail could not be handed over now; trying again later may help."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class _Connection(flask_mail.Connection):
    """Gives up on a silent server, and talks TLS only to the server it was told to."""

    def configure_host(self) -> smtplib.SMTP:
        mail = self.mail
        context = ssl.create_default_context()
        host: smtplib.SMTP
        if mail.use_ssl:
            host = smtplib.SMTP_SSL(
                mail.server, mail.port, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            host = smtplib.SMTP(mail.server, mail.port, timeout=TIMEOUT_SECONDS)
        if mail.use_tls:
            host.starttls(context=context)
        if mail.username and mail.password:
            host.login(mail.username, mail.password)
        return host

    def __exit__(self, *_error: object) -> None:
        """What the server took stays taken, also when it hangs up before our good-bye."""
        if self.host is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                self.host.quit()


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


def message_id(key: str, sender: str) -> str:
    """The same key gives the same Message-ID, so a mailbox drops the rare double."""
    digest = hashlib.sha256(key.encode()).hexdigest()[:32]
    return f"<{digest}@{sender.rpartition('@')[2]}>"


def send(mail: Mail) -> None:
    """Hand the mail to the server; raises RefusedError or UnavailableError with its words."""
    settings = current_settings()
    message = flask_mail.Message(
        subject=mail.subject,
        recipients=[_address(mail.to_name, mail.to_address)],
        body=mail.text,
        html=mail.html,
        sender=_address(mail.sender_name, settings.mail_sender),
        charset="utf-8",
    )
    message.msgId = message_id(mail.key, settings.mail_sender)
    message.extra_headers = {"Auto-Submitted": "auto-generated"}
    for file in mail.files:
        message.attach(file.filename, file.media_type, file.content)
    try:
        with _Connection(current_app.extensions["mail"]) as connection:
            connection.send(message)
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        raise _failure(code, words) from error
    except smtplib.SMTPResponseException as error:
        raise _failure(error.smtp_code, error.smtp_error) from error
    except flask_mail.BadHeaderError as error:
        raise RefusedError("a header holds a line break") from error
    except (smtplib.SMTPException, OSError) as error:
        raise UnavailableError(type(error).__name__) from error


def _failure(code: int, words: bytes | str) -> RefusedError | UnavailableError:
    said = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    text = f"{code} {said}"
    return RefusedError(text) if code in PERMANENT else UnavailableError(text)


def _address(name: str, address: str) -> str:
    return formataddr((" ".join(name.split()), address))
