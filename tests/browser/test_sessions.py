"""Sessions in the browser: a seat in a small frame, the list and the code of the room."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from plugin.classroom import actions
from plugin.classroom.models import ClassSession
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.modules.models import Completion, Module
from plugin.org.models import Person
from plugin.web.roles import Role
from tests.browser.conftest import Visit
from tests.browser.looks import flaws
from tests.functional.assign.places import row, training
from tests.functional.classroom.conftest import new_module, new_session
from tests.support.browser import overflows, take_picture
from tests.support.world import World


@pytest.fixture
def boss(world: World) -> Person:
    person = world.person("Grace Hopper")
    world.grant(person, Role.ADMIN)
    return person


@pytest.fixture
def module(world: World, boss: Person, learner: Person) -> Module:
    made = new_module(boss)
    unit = world.unit()
    world.member(learner, unit)
    training(unit, row(made))
    return made


def looked_at(page: Page, name: str) -> None:
    take_picture(page, name)
    assert overflows(page) == 0
    assert flaws(page) == []


@pytest.mark.parametrize(("width", "locale"), [(380, None), (1280, "ar")])
def test_a_learner_takes_a_seat_comes_and_is_on_record(
    world: World,
    boss: Person,
    learner: Person,
    module: Module,
    visit: Visit,
    page: Page,
    width: int,
    locale: str | None,
) -> None:
    page.set_viewport_size({"width": width, "height": 450 if width < 1000 else 800})
    place = f"{locale or 'en'}-{width}"
    start = f"form[action$='/modules/{module.id}/start'] button"
    number = new_session(boss, module, hours=3, place="Training yard, hall 3").id
    visit(learner, "/", locale=locale)
    page.locator(start).click()
    page.locator("form[action$='/sign-up'] button").click()
    expect(page.get_by_role("status")).to_be_visible()
    looked_at(page, f"sessions-{place}")
    running = new_session(boss, module, hours=0, place="Quay 2").id
    page.reload()
    wrong = page.locator(f"#code-{running}")
    wrong.fill("ABC DEF")
    wrong.press("Enter")
    expect(page.locator(f"#code-{running}")).to_have_attribute("aria-invalid", "true")
    looked_at(page, f"sessions-wrong-code-{place}")
    page.clock.install()
    visit(boss, f"/teaching/{running}/code", locale=locale)
    looked_at(page, f"sessions-code-{place}")
    before = page.locator(".room-words").inner_text()
    with clock.at(clock.now() + timedelta(seconds=31)):
        page.clock.fast_forward(31_000)
        expect(page.locator(".room-words")).not_to_have_text(before)
    with transaction() as tx:
        found = tx.session.get_one(ClassSession, running)
        actions.come(tx, found, learner.id, leads=False, now=clock.now())
    visit(boss, f"/teaching/{running}", locale=locale)
    looked_at(page, f"sessions-attendance-{place}")
    page.locator("button[value=confirm]").click()
    expect(page.get_by_role("status")).to_be_visible()
    looked_at(page, f"sessions-recorded-{place}")
    db.session.rollback()
    assert db.session.query(Completion).one().evidence["session"]["id"] == running
    assert number != running


@pytest.mark.parametrize("width", [380, 1280])
def test_the_admins_pages_of_sessions_fit_and_serve_everybody(
    boss: Person, module: Module, visit: Visit, page: Page, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 450 if width < 1000 else 800})
    number = new_session(boss, module, hours=3, place="Training yard, hall 3").id
    for name, path in (
        ("new-module", "/admin/modules/sessions/new"),
        ("module", f"/admin/modules/sessions/{module.id}"),
        ("plan", f"/admin/modules/sessions/{module.id}/plan"),
        ("edit", f"/admin/sessions/{number}"),
        ("cancel", f"/admin/sessions/{number}/cancel"),
        ("teaching", "/teaching"),
    ):
        visit(boss, path)
        looked_at(page, f"admin-sessions-{name}-{width}")
