"""A mistake is said at its field before anything is sent, in the words of the server."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from plugin.org.models import Person
from plugin.web.roles import Role
from tests.browser.conftest import Visit
from tests.browser.looks import flaws
from tests.functional.assign.places import row, training
from tests.support.browser import overflows, take_picture
from tests.support.world import World

SIZES = {"frame": (380, 450), "desk": (1280, 800)}


@pytest.fixture
def grace(world: World) -> Person:
    admin = world.person("Grace Hopper")
    world.grant(admin, Role.ADMIN)
    return admin


@pytest.fixture
def basic(world: World, grace: Person) -> int:
    unit = world.unit("Site Oslo")
    world.member(grace, unit)
    return training(unit, row(world.module("Fire safety"), validity_months=12))


@pytest.fixture
def sent(page: Page) -> list[str]:
    """The addresses of what was posted."""
    found: list[str] = []
    page.on("request", lambda each: found.append(each.url) if each.method == "POST" else None)
    return found


@pytest.fixture
def says(page: Page) -> Callable[[str, str], None]:
    """Checks what is said of a field, to the eye and to a screen reader; nothing if empty."""

    def check(label: str, words: str) -> None:
        field = page.get_by_label(label, exact=True)
        if words:
            expect(field).to_have_attribute("aria-invalid", "true")
            expect(field).to_have_accessible_description(words)
            expect(page.get_by_text(words, exact=True)).to_be_visible()
        else:
            expect(field).not_to_have_attribute("aria-invalid", "true")
            expect(page.locator(".form-error")).to_have_count(0)

    return check


@pytest.mark.parametrize("size", ["frame", "desk"])
def test_a_mistake_is_said_when_the_field_is_left(
    grace: Person, visit: Visit, page: Page, says: Callable[[str, str], None], size: str
) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    visit(grace, "/admin/people/new")
    email = page.get_by_label("Email")
    email.fill("ada at example")
    says("Email", "")
    email.press("Tab")
    says("Email", "This is not an email address.")
    take_picture(page, f"inline-{size}")
    assert flaws(page) == []
    assert overflows(page) == 0
    email.press_sequentially("@example.test")
    email.fill("ada@example.test")
    says("Email", "")


def test_nothing_is_sent_until_it_is_right_and_the_first_mistake_has_the_focus(
    grace: Person, visit: Visit, page: Page, sent: list[str], says: Callable[[str, str], None]
) -> None:
    visit(grace, "/admin/people/new")
    page.get_by_label("Email").fill("nonsense")
    page.get_by_role("button", name="Create the user").click()
    says("Name", "This field is required.")
    says("Email", "This is not an email address.")
    expect(page.get_by_label("Name")).to_be_focused()
    page.get_by_label("Name").fill("   ")
    says("Name", "This field is required.")
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_label("Email").fill("ada@example.test")
    says("Email", "")
    assert sent == []
    page.get_by_role("button", name="Create the user").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Users")
    assert len(sent) == 1


def test_a_field_that_was_only_walked_through_is_left_alone(
    grace: Person, visit: Visit, page: Page, says: Callable[[str, str], None]
) -> None:
    visit(grace, "/admin/people/new")
    page.get_by_label("Name").press("Tab")
    says("Name", "")


def test_a_button_pressed_while_a_field_is_wrong_stays_under_the_finger(
    grace: Person, basic: int, visit: Visit, page: Page
) -> None:
    page.set_viewport_size({"width": 1280, "height": 1600})
    visit(grace, f"/admin/training/{basic}")
    page.get_by_label("Pass mark in %").fill("200")
    close = page.get_by_role("button", name="Close")
    box = close.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    expect(page.locator(".form-error")).to_have_count(0)
    page.mouse.up()
    expect(page.get_by_label("Pass mark in %")).to_be_focused()
    expect(page.get_by_text("Use 0 to 100 percent, or leave it empty.")).to_be_visible()


@pytest.mark.parametrize(
    ("label", "text", "words"),
    [
        ("Pass mark in %", "101", "Use 0 to 100 percent, or leave it empty."),
        ("Pass mark in %", "-1", "Use 0 to 100 percent, or leave it empty."),
        ("Pass mark in %", "much", "Use 0 to 100 percent, or leave it empty."),
        ("Pass mark in %", "66.5", ""),
        ("Days until due", "1.5", "Use 1 to 3650 days, or leave it empty."),
        ("Days until due", "0", "Use 1 to 3650 days, or leave it empty."),
        ("Days until due", "30", ""),
        ("Days until due", "٣٠", ""),
        ("Days until due", "", ""),
    ],
)
def test_numbers_have_their_limits(
    grace: Person,
    basic: int,
    visit: Visit,
    page: Page,
    says: Callable[[str, str], None],
    label: str,
    text: str,
    words: str,
) -> None:
    visit(grace, f"/admin/training/{basic}")
    page.get_by_label(label).fill(text)
    page.get_by_label(label).press("Tab")
    says(label, words)


def test_another_period_needs_its_number_until_it_is_another_choice(
    grace: Person,
    basic: int,
    visit: Visit,
    page: Page,
    says: Callable[[str, str], None],
) -> None:
    visit(grace, f"/admin/training/{basic}")
    page.get_by_label("Valid for").select_option("other")
    page.get_by_role("button", name="Close").click()
    says("Other: months", "Write the number of months.")
    page.get_by_label("Valid for").select_option("24")
    says("Other: months", "")


def test_a_date_is_needed_with_the_choice_that_has_one(
    grace: Person,
    basic: int,
    visit: Visit,
    page: Page,
    sent: list[str],
    says: Callable[[str, str], None],
) -> None:
    visit(grace, f"/admin/training/{basic}/publish")
    page.get_by_label("From a date on").check()
    page.get_by_label("Reason").fill("New rules of the authority")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_label("From", exact=False).last).to_be_focused()
    expect(page.get_by_text("Choose a day.")).to_have_count(1)
    assert [each for each in sent if "look" in each] == []
    page.get_by_label("Now", exact=True).check()
    expect(page.get_by_text("Choose a day.")).to_have_count(0)


def test_buttons_that_only_arrange_the_draft_ask_nothing(
    grace: Person, basic: int, visit: Visit, page: Page, sent: list[str]
) -> None:
    visit(grace, f"/admin/training/{basic}")
    for name in ("Remove Fire safety", "Search", "Add the chosen modules"):
        buttons = page.get_by_role("button", name=name)
        for each in buttons.all():
            assert each.get_attribute("formnovalidate") is not None
    visit(grace, f"/admin/training/{basic}/publish")
    page.get_by_role("button", name="Show what this will do").click()
    expect(page.get_by_text("Say why, in a few words.")).to_have_count(0)
    assert sent


def test_what_the_server_said_goes_when_it_is_mended(
    grace: Person, world: World, visit: Visit, page: Page, says: Callable[[str, str], None]
) -> None:
    visit(grace, "/admin/people/new")
    page.get_by_label("Name").fill("Ada")
    page.evaluate("document.querySelector('form[novalidate]').noValidate = false")
    page.get_by_label("Email").fill("nonsense")
    page.get_by_role("button", name="Create the user").click()
    says("Email", "This is not an email address.")
    expect(page.get_by_text("Please correct what is marked below.")).to_be_visible()
    page.get_by_label("Email").fill("ada@example.test")
    says("Email", "")
