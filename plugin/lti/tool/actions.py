"""Everything that changes registrations."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from plugin.core import audit
from plugin.lti.tool.addresses import (
    host_of,
    is_secure_address,
    origin_of,
    origins_of,
)
from plugin.lti.tool.claim_values import is_id
from plugin.lti.tool.configuration import Granted, Platform
from plugin.lti.tool.deployments import accept_deployment
from plugin.lti.tool.keys import create_key
from plugin.lti.tool.models import FormerAddress, Registration, RegistrationState
from plugin.lti.tool.registration_errors import (
    RegistrationAddressError,
    RegistrationElsewhereError,
    RegistrationExistsError,
)

FORMER_LIFE = timedelta(days=90)
"""How long a registration answers at its old addresses after it was registered again."""


def register(
    session: Session,
    organization_id: int,
    *,
    name: str,
    issuer: str,
    client_id: str,
    auth_url: str,
    token_url: str,
    jwks_url: str,
    deployment_ids: Sequence[str],
    admins_by_role: bool,
    encryption_key: str,
    token_audience: str | None = None,
    extra_origins: Sequence[str] = (),
    uid: str | None = None,
    by: int | None,
    now: datetime,
) -> Registration:
    """This LMS may sign people in to the organization; it has a key of its own."""
    _check_identifiers(issuer, client_id, extra_origins)
    addresses = {"auth-url": auth_url, "token-url": token_url, "jwks-url": jwks_url}
    for option, address in addresses.items():
        if not is_secure_address(address):
            raise RegistrationAddressError(option)
    registration = Registration(
        organization_id=organization_id,
        uid=uid or secrets.token_hex(8),
        name=name.strip() or issuer,
        issuer=issuer,
        client_id=client_id,
        auth_url=auth_url,
        token_url=token_url,
        jwks_url=jwks_url,
        token_audience=token_audience or None,
        state=RegistrationState.ACTIVE,
        admins_by_role=admins_by_role,
        extra_origins=list(origins_of(extra_origins)),
        product=None,
        scopes=[],
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(registration)
    except IntegrityError:
        raise RegistrationExistsError from None
    create_key(session, registration, encryption_key=encryption_key, now=now)
    audit.record(
        session,
        "registration.created",
        about=registration,
        by=by,
        now=now,
        after={"issuer": issuer, "client_id": client_id, "admins_by_role": admins_by_role},
    )
    for deployment_id in dict.fromkeys(deployment_ids):
        accept_deployment(session, registration, deployment_id, by=by, now=now)
    return registration


def _check_identifiers(issuer: str, client_id: str, extra_origins: Sequence[str]) -> None:
    if not issuer.isprintable() or not issuer.strip():
        raise RegistrationAddressError("issuer")
    if not is_id(client_id):
        raise RegistrationAddressError("client-id")
    if any(origin_of(each) is None for each in extra_origins):
        raise RegistrationAddressError("extra-origin")


def keep_registration(
    session: Session,
    organization_id: int,
    *,
    uid: str,
    name: str,
    platform: Platform,
    granted: Granted,
    admins_by_role: bool,
    encryption_key: str,
    now: datetime,
) -> Registration:
    """What an LMS granted when it registered itself. The same client id again is an update: the
    LMS now has the addresses under `uid`, and the registration moves there with its keys.
    """
    known = session.scalar(
        select(Registration)
        .where(Registration.issuer == platform.issuer, Registration.client_id == granted.client_id)
        .with_for_update()
    )
    if known is None:
        known = register(
            session,
            organization_id,
            uid=uid,
            name=name or f"{platform.profile.name} {host_of(platform.issuer)}",
            issuer=platform.issuer,
            client_id=granted.client_id,
            auth_url=platform.auth_url,
            token_url=platform.token_url,
            jwks_url=platform.jwks_url,
            deployment_ids=(),
            admins_by_role=admins_by_role,
            encryption_key=encryption_key,
            token_audience=platform.token_audience,
            by=None,
            now=now,
        )
    elif known.organization_id != organization_id:
        raise RegistrationElsewhereError(registration_id=known.id)
    else:
        _move(session, known, uid, platform, now=now)
    known.product, known.scopes = platform.product, list(granted.scopes)
    if granted.deployment_id is not None:
        accept_deployment(session, known, granted.deployment_id, by=None, now=now)
    return known


def _move(
    session: Session, known: Registration, uid: str, platform: Platform, *, now: datetime
) -> None:
    before = {"uid": known.uid, "auth_url": known.auth_url, "token_url": known.token_url}
    session.add(
        FormerAddress(
            organization_id=known.organization_id,
            registration_id=known.id,
            uid=known.uid,
            ended_at=now,
            until_at=now + FORMER_LIFE,
        )
    )
    known.uid, known.auth_url, known.token_url = uid, platform.auth_url, platform.token_url
    known.jwks_url, known.token_audience = platform.jwks_url, platform.token_audience
    known.state = RegistrationState.ACTIVE
    audit.record(
        session,
        "registration.updated",
        about=known,
        by=None,
        now=now,
        before=before,
        after={"uid": uid, "auth_url": known.auth_url, "token_url": known.token_url},
    )


def set_state(
    session: Session,
    registration: Registration,
    state: RegistrationState,
    *,
    by: int | None,
    now: datetime,
) -> None:
    """Launches of the registration are accepted, or refused. Safe to call again."""
    if registration.state is state:
        return
    before = registration.state
    registration.state = state
    audit.record(
        session,
        "registration.state_changed",
        about=registration,
        by=by,
        now=now,
        before={"state": before.value},
        after={"state": state.value},
    )


def set_origins(
    session: Session,
    registration: Registration,
    origins: Sequence[str],
    *,
    by: int | None,
    now: datetime,
) -> None:
    """These addresses may frame the tool too, besides the LMS's own."""
    before, after = list(registration.extra_origins), list(origins_of(origins))
    if before == after:
        return
    registration.extra_origins = after
    audit.record(
        session,
        "registration.origins_changed",
        about=registration,
        by=by,
        now=now,
        before={"extra_origins": before},
        after={"extra_origins": after},
    )


def forget_former(session: Session, *, now: datetime) -> None:
    """Former addresses whose time is over, and which so open nothing any more, are gone."""
    session.execute(delete(FormerAddress).where(FormerAddress.until_at <= now))
