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
from plugin.core.db import Tx
from plugin.core.secrets import hash_of, new_token
from plugin.core.upsert import insert_absent
from plugin.lti.platform import queries, scopes, signing
from plugin.lti.platform.models import (
    AccessToken,
    ExternalTool,
    PairwiseId,
    SeenToken,
    ToolColumn,
    ToolInvitation,
    ToolLaunch,
    ToolLink,
    ToolState,
)
from plugin.lti.tool.addresses import is_secure_address
from plugin.modules import actions as module_actions
from plugin.modules.models import Module, ModuleKind
from plugin.org.errors import FieldError

DEPLOYMENT = "1"
"""Every tool is installed once per organization."""
MAXIMUM = 100.0
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


def add_module(
    tx: Tx,
    tool: ExternalTool,
    *,
    title: str,
    target_url: str,
    custom: Mapping[str, str],
    pass_share: float | None,
    score_maximum: float = MAXIMUM,
    resource_id: str | None = None,
    tag: str | None = None,
    by: int | None,
    now: datetime,
) -> Module:
    """A module that is played by the tool and completed by the score it sends back."""
    if not title.strip() or len(title.strip()) > MAX_TITLE:
        raise FieldError("title", _("Give the module a title of at most 200 characters."))
    if not is_secure_address(target_url):
        raise FieldError("target_url", _("Use full addresses that begin with https://."))
    module = module_actions.create_module(
        tx.session,
        tool.organization_id,
        kind=ModuleKind.LTI,
        title=title.strip(),
        by=by,
        now=now,
    )
    module.pass_share = pass_share
    _add_version(
        tx.session,
        tool,
        module,
        target_url=target_url,
        custom=custom,
        score_maximum=score_maximum,
        resource_id=resource_id,
        tag=tag,
        by=by,
        now=now,
    )
    return module


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


def change_module(
    tx: Tx,
    module: Module,
    *,
    title: str,
    target_url: str,
    custom: Mapping[str, str],
    pass_share: float | None,
    by: int,
    now: datetime,
) -> None:
    """Another title or bar holds from now on; another address is a new version: sittings under
    way stay with theirs, and so do their scores."""
    link = queries.link_of_version(tx.session, module.current_version_id or 0)
    before = {"title": module.title, "pass_share": module.pass_share}
    module.title, module.pass_share = title.strip(), pass_share
    after = {"title": module.title, "pass_share": module.pass_share}
    if before != after:
        audit.record(
            tx.session, "module.changed", about=module, by=by, now=now, before=before, after=after
        )
    if (link.target_url, dict(link.custom)) == (target_url, dict(custom)):
        link.title = module.title
        return
    tool = tx.session.get_one(ExternalTool, link.tool_id)
    column = queries.column_of_link(tx.session, link)
    _add_version(
        tx.session,
        tool,
        module,
        target_url=target_url,
        custom=custom,
        score_maximum=column.score_maximum,
        resource_id=column.resource_id,
        tag=column.tag,
        by=by,
        now=now,
    )


def _add_version(
    session: Session,
    tool: ExternalTool,
    module: Module,
    *,
    target_url: str,
    custom: Mapping[str, str],
    score_maximum: float,
    resource_id: str | None,
    tag: str | None,
    by: int | None,
    now: datetime,
) -> None:
    """What the module opens from now on, and the line item that completes it."""
    version = module_actions.add_version(session, module, package_id=None, by=by, now=now)
    link = ToolLink(
        organization_id=tool.organization_id,
        tool_id=tool.id,
        module_id=module.id,
        module_version_id=version.id,
        uid=secrets.token_hex(8),
        title=module.title,
        target_url=target_url,
        custom=dict(custom),
    )
    session.add(link)
    session.flush()
    session.add(
        ToolColumn(
            organization_id=tool.organization_id,
            tool_id=tool.id,
            uid=secrets.token_hex(8),
            link_id=link.id,
            bound_link_id=None,
            label=module.title,
            score_maximum=score_maximum,
            resource_id=resource_id,
            tag=tag,
            created_at=now,
        )
    )


def forget_ended(session: Session, *, before: datetime) -> None:
    """Launches, tokens and message ids that ended before this moment are gone; no fact is."""
    for table in (ToolLaunch, AccessToken, SeenToken):
        session.execute(delete(table).where(table.expires_at < before))
