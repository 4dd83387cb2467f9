"""Our signing keys: one set per registration, private halves sealed at rest."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from plugin.core import audit
from plugin.lti.pairs import load_private, new_pair
from plugin.lti.tool.errors import KeyReplacedError
from plugin.lti.tool.models import Registration, ToolKey

OVERLAP = timedelta(days=2)
"""How long the old key is still published after a rotation: longer than any LMS keeps a set."""


def create_key(
    session: Session, registration: Registration, *, encryption_key: str, now: datetime
) -> ToolKey:
    """A new key pair for this registration; its `kid` is random and never used again."""
    pair = new_pair(encryption_key=encryption_key)
    key = ToolKey(
        organization_id=registration.organization_id,
        registration_id=registration.id,
        kid=pair.kid,
        sealed_private_key=pair.sealed,
        public_jwk=pair.public_jwk,
        created_at=now,
    )
    session.add(key)
    return key


def rotate(
    session: Session,
    registration: Registration,
    *,
    instead_of: str | None = None,
    encryption_key: str,
    by: int | None,
    now: datetime,
) -> ToolKey:
    """From now on a new key signs; the one before it is published until `OVERLAP` is over.

    `instead_of` is the `kid` the caller saw signing: of two who press at once, one is told.
    """
    session.flush()  # what is read anew is not lost
    session.refresh(registration, with_for_update={"key_share": True})
    if instead_of and signing_key(session, registration.id).kid != instead_of:
        raise KeyReplacedError(registration_id=registration.id)
    session.execute(
        update(ToolKey)
        .where(ToolKey.registration_id == registration.id, ToolKey.retired_at.is_(None))
        .values(retired_at=now + OVERLAP)
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
    """The key that signs for us at this LMS: the only one that is not retired."""
    return session.scalars(
        select(ToolKey).where(
            ToolKey.registration_id == registration_id, ToolKey.retired_at.is_(None)
        )
    ).one()


def private_key_of(key: ToolKey, *, encryption_key: str) -> RSAPrivateKey:
    """The private half, for signing; raises cryptography's InvalidToken with another key."""
    return load_private(key.sealed_private_key, encryption_key=encryption_key)
