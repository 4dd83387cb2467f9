"""A certificate from elsewhere in the browser: submitted in a small frame, decided about."""

import pytest
from playwright.sync_api import FilePayload, Page, expect

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.modules.models import Module
from plugin.org.models import Person
from plugin.submissions import actions
from plugin.submissions.models import SubmissionState, SubmittedCertificate
from plugin.web.roles import Role
from tests.browser.conftest import Visit
from tests.browser.looks import flaws
from tests.functional.assign.places import row, training
from tests.support.browser import overflows, take_picture
from tests.support.papers import pdf
from tests.support.world import World

SCAN = FilePayload(name="Zertifikat 2027.pdf", mimeType="application/pdf", buffer=pdf())


@pytest.fixture
def boss(world: World) -> Person:
    person = world.person("Grace Hopper")
    world.grant(person, Role.ADMIN)
    return person


@pytest.fixture
def module_id(world: World, boss: Person, learner: Person) -> int:
    by, organization_id = boss.id, boss.organization_id
    words = "Of a recognized trainer, in person, sixteen lessons."
    with transaction() as tx:
        module_id = actions.create_module(
            tx, organization_id, title="First aid at work", words=words, by=by, now=clock.now()
        ).id
    unit = world.unit()
    world.member(learner, unit)
    module = db.session.get_one(Module, module_id)
    training(unit, row(module, validity_months=24))
    return module_id


def looked_at(page: Page, name: str) -> None:
    take_picture(page, name)
    assert overflows(page) == 0
    assert flaws(page) == []


@pytest.mark.parametrize(("width", "locale"), [(380, None), (1280, "ar")])
def test_a_certificate_is_submitted_and_approved(
    learner: Person,
    boss: Person,
    module_id: int,
    visit: Visit,
    page: Page,
    width: int,
    locale: str | None,
) -> None:
    page.set_viewport_size({"width": width, "height": 450 if width < 1000 else 800})
    place = f"{locale or 'en'}-{width}"
    visit(learner, "/", locale=locale)
    page.locator(f"form[action$='/modules/{module_id}/start'] button").click()
    looked_at(page, f"submit-{place}")
    form = page.locator("form[enctype]")
    form.locator("button").click()
    expect(form.locator("[name=name]")).to_have_attribute("aria-invalid", "true")
    looked_at(page, f"submit-mistake-{place}")
    form.locator("[name=evidence]").set_input_files(SCAN)
    form.locator("[name=name]").fill("First aid, two days")
    form.locator("[name=issuer]").fill("Red Cross")
    form.locator("[name=issued_on]").fill("2027-01-15")
    form.locator("[name=ends_on]").fill("2029-01-14")
    form.locator("button").click()
    expect(page.locator(".entries")).to_contain_text("First aid, two days")
    looked_at(page, f"submitted-{place}")
    visit(boss, "/admin/submissions", locale=locale)
    looked_at(page, f"submissions-{place}")
    page.locator(".entries a").click()
    looked_at(page, f"submission-{place}")
    page.locator("form[action$='/approve'] button").click()
    expect(page.get_by_role("status")).to_be_visible()
    db.session.rollback()
    assert db.session.query(SubmittedCertificate).one().state is SubmissionState.APPROVED
    looked_at(page, f"submissions-empty-{place}")


@pytest.mark.parametrize("width", [380, 1280])
def test_the_module_is_made_on_a_page_for_everybody(
    boss: Person, module_id: int, visit: Visit, page: Page, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 450 if width < 1000 else 800})
    visit(boss, "/admin/modules/certificates/new")
    looked_at(page, f"admin-new-certificate-module-{width}")
    visit(boss, f"/admin/modules/certificates/{module_id}")
    looked_at(page, f"admin-certificate-module-{width}")
