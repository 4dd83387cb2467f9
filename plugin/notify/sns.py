"""Messages of Amazon SNS: whose they are, by their signature (pure).

Signed are the names and values of some fields, each on a line of its own, by RSA with SHA-1
(`SignatureVersion` 1) or SHA-256 (2); the certificate lies at a server of SNS.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from plugin.notify.mail_models import TopicKind

SERVERS = re.compile(r"sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")
HASHES: Mapping[str, Any] = {"1": SHA1, "2": SHA256}
SMALLEST_KEY = 2048
NEWS = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
HANDSHAKE = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SIGNED = {
    TopicKind.NOTIFICATION: NEWS,
    TopicKind.CONFIRMATION: HANDSHAKE,
    TopicKind.END: HANDSHAKE,
}


class NotTheirsError(ValueError):
    """It says that it is of SNS, and names a server that is not, or lacks a part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicNews:
    """One message of a topic, and what its signature is about."""

    kind: TopicKind
    id: str
    topic: str
    certificate_url: str
    visit_url: str | None
    version: str
    signature: bytes
    signed: bytes
    content: str
    """All it says, as it will be read again."""


def read(content: bytes) -> TopicNews | None:
    """What SNS says; None if this is in no form of theirs. Raises NotTheirsError."""
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("Type") not in list(TopicKind):
        return None
    kind = TopicKind(said["Type"])
    names = [name for name in SIGNED[kind] if name != "Subject" or said.get(name) is not None]
    try:
        pairs = [(name, _text(said[name])) for name in names]
        signature = base64.b64decode(_text(said["Signature"]), validate=True)
        url, version = _text(said["SigningCertURL"]), _text(said["SignatureVersion"])
        signed = "".join(f"{name}\n{value}\n" for name, value in pairs).encode()
    except (KeyError, TypeError, UnicodeError, binascii.Error):
        raise NotTheirsError("something is missing in it") from None
    visit = said["SubscribeURL"] if kind is TopicKind.CONFIRMATION else None
    if not _is_at_theirs(url) or (visit is not None and not _is_at_theirs(visit)):
        raise NotTheirsError("it names a server that is not of Amazon SNS")
    return TopicNews(
        kind=kind,
        id=said["MessageId"],
        topic=said["TopicArn"],
        certificate_url=url,
        visit_url=visit,
        version=version,
        signature=signature,
        signed=signed,
        content=json.dumps(said),
    )


def is_signed(news: TopicNews, certificate: bytes, *, now: datetime) -> bool:
    """Whether the holder of this certificate, valid now, signed the message."""
    try:
        read_certificate = x509.load_pem_x509_certificate(certificate)
        key: Any = read_certificate.public_key()
    except ValueError:
        return False
    begins, ends = read_certificate.not_valid_before_utc, read_certificate.not_valid_after_utc
    is_fit = isinstance(key, RSAPublicKey) and key.key_size >= SMALLEST_KEY
    if not is_fit or not begins <= now <= ends or news.version not in HASHES:
        return False
    try:
        key.verify(news.signature, news.signed, PKCS1v15(), HASHES[news.version]())
    except InvalidSignature:
        return False
    return True


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise TypeError
    return value


def _is_at_theirs(url: str) -> bool:
    """Over TLS, at a server of SNS itself."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(SERVERS.fullmatch(parts.netloc))
