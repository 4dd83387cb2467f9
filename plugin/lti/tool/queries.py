"""Reads of registrations, their keys, and logins under way."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Executable, Row, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session

from plugin.core.base import JsonDict
from plugin.core.secrets import hash_of
from plugin.lti.tool.errors import (
    LoginUnknownError,
    RegistrationDisabledError,
    RegistrationUnknownError,
)
from plugin.lti.tool.models import (
    Deployment,
    FormerAddress,
    Login,
    Registration,
    RegistrationState,
    ToolKey,
)
from plugin.org.models import Organization

NOTED_FOR = timedelta(hours=1)
_UID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TRUST = (
    Registration.id,
    Registration.organization_id,
    Registration.uid,
    Registration.issuer,
    Registration.client_id,
    Registration.auth_url,
    Registration.jwks_url,
    Registration.state,
    Registration.admins_by_role,
    Registration.extra_origins,
    Registration.their_kid,
    Registration.their_kid_at,
    Organization.rules_seal,
)

_LOGIN = (
    Login.id,
    Login.nonce_hash,
    Login.binding_hash,
    Login.target_link_uri,
    Login.expires_at,
)
_TRUST_AND_LOGIN = (
    select(*_TRUST, *_LOGIN)
    .select_from(Registration)
    .join(Organization, Organization.id == Registration.organization_id)
    .outerjoin(
        Login,
        and_(Login.registration_id == Registration.id, Login.state_hash == bindparam("state_hash")),
    )
    .where(Registration.uid == bindparam("uid"))
)
_TRUST_ALONE = (
    select(*_TRUST)
    .select_from(Registration)
    .join(Organization, Organization.id == Registration.organization_id)
    .where(Registration.uid == bindparam("uid"))
)
"""Built once: composing it costs more than running it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What a login or launch needs of a registration, free of the session it was read in."""

    id: int
    organization_id: int
    uid: str
    issuer: str
    client_id: str
    auth_url: str
    jwks_url: str
    state: RegistrationState
    admins_by_role: bool
    extra_origins: Sequence[str]
    their_kid: str | None
    their_kid_at: datetime | None
    rules_seal: str | None

    def checked(self) -> "Trust":
        """This registration, unless it has been disabled."""
        if self.state is not RegistrationState.ACTIVE:
            raise RegistrationDisabledError(registration_id=self.id)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginFacts:
    """A login under way as it was begun."""

    id: int
    nonce_hash: str
    binding_hash: str
    target_link_uri: str
    expires_at: datetime

    def checked(self, *, now: datetime) -> "LoginFacts":
        """This login, unless it took too long; whether it was used, the update decides."""
        if self.expires_at <= now:
            raise LoginUnknownError(login_id=self.id)
        return self


def trust(session: Session, uid: str, *, at: datetime) -> Trust:
    """The registration at an address of ours, also at one it had until lately."""
    row = _at_address(session, _TRUST_ALONE, uid, at=at)
    return _trust(uid, tuple(row))


def trust_and_login(
    session: Session, uid: str, state: str, *, at: datetime
) -> tuple[Trust, LoginFacts | None]:
    """The registration at an address and, if `state` is one of its logins, that; one statement,
    and two more at an address it had until lately."""
    row = _at_address(session, _TRUST_AND_LOGIN, uid, at=at, state_hash=hash_of(state))
    values = tuple(row)
    found, login = _trust(uid, values[: len(_TRUST)]), values[len(_TRUST) :]
    if login[0] is None:
        return found, None
    names = (column.key for column in _LOGIN)
    return found, LoginFacts(**dict(zip(names, login, strict=True)))


def _at_address(
    session: Session, wanted: Executable, uid: str, *, at: datetime, **given: Any
) -> Row[Any]:
    if not _UID.fullmatch(uid):
        raise RegistrationUnknownError
    row = session.execute(wanted, {"uid": uid, **given}).one_or_none()
    if row is None:
        now_at = session.scalar(
            select(Registration.uid)
            .join(FormerAddress, FormerAddress.registration_id == Registration.id)
            .where(FormerAddress.uid == uid, FormerAddress.until_at > at)
        )
        row = session.execute(wanted, {"uid": now_at, **given}).one_or_none() if now_at else None
    if row is None:
        raise RegistrationUnknownError
    return row


def _trust(uid: str, values: tuple[Any, ...]) -> Trust:
    """Named by the address that was called: who calls an old one was told the old ones."""
    names = (column.key for column in _TRUST)
    return Trust(**dict(zip(names, values, strict=True)) | {"uid": uid})


def deployment(session: Session, registration_id: int, deployment_id: str) -> Deployment | None:
    """This installation of the registration, accepted or waiting."""
    return session.scalar(
        select(Deployment).where(
            Deployment.registration_id == registration_id,
            Deployment.deployment_id == deployment_id,
        )
    )


def is_deployment(session: Session, registration_id: int, deployment_id: str) -> bool:
    """Whether an admin has accepted this installation of the registration."""
    found = deployment(session, registration_id, deployment_id)
    return found is not None and found.accepted_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """What we publish for an LMS, and which of it nobody was noted to have read lately."""

    keys: Sequence[JsonDict]
    unread: Sequence[int]


def key_set(session: Session, uid: str, *, at: datetime) -> KeySet:
    """The keys an LMS may verify us with, newest first; a retired one until it is withdrawn."""
    rows = published_keys(session, trust(session, uid, at=at).id, at=at)
    return KeySet(
        keys=[row.public_jwk for row in rows],
        unread=[row.id for row in rows if is_stale(row.fetched_at, at)],
    )


def is_stale(noted_at: datetime | None, at: datetime) -> bool:
    """Whether something seen now is worth a note: the last one is an hour old."""
    return noted_at is None or noted_at <= at - NOTED_FOR


def registration_by_uid(session: Session, uid: str) -> Registration:
    found = session.scalar(select(Registration).where(Registration.uid == uid))
    if found is None:
        raise RegistrationUnknownError
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationLine:
    """A registration in a list."""

    uid: str
    name: str
    issuer: str
    client_id: str
    state: RegistrationState


def registrations(session: Session, organization_id: int) -> Sequence[RegistrationLine]:
    """Every registration of an organization, by name."""
    rows = session.scalars(
        select(Registration)
        .where(Registration.organization_id == organization_id)
        .order_by(Registration.name, Registration.id)
    )
    return [
        RegistrationLine(
            uid=row.uid,
            name=row.name,
            issuer=row.issuer,
            client_id=row.client_id,
            state=row.state,
        )
        for row in rows
    ]


def deployments(session: Session, registration_id: int) -> Sequence[str]:
    """The accepted deployment ids of a registration."""
    return session.scalars(
        select(Deployment.deployment_id)
        .where(Deployment.registration_id == registration_id, Deployment.accepted_at.is_not(None))
        .order_by(Deployment.deployment_id)
    ).all()


@dataclass(frozen=True, slots=True, kw_only=True)
class LmsLine:
    """A registration in the admins' list."""

    id: int
    name: str
    product: str | None
    issuer: str
    state: RegistrationState
    accepted: int
    waiting: int


def lms_lines(session: Session, organization_id: int) -> Sequence[LmsLine]:
    """Every LMS of an organization with its deployments counted, in one statement."""
    rows = session.execute(
        select(
            Registration.id,
            Registration.name,
            Registration.product,
            Registration.issuer,
            Registration.state,
            func.count(Deployment.accepted_at).label("accepted"),
            func.count(Deployment.id).label("known"),
        )
        .outerjoin(Deployment, Deployment.registration_id == Registration.id)
        .where(Registration.organization_id == organization_id)
        .group_by(Registration.id)
        .order_by(Registration.name, Registration.id)
    )
    return [
        LmsLine(
            id=row.id,
            name=row.name,
            product=row.product,
            issuer=row.issuer,
            state=row.state,
            accepted=row.accepted,
            waiting=row.known - row.accepted,
        )
        for row in rows
    ]


def registration_of(session: Session, organization_id: int, registration_id: int) -> Registration:
    """The registration, if it is the organization's."""
    found = session.scalar(
        select(Registration).where(
            Registration.id == registration_id, Registration.organization_id == organization_id
        )
    )
    if found is None:
        raise RegistrationUnknownError
    return found


def all_deployments(session: Session, registration_id: int) -> Sequence[Deployment]:
    """Accepted ones and those that wait, oldest first."""
    return session.scalars(
        select(Deployment)
        .where(Deployment.registration_id == registration_id)
        .order_by(Deployment.accepted_at.is_(None).desc(), Deployment.id)
    ).all()


def published_keys(session: Session, registration_id: int, *, at: datetime) -> Sequence[ToolKey]:
    """Our keys this LMS may verify us with, newest first."""
    return session.scalars(
        select(ToolKey)
        .where(
            ToolKey.registration_id == registration_id,
            or_(ToolKey.retired_at.is_(None), ToolKey.retired_at > at),
        )
        .order_by(ToolKey.id.desc())
    ).all()


def former_addresses(
    session: Session, registration_id: int, *, at: datetime
) -> Sequence[FormerAddress]:
    """Addresses the registration still answers at, newest first."""
    return session.scalars(
        select(FormerAddress)
        .where(FormerAddress.registration_id == registration_id, FormerAddress.until_at > at)
        .order_by(FormerAddress.id.desc())
    ).all()
