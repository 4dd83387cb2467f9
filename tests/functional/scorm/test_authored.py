"""Packages as authoring tools make them are imported, opened, and their pages are served."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.core.db import db
from plugin.scorm.models import Package
from tests.support.authored import AUTHORED, Authored
from tests.support.packages import PAGE
from tests.support.play import Player, brought_in, started
from tests.support.world import World


@pytest.mark.parametrize("authored", AUTHORED, ids=lambda each: each.name)
def test_a_package_as_a_tool_makes_it_is_imported_opened_and_served(
    world: World, client: FlaskClient, authored: Authored
) -> None:
    module = brought_in(world, authored.source())
    made = db.session.scalars(select(Package)).one()
    assert made.manifest is not None
    assert (module.title, made.manifest["version"]) == (authored.title, authored.version)
    assert tuple(each["code"] for each in made.findings) == authored.codes
    player = Player(client, started(module, world.person()))
    parts = player.open()["parts"]
    assert tuple((each["href"], each["is_sco"]) for each in parts) == authored.parts
    for part in parts:
        served = player.get(f"files/{part['href']}")
        assert (served.status_code, served.data) == (200, PAGE), part["href"]
