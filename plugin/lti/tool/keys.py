"""Our signing keys: one set per registration, private halves sealed at rest."""

from collections.abc import Sequence
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from sqlalchemy import update
from sqlalchemy.orm import Session

from plugin.core import audit
from plugin.lti import signing_keys
from plugin.lti.pairs import load_private
from plugin.lti.tool.models import Registration, ToolKey


def create_key(
    session: Session, registration: Registration, *, encryption_key: str, now: datetime
) -> ToolKey:
    """A new key pair for this registration."""
    return signing_keys.make(
        session,
        ToolKey,
        encryption_key=encryption_key,
        now=now,
        organization_id=registration.organization_id,
        registration_id=registration.id,
    )


def rotate(
    session: Session,
    registration: Registration,
    *,
    instead_of: str | None = None,
    encryption_key: str,
    by: int | None,
    now: datetime,
) -> ToolKey:
    """From now on a new key signs, unless `instead_of` does not any more; the one before it is
    published for a while."""
    signing_keys.retire(
        session,
        ToolKey,
        ToolKey.registration_id == registration.id,
        owner=registration,
        instead_of=instead_of,
        now=now,
        registration_id=registration.id,
    )
    key = create_key(session, registration, encryption_key=encryption_key, now=now)
    session.flush()
    audit.record(
        session,
        "registration.key_rotated",
        about=registration,
        by=by,
        now=now,
        after={"kid": key.kid},
    )
    return key


def note_fetched(session: Session, key_ids: Sequence[int], *, now: datetime) -> None:
    """Somebody read these keys of ours; an LMS, most likely."""
    session.execute(update(ToolKey).where(ToolKey.id.in_(key_ids)).values(fetched_at=now))


def note_proven(session: Session, registration_id: int, kid: str, *, now: datetime) -> None:
    """The LMS gave access for a signature of this key: it has it."""
    session.execute(
        update(ToolKey)
        .where(ToolKey.registration_id == registration_id, ToolKey.kid == kid)
        .values(proven_at=now)
    )


def signing_key(session: Session, registration_id: int) -> ToolKey:
    """The key that signs for us at this LMS."""
    return signing_keys.signing(session, ToolKey, ToolKey.registration_id == registration_id)


def private_key_of(key: ToolKey, *, encryption_key: str) -> RSAPrivateKey:
    """The private half, for signing; raises cryptography's InvalidToken with another key."""
    return load_private(key.sealed_private_key, encryption_key=encryption_key)
