"""What a tool plays: modules, and the line items whose scores complete them."""

import secrets
from collections.abc import Mapping
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from plugin.core.db import Tx
from plugin.lti.platform import queries
from plugin.lti.platform.actions import MAX_TITLE
from plugin.lti.platform.models import (
    ExternalTool,
    ToolColumn,
    ToolLink,
)
from plugin.lti.tool.addresses import is_secure_address
from plugin.modules import actions as module_actions
from plugin.modules.models import Module, ModuleKind
from plugin.org.errors import FieldError

MAXIMUM = 100.0


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
    module_actions.note_change(tx.session, module, before, after, by=by, now=now)
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


def renew(tx: Tx, module: Module, by: int | None, now: datetime) -> None:
    """The same content as a version of its own, with a line item of its own: what the tool says
    of sittings before completes those, and not the new version."""
    link = queries.link_of_version(tx.session, module.current_version_id or 0)
    column = queries.column_of_link(tx.session, link)
    _add_version(
        tx.session,
        tx.session.get_one(ExternalTool, link.tool_id),
        module,
        target_url=link.target_url,
        custom=link.custom,
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
