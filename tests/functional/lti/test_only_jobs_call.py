"""Services of an LMS are called by jobs only: no page waits for an LMS, which may wait for us."""

import pytest
from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import db
from plugin.lti.tool.rosters import sync
from plugin.modules.models import Module
from plugin.org.models import Person, Unit
from plugin.web.roles import Role
from tests.functional.assign.places import evaluate_later
from tests.functional.lti.campus import Peer, grade, registration
from tests.support.work import work_off
from tests.support.world import World


@pytest.fixture
def module(world: World) -> Module:
    return world.module("Fire safety")


def called(peer: Peer) -> list[str]:
    """What was called by now, but for the keys that a launch is checked with."""
    keys = peer.place.addresses()["jwks_url"]
    return [url for _method, url in peer.calls if url != keys]


def test_a_launch_asks_the_lms_for_nothing(peer: Peer, module: Module) -> None:
    assert peer.launch("lars", module=str(module.id)) == 303
    assert called(peer) == []
    work_off()
    assert called(peer) != []


def test_nor_does_a_module_that_is_completed(peer: Peer, world: World, module: Module) -> None:
    peer.launch("lars", module=str(module.id))
    work_off()
    peer.calls.clear()
    lars = db.session.query(Person).filter_by(full_name="Lars Ødegård").one()
    world.completion(lars, module, score=0.8)
    evaluate_later(lars)
    assert called(peer) == []
    work_off()
    assert any("/scores" in url for url in called(peer))


@pytest.mark.parametrize("press", ["check", "resend", "read", "show"])
def test_nor_does_what_an_admin_presses(
    peer: Peer, world: World, client: FlaskClient, module: Module, unit: Unit, tie: int, press: str
) -> None:
    peer.launch("lars", module=str(module.id))
    work_off()
    lars = db.session.query(Person).filter_by(full_name="Lars Ødegård").one()
    world.completion(lars, module, score=0.8)
    evaluate_later(lars)
    work_off()
    sync(tie)
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    peer.calls.clear()
    lms = f"/admin/lms/{registration().id}"
    with clock.at(clock.now().replace(minute=45)):
        if press == "show":
            for page in (lms, f"{lms}/report.txt", "/admin/lms/grades", f"/admin/units/{unit.id}"):
                assert client.get(page).status_code == 200
            assert peer.calls == []
            return
        address = {
            "check": f"{lms}/check",
            "resend": f"/admin/lms/grades/{grade().id}/resend",
            "read": f"/admin/units/{unit.id}/courses/{tie}/read",
        }[press]
        assert client.post(address).status_code == 303
        assert peer.calls == []
        work_off()
    assert called(peer) != []
