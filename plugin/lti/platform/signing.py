"""Our signature on what we tell a tool, and a tool's signature on what it tells us."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.core import audit, http
from plugin.core.context import current_settings
from plugin.core.db import read_session
from plugin.core.upsert import insert_absent
from plugin.lti import signing_keys
from plugin.lti.pairs import load_private
from plugin.lti.platform.models import ExternalTool, PlatformKey, SeenToken
from plugin.lti.tool import validation
from plugin.lti.tool.claim_values import is_id
from plugin.lti.tool.errors import (
    KeysUnavailableError,
    KeyUnknownError,
    LtiError,
)
from plugin.lti.tool.platform_keys import PlatformKeys

LONGEST = timedelta(minutes=5)
"""How far ahead a tool's message may expire (security framework 4.1.1)."""
LEEWAY = timedelta(seconds=60)
_JWS = jwt.PyJWS(algorithms=[validation.ALGORITHM])
tool_keys = PlatformKeys()
"""The public keys of the tools, as this process remembers them."""


def create_key(session: Session, tool: ExternalTool, *, now: datetime) -> PlatformKey:
    """A new key pair towards this tool."""
    return signing_keys.make(
        session,
        PlatformKey,
        encryption_key=current_settings().encryption_key,
        now=now,
        organization_id=tool.organization_id,
        tool_id=tool.id,
    )


def rotate(
    session: Session,
    tool: ExternalTool,
    *,
    instead_of: str | None = None,
    by: int | None,
    now: datetime,
) -> None:
    """From now on a new key signs, unless `instead_of` does not any more; the one before it is
    published for a while."""
    signing_keys.retire(
        session,
        PlatformKey,
        PlatformKey.tool_id == tool.id,
        owner=tool,
        instead_of=instead_of,
        now=now,
        tool_id=tool.id,
    )
    key = create_key(session, tool, now=now)
    audit.record(
        session, "external_tool.key_rotated", about=tool, by=by, now=now, after={"kid": key.kid}
    )


def public_keys(session: Session, tool_id: int, *, now: datetime) -> list[dict[str, Any]]:
    """What the tool may verify us with, newest first."""
    return list(
        session.scalars(
            select(PlatformKey.public_jwk)
            .where(
                PlatformKey.tool_id == tool_id,
                PlatformKey.retired_at.is_(None) | (PlatformKey.retired_at > now),
            )
            .order_by(PlatformKey.id.desc())
        )
    )


def signing_key(session: Session, tool_id: int) -> PlatformKey:
    """The key that signs towards this tool."""
    return signing_keys.signing(session, PlatformKey, PlatformKey.tool_id == tool_id)


def signed(session: Session, tool: ExternalTool, claims: Mapping[str, Any]) -> str:
    """The claims, signed with our key towards this tool."""
    key = signing_key(session, tool.id)
    private = load_private(key.sealed_private_key, encryption_key=current_settings().encryption_key)
    return jwt.encode(
        dict(claims), private, algorithm=validation.ALGORITHM, headers={"kid": key.kid}
    )


class ForeignTokenError(Exception):
    """A signed message that is not this tool's, or not for us, or not now; says which rule."""


def verified(
    token: str, tool: ExternalTool, *, audiences: set[str], now: datetime
) -> dict[str, Any]:
    """The claims of a message this tool signed for us; raises ForeignTokenError.

    `iss` is the tool's client id, `aud` ours and nobody else's, `exp` at most five minutes ahead.
    """
    try:
        header, claims = validation.split_token(token)
        key = tool_keys.key(tool.jwks_url, validation.key_id(header), fetch=_fetch, now=now)
        _JWS.decode_complete(token, key, [validation.ALGORITHM])
        validation.check_times({"iat": now.timestamp(), **claims}, now=now)
    except (KeysUnavailableError, KeyUnknownError):
        raise ForeignTokenError("the key of the signature is not in the tool's key set") from None
    except (LtiError, jwt.InvalidTokenError):
        raise ForeignTokenError("signature or times") from None
    if claims.get("iss") != tool.client_id:
        raise ForeignTokenError("iss")
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if not named or any(not isinstance(each, str) or each not in audiences for each in named):
        raise ForeignTokenError("aud")
    if float(claims["exp"]) > (now + LONGEST + LEEWAY).timestamp():
        raise ForeignTokenError("exp is too far ahead")
    return claims


def _fetch(url: str) -> http.Reply:
    read_session().rollback()  # no transaction stays open while we wait for the tool
    return http.call(current_settings(), "GET", url, headers={"Accept": "application/json"})


def use_once(session: Session, tool: ExternalTool, jti: object, *, now: datetime) -> bool:
    """Whether this message was not seen before; from now on it was."""
    if not is_id(jti):
        return False
    row = {
        "organization_id": tool.organization_id,
        "tool_id": tool.id,
        "jti": str(jti),
        "expires_at": now + 2 * LONGEST,
    }
    new = session.execute(
        insert_absent(session, SeenToken, [row], key=("tool_id", "jti")).returning(SeenToken.id)
    ).all()
    return len(new) == 1
