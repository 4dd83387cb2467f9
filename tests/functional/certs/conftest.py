"""Mail of these tests goes to a real SMTP server."""

from collections.abc import Iterator

import pytest
from flask import Flask

from plugin.web.limits import limiter
from tests.support import smtp


@pytest.fixture(autouse=True)
def inbox(app: Flask) -> Iterator[smtp.Inbox]:
    with smtp.server() as server:
        app.extensions["mail"].port = server.port
        app.extensions["mail"].use_tls = False
        yield server


@pytest.fixture(autouse=True)
def fresh_counters(app: Flask) -> None:
    limiter.reset()
