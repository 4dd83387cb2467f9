"""Access tokens for an LMS's services: asked for once, shared by every worker (K1 to K3)."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt
from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from plugin.core import clock, http
from plugin.core.db import Tx, read_session, transaction
from plugin.core.http import Reply
from plugin.core.secrets import decrypt, encrypt, new_token
from plugin.core.settings import Settings
from plugin.core.upsert import insert_absent
from plugin.lti.tool import keys
from plugin.lti.tool.answers import (
    FORBIDDEN,
    OK,
    ServiceError,
    object_of,
    with_usual_status,
    without,
    words_in,
)
from plugin.lti.tool.configuration import words_of
from plugin.lti.tool.service_models import ServiceToken

BACKDATED = timedelta(seconds=60)
ASSERTION_LIFE = timedelta(seconds=300)
TOKEN_MARGIN = timedelta(seconds=60)
DEFAULT_TOKEN_LIFE = timedelta(minutes=10)
MAX_TOKEN_LIFE = timedelta(hours=24)
ASKING = timedelta(seconds=20)
"""How long whoever asks the LMS for a token is waited for; it may have died."""
LOOK_SECONDS = 0.1
NOTHING_GIVEN = "the answer has no token in it"
OTHER_KIND = "the LMS gives a token of a kind that we do not know"
NOT_FOR_THIS = "the LMS gives access, but not to this service"
_TOKEN = re.compile(r"[!-~]{1,8192}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """One deployment of a registration, as it identifies itself to its LMS."""

    settings: Settings
    registration_id: int
    organization_id: int
    deployment_id: str
    client_id: str
    token_url: str
    token_audience: str | None
    product: str | None
    held: dict[str, tuple[str, datetime]] = field(default_factory=dict, compare=False, repr=False)
    """Tokens this job has seen already, by their scopes, and until when each is good."""


def access_token(holder: Holder, scopes: Sequence[str]) -> str:
    """A token for these services, remembered until a minute before it ends.

    Several workers that find none wait for the one that asks. Raises ServiceError without a token.
    """
    wanted = _name(scopes)
    token, until = holder.held.get(wanted, ("", None))
    if until is not None and until > clock.now():
        return token
    found = _awaited(holder, wanted) or _asked(holder, wanted)
    holder.held[wanted] = found
    return found[0]


def _name(scopes: Sequence[str]) -> str:
    return " ".join(sorted(set(scopes)))


def _awaited(holder: Holder, wanted: str) -> tuple[str, datetime] | None:
    """The token known by now, perhaps after a wait; None when it is ours to ask for one."""
    end = time.monotonic() + ASKING.total_seconds()
    while (known := _known(holder, wanted)) is None:
        if _is_ours_to_ask(holder, wanted) or time.monotonic() > end:
            return None
        time.sleep(LOOK_SECONDS)
    return known


def _key(holder: Holder, wanted: str) -> list[Any]:
    return [
        ServiceToken.registration_id == holder.registration_id,
        ServiceToken.deployment_id == holder.deployment_id,
        ServiceToken.scopes == wanted,
    ]


def _known(holder: Holder, wanted: str) -> tuple[str, datetime] | None:
    session = read_session()
    row = session.execute(
        select(ServiceToken.sealed_token, ServiceToken.expires_at).where(
            *_key(holder, wanted), ServiceToken.expires_at > clock.now()
        )
    ).one_or_none()
    session.rollback()
    if row is None:
        return None
    token = decrypt(row.sealed_token, encryption_key=holder.settings.encryption_key).decode()
    return token, row.expires_at


def _is_ours_to_ask(holder: Holder, wanted: str) -> bool:
    """Nobody else is asking: from now on we are."""
    now = clock.now()
    row = {
        "organization_id": holder.organization_id,
        "registration_id": holder.registration_id,
        "deployment_id": holder.deployment_id,
        "scopes": wanted,
        "sealed_token": "",
        "expires_at": now,
    }
    key = ("registration_id", "deployment_id", "scopes")
    with transaction() as tx:
        tx.session.execute(insert_absent(tx.session, ServiceToken, [row], key=key))
        taken = tx.session.execute(
            update(ServiceToken)
            .where(
                *_key(holder, wanted),
                ServiceToken.expires_at <= now,
                or_(ServiceToken.asked_at.is_(None), ServiceToken.asked_at <= now - ASKING),
            )
            .values(asked_at=now)
            .returning(ServiceToken.id)
            .execution_options(synchronize_session=False)
        )
        return taken.one_or_none() is not None


def _asked(holder: Holder, wanted: str) -> tuple[str, datetime]:
    """A new token of the LMS, known to everybody; whatever goes wrong, the next one may ask."""
    try:
        assertion, kid = _assertion(holder)
        token, life = _granted(_answer(holder, wanted, assertion), wanted.split())
    except BaseException:
        with transaction() as tx:
            _note(tx, holder, wanted, asked_at=None)
        raise
    expires_at = clock.now() + life - TOKEN_MARGIN
    sealed = encrypt(token.encode(), encryption_key=holder.settings.encryption_key)
    with transaction() as tx:
        keys.note_proven(tx.session, holder.registration_id, kid, now=clock.now())
        _note(tx, holder, wanted, asked_at=None, sealed_token=sealed, expires_at=expires_at)
    return token, expires_at


def _answer(holder: Holder, wanted: str, assertion: str) -> Reply:
    said = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
        "scope": wanted,
    }
    headers = {"Accept": "application/json"}
    answer = called(holder.settings, "POST", holder.token_url, headers=headers, data=said)
    return without(answer, assertion)


def called(settings: Settings, method: str, url: str, **more: Any) -> Reply:
    """The LMS's answer; no transaction stays open while we wait for it."""
    read_session().rollback()
    return with_usual_status(http.call(settings, method, url, **more))


def _assertion(holder: Holder) -> tuple[str, str]:
    """Signed by our key for this LMS, and which; back-dated, since some forgive no second of
    difference."""
    session = read_session()
    key = keys.signing_key(session, holder.registration_id)
    private = keys.private_key_of(key, encryption_key=holder.settings.encryption_key)
    kid = key.kid
    session.rollback()
    issued = clock.now() - BACKDATED
    claims = {
        "iss": holder.client_id,
        "sub": holder.client_id,
        "aud": holder.token_audience or holder.token_url,
        "iat": int(issued.timestamp()),
        "exp": int((issued + ASSERTION_LIFE).timestamp()),
        "jti": new_token(),
        "https://purl.imsglobal.org/spec/lti/claim/deployment_id": holder.deployment_id,
    }
    return jwt.encode(claims, private, algorithm="RS256", headers={"kid": kid}), kid


def _granted(reply: Reply, wanted: Sequence[str]) -> tuple[str, timedelta]:
    """The token, unless the answer says that it is for nothing of what was asked for (A1)."""
    if reply.status not in OK:
        raise ServiceError("token", reply.status, words_in(reply), reply)
    said = object_of(reply)
    token, seconds = said.get("access_token"), said.get("expires_in")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        why = words_of(reply.body) if said else ""  # what is no JSON may be a token all the same
        words = f"{NOTHING_GIVEN}: {why}" if why else NOTHING_GIVEN
        raise ServiceError("token", reply.status, words, reply)
    if not _is_bearer(said.get("token_type")):
        raise ServiceError("token", reply.status, OTHER_KIND, reply)
    given = said.get("scope")
    names = given.split() if isinstance(given, str) else []
    if names and not set(names) & set(wanted):
        raise ServiceError("token", FORBIDDEN, NOT_FOR_THIS, reply)
    return token, _life(seconds)


def _is_bearer(kind: Any) -> bool:
    """Whether the token is one we can use (RFC 6749, 7.1); what says nothing of it, is."""
    return not isinstance(kind, str) or kind.strip().lower() in {"", "bearer"}


def _life(seconds: Any) -> timedelta:
    """How long a token lasts; some LMSs write the number as a text, or none at all."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float | str):
        return DEFAULT_TOKEN_LIFE
    try:
        life = timedelta(seconds=float(seconds))
    except (ValueError, OverflowError):
        return DEFAULT_TOKEN_LIFE
    return min(max(life, TOKEN_MARGIN), MAX_TOKEN_LIFE)


def _note(tx: Tx, holder: Holder, wanted: str, **values: Any) -> None:
    tx.session.execute(
        update(ServiceToken)
        .where(*_key(holder, wanted))
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def forget_token(holder: Holder, scopes: Sequence[str], token: str | None = None) -> None:
    """The LMS refused the token: it is not used again. A newer one than that stays."""
    wanted = _name(scopes)
    holder.held.pop(wanted, None)
    known = _known(holder, wanted)
    if known is None or (token is not None and known[0] != token):
        return
    with transaction() as tx:
        _forget(tx.session, holder, wanted, known[1])


def _forget(session: Session, holder: Holder, wanted: str, expires_at: datetime) -> None:
    session.execute(
        delete(ServiceToken)
        .where(*_key(holder, wanted), ServiceToken.expires_at == expires_at)
        .execution_options(synchronize_session=False)
    )
