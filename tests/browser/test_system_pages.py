"""The pages about other systems, looked at: keys, webhooks and what is shown once."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from plugin.web.roles import Role
from tests.browser.looks import flaws
from tests.support.browser import overflows, take_picture
from tests.support.world import World

WIDTHS = [400, 1280]


def no_flaws(page: Page, name: str) -> None:
    assert overflows(page) == 0
    take_picture(page, f"systems-{name}")
    assert flaws(page) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_a_key_and_a_webhook_are_made_on_pages_for_everybody(
    world: World, page: Page, visit: Any, complaints: list[str], width: int
) -> None:
    admin = world.person("Ada Admin")
    world.grant(admin, Role.ADMIN)
    page.set_viewport_size({"width": width, "height": 800})
    visit(admin, "/admin/systems")
    no_flaws(page, f"none-{width}")
    page.get_by_role("link", name="New key").click()
    page.get_by_label("Name of the system").fill("Payroll")
    page.get_by_label("Report completions").check()
    no_flaws(page, f"key-{width}")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_text("It is shown this once.")).to_be_visible()
    no_flaws(page, f"secret-{width}")
    page.get_by_role("link", name="Other systems").first.click()

    page.get_by_role("link", name="New webhook").click()
    page.get_by_label("Address").fill("https://hr.example.test/hooks/training")
    page.get_by_label("A completion was recorded").check()
    no_flaws(page, f"webhook-{width}")
    page.get_by_role("button", name="Tell this address").click()
    expect(page.get_by_text("It is shown this once.")).to_be_visible()
    page.get_by_role("link", name="Other systems").first.click()
    no_flaws(page, f"both-{width}")
    page.get_by_role("link", name="https://hr.example.test/hooks/training").click()
    no_flaws(page, f"one-{width}")
    assert complaints == []
