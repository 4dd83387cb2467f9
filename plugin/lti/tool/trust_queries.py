"""Which LMS calls, and which login it answers: what every login and launch begins with."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, Row, and_, bindparam, select
from sqlalchemy.orm import Session

from plugin.core.secrets import hash_of
from plugin.lti.tool.errors import (
    LoginUnknownError,
    RegistrationDisabledError,
    RegistrationUnknownError,
)
from plugin.lti.tool.models import (
    FormerAddress,
    Login,
    Registration,
    RegistrationState,
)
from plugin.org.models import Organization

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
            raise RegistrationDisabledError(self.uid)
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


def is_uid(text: str) -> bool:
    """Whether a part of an address can be the name of a registration at all."""
    return bool(_UID.fullmatch(text))


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
    if not is_uid(uid):
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
