"""The demo's external tool: the quiz maker is registered, and one quiz is a module."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import Tx, read_session, transaction
from plugin.lti.platform import actions, linking
from plugin.lti.platform.actions import Described
from plugin.lti.platform.addresses import platform_addresses
from plugin.lti.platform.models import ExternalTool, ToolLink, ToolState
from sandbox.maker_lti import Platform
from sandbox.maker_quizzes import QUIZZES

NAME = "Quiz maker"


def described(url: str, keys_url: str) -> Described:
    """What the quiz maker says of itself."""
    return Described(
        name=NAME,
        login_url=f"{url}/login",
        redirect_urls=[f"{url}/launch"],
        jwks_url=f"{keys_url}/jwks",
        target_url=f"{url}/launch",
        picker_url=f"{url}/launch",
    )


def ready(organization_id: int, url: str, keys_url: str) -> int:
    """The tool is registered at these addresses; the number of the module it plays."""
    maker = described(url, keys_url)
    with transaction() as tx:
        tool = _tool(tx.session, organization_id)
        if tool is None:
            _add(tx, organization_id, maker)
        else:  # it may listen at another port than last time
            _move(tx.session, tool, maker)
    return _quiz(organization_id)


def _tool(session: Session, organization_id: int) -> ExternalTool | None:
    return session.scalar(
        select(ExternalTool).where(
            ExternalTool.organization_id == organization_id, ExternalTool.name == NAME
        )
    )


def _add(tx: Tx, organization_id: int, maker: Described) -> None:
    now, quiz = clock.now(), QUIZZES[0]
    tool = actions.create_tool(
        tx.session, organization_id, maker, custom={}, state=ToolState.ACTIVE, by=None, now=now
    )
    linking.add_module(
        tx,
        tool,
        title=quiz.title,
        target_url=maker.target_url,
        custom={"quiz": quiz.name},
        pass_share=1.0,
        score_maximum=1.0,
        by=None,
        now=now,
    )


def _move(session: Session, tool: ExternalTool, maker: Described) -> None:
    tool.login_url, tool.redirect_urls = maker.login_url, list(maker.redirect_urls)
    tool.jwks_url, tool.target_url = maker.jwks_url, maker.target_url
    tool.picker_url = maker.picker_url
    links = ToolLink.tool_id == tool.id
    session.execute(update(ToolLink).where(links).values(target_url=maker.target_url))


def _quiz(organization_id: int) -> int:
    found = read_session().scalars(
        select(ToolLink.module_id)
        .where(ToolLink.organization_id == organization_id)
        .order_by(ToolLink.id)
        .limit(1)
    )
    number = found.one()
    read_session().rollback()
    return number


def platform(organization_id: int) -> Platform:
    """What the quiz maker has to know about the product."""
    tool = _tool(read_session(), organization_id)
    assert tool is not None
    ours = platform_addresses(current_settings().tool_url, tool.uid)
    client_id = tool.client_id
    read_session().rollback()
    return Platform(
        issuer=ours.issuer,
        client_id=client_id,
        deployment_id=actions.DEPLOYMENT,
        auth_url=ours.authorization,
        token_url=ours.token,
        jwks_url=ours.jwks,
    )
