"""Invitations: an address typed into an LMS, which then registers itself (dynamic registration)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from plugin.core import audit
from plugin.core.secrets import hash_of, new_token
from plugin.lti.tool.models import Invitation
from plugin.lti.tool.registration_errors import (
    InvitationExpiredError,
    InvitationUnknownError,
    InvitationUsedError,
)

LIFE = timedelta(days=7)
MAX_LIFE = timedelta(days=30)
CLAIM_LIFE = timedelta(minutes=2)
"""How long one registration may take before another one may try with the same invitation."""


def invite(
    session: Session,
    organization_id: int,
    *,
    name: str,
    admins_by_role: bool,
    life: timedelta = LIFE,
    by: int | None,
    now: datetime,
) -> tuple[Invitation, str]:
    """A new invitation and its token, which is shown once and kept as a hash."""
    token = new_token()
    invitation = Invitation(
        organization_id=organization_id,
        token_hash=hash_of(token),
        name=name.strip(),
        admins_by_role=admins_by_role,
        created_by=by,
        created_at=now,
        expires_at=now + min(life, MAX_LIFE),
    )
    session.add(invitation)
    audit.record(
        session,
        "invitation.created",
        about=invitation,
        by=by,
        now=now,
        after={"name": invitation.name, "admins_by_role": admins_by_role},
    )
    return invitation, token


def withdraw(session: Session, invitation: Invitation, *, by: int | None, now: datetime) -> None:
    """The invitation opens nothing any more. Safe to call again."""
    if invitation.used_at is None and invitation.withdrawn_at is None:
        invitation.withdrawn_at = now
        audit.record(session, "invitation.withdrawn", about=invitation, by=by, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """An invitation that is this caller's until it is used, given back or forgotten."""

    id: int
    organization_id: int
    name: str
    admins_by_role: bool


def claim(session: Session, token: str, *, now: datetime) -> Claimed:
    """The invitation, for this caller and no other; raises when it opens nothing (R7)."""
    row = session.execute(
        update(Invitation)
        .where(
            Invitation.token_hash == hash_of(token),
            Invitation.used_at.is_(None),
            Invitation.withdrawn_at.is_(None),
            Invitation.expires_at > now,
            or_(Invitation.claimed_at.is_(None), Invitation.claimed_at <= now - CLAIM_LIFE),
        )
        .values(claimed_at=now)
        .returning(
            Invitation.id, Invitation.organization_id, Invitation.name, Invitation.admins_by_role
        )
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if row is None:
        raise _why_not(session, token, now)
    return Claimed(
        id=row.id,
        organization_id=row.organization_id,
        name=row.name,
        admins_by_role=row.admins_by_role,
    )


def _why_not(
    session: Session, token: str, now: datetime
) -> InvitationUnknownError | InvitationUsedError | InvitationExpiredError:
    found = session.scalar(select(Invitation).where(Invitation.token_hash == hash_of(token)))
    if found is None or found.withdrawn_at is not None:
        return InvitationUnknownError()
    if found.used_at is None and found.expires_at <= now:
        return InvitationExpiredError(invitation_id=found.id)
    return InvitationUsedError(invitation_id=found.id)


def give_back(session: Session, invitation_id: int) -> None:
    """The registration came to nothing: the invitation may be tried again."""
    session.execute(
        update(Invitation)
        .where(Invitation.id == invitation_id, Invitation.used_at.is_(None))
        .values(claimed_at=None)
        .execution_options(synchronize_session=False)
    )


def mark_used(session: Session, invitation_id: int, *, registration_id: int, now: datetime) -> None:
    """The invitation led to this registration, and leads nowhere else."""
    used = session.execute(
        update(Invitation)
        .where(
            Invitation.id == invitation_id,
            Invitation.used_at.is_(None),
            Invitation.withdrawn_at.is_(None),
        )
        .values(used_at=now, registration_id=registration_id)
        .returning(Invitation.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if used is not None:
        return
    if session.get_one(Invitation, invitation_id).withdrawn_at is not None:
        raise InvitationUnknownError
    raise InvitationUsedError(invitation_id=invitation_id)


def open_invitations(session: Session, organization_id: int, now: datetime) -> Sequence[Invitation]:
    """Invitations that an LMS could still use, newest first."""
    return session.scalars(
        select(Invitation)
        .where(
            Invitation.organization_id == organization_id,
            Invitation.used_at.is_(None),
            Invitation.withdrawn_at.is_(None),
            Invitation.expires_at > now,
        )
        .order_by(Invitation.id.desc())
    ).all()


def invitation_of(session: Session, organization_id: int, invitation_id: int) -> Invitation:
    """The invitation, if it is the organization's."""
    found = session.scalar(
        select(Invitation).where(
            Invitation.id == invitation_id, Invitation.organization_id == organization_id
        )
    )
    if found is None:
        raise InvitationUnknownError
    return found
