"""What the tests of mail share: a real server to send to, and an organization's wishes."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from plugin.core import clock
from plugin.core.db import db
from plugin.notify.mail_models import MailSettings
from tests.support import smtp
from tests.support.world import World

Wish = Callable[..., None]


@pytest.fixture
def inbox(app: Flask) -> Iterator[smtp.Inbox]:
    with smtp.server() as server:
        app.extensions["mail"].port = server.port
        app.extensions["mail"].use_tls = False
        yield server


@pytest.fixture
def wish(world: World) -> Wish:
    """The organization's mail settings are these."""

    def make(**what: Any) -> None:
        row = {"off_kinds": [], "updated_at": clock.now()} | what
        world.add(MailSettings(organization_id=world.organization.id, **row))
        db.session.rollback()

    return make
