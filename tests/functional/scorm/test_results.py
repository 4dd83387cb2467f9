"""How a module reads its course's reports: the admin's choice, on the module's page."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.core.db import db
from plugin.modules.models import Completion, Module
from plugin.scorm.models import ScormRules
from plugin.web.roles import Role
from tests.support.packages import item, manifest, package, resource
from tests.support.play import Player, brought_in, scored, started
from tests.support.world import World


@pytest.fixture
def admin(world: World, client: FlaskClient) -> FlaskClient:
    person = world.person("Anna Admin")
    world.grant(person, Role.ADMIN)
    world.sign_in(client, person)
    return client


@pytest.fixture
def module(world: World) -> Module:
    return brought_in(world, scored("80"), title="Ladders")


def choose(admin: FlaskClient, module: Module, **chosen: str) -> int:
    data = {"never_set": "auto", "score_rule": "average", **chosen}
    return admin.post(f"/admin/modules/{module.id}/results", data=data).status_code


def test_the_page_says_how_results_are_read_and_leads_to_the_change(
    admin: FlaskClient, module: Module
) -> None:
    page = admin.get(f"/admin/modules/{module.id}").get_data(as_text=True)
    assert "own mastery score" in page
    assert f"/admin/modules/{module.id}/results" in page
    assert choose(admin, module, pass_mark="72.5", score_rule="highest") == 303
    page = admin.get(f"/admin/modules/{module.id}").get_data(as_text=True)
    assert "72.5 %" in page
    assert "The highest" in page


def test_the_choice_holds_for_what_is_reported_from_now_on(
    admin: FlaskClient, module: Module, world: World, client: FlaskClient
) -> None:
    player = Player(client, started(module, world.person()))
    player.open()
    player.say("completed", raw="60")
    assert db.session.scalars(select(Completion)).all() == []
    assert choose(admin, module, pass_mark="50") == 303
    player.say("completed", raw="60")
    (only,) = db.session.scalars(select(Completion)).all()
    assert only.passed
    assert only.evidence["rules"]["pass_share"] == "0.5"
    assert only.evidence["commits"][0]["part"] == "I1"


@pytest.fixture
def several(world: World) -> Module:
    items = item("I1", "Theory", "R1") + item("I2", "Practice", "R2")
    resources = resource("R1") + resource("R2")
    content = manifest(items=items, resources=resources)
    return brought_in(world, package(manifest_bytes=content), title="Two parts")


def test_the_parts_of_a_course_count_by_their_weights(
    admin: FlaskClient, several: Module, world: World, client: FlaskClient
) -> None:
    page = admin.get(f"/admin/modules/{several.id}/results").get_data(as_text=True)
    assert "Weight of “Practice”" in page
    assert choose(admin, several, score_rule="weighted", weight_0="1", weight_1="3") == 303
    page = admin.get(f"/admin/modules/{several.id}/results").get_data(as_text=True)
    assert 'name="weight_1" type="text" value="3"' in page
    player = Player(client, started(several, world.person()))
    player.open()
    player.say("completed", raw="100", sco="I1")
    player.say("completed", raw="60", sco="I2")
    (only,) = db.session.scalars(select(Completion)).all()
    assert only.score == pytest.approx(0.7)
    assert "I2" in only.evidence["rules"]["weights"]


def test_of_several_parts_each_is_told_its_own_mark_and_not_the_modules(
    admin: FlaskClient, world: World, client: FlaskClient
) -> None:
    inside = "<adlcp:masteryscore>50</adlcp:masteryscore>"
    items = item("I1", "Theory", "R1", inside) + item("I2", "Practice", "R1")
    module = brought_in(world, package(manifest_bytes=manifest(items=items)))
    assert choose(admin, module, pass_mark="80") == 303
    parts = Player(client, started(module, world.person())).open()["parts"]
    marks = [each["cmi"]["student_data"]["mastery_score"] for each in parts]
    assert marks == ["50", ""]


def test_a_course_of_one_part_asks_for_no_weights(admin: FlaskClient, module: Module) -> None:
    page = admin.get(f"/admin/modules/{module.id}/results").get_data(as_text=True)
    assert "weight_0" not in page


@pytest.mark.parametrize("weight", ["-1", "101", "much"])
def test_a_weight_nobody_can_mean_is_said_at_its_field(
    admin: FlaskClient, several: Module, weight: str
) -> None:
    assert choose(admin, several, score_rule="weighted", weight_0=weight) == 422
    assert db.session.scalars(select(ScormRules)).all() == []


@pytest.mark.parametrize("mark", ["0", "101", "much"])
def test_a_mark_nobody_can_mean_is_said_at_its_field(
    admin: FlaskClient, module: Module, mark: str
) -> None:
    assert choose(admin, module, pass_mark=mark) == 422
    assert db.session.scalars(select(ScormRules)).all() == []


def test_only_admins_of_the_organization_choose(
    world: World, client: FlaskClient, module: Module
) -> None:
    world.sign_in(client, world.person("Lars Learner"))
    assert choose(client, module) == 403
    other = world.new_organization("Other")
    stranger = world.person("Otto Other", organization=other)
    world.grant(stranger, Role.ADMIN)
    world.sign_in(client, stranger)
    assert choose(client, module) == 404
