"""SCORM 2004 in a real browser: what a learner meets in courses of one and of several parts."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Frame, Page
from sqlalchemy import select

from plugin.core.db import db
from plugin.modules.models import Module, Run, RunState
from plugin.org.models import Person
from tests.browser.playing import completions, content_of, press, shell_of, stored, until
from tests.functional.assign.places import row, training
from tests.support.browser import Address, overflows, take_picture
from tests.support.packages2004 import BOTH, FLOW, cluster, course, part, sequencing
from tests.support.play import brought_in
from tests.support.world import World


@pytest.fixture
def learner(world: World) -> Person:
    return world.person("Lars Learner")


class Playing:
    """A learner in the player, as seen from the test."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def shell(self) -> Frame:
        return shell_of(self.page)

    def at(self, name: str) -> Frame:
        """The part of this name, once it is on screen and has begun."""
        return content_of(self.page, name)

    def set(self, name: str, **values: str) -> None:
        """The part sets elements (`_` for `.`) and every one is taken."""
        frame = self.at(name)
        for element, value in values.items():
            said = [f"cmi.{element.replace('__', '.')}", value]
            assert frame.evaluate("([e, v]) => scorm.SetValue(e, v)", said) == "true", element

    def ask(self, name: str, element: str) -> str:
        return str(self.at(name).evaluate("e => scorm.GetValue(e)", element))

    def finish(self, name: str, request: str = "") -> None:
        """The part ends, asking for a way to go on if it likes."""
        self.at(name).evaluate(
            "r => { if (r) scorm.SetValue('adl.nav.request', r); return scorm.Terminate(''); }",
            request,
        )

    def press(self, name: str) -> None:
        self.shell.get_by_role("button", name=name).click()

    def choose(self, title: str) -> None:
        if not self.shell.locator("#contents").is_visible():
            self.press("Contents")
        line = self.shell.locator("#contents [data-part]")
        line.filter(has_text=re.compile(f"^{title}( |$)")).click()

    def choices(self) -> dict[str, bool]:
        """Each line of the contents that can be pressed, and whether it leads anywhere now."""
        if not self.shell.locator("#contents").is_visible():
            self.press("Contents")
        found = self.shell.locator("#contents [data-part]").evaluate_all(
            "all => all.map(e => [e.firstChild.textContent, e.ariaDisabled !== 'true'])"
        )
        self.press("Contents")
        return dict(found)

    def exit(self) -> None:
        self.press("Exit")
        self.shell.locator("#message-left").wait_for()


@pytest.fixture
def play(world: World, learner: Person, page: Page, visit: Any) -> Callable[[Any], Playing]:
    """Bring a package in, assign it, and open it as the learner does."""

    def start(source: Any) -> Playing:
        module = brought_in(world, source)
        unit = world.unit()
        world.member(learner, unit)
        training(unit, row(module))
        db.session.rollback()
        press(visit(learner, "/"), module)
        return Playing(page)

    return start


def again(play: Playing, address: Address) -> Playing:
    """The learner opens the same course again from the list."""
    module = db.session.scalars(select(Module)).one()
    play.page.goto(f"{address.tool}/")
    press(play.page, module)
    return play


def test_a_course_of_one_part_is_passed_and_recorded(play: Any, complaints: list[str]) -> None:
    playing = play(course(part("ONE")))
    assert playing.ask("ONE", "cmi.entry") == "ab-initio"
    assert playing.ask("ONE", "cmi.mode") == "normal"
    assert playing.ask("ONE", "cmi.learner_name") == "Learner, Lars"
    playing.set("ONE", score__scaled="0.9", success_status="passed", completion_status="completed")
    playing.finish("ONE")
    (only,) = until(completions)
    assert (only.passed, only.score) == (True, 0.9)
    saved = playing.shell.locator("#saved").filter(has_text="Completed – saved")
    saved.wait_for()
    assert complaints == []


def test_a_course_goes_on_where_it_was_left_on_any_device(
    play: Any, address: Address, page: Page
) -> None:
    playing = play(course(part("ONE")))
    playing.set(
        "ONE",
        location="page-3",
        suspend_data="answers",
        session_time="PT5M",
        exit="suspend",
        completion_status="incomplete",
        progress_measure="0.4",
        interactions__0__id="q1",
        interactions__0__type="true-false",
        objectives__0__id="o1",
        objectives__0__success_status="passed",
    )
    playing.finish("ONE", "suspendAll")
    playing.shell.locator("#message-ended, #message-suspended").first.wait_for()
    again(playing, address)
    told = {
        "cmi.entry": "resume",
        "cmi.location": "page-3",
        "cmi.suspend_data": "answers",
        "cmi.total_time": "PT5M",
        "cmi.completion_status": "incomplete",
        "cmi.progress_measure": "0.4",
        "cmi.interactions.0.id": "q1",
        "cmi.objectives.0.id": "o1",
        "cmi.objectives.0.success_status": "passed",
    }
    assert {element: playing.ask("ONE", element) for element in told} == told


def test_parts_follow_each_other_and_the_last_one_completes_the_course(play: Any) -> None:
    playing = play(course(part("ONE"), part("TWO"), sequencing(BOTH)))
    playing.set("ONE", completion_status="completed", success_status="passed")
    playing.finish("ONE", "continue")
    playing.set("TWO", completion_status="completed", success_status="passed", score__scaled="0.8")
    playing.finish("TWO", "exitAll")
    playing.shell.locator("#message-ended").wait_for()
    (only,) = until(completions)
    assert only.passed
    assert stored("")["root"]["ended"]


def test_the_learner_moves_with_next_previous_and_the_contents(play: Any, page: Page) -> None:
    playing = play(
        course(
            part("ONE"),
            cluster("CHAPTER", part("TWO"), part("THREE"), sequencing(BOTH)),
            sequencing(BOTH),
        )
    )
    playing.set("ONE", suspend_data="kept", completion_status="incomplete", exit="suspend")
    playing.press("Next part")
    playing.at("TWO")
    playing.press("Next part")
    playing.at("THREE")
    playing.press("Previous part")
    playing.at("TWO")
    playing.choose("ONE")
    assert playing.ask("ONE", "cmi.suspend_data") == "kept"
    assert playing.ask("ONE", "cmi.entry") == "resume"
    assert overflows(page) == 0
    playing.press("Contents")
    take_picture(page, "player-2004-contents")


def test_a_part_that_ended_normally_begins_anew(play: Any) -> None:
    playing = play(course(part("ONE"), part("TWO"), sequencing(BOTH)))
    playing.set("ONE", suspend_data="old")
    playing.press("Next part")
    playing.at("TWO")
    playing.press("Previous part")
    assert playing.ask("ONE", "cmi.entry") == "ab-initio"
    assert playing.ask("ONE", "cmi.suspend_data") == ""


def test_what_the_learner_presses_beats_what_the_part_asks_for(play: Any) -> None:
    playing = play(
        course(part("ONE", query="leave=pagehide"), part("TWO"), part("THREE"), sequencing(BOTH))
    )
    playing.at("ONE").evaluate("() => scorm.SetValue('adl.nav.request', 'exitAll')")
    playing.choose("THREE")
    playing.at("THREE")


def test_a_tab_that_vanished_goes_on_in_its_part(play: Any, page: Page, address: Address) -> None:
    playing = play(course(part("ONE"), part("TWO"), sequencing(BOTH)))
    playing.press("Next part")
    playing.set("TWO", suspend_data="in the middle", session_time="PT1M")
    page.goto("about:blank")
    until(lambda: stored("TWO").get("suspend_data") == "in the middle")
    again(playing, address)
    assert playing.ask("TWO", "cmi.suspend_data") == "in the middle"
    assert playing.ask("TWO", "cmi.entry") == "resume"
    assert playing.ask("TWO", "cmi.total_time") == "PT1M"


def test_exit_suspends_everything_and_says_that_it_is_saved(play: Any, address: Address) -> None:
    playing = play(course(part("ONE", query="leave=unload"), part("TWO"), sequencing(FLOW)))
    playing.press("Next part")
    playing.set("TWO", location="here")
    playing.exit()
    assert stored("TWO")["location"] == "here"
    again(playing, address)
    assert playing.ask("TWO", "cmi.location") == "here"


def test_a_course_without_flow_waits_for_a_choice(play: Any) -> None:
    playing = play(course(part("ONE"), part("TWO")))
    playing.shell.locator("#message-choose").wait_for()
    assert playing.choices() == {"ONE": True, "TWO": True}
    playing.choose("TWO")
    playing.at("TWO")


def test_a_part_opened_in_a_window_of_its_own_finds_the_api(
    play: Any, context: BrowserContext
) -> None:
    playing = play(course(part("ONE", query="silent=1")))
    frame = playing.at("ONE")
    with context.expect_page() as opened:
        frame.evaluate("() => void window.open('part.html?part=POPUP', 'content')")
    popup = opened.value
    popup.wait_for_function("() => window.started === 'true'")
    popup.evaluate("() => { scorm.SetValue('cmi.location', 'popup'); scorm.Commit(''); }")
    assert until(lambda: stored("ONE").get("location")) == "popup"


def test_a_completed_course_is_opened_for_review(play: Any, page: Page) -> None:
    playing = play(course(part("ONE")))
    playing.set("ONE", success_status="passed", completion_status="completed", score__scaled="0.8")
    playing.finish("ONE", "exitAll")
    until(completions)
    page.reload()
    (run,) = db.session.scalars(select(Run)).all()
    assert run.state is RunState.COMPLETED
    assert playing.ask("ONE", "cmi.mode") == "review"
    assert playing.ask("ONE", "cmi.credit") == "no-credit"
    playing.set("ONE", score__scaled="1")
    playing.finish("ONE")
    until(lambda: stored("ONE").get("score", {}).get("scaled") == "1")
    assert [each.score for each in completions()] == [0.8]
