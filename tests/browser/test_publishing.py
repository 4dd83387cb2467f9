"""An admin reads what a publish will do, changes the choices, and publishes what was read."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from plugin.core import clock
from plugin.core.db import db
from plugin.modules.models import Module
from plugin.org.models import Person
from plugin.web.roles import Role
from tests.browser.conftest import Visit
from tests.browser.looks import flaws
from tests.functional.assign.places import new_version, row, training, versions
from tests.functional.certs.test_impact import prepare, work
from tests.support.browser import overflows, take_picture
from tests.support.world import World

SIZES = {380: 450, 1100: 800}


@pytest.fixture
def grace(world: World) -> Person:
    admin = world.person("Grace Hopper")
    world.grant(admin, Role.ADMIN)
    return admin


@pytest.fixture
def asked(world: World) -> int:
    """Twelve people hold the certificate; the draft asks one module more."""
    site, done, more = world.unit("North Quay"), world.module("Height"), world.module("Gas")
    with clock.at(clock.now() - timedelta(days=1)):
        asked = training(site, row(done, validity_months=12), name="Site access")
        for number in range(12):
            person = world.person(f"Person {number:02}", email=f"p{number}@example.test")
            world.member(person, site)
            world.completion(person, done)
        work()
    prepare(asked, [row(done, validity_months=12), row(more, due_days=14)], on=True)
    return asked


def number(page: Page, label: str) -> str:
    line = page.get_by_role("row").filter(has_text=label).first
    return line.get_by_role("cell").inner_text().split()[0]


@pytest.mark.parametrize("width", SIZES)
def test_choices_change_the_numbers_at_once_and_names_are_behind_them(
    grace: Person, asked: int, visit: Visit, page: Page, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": SIZES[width]})
    visit(grace, f"/admin/training/{asked}/publish")
    assert number(page, "Certificates that turn invalid") == "12"
    take_picture(page, f"publish-impact-{width}")
    assert overflows(page) == 0
    assert flaws(page) == []
    day = (clock.now() + timedelta(days=20)).date().isoformat()
    page.get_by_label("Grace until").fill(day)
    page.get_by_label("Now, with a grace").check()
    at_risk = page.get_by_role("row").filter(has_text="after the grace")
    expect(at_risk.get_by_role("cell")).to_contain_text("12")
    at_risk.get_by_role("link").click()
    expect(page.get_by_text("Person 00")).to_be_visible()
    expect(page.get_by_text("1 to 12 of 12")).to_be_visible()
    take_picture(page, f"publish-names-{width}")
    assert overflows(page) == 0
    assert flaws(page) == []


def test_what_was_read_is_published_and_its_progress_moves_by_itself(
    grace: Person, asked: int, visit: Visit, page: Page, complaints: list[str]
) -> None:
    visit(grace, f"/admin/training/{asked}/publish")
    page.get_by_label("Reason").fill("New law")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("It is about to begin.")).to_be_visible()
    work()
    expect(page.get_by_text("12 people have been judged by it.")).to_be_visible()
    take_picture(page, "publish-progress-380")
    assert flaws(page) == []
    assert len(versions(asked)) == 2
    assert complaints == []


@pytest.mark.parametrize("width", SIZES)
def test_a_version_to_be_learned_anew_shows_its_numbers_as_the_day_is_chosen(
    grace: Person, asked: int, world: World, visit: Visit, page: Page, width: int
) -> None:
    module = db.session.scalars(select(Module).where(Module.title == "Height")).one()
    new_version(module)
    page.set_viewport_size({"width": width, "height": SIZES[width]})
    visit(grace, f"/admin/modules/{module.id}/versions/2/before")
    page.get_by_label("From a date on it counts no more").check()
    day = (clock.now() + timedelta(days=20)).date().isoformat()
    page.get_by_label("From", exact=True).fill(day)
    page.keyboard.press("Tab")
    expect(
        page.get_by_role("row").filter(has_text="Certificates that turn invalid")
    ).to_contain_text("12")
    take_picture(page, f"retraining-{width}")
    assert overflows(page) == 0
    assert flaws(page) == []
    page.get_by_label("Reason").fill("New ladders")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("this version is required").first).to_be_visible()
