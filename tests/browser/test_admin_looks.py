"""The admins' pages and forms are as readable, reachable and narrow as the learners'."""

import pytest
from playwright.sync_api import Page, expect

from plugin.assign import merging
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.lti.tool.models import Registration
from plugin.org.models import Person, Unit
from plugin.web.roles import Role
from tests.browser.conftest import Visit
from tests.browser.looks import flaws, flaws_at
from tests.functional.assign.places import row, training
from tests.functional.lti.conftest import register
from tests.support.browser import take_picture
from tests.support.play import started
from tests.support.world import World

PAGES = {
    "people": "/admin/people",
    "new-person": "/admin/people/new",
    "person": "/admin/people/{person}",
    "person-edit": "/admin/people/{person}/edit",
    "person-access": "/admin/people/{person}/access",
    "person-training": "/admin/people/{person}/training",
    "person-activity": "/admin/people/{person}/activity",
    "person-record": "/admin/people/{person}/completions/new",
    "person-correct": "/admin/people/{person}/completions/{completion}/correct",
    "person-merge": "/admin/people/{person}/merge",
    "merge": "/admin/people/{person}/merge/{twin}",
    "unmerge": "/admin/people/{merged}/merges/{merge}/undo",
    "merged": "/admin/people/{merged}",
    "person-waive": "/admin/people/{person}/waive/{configuration}/{module}",
    "person-end": "/admin/people/{person}/sittings/{run}/end",
    "imports": "/admin/imports",
    "new-import": "/admin/imports/new",
    "rules": "/admin/rules",
    "lmss": "/admin/lms",
    "lms": "/admin/lms/{lms}",
    "lms-invite": "/admin/lms/invite",
    "lms-choose": "/admin/lms/new",
    "grades": "/admin/lms/grades",
    "unit-courses": "/admin/units/{unit}/courses",
    "graded-module": "/admin/modules/graded/new",
    "lms-register": "/admin/lms/new/moodle%3Fsite=https://moodle.example.test",
    "groups": "/admin/groups",
    "sites": "/admin/sites",
    "regions": "/admin/regions",
    "new-unit": "/admin/units/new",
    "unit": "/admin/units/{unit}",
    "edit-unit": "/admin/units/{unit}/edit",
    "archive-unit": "/admin/units/{unit}/archive",
    "members": "/admin/units/{unit}/members%3Ffind=ada",
    "activity": "/admin/units/{unit}/activity",
    "claim": "/admin/claim",
    "training": "/admin/training",
    "unit-training": "/admin/units/{unit}/training",
    "configuration": "/admin/training/{configuration}",
    "publish": "/admin/training/{configuration}/publish",
    "progress": "/admin/training/{configuration}/progress",
    "versions": "/admin/training/{configuration}/versions",
    "version": "/admin/training/{configuration}/versions/1",
    "more": "/admin/training/{configuration}/more",
    "preview": "/admin/training/{configuration}/preview",
    "templates": "/admin/templates",
    "modules": "/admin/modules",
    "module": "/admin/modules/{module}",
    "module-results": "/admin/modules/{module}/results",
    "import": "/admin/modules/import",
    "nothing-here": "/admin/nothing",
}


@pytest.fixture
def grace(world: World) -> Person:
    """An admin whose organization has a unit with two people and one training."""
    admin = world.person("Grace Brewster Murray Hopper")
    world.grant(admin, Role.ADMIN)
    return admin


@pytest.fixture
def places(world: World, grace: Person) -> dict[str, int]:
    unit: Unit = world.unit("Hochspannungsschaltanlagenbedienungspersonal of the night shift")
    world.member(grace, unit)
    lars = world.person("Lars Learner", email=None)
    world.member(lars, unit)
    module = world.module("Lifting operations: slinging and signalling")
    configuration = training(unit, row(module, validity_months=12, pass_mark=0.8, due_days=30))
    twin = world.person("Lars Learner", email="lars@example.test")
    merged, gone = world.person("Mary One", email=None), world.person("Mary Two")
    with transaction() as tx:
        made = merging.merge(
            tx,
            tx.session.get_one(Person, merged.id),
            tx.session.get_one(Person, gone.id),
            by=grace.id,
            reason="one human",
            now=clock.now(),
        )
        assert made is not None
        tx.session.flush()
        merge = made.id
    completion = world.completion(lars, module, score=0.9)
    lms = register(world).uid
    return {
        "lms": db.session.query(Registration.id).filter_by(uid=lms).scalar(),
        "twin": twin.id, "merged": merged.id, "merge": merge, "completion": completion.id,
        "run": started(module, lars).id,
        "unit": unit.id, "module": module.id, "configuration": configuration, "person": lars.id,
    }  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_every_admin_page_fits_and_serves_everybody(
    grace: Person, places: dict[str, int], visit: Visit, page: Page, name: str
) -> None:
    visit(grace, PAGES[name].format(**places))
    assert flaws_at(page, f"admin-{name}", 380, 1280) == []


MIRRORED = (
    "people", "person", "person-training", "person-access", "rules", "members", "unit",
    "configuration", "publish", "versions", "new-import", "lms", "lms-register",
)  # fmt: skip


@pytest.mark.parametrize("name", MIRRORED)
def test_admin_pages_in_arabic_fit_and_serve_everybody(
    grace: Person, places: dict[str, int], visit: Visit, page: Page, name: str
) -> None:
    visit(grace, PAGES[name].format(**places), locale="ar")
    html = page.locator("html")
    assert (html.get_attribute("lang"), html.get_attribute("dir")) == ("ar", "rtl")
    assert flaws_at(page, f"admin-ar-{name}", 380, 1280) == []


def test_a_mistake_is_said_at_its_field(grace: Person, visit: Visit, page: Page) -> None:
    visit(grace, "/admin/units/new")
    page.get_by_role("button", name="Create the unit").click()
    expect(page.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Name")).to_have_accessible_description("This field is required.")
    take_picture(page, "admin-mistake-380")
    assert flaws(page) == []


def test_a_double_click_sends_a_form_once(
    world: World, grace: Person, places: dict[str, int], visit: Visit, page: Page
) -> None:
    sent: list[str] = []
    page.on("request", lambda each: sent.append(each.url) if each.method == "POST" else None)
    visit(grace, f"/admin/units/{places['unit']}/members")
    page.get_by_label("Choose Lars Learner").check()
    page.get_by_role("button", name="Remove the chosen").dblclick()
    expect(page.get_by_text("1 person removed.")).to_be_visible()
    assert len(sent) == 1
