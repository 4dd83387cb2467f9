"""Everything that changes external tools and what they play."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from plugin.core import audit
from plugin.core.base import JsonDict
from plugin.core.secrets import hash_of, new_token
from plugin.core.upsert import insert_absent
from plugin.lti.platform import scopes, signing
from plugin.lti.platform.models import (
    AccessToken,
    ExternalTool,
    PairwiseId,
    SeenToken,
    ToolInvitation,
    ToolLaunch,
    ToolState,
)
from plugin.lti.tool.addresses import is_secure_address
from plugin.org.errors import FieldError

DEPLOYMENT = "1"
"""Every tool is installed once per organization."""
INVITATION_LIFE = timedelta(days=7)
MAX_TITLE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What the maker of a tool says of it."""

    name: str
    login_url: str
    redirect_urls: Sequence[str]
    jwks_url: str
    target_url: str
    picker_url: str | None


def create_tool(
    session: Session,
    organization_id: int,
    described: Described,
    *,
    custom: Mapping[str, str],
    state: ToolState,
    wanted_scopes: Sequence[str] = scopes.USUAL,
    uid: str | None = None,
    by: int | None,
    now: datetime,
) -> ExternalTool:
    """The tool may play modules once it is active; it has a key set and a client id of its own."""
    check_addresses(described)
    tool = ExternalTool(
        organization_id=organization_id,
        uid=uid or secrets.token_hex(8),
        client_id=secrets.token_hex(10),
        custom=dict(custom),
        scopes=[each for each in scopes.ALL if each in wanted_scopes],
        shares_name=False,
        shares_email=False,
        state=state,
        created_at=now,
    )
    _describe(tool, described)
    session.add(tool)
    session.flush()
    signing.create_key(session, tool, now=now)
    audit.record(session, "external_tool.created", about=tool, by=by, now=now, after=_facts(tool))
    return tool


def check_addresses(described: Described) -> None:
    """Raises FieldError that names the address a browser or we could not trust."""
    named = {
        "login_url": [described.login_url],
        "jwks_url": [described.jwks_url],
        "target_url": [described.target_url],
        "picker_url": [described.picker_url] if described.picker_url else [],
        "redirect_urls": list(described.redirect_urls),
    }
    for field, addresses in named.items():
        if not all(is_secure_address(each) for each in addresses):
            raise FieldError(field, _("Use full addresses that begin with https://."))
    if not described.redirect_urls:
        raise FieldError("redirect_urls", _("Name at least one address, one per line."))


def _describe(tool: ExternalTool, described: Described) -> None:
    tool.name = described.name.strip()[:MAX_TITLE]
    tool.login_url, tool.jwks_url = described.login_url, described.jwks_url
    tool.target_url, tool.picker_url = described.target_url, described.picker_url or None
    tool.redirect_urls = list(dict.fromkeys(described.redirect_urls))


def change_tool(
    session: Session,
    tool: ExternalTool,
    described: Described,
    *,
    shares_name: bool,
    shares_email: bool,
    lists_people: bool,
    by: int,
    now: datetime,
) -> None:
    """Other addresses, or other things the tool is told. Tokens it holds keep no right it lost."""
    check_addresses(described)
    before = _facts(tool)
    _describe(tool, described)
    tool.shares_name, tool.shares_email = shares_name, shares_email
    kept = [each for each in tool.scopes if each != scopes.MEMBERSHIP]
    tool.scopes = [*kept, scopes.MEMBERSHIP] if lists_people else kept
    after = _facts(tool)
    if before != after:
        audit.record(
            session, "external_tool.changed", about=tool, by=by, now=now, before=before, after=after
        )


def set_state(
    session: Session, tool: ExternalTool, state: ToolState, *, by: int, now: datetime
) -> None:
    """The tool may play modules, or may not. Safe to call again."""
    if tool.state is state:
        return
    before = tool.state
    tool.state = state
    audit.record(
        session,
        "external_tool.state_changed",
        about=tool,
        by=by,
        now=now,
        before={"state": before.value},
        after={"state": state.value},
    )


def _facts(tool: ExternalTool) -> JsonDict:
    return {
        "name": tool.name,
        "login_url": tool.login_url,
        "redirect_urls": list(tool.redirect_urls),
        "jwks_url": tool.jwks_url,
        "target_url": tool.target_url,
        "picker_url": tool.picker_url,
        "scopes": list(tool.scopes),
        "shares_name": tool.shares_name,
        "shares_email": tool.shares_email,
    }


def invite_tool(
    session: Session, organization_id: int, *, by: int | None, now: datetime
) -> tuple[ToolInvitation, str]:
    """An address a tool registers itself with, and its token, which is shown once."""
    token = new_token()
    invitation = ToolInvitation(
        organization_id=organization_id,
        uid=secrets.token_hex(8),
        token_hash=hash_of(token),
        created_by=by,
        created_at=now,
        expires_at=now + INVITATION_LIFE,
    )
    session.add(invitation)
    audit.record(session, "tool_invitation.created", about=invitation, by=by, now=now)
    return invitation, token


def subject_of(session: Session, tool: ExternalTool, person_id: int) -> str:
    """What this tool calls the person: made the first time, the same for ever."""
    row = {
        "organization_id": tool.organization_id,
        "tool_id": tool.id,
        "person_id": person_id,
        "subject": new_token(),
    }
    session.execute(insert_absent(session, PairwiseId, [row], key=("tool_id", "person_id")))
    return session.scalars(
        select(PairwiseId.subject).where(
            PairwiseId.tool_id == tool.id, PairwiseId.person_id == person_id
        )
    ).one()


def forget_ended(session: Session, *, before: datetime) -> None:
    """Launches, tokens and message ids that ended before this moment are gone; no fact is."""
    for table in (ToolLaunch, AccessToken, SeenToken):
        session.execute(delete(table).where(table.expires_at < before))
