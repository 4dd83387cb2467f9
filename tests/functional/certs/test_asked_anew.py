"""A module without files can be asked for anew from a day on, as a new version of a file can."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from plugin.assign.retraining_progress import progress_of
from plugin.core import clock
from plugin.core.db import db
from plugin.modules.models import Module, ModuleKind, ModuleVersion, Retraining
from plugin.org.models import Person
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.assign.places import evaluate_later, row, training
from tests.functional.certs.test_publish_pages import numbers
from tests.functional.certs.test_retraining import CONCERNED, ENDS, MIDNIGHT, ON, TOLD, verdict
from tests.support.html import read
from tests.support.pages import last_form, press, values_of
from tests.support.work import work_off
from tests.support.world import World

DAY = timedelta(days=1)
WITHOUT_FILES = (ModuleKind.SESSION, ModuleKind.CERTIFICATE, ModuleKind.LMS_GRADE)
PAGES = {
    ModuleKind.SESSION: "/admin/modules/sessions/{}",
    ModuleKind.CERTIFICATE: "/admin/modules/certificates/{}",
    ModuleKind.LMS_GRADE: "/admin/modules/graded/{}",
}
FILLED = {"effect": "retraining", "from_on": ON.isoformat(), "reason": "New law"}


@pytest.fixture
def boss(world: World, client: FlaskClient) -> Person:
    person = world.person("Grace Hopper", email="grace@example.test")
    world.grant(person, Role.ADMIN)
    world.sign_in(client, person)
    return person


def test_the_day_that_is_needed_is_not_called_optional(
    world: World, boss: Person, client: FlaskClient
) -> None:
    module = world.module("Ladders", kind=ModuleKind.SESSION)
    address = client.get(f"/admin/modules/{module.id}/anew").headers["Location"]
    page = read(client.get(address).text)
    (label,) = page.all("label", **{"for": "from_on"})
    assert label.words == "From"
    assert "(optional)" not in page.words


def certified(world: World, module: Module) -> int:
    """Somebody passed a month ago and holds a certificate."""
    with clock.at(NOW - 30 * DAY):
        unit, ada = world.unit(), world.person()
        world.member(ada, unit)
        asked = training(unit, row(module, validity_months=12))
        world.completion(ada, module)
        evaluate_later(ada)
        work_off()
        work_off()
    return asked


@pytest.mark.parametrize("kind", WITHOUT_FILES)
def test_a_module_without_files_is_asked_for_anew_with_its_impact_shown_before(
    world: World, boss: Person, client: FlaskClient, kind: ModuleKind
) -> None:
    module = world.module("Ladders", kind=kind)
    asked, module_id = certified(world, module), module.id
    page = read(client.get(PAGES[kind].format(module_id)).text)
    (link,) = [each for each in page.all("a") if each.words == "Choose a day"]
    address = client.get(link.attributes["href"]).headers["Location"]
    looked = press(client, address, "look", **FILLED)
    assert numbers(looked.text)[ENDS] == "1"
    assert numbers(looked.text)[CONCERNED] == "1"
    before = db.session.scalar(select(func.count(ModuleVersion.id)))
    links = [each.attributes.get("href", "") for each in read(looked.text).all("a")]
    (names,) = [each for each in links if "/before/people?" in each]
    assert "Ada" in client.get(names).text
    answer = client.post(address, data=values_of(last_form(looked.text)) | FILLED | {"decide": "1"})
    assert answer.status_code == 303, answer.text
    assert before != db.session.scalar(select(func.count(ModuleVersion.id)))
    work_off()
    assert verdict(asked, MIDNIGHT - DAY).value == "valid"
    assert verdict(asked, MIDNIGHT).value == "invalid"
    again = client.get(link.attributes["href"]).headers["Location"]
    assert again == address, "until the day begins, that decision can be changed"


def test_looking_makes_no_version_and_a_day_is_needed(
    world: World, boss: Person, client: FlaskClient
) -> None:
    module = world.module("Ladders", kind=ModuleKind.SESSION)
    certified(world, module)
    versions = select(func.count(ModuleVersion.id)).where(ModuleVersion.module_id == module.id)
    before = db.session.scalar(versions)
    address = client.get(f"/admin/modules/{module.id}/anew").headers["Location"]
    looked = press(client, address, "look", **FILLED)
    for odd in ({"effect": "equivalent"}, {"from_on": ""}):
        filled = values_of(last_form(looked.text)) | FILLED | odd | {"decide": "1"}
        answer = client.post(address, data=filled)
        assert answer.status_code == 422
        assert "Choose a day" in answer.text
    assert db.session.scalar(versions) == before
    assert db.session.scalar(select(func.count(Retraining.id))) == 0


def test_files_are_asked_for_anew_by_bringing_them(
    world: World, boss: Person, client: FlaskClient
) -> None:
    module = world.module("Ladders")
    address = client.get(f"/admin/modules/{module.id}/anew").headers["Location"]
    assert client.get(address).status_code == 404


def test_the_page_says_how_far_the_decision_has_come(
    world: World, boss: Person, client: FlaskClient
) -> None:
    module = world.module("Ladders", kind=ModuleKind.SESSION)
    certified(world, module)
    address = client.get(f"/admin/modules/{module.id}/anew").headers["Location"]
    looked = press(client, address, "look", **FILLED)
    told = numbers(looked.text)[TOLD]
    client.post(address, data=values_of(last_form(looked.text)) | FILLED | {"decide": "1"})
    page = client.get(address).text
    assert "Nothing was decided" not in page, "a decided day is no mistake"
    assert numbers(page)[CONCERNED] == "1"
    assert "0 of 1 people" in page
    assert 'hx-trigger="every 2s"' in page
    work_off()
    done = client.get(address).text
    assert "1 person has been judged by it." in done
    assert 'hx-trigger="every 2s"' not in done
    decided = db.session.scalars(select(Retraining.id)).one()
    progress = progress_of(db.session(), decided)
    assert (progress.percent, progress.mails_waiting + progress.mails_sent) == (100, int(told))
