"""Logins: begun, used up once, forgotten."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, exists, update
from sqlalchemy.orm import Session

from plugin.core.secrets import hash_of
from plugin.lti.tool import queries
from plugin.lti.tool.errors import (
    DeploymentUnknownError,
    LoginUsedError,
)
from plugin.lti.tool.models import Deployment, Login, Registration
from plugin.lti.tool.trust_queries import LoginFacts, Trust

LOGIN_LIFE = timedelta(minutes=10)
_USE_LOGIN = (
    update(Login.__table__)  # type: ignore[arg-type]
    .where(
        Login.id == bindparam("login"),
        Login.used_at.is_(None),
        Login.expires_at > bindparam("now"),
        exists().where(
            Deployment.registration_id == bindparam("trust"),
            Deployment.deployment_id == bindparam("deployment"),
            Deployment.accepted_at.is_not(None),
        ),
    )
    .values(used_at=bindparam("now"))
)
"""Built once: composing it costs more than running it."""


def begin_login(
    session: Session,
    trust: Trust,
    *,
    state: str,
    nonce: str,
    binding: str,
    target_link_uri: str,
    now: datetime,
) -> None:
    """A login is under way; only hashes of its secrets are kept."""
    session.add(
        Login(
            organization_id=trust.organization_id,
            registration_id=trust.id,
            state_hash=hash_of(state),
            nonce_hash=hash_of(nonce),
            binding_hash=hash_of(binding),
            target_link_uri=target_link_uri,
            created_at=now,
            expires_at=now + LOGIN_LIFE,
        )
    )


def use_login(
    session: Session, trust: Trust, login: LoginFacts, *, deployment_id: str, now: datetime
) -> None:
    """The login is used up, by this caller and no other; its deployment is an accepted one."""
    used = session.connection().execute(
        _USE_LOGIN,
        {"login": login.id, "trust": trust.id, "deployment": deployment_id, "now": now},
    )
    if used.rowcount == 1:
        return
    if not queries.is_deployment(session, trust.id, deployment_id):
        raise DeploymentUnknownError(trust.uid, deployment_id)
    raise LoginUsedError(login_id=login.id)


def note_their_key(session: Session, trust: Trust, kid: str, *, now: datetime) -> None:
    """The LMS signed a message with this key; noted for a new key, and once an hour."""
    if kid == trust.their_kid and not queries.is_stale(trust.their_kid_at, now):
        return
    session.execute(
        update(Registration)
        .where(Registration.id == trust.id)
        .values(their_kid=kid, their_kid_at=now)
        .execution_options(synchronize_session=False)
    )


def forget_logins(session: Session, *, before: datetime) -> int:
    """Logins that ended before this moment are gone; returns how many."""
    gone = session.execute(delete(Login).where(Login.expires_at < before))
    return int(gone.rowcount)  # type: ignore[attr-defined]
