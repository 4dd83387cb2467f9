"""The quiz maker on a site of its own, for tests in a browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import db, transaction
from plugin.lti.platform import actions, linking
from plugin.lti.platform.addresses import platform_addresses
from plugin.lti.platform.models import ExternalTool, ToolState
from plugin.lti.platform.signing import tool_keys
from plugin.modules.models import Module
from plugin.org.models import Organization
from sandbox.demo_maker import described
from sandbox.maker import Workshop, create_maker
from sandbox.maker_lti import Notebook, Platform
from tests.support.browser import Address, serving


@dataclass(frozen=True, slots=True)
class QuizMaker:
    """A running quiz maker."""

    url: str
    keys_url: str
    app: Flask

    @property
    def registration(self) -> str:
        return f"{self.url}/register"

    def accepted(self, organization: Organization) -> ExternalTool:
        """The organization and the maker know each other."""
        with transaction() as tx:
            tool = actions.create_tool(
                tx.session,
                organization.id,
                described(self.url, self.keys_url),
                custom={},
                state=ToolState.ACTIVE,
                by=None,
                now=clock.now(),
            )
            uid, client_id, number = tool.uid, tool.client_id, tool.id
        ours = platform_addresses(current_settings().tool_url, uid)
        notebook: Notebook = self.app.extensions["notebook"]
        notebook.keep(
            Platform(
                issuer=ours.issuer,
                client_id=client_id,
                deployment_id=actions.DEPLOYMENT,
                auth_url=ours.authorization,
                token_url=ours.token,
                jwks_url=ours.jwks,
            )
        )
        return db.session.get_one(ExternalTool, number)

    def quiz(self, tool: ExternalTool, **changes: Any) -> Module:
        """A module the maker plays: passed with the right answer."""
        said: dict[str, Any] = {
            "title": "Fire extinguishers",
            "target_url": f"{self.url}/launch",
            "custom": {"quiz": "extinguishers"},
            "pass_share": 1.0,
            **changes,
        }
        with transaction() as tx:
            found = tx.session.get_one(ExternalTool, tool.id)
            number = linking.add_module(tx, found, by=None, now=clock.now(), **said).id
        return db.session.get_one(Module, number)


@contextmanager
def opened(address: Address, tool_url: str, folder: Path) -> Iterator[QuizMaker]:
    """A quiz maker at `quiz.localhost`, another site than the tool's and the LMS's."""
    url, keys_url = f"http://quiz.localhost:{address.port}", f"http://127.0.0.1:{address.port}"
    app = create_maker(Workshop(url=url, keys_url=keys_url, folder=folder, platform_url=tool_url))
    tool_keys.forget()
    with serving(app, address):
        yield QuizMaker(url, keys_url, app)
    tool_keys.forget()
