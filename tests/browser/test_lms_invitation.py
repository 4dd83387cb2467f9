"""The address of an invitation is copied with one press, or by hand."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from plugin.org.models import Person
from plugin.web.roles import Role
from tests.browser.conftest import Visit
from tests.browser.looks import flaws_at
from tests.support.browser import Address
from tests.support.world import World


@pytest.fixture
def grace(world: World) -> Person:
    admin = world.person("Grace Hopper")
    world.grant(admin, Role.ADMIN)
    return admin


def invited(page: Page) -> str:
    page.get_by_role("button", name="Make the address").click()
    return page.get_by_label("Registration address").input_value()


def test_one_press_copies_the_address(
    grace: Person, visit: Visit, page: Page, context: BrowserContext, address: Address
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address.tool)
    visit(grace, "/admin/lms/invite")
    wanted = invited(page)
    page.get_by_role("button", name="Copy it now").click()
    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == wanted
    assert flaws_at(page, "lms-invited", 380, 1280) == []


def test_where_the_clipboard_is_closed_what_is_selected_is_copied(
    grace: Person, visit: Visit, page: Page
) -> None:
    """So in a frame, if the LMS does not let it."""
    page.add_init_script(
        "navigator.clipboard.writeText = () => { window.asked = 1; return Promise.reject(1) }"
    )
    visit(grace, "/admin/lms/invite")
    wanted = invited(page)
    page.get_by_role("button", name="Copy it now").click()
    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    assert page.evaluate("getSelection().toString()") == wanted
    assert page.evaluate("window.asked") is None  # a closed one is reported in the console


def test_without_the_script_the_address_is_there_to_be_selected(
    grace: Person, visit: Visit, page: Page
) -> None:
    page.route("**/copy.js", lambda route: route.abort())
    visit(grace, "/admin/lms/invite")
    wanted = invited(page)
    expect(page.get_by_role("button", name="Copy it now")).to_be_hidden()
    field = page.get_by_label("Registration address")
    expect(field).not_to_be_editable()
    field.select_text()
    assert page.evaluate("getSelection().toString()") == wanted
