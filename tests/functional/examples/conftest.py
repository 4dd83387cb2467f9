"""The scene of every test of the rules."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from plugin.web.limits import limiter
from tests.functional.examples.scene import Scene
from tests.support import smtp
from tests.support.world import World


@pytest.fixture
def scene(world: World, client: FlaskClient, app: Flask) -> Iterator[Scene]:
    limiter.reset()
    with smtp.server() as server:
        app.extensions["mail"].port = server.port
        app.extensions["mail"].use_tls = False
        yield Scene(world, client, server)
