"""From an unknown tool to a certificate: added, chosen from, assigned, played, called back."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from plugin.core.db import db
from plugin.lti.platform.models import ExternalTool
from plugin.modules.models import Completion, CompletionSource
from plugin.org.models import Person
from plugin.web.roles import Role
from sandbox.maker_lti import Notebook, Platform
from tests.browser.conftest import Visit
from tests.browser.test_external_tools import (
    answer,
    begin,
    frame_flaws,
    maker,
    no_flaws,
    site,
)
from tests.support.lms import Site
from tests.support.quiz_maker import QuizMaker
from tests.support.work import work_off
from tests.support.world import World

__all__ = ["maker", "site"]
WIDE = {"width": 1280, "height": 800}


@pytest.fixture
def lars(world: World, site: Site) -> Person:
    """A learner of the LMS, whom nothing is asked yet and no mail reaches."""
    person = site.person("lars")
    person.email = None
    world.member(person, world.unit("North Quay"))
    db.session.commit()
    return person


def by_hand(page: Page, maker: QuizMaker) -> None:
    """The tool's values are typed here, and ours are typed there."""
    page.get_by_role("link", name="Add a tool").click()
    page.get_by_role("link", name="by hand").click()
    page.get_by_role("button", name="Register", exact=True).click()
    expect(page.locator(".form-error").first).to_be_visible()
    no_flaws(page, "by-hand-empty")
    for label, value in (
        ("Name", "Quiz maker"),
        ("Launch address (target link URI)", f"{maker.url}/launch"),
        ("Login address (initiate login)", f"{maker.url}/login"),
        ("Redirect addresses", f"{maker.url}/launch"),
        ("Key set address (JWKS)", f"{maker.keys_url}/jwks"),
        ("Address for choosing content", f"{maker.url}/launch"),
    ):
        page.get_by_role("textbox", name=label).fill(value)
    no_flaws(page, "by-hand")
    page.get_by_role("button", name="Register", exact=True).click()
    expect(page.get_by_text("Now tell it our values.")).to_be_visible()
    notebook: Notebook = maker.app.extensions["notebook"]
    notebook.keep(
        Platform(
            issuer=shown(page, "Issuer (platform ID)"),
            client_id=shown(page, "Client ID"),
            deployment_id=shown(page, "Deployment ID"),
            auth_url=shown(page, "Authorization address"),
            token_url=shown(page, "Token address"),
            jwks_url=shown(page, "Key set address (JWKS)"),
        )
    )


def shown(page: Page, label: str) -> str:
    """What our page says the tool must be told."""
    terms = page.locator("section[aria-labelledby='ours'] dt")
    place = terms.all_inner_texts().index(label)
    return page.locator("section[aria-labelledby='ours'] dd").nth(place).inner_text()


def by_itself(page: Page, maker: QuizMaker) -> None:
    """The tool is opened with an invitation, describes itself, and is accepted."""
    page.get_by_role("link", name="Add a tool").click()
    page.get_by_label("Registration address of the tool").fill(maker.registration)
    page.get_by_role("button", name="Open the tool").click()
    inside = page.frame_locator("#tool")
    inside.get_by_role("button", name="Register").click()
    inside.get_by_role("button", name="Close").click()
    page.get_by_role("link", name="Quiz maker").click()
    page.get_by_role("button", name="Accept").click()


def choose(page: Page) -> None:
    """Content is picked in the tool and becomes a module."""
    page.get_by_role("link", name="Choose content in the tool").click()
    inside = page.frame_locator("#tool")
    inside.get_by_label("Fire extinguishers").check()
    inside.get_by_role("button", name="Add").click()
    expect(inside.get_by_role("heading", name="1 module was added")).to_be_visible()
    assert frame_flaws(page.frames[1]) == []
    inside.get_by_role("link", name="Back to the tool").click()
    expect(page.get_by_role("link", name="Fire extinguishers")).to_be_visible()


def assign(page: Page) -> None:
    """The picked module is required of a site, and a certificate is to prove it."""
    page.get_by_role("link", name="Organization", exact=True).click()
    page.get_by_role("link", name="Sites", exact=True).click()
    page.get_by_role("link", name="North Quay", exact=True).click()
    page.get_by_role("navigation", name="Unit").get_by_role("link", name="Training").click()
    page.get_by_label("Name").fill("Site access")
    page.get_by_role("button", name="Add training configuration").click()
    page.get_by_label(re.compile("^Fire extinguishers ")).check()
    page.get_by_role("button", name="Add the chosen modules").click()
    page.get_by_label("Issue certificates of completion").check()
    page.get_by_role("button", name="Save and go on to publish").click()
    page.get_by_label("Reason").fill("As the regulation asks")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("is published.")).to_be_visible()
    work_off()


@pytest.mark.parametrize("way", [by_hand, by_itself])
def test_p4_p8_p11_from_an_unknown_tool_to_a_certificate(
    world: World,
    browser: Browser,
    site: Site,
    maker: QuizMaker,
    lars: Person,
    page: Page,
    visit: Visit,
    way: Any,
) -> None:
    admin = world.person("Ada Admin", email=None)
    world.grant(admin, Role.ADMIN)
    page.set_viewport_size(WIDE)
    visit(admin, "/admin/tools")
    way(page, maker)
    choose(page)
    assign(page)

    context = browser.new_context(viewport={"width": 400, "height": 800})
    tool = site.open(context.new_page(), "lars")
    expect(tool.get_by_text("INVALID")).to_be_visible()
    quiz = begin(tool)
    answer(quiz, "A fire blanket")
    expect(tool.get_by_role("status")).to_have_text(
        "Your result has arrived. This module is complete."
    )
    db.session.query(Person).update({"email": None})  # nobody reads mail here
    db.session.commit()
    work_off()
    tool.get_by_role("link", name="Back to my training").click()
    expect(tool.get_by_text("VALID", exact=True)).to_be_visible()
    context.close()

    db.session.rollback()
    made = db.session.query(Completion).one()
    assert (made.person_id, made.source, made.passed) == (lars.id, CompletionSource.LTI, True)
    page.goto(page.url.partition("/admin")[0] + f"/admin/tools/{one_tool()}")
    said = page.get_by_role("region", name="What the tool said")
    expect(said.get_by_text("Passed", exact=True)).to_be_visible()


def one_tool() -> int:
    return db.session.query(ExternalTool).one().id
