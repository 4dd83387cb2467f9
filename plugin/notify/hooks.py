"""Who may report bounces: whoever holds the secret of an organization, or of the installation.

Signed: `X-Mail-Timestamp` (seconds since 1970, at most five minutes old) and `X-Mail-Signature`,
`sha256=` with the HMAC of timestamp, a dot and the body. Services that cannot sign with our secret
send it as the password of HTTP Basic or as a Bearer token; over TLS it is as good.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.core import audit
from plugin.core.secrets import decrypt, encrypt, new_token
from plugin.notify.letterhead import settings_of
from plugin.notify.mail_models import MailSettings
from plugin.org.models import Organization

FRESH = timedelta(minutes=5)
DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """An organization that takes reports."""

    organization_id: int
    secret: str


def owner_of(session: Session, slug: str, *, encryption_key: str) -> Owner | None:
    """The organization with this short name, if it has a secret."""
    row = session.execute(
        select(Organization.id, MailSettings.hook_secret)
        .join(MailSettings, MailSettings.organization_id == Organization.id)
        .where(Organization.slug == slug, MailSettings.hook_secret.is_not(None))
    ).one_or_none()
    if row is None:
        return None
    secret = decrypt(row.hook_secret, encryption_key=encryption_key).decode()
    return Owner(organization_id=row.id, secret=secret)


def renew_secret(
    session: Session, organization_id: int, *, encryption_key: str, by: int | None, now: datetime
) -> str:
    """A new secret, shown once; the one before opens nothing from now on."""
    settings, secret = settings_of(session, organization_id, now=now), new_token()
    settings.hook_secret = encrypt(secret.encode(), encryption_key=encryption_key)
    settings.updated_at = now
    audit.record(session, "mail.hook_secret_renewed", about=settings, by=by, now=now)
    return secret


def is_signed(headers: Mapping[str, str], content: bytes, *, secret: str, now: datetime) -> bool:
    """Whether whoever sent this holds the secret; nobody does when there is none."""
    if not secret:
        return False
    given = _given(headers.get("Authorization", ""))
    if given is not None:
        return hmac.compare_digest(given.encode(), secret.encode())
    stamp, signature = headers.get("X-Mail-Timestamp", ""), headers.get("X-Mail-Signature", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= DIGITS):
        return False
    if abs(now.timestamp() - int(stamp)) > FRESH.total_seconds():
        return False
    expected = signature_of(content, stamp, secret=secret)
    return hmac.compare_digest(signature.encode(), expected.encode())


def signature_of(content: bytes, stamp: str, *, secret: str) -> str:
    """What `X-Mail-Signature` says of this body at this moment."""
    signed = hmac.new(secret.encode(), stamp.encode() + b"." + content, hashlib.sha256)
    return f"sha256={signed.hexdigest()}"


def _given(authorization: str) -> str | None:
    """The secret itself, if it was sent."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return None
