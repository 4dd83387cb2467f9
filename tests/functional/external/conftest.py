"""An external tool, a module it plays, and a learner to whom it is assigned."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from plugin.core import http
from plugin.lti.platform.signing import tool_keys
from plugin.modules.models import Module
from tests.functional.external.maker import Maker, assigned, new_maker, new_module
from tests.support.world import World


@pytest.fixture
def maker(client: FlaskClient, world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Maker]:
    tool_keys.forget()
    found = new_maker(client, world)
    monkeypatch.setattr(http, "call", found.fetch)
    yield found
    tool_keys.forget()


@pytest.fixture
def module(maker: Maker) -> Module:
    return new_module(maker)


@pytest.fixture
def start(world: World, module: Module, client: FlaskClient) -> str:
    """The address that opens the tool for the learner."""
    return assigned(world, module, client)
