"""A course that has ended is looked at again from the learner's page; nothing counts any more."""

from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient

from plugin.core.db import db
from plugin.modules.models import Completion, Module, Run
from plugin.org.models import Person
from plugin.scorm.models import ScormLaunch
from tests.functional.assign.places import HIDDEN, publish, row, training
from tests.support.html import read
from tests.support.play import Player, brought_in, scored, started
from tests.support.world import World


@dataclass
class Place:
    """Lars, his browser, a course asked of him, and his sitting in it."""

    client: FlaskClient
    person: Person
    module: Module
    player: Player
    run: Run
    configuration_id: int

    def ways(self) -> list[str]:
        page = read(self.client.get("/").get_data(as_text=True))
        forms = page.by_id(f"module-{self.module.id}").all("form")
        return [each.attributes["action"] for each in forms]

    def review(self) -> int:
        return int(self.client.post(f"/play/{self.run.id}/review").status_code)


@pytest.fixture
def place(world: World, client: FlaskClient) -> Place:
    person, unit = world.person("Lars Learner"), world.unit()
    world.member(person, unit)
    module = brought_in(world, scored())
    configuration = training(unit, row(module))
    world.sign_in(client, person)
    run = started(module, person)
    player = Player(client, run)
    player.open()
    return Place(client, person, module, player, run, configuration)


def test_after_its_end_the_tile_leads_to_the_sitting_and_to_a_new_one(place: Place) -> None:
    start, review = f"/modules/{place.module.id}/start", f"/play/{place.run.id}/review"
    assert place.ways() == [start]
    place.player.say("passed", raw="90")
    assert place.ways() == [start, review]
    place.client.post(start)
    assert place.ways() == [start]  # what is under way comes first


def test_looking_again_opens_the_sitting_and_changes_nothing(place: Place) -> None:
    place.player.say("passed", raw="90")
    answer = place.client.post(f"/play/{place.run.id}/review")
    assert (answer.status_code, answer.location) == (303, f"/play/{place.run.id}")
    launches = db.session.query(ScormLaunch).filter_by(run_id=place.run.id).count()
    assert launches == 2
    opened = Player(place.client, place.run).open()
    assert opened["review"] is True
    assert db.session.query(Completion).count() == 1
    assert db.session.query(Run).count() == 1


def test_what_has_not_ended_cannot_be_looked_at_again(place: Place) -> None:
    assert place.review() == 409


def test_what_is_not_shown_any_more_cannot_be_looked_at_again(place: Place, world: World) -> None:
    place.player.say("passed", raw="90")
    publish(place.configuration_id, row(place.module, HIDDEN))
    assert place.review() == 404


def test_a_sitting_of_somebody_else_is_not_found(
    place: Place, world: World, client: FlaskClient
) -> None:
    place.player.say("passed", raw="90")
    world.sign_in(client, world.person("Una Other"))
    assert place.review() == 404
