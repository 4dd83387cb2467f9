"""A sitting that got stuck is ended by who looks after the person; the next one begins anew."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.core.audit import AuditEntry
from plugin.core.db import db
from plugin.modules.models import Module, Run, RunState
from plugin.org.models import Person, Unit
from plugin.web.roles import Role
from tests.support.html import read
from tests.support.play import Player, brought_in, started
from tests.support.world import World


@pytest.fixture
def quay(world: World) -> Unit:
    return world.unit("Quay")


@pytest.fixture
def manager(world: World, client: FlaskClient, quay: Unit) -> FlaskClient:
    person = world.person("Mary Manager")
    world.grant(person, Role.MANAGER, quay)
    world.sign_in(client, person)
    return client


@pytest.fixture
def lars(world: World, quay: Unit) -> Person:
    person = world.person("Lars Learner")
    world.member(person, quay)
    return person


@pytest.fixture
def ladders(world: World) -> Module:
    return brought_in(world, title="Ladders")


def end(client: FlaskClient, run: Run, reason: str = "It shows a blank page") -> int:
    address = f"/admin/people/{run.person_id}/sittings/{run.id}/end"
    return client.post(address, data={"reason": reason}).status_code


def test_what_is_under_way_is_listed_and_can_be_ended(
    manager: FlaskClient, lars: Person, ladders: Module
) -> None:
    run = started(ladders, lars)
    player = Player(manager, run)
    player.open()
    assert player.say("incomplete", suspend="broken").status_code == 200
    page = read(manager.get(f"/admin/people/{lars.id}/training").text)
    (way,) = [each for each in page.all("a") if each.words == "End the sitting Ladders"]
    asked = manager.get(str(way.attributes["href"])).text
    assert "begins anew" in asked
    assert end(manager, run) == 303
    assert "Under way" not in manager.get(f"/admin/people/{lars.id}/training").text

    db.session.rollback()
    again = started(ladders, lars)
    assert (again.number, again.state) == (2, RunState.OPEN)
    (part,) = Player(manager, again).open()["parts"]
    assert part["is_new"]
    assert "suspend_data" not in part["cmi"]
    (entry,) = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "run.ended"))
    assert entry.reason == "It shows a blank page"


def test_a_window_still_open_is_told_and_acknowledges_nothing(
    manager: FlaskClient, lars: Person, ladders: Module
) -> None:
    run = started(ladders, lars)
    player = Player(manager, run)
    player.open()
    assert end(manager, run) == 303
    said = player.say("passed", finished=True)
    assert (said.status_code, (said.json or {})["result"]) == (410, "false")
    assert player.post("heartbeat", {"opening": player.opening}).status_code == 410
    assert player.post("open", {"replay": []}).status_code == 410


def test_a_reason_is_needed_and_an_ended_sitting_is_not_ended_again(
    manager: FlaskClient, lars: Person, ladders: Module
) -> None:
    run = started(ladders, lars)
    assert end(manager, run, reason=" ") == 422
    assert end(manager, run) == 303
    assert end(manager, run) == 404
    db.session.rollback()
    assert db.session.scalars(select(Run.state)).all() == [RunState.ABANDONED]


def test_nobody_out_of_reach_is_touched(
    world: World, client: FlaskClient, lars: Person, ladders: Module
) -> None:
    run = started(ladders, lars)
    elsewhere, other = world.person("Otto Other"), world.unit("Elsewhere")
    world.grant(elsewhere, Role.MANAGER, other)
    world.sign_in(client, elsewhere)
    assert end(client, run) == 404
    world.sign_in(client, lars)
    assert end(client, run) == 403
    stranger = world.person("Sam Stranger", organization=world.new_organization("Other"))
    world.grant(stranger, Role.ADMIN)
    world.sign_in(client, stranger)
    assert end(client, run) == 404
    db.session.rollback()
    assert db.session.scalars(select(Run.state)).all() == [RunState.OPEN]


def test_only_that_persons_sitting_is_ended(
    world: World, manager: FlaskClient, quay: Unit, lars: Person, ladders: Module
) -> None:
    other = world.person("Olga Other")
    world.member(other, quay)
    run = started(ladders, other)
    address = f"/admin/people/{lars.id}/sittings/{run.id}/end"
    assert manager.post(address, data={"reason": "x"}).status_code == 404
