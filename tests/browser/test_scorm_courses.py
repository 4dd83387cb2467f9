"""The demo's courses, played through the product as a learner does."""

import json
from typing import Any

import pytest
from playwright.sync_api import Frame, Page
from sqlalchemy import select

from plugin.core.db import db
from plugin.modules.models import Completion, Module, Run, RunState
from plugin.org.models import Person
from tests.browser.conftest import Visit
from tests.browser.playing import content_of
from tests.functional.assign.places import row, training
from tests.support.browser import overflows, take_picture
from tests.support.play import brought_in
from tests.support.world import World
from tools import courses

NAMES = ["confined-spaces", "working-at-height"]


def answers(name: str) -> list[int]:
    course = json.loads((courses.SOURCES / name / "course.json").read_text())
    return [question["right"] for question in course["quiz"]]


@pytest.fixture
def learner(world: World) -> Person:
    return world.person("Lars Learner")


@pytest.fixture
def bring(world: World, learner: Person) -> Any:
    """Build the course, bring it in and assign it."""

    def course(name: str) -> Module:
        with courses.build(courses.SOURCES / name).open("rb") as source:
            module = brought_in(world, source)  # type: ignore[arg-type]
        unit = world.unit()
        world.member(learner, unit)
        training(unit, row(module))
        db.session.rollback()
        return module

    return course


def start(page: Page, module: Module) -> Frame:
    page.locator(f'form[action$="/modules/{module.id}/start"] button').click()
    page.locator("#player").wait_for()
    shell = page.frame_locator("#player")
    shell.frame_locator("#content").locator("#place").filter(has_text="Step").wait_for()
    return next(frame for frame in page.frames if "/files/" in frame.url)


def to_the_test(course: Frame) -> None:
    while course.locator("#next").is_visible():
        course.locator("#next").click()


def answer(course: Frame, choices: list[int]) -> None:
    for number, choice in enumerate(choices):
        course.locator(f"input[name=q{number}]").nth(choice).check()
    course.get_by_role("button", name="Send my answers").click()
    course.locator(".result").wait_for()


def completions() -> list[Completion]:
    db.session.rollback()
    return list(db.session.scalars(select(Completion).order_by(Completion.id)))


@pytest.mark.parametrize("name", NAMES)
def test_a_course_is_read_passed_and_recorded_in_a_small_frame(
    name: str, bring: Any, visit: Visit, learner: Person, page: Page, complaints: list[str]
) -> None:
    module = bring(name)
    visit(learner, "/")
    course = start(page, module)
    take_picture(page, f"player-{name}")
    while True:
        assert course.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        if not course.locator("#next").is_visible():
            break
        course.locator("#next").click()
    answer(course, answers(name))
    assert "Passed" in course.locator(".result").inner_text()
    saved = page.frame_locator("#player").locator("#saved")
    saved.filter(has_text="Completed – saved").wait_for()
    take_picture(page, f"player-{name}-passed")
    (only,) = completions()
    assert (only.person_id, only.passed, only.score) == (learner.id, True, 1.0)
    assert overflows(page) == 0
    assert complaints == []


def test_a_failed_test_can_be_tried_again_in_the_same_sitting(
    bring: Any, visit: Visit, learner: Person, page: Page
) -> None:
    module = bring(NAMES[0])
    visit(learner, "/")
    course = start(page, module)
    to_the_test(course)
    course.get_by_role("button", name="Send my answers").click()
    assert "Question 1 has no answer yet." in course.get_by_role("alert").inner_text()
    right = answers(NAMES[0])
    answer(course, [0 if choice else 1 for choice in right])
    assert "Not passed" in course.locator(".result").inner_text()
    assert completions() == []
    course.get_by_role("button", name="Answer again").click()
    answer(course, right)
    page.frame_locator("#player").locator("#saved").filter(has_text="Completed").wait_for()
    assert [each.passed for each in completions()] == [True]


def test_leaving_after_a_failed_test_is_recorded_as_failed(
    bring: Any, visit: Visit, learner: Person, page: Page
) -> None:
    module = bring(NAMES[0])
    visit(learner, "/")
    course = start(page, module)
    to_the_test(course)
    answer(course, [0 if choice else 1 for choice in answers(NAMES[0])])
    page.get_by_role("link", name="Back to my training").click()
    page.wait_for_url("**/")
    (only,) = completions()
    assert not only.passed
    assert db.session.scalars(select(Run.state)).one() is RunState.FAILED


def test_a_course_goes_on_at_the_page_where_it_was_left(
    bring: Any, visit: Visit, learner: Person, page: Page
) -> None:
    module = bring(NAMES[1])
    visit(learner, "/")
    course = start(page, module)
    course.locator("#next").click()
    course.locator("#next").click()
    assert course.locator("#place").inner_text() == "Step 3 of 6"
    page.get_by_role("link", name="Back to my training").click()
    page.wait_for_url("**/")
    again = start(page, module)
    assert again.locator("#place").inner_text() == "Step 3 of 6"


def until_heading(course: Frame) -> None:
    course.wait_for_function("() => document.activeElement.tagName === 'H1'")


def test_a_course_is_passed_with_the_keyboard_alone(
    bring: Any, visit: Visit, learner: Person, page: Page
) -> None:
    module = bring(NAMES[1])
    visit(learner, "/")
    course = start(page, module)
    for _ in range(5):
        course.locator("#next").focus()
        page.keyboard.press("Enter")
        until_heading(course)
    for choice in answers(NAMES[1]):
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        for _ in range(choice):
            page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert "Passed" in course.locator(".result").inner_text()


def test_a_course_of_several_parts_is_skipped_through_cut_off_and_passed(
    bring: Any, visit: Visit, learner: Person, page: Page, complaints: list[str]
) -> None:
    module = bring("hot-work")
    course = json.loads((courses.SOURCES / "hot-work" / "course.json").read_text())

    def right(part: str) -> list[int]:
        return [each["right"] for each in course["quiz"] if each["part"] == part]

    def part_of(name: str) -> Frame:
        return content_of(page, url=f"{name}.html")

    page = visit(learner, "/")
    home = page.url
    page.locator(f'form[action$="/modules/{module.id}/start"] button').click()
    answer(part_of("know"), right("know"))
    part_of("know").locator("#next").click()
    watch = part_of("watch")
    watch.locator("#next").click()
    watch.get_by_role("heading", name="The fire watch").wait_for()
    take_picture(page, "player-hot-work")
    page.goto("about:blank")
    page.goto(home)
    page.locator(f'form[action$="/modules/{module.id}/start"] button').click()
    again = part_of("watch")
    again.get_by_role("heading", name="The fire watch").wait_for()
    again.locator("#next").click()
    final = part_of("final")
    assert overflows(page) == 0
    answer(final, right("final"))
    saved = page.frame_locator("#player").locator("#saved")
    final.locator("#next").click()
    saved.filter(has_text="Completed – saved").wait_for()
    (only,) = completions()
    assert (only.passed, only.score) == (True, 1.0)
    assert complaints == []
