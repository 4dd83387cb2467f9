"""The editor as admins use it: it saves by itself, says so, and keeps two of them apart."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from plugin.org.models import Person
from plugin.web.roles import Role
from tests.browser.conftest import Visit
from tests.browser.looks import flaws, focus_is_visible
from tests.functional.assign.places import row, training
from tests.functional.assign.test_editor import drafted
from tests.support.browser import overflows, take_picture
from tests.support.world import World


@pytest.fixture
def grace(world: World) -> Person:
    admin = world.person("Grace Hopper")
    world.grant(admin, Role.ADMIN)
    return admin


@pytest.fixture
def asked(world: World) -> int:
    modules = [world.module(title) for title in ("Confined spaces", "Height", "Lifting")]
    world.module("Gas testing")
    world.module("Welding")
    return training(world.unit("North Quay"), *(row(each, validity_months=12) for each in modules))


def saved(page: Page) -> str:
    return page.locator("#saved").inner_text()


def test_what_is_typed_is_saved_by_itself_and_mistakes_are_said(
    grace: Person, asked: int, visit: Visit, page: Page, complaints: list[str]
) -> None:
    page.set_viewport_size({"width": 1100, "height": 800})
    visit(grace, f"/admin/training/{asked}")
    height = page.get_by_role("group", name="Height")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        height.get_by_label("Days until due").fill("30")
    expect(page.locator("#saved")).to_contain_text("Draft saved")
    assert drafted(asked)[1]["due_days"] == 30
    with page.expect_response(lambda answer: answer.status == 422):
        height.get_by_label("Days until due").fill("30 days")
    expect(page.locator("#saved")).to_contain_text("Not saved: Height: Use 1 to 3650 days")
    expect(height.get_by_label("Days until due")).to_be_focused()
    assert flaws(page) == []
    with page.expect_response(lambda answer: answer.status == 200):
        height.get_by_label("Days until due").fill("31")
    expect(page.locator("#saved")).to_contain_text("Draft saved")
    page.get_by_role("button", name="Save the draft").click()
    expect(page.get_by_text("Saved as a draft. It counts once you publish it.")).to_be_visible()
    assert drafted(asked)[1]["due_days"] == 31
    assert all("422" in line for line in complaints), complaints


def test_modules_are_found_as_one_types(
    grace: Person, asked: int, visit: Visit, page: Page
) -> None:
    visit(grace, f"/admin/training/{asked}")
    expect(page.get_by_label("Welding")).to_be_visible()
    page.get_by_label("Find modules").press_sequentially("gas")
    expect(page.get_by_label("Welding")).to_have_count(0)
    page.get_by_label("Gas testing").check()
    page.get_by_role("button", name="Add the chosen modules").click()
    expect(page.get_by_role("group", name="Gas testing")).to_be_visible()
    assert overflows(page) == 0


def test_the_order_is_changed_with_the_keyboard(
    grace: Person, asked: int, visit: Visit, page: Page
) -> None:
    visit(grace, f"/admin/training/{asked}")
    before = [line["module_id"] for line in drafted(asked)]
    down = page.get_by_role("button", name="Down Confined spaces")
    down.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert focus_is_visible(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Up Confined spaces")).to_be_visible()
    after = [line["module_id"] for line in drafted(asked)]
    assert after == [before[1], before[0], before[2]]


def test_the_second_of_two_admins_sees_the_difference_and_chooses(
    world: World, grace: Person, asked: int, visit: Visit, page: Page, context: BrowserContext
) -> None:
    visit(grace, f"/admin/training/{asked}")
    other = context.new_page()
    other.goto(page.url)
    with other.expect_response(lambda answer: answer.request.method == "POST"):
        other.get_by_role("group", name="Lifting").get_by_label("Days until due").fill("7")
    expect(other.locator("#saved")).to_contain_text("Draft saved")
    with page.expect_response(lambda answer: answer.status == 409):
        page.get_by_role("group", name="Height").get_by_label("Days until due").fill("14")
    expect(page.locator("#saved")).to_contain_text("somebody else has changed this training")
    assert drafted(asked)[1]["due_days"] is None
    page.get_by_role("button", name="Save the draft").click()
    expect(page.get_by_text("Height: no due days → due after 14 days")).to_be_visible()
    expect(page.get_by_text("Lifting: due after 7 days → no due days")).to_be_visible()
    take_picture(page, "conflict-380")
    assert overflows(page) == 0
    assert flaws(page) == []
    page.get_by_role("button", name="Save mine over theirs").click()
    expect(page.get_by_text("Saved as a draft.")).to_be_visible()
    assert [line["due_days"] for line in drafted(asked)] == [None, 14, None]
