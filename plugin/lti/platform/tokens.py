"""Access tokens for tools: asked for with a signed assertion (security framework 4.1; RFC 7523)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.core.secrets import hash_of, new_token
from plugin.lti.platform import signing
from plugin.lti.platform.actions import DEPLOYMENT
from plugin.lti.platform.addresses import PlatformAddresses
from plugin.lti.platform.errors import ServiceRefusal
from plugin.lti.platform.models import AccessToken, ExternalTool, ToolState
from plugin.lti.platform.signing import ForeignTokenError
from plugin.lti.tool.claims import LTI

LIFE = timedelta(hours=1)
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def checked_assertion(
    tool: ExternalTool, said: Mapping[str, str], ours: PlatformAddresses, *, now: datetime
) -> str:
    """The id of the assertion in this request, which is this tool's and meant for us.

    Raises ServiceRefusal in the words of RFC 6749, section 5.2.
    """
    if said.get("grant_type") != "client_credentials":
        raise ServiceRefusal(400, "unsupported_grant_type", "use client_credentials")
    if said.get("client_assertion_type") != ASSERTION:
        raise ServiceRefusal(400, "invalid_request", f"client_assertion_type must be {ASSERTION}")
    if tool.state is not ToolState.ACTIVE:
        raise ServiceRefusal(400, "invalid_client", "the tool is not active here")
    try:
        claims = signing.verified(
            said.get("client_assertion", ""), tool, audiences={ours.token, ours.issuer}, now=now
        )
    except ForeignTokenError as error:
        raise ServiceRefusal(400, "invalid_client", f"client_assertion: {error}") from None
    if claims.get("sub") != tool.client_id:
        raise ServiceRefusal(400, "invalid_client", "client_assertion: sub")
    if claims.get(LTI + "deployment_id", DEPLOYMENT) != DEPLOYMENT:
        raise ServiceRefusal(400, "invalid_client", "client_assertion: deployment_id is unknown")
    jti = claims.get("jti")
    if not isinstance(jti, str):
        raise ServiceRefusal(400, "invalid_client", "client_assertion: jti")
    return jti


def grant(
    session: Session, tool: ExternalTool, jti: str, asked: str, *, now: datetime
) -> tuple[str, Sequence[str]]:
    """A token for what was asked and is allowed; raises ServiceRefusal when that is nothing, or
    when the assertion was used before."""
    if not signing.use_once(session, tool, jti, now=now):
        raise ServiceRefusal(400, "invalid_client", "client_assertion: jti was used before")
    allowed = [each for each in dict.fromkeys(asked.split()) if each in tool.scopes]
    if not allowed:
        raise ServiceRefusal(400, "invalid_scope", "none of these scopes is allowed to the tool")
    token = new_token()
    session.add(
        AccessToken(
            organization_id=tool.organization_id,
            tool_id=tool.id,
            token_hash=hash_of(token),
            scopes=allowed,
            created_at=now,
            expires_at=now + LIFE,
        )
    )
    return token, allowed


def bearer(
    session: Session, uid: str, authorization: str, *, any_of: Sequence[str], now: datetime
) -> ExternalTool:
    """The tool that holds this token, at its own addresses, with one of these scopes now.

    Raises ServiceRefusal 401 for no, an unknown or an ended token, 403 without the scope.
    """
    kind, _, token = authorization.partition(" ")
    row = None
    if kind.lower() == "bearer" and token:
        row = session.execute(
            select(AccessToken, ExternalTool)
            .join(ExternalTool, ExternalTool.id == AccessToken.tool_id)
            .where(
                AccessToken.token_hash == hash_of(token.strip()),
                AccessToken.expires_at > now,
                ExternalTool.uid == uid,
                ExternalTool.state == ToolState.ACTIVE,
            )
        ).one_or_none()
    if row is None:
        raise ServiceRefusal(401, "invalid_token", "a valid access token is needed")
    held = {each for each in row.AccessToken.scopes if each in row.ExternalTool.scopes}
    if not held.intersection(any_of):
        raise ServiceRefusal(403, "insufficient_scope", "the token does not hold the scope")
    tool: ExternalTool = row.ExternalTool
    return tool
