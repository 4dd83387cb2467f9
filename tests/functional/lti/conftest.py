"""A registered LMS whose key set address is answered by the test's own key set."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from plugin.core import clock, http
from plugin.core.db import transaction
from plugin.core.settings import Settings
from plugin.lti.tool import actions
from plugin.lti.tool.views import KEYS
from plugin.org import roster
from plugin.org.models import Unit
from tests.functional.lti.campus import Peer, campus, registration
from tests.functional.lti.platform import Lms
from tests.support.work import work_off
from tests.support.world import World


@pytest.fixture
def lms(app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lms]:
    """A trusted LMS. The library door for HTTP is the only thing replaced."""
    lms = register(world)

    def call(settings: Settings, method: str, url: str, headers: dict[str, str]) -> http.Reply:
        return lms.key_set.fetch(url)

    monkeypatch.setattr(http, "call", call)
    app.extensions[KEYS].forget()
    yield lms
    app.extensions[KEYS].forget()


def register(world: World, *, admins_by_role: bool = False, **changes: str) -> Lms:
    """A registration in the organization of the world, and the LMS behind it."""
    lms = Lms(uid="", **changes)
    with transaction() as tx:
        registration = actions.register(
            tx.session,
            world.organization.id,
            name="Lab LMS",
            issuer=lms.issuer,
            client_id=lms.client_id,
            auth_url=lms.auth_url,
            token_url="https://lms.example.test/token.php",
            jwks_url="https://lms.example.test/certs.php",
            deployment_ids=[lms.deployment_id],
            admins_by_role=admins_by_role,
            encryption_key="another secret only tests know, long",
            by=None,
            now=clock.now(),
        )
        lms.uid = registration.uid
    return lms


@pytest.fixture
def peer(
    app: Flask,
    world: World,
    client: FlaskClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Peer]:
    """The miniature LMS with a course, a gradebook and a roster."""
    app.extensions[KEYS].forget()
    yield campus(world, client, tmp_path, lambda call: monkeypatch.setattr(http, "call", call))
    app.extensions[KEYS].forget()


@pytest.fixture
def unit(world: World) -> Unit:
    return world.unit("Safety 101")


@pytest.fixture
def tie(peer: Peer, unit: Unit) -> int:
    """The course is known by a teacher's launch, and tied to the unit."""
    unit_id = unit.id
    peer.launch("marco")
    work_off()
    number = registration().id
    with transaction() as tx:
        return roster.tie_course(
            tx.session,
            tx.session.get_one(Unit, unit_id),
            registration_id=number,
            deployment_id="1",
            context_id="2",
            title="Safety 101",
            by=None,
            now=clock.now(),
        ).id
