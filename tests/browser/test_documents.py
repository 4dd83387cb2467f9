"""A document in the browser: read in the page of a small frame, and acknowledged."""

import pytest
from playwright.sync_api import Page, expect

from plugin.core.db import db
from plugin.modules.models import Completion, Module
from plugin.org.models import Person
from plugin.web.roles import Role
from tests.browser.conftest import Visit
from tests.browser.looks import flaws
from tests.functional.assign.places import row, training
from tests.support.browser import overflows, take_picture
from tests.support.documents import new_document, new_version
from tests.support.papers import pdf
from tests.support.world import World


@pytest.fixture
def boss(world: World) -> Person:
    person = world.person("Grace Hopper")
    world.grant(person, Role.ADMIN)
    return person


@pytest.fixture
def module_id(world: World, boss: Person, learner: Person) -> int:
    module = new_document(boss, title="Rules for the yard, the quays and hall 3")
    unit = world.unit()
    world.member(learner, unit)
    training(unit, row(module))
    return module.id


@pytest.mark.parametrize(("width", "locale"), [(380, None), (1280, "ar")])
def test_the_document_is_read_in_its_page_and_acknowledged(
    learner: Person, module_id: int, visit: Visit, page: Page, width: int, locale: str | None
) -> None:
    page.set_viewport_size({"width": width, "height": 450 if width < 1000 else 800})
    visit(learner, "/", locale=locale)
    page.locator(f"form[action$='/modules/{module_id}/start'] button").click()
    expect(page.locator("form.agree")).to_be_visible()
    page.wait_for_load_state("load")
    with page.expect_response(lambda each: "/d/" in each.url) as given:
        page.reload()
    assert given.value.status == 200
    take_picture(page, f"document-{locale or 'en'}-{width}")
    assert overflows(page) == 0
    assert flaws(page) == []
    agree = page.locator("form.agree")
    agree.locator("button").click()
    expect(agree.get_by_role("checkbox")).to_have_attribute("aria-invalid", "true")
    take_picture(page, f"document-mistake-{locale or 'en'}-{width}")
    assert flaws(page) == []
    agree.get_by_role("checkbox").check()
    agree.locator("button").click()
    expect(page.get_by_role("status")).to_be_visible()
    db.session.rollback()
    assert db.session.query(Completion).one().evidence["document"]["number"] == 1


@pytest.mark.parametrize("width", [380, 1280])
def test_the_admins_pages_of_documents_fit_and_serve_everybody(
    boss: Person, module_id: int, visit: Visit, page: Page, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 450 if width < 1000 else 800})
    new_version(boss, db.session.get_one(Module, module_id), changes="Helmets in hall 3 too.")
    for name, path in (
        ("new-module", "/admin/modules/new"),
        ("catalogue", "/admin/modules"),
        ("new-document", "/admin/modules/documents/new"),
        ("document-versions", f"/admin/modules/documents/{module_id}"),
    ):
        visit(boss, path)
        take_picture(page, f"admin-{name}-{width}")
        assert overflows(page) == 0
        assert flaws(page) == []


def test_while_a_file_is_being_sent_the_page_says_so(
    boss: Person, visit: Visit, page: Page
) -> None:
    visit(boss, "/admin/modules/documents/new")
    page.evaluate(
        """() => addEventListener("submit", () => {
            sessionStorage.said = document.querySelector("[data-sending]").textContent;
        })"""
    )
    page.locator("input[type=file]").set_input_files(
        {"name": "rules.pdf", "mimeType": "application/pdf", "buffer": pdf()}
    )
    page.get_by_role("button", name="Create the module").click()
    expect(page.get_by_role("heading", name="rules", exact=True)).to_be_visible()
    said = page.evaluate("sessionStorage.said")
    assert said == "The file is being sent. Please keep this page open."
