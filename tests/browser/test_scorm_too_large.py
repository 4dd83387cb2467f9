"""A part that says more than can ever be stored: it is told, and everything else goes on."""

from typing import Any

import pytest
from playwright.sync_api import Page

from plugin.org.models import Person
from tests.browser.playing import content_of, press, shell_of, stored, until
from tests.browser.probing import CALLS, Course, Probing
from tests.functional.assign.places import row, training
from tests.support.packages2004 import course, part
from tests.support.play import brought_in
from tests.support.world import World

ANSWERS = {
    "1.2": ("student_response", "fill-in", 255, 3_000),
    "2004": ("learner_response", "long-fill-in", 4_000, 200),
}
# Answers of characters that take six bytes each on their way, until no server takes them.
TOO_MUCH = """([set, answer, type, length, many]) => {
  for (let n = 0; n < many; n += 1) {
    scorm[set](`cmi.interactions.${n}.id`, `q${n}`);
    scorm[set](`cmi.interactions.${n}.type`, type);
    scorm[set](`cmi.interactions.${n}.${answer}`, "\\x01".repeat(length));
  }
}"""
HUNDREDS = """([set]) => {
  for (let n = 0; n < 300; n += 1) {
    scorm[set](`cmi.interactions.${n}.id`, `q${n}`);
    scorm[set](`cmi.interactions.${n}.type`, "long-fill-in");
    scorm[set](`cmi.interactions.${n}.learner_response`, "安".repeat(1_000));
  }
}"""


def overfill(running: Course, edition: str) -> None:
    running.frame.evaluate(TOO_MUCH, [CALLS[edition][1], *ANSWERS[edition]])


def last_error(running: Course) -> str:
    call = "LMSGetLastError" if running.name == "I1" else "GetLastError"
    return str(running.frame.evaluate(f"() => scorm.{call}()"))


@pytest.mark.parametrize("edition", CALLS)
def test_a_part_too_large_to_store_is_told_and_exit_works(
    page: Page, probing: Probing, edition: str
) -> None:
    running = probing(edition)
    running.remember("kept before")
    assert running.commit() == "true"
    overfill(running, edition)
    assert running.commit() == "false"
    assert last_error(running) == "391"
    shell = shell_of(page)
    assert shell.locator("#unstored").is_visible()
    assert shell.locator("#trouble").is_hidden()
    shell.get_by_role("button", name="Exit").click()
    shell.locator("#message-left").wait_for()
    assert shell.locator("#message-left .all-saved").is_hidden()
    assert shell.locator("#unstored").is_visible()
    assert stored(running.name)["suspend_data"] == "kept before"


@pytest.mark.parametrize("edition", CALLS)
def test_exit_works_where_leaving_is_the_first_to_say_too_much(
    page: Page, probing: Probing, edition: str
) -> None:
    running = probing(edition)
    running.remember("kept before")
    assert running.commit() == "true"
    overfill(running, edition)
    shell = shell_of(page)
    shell.get_by_role("button", name="Exit").click()
    shell.locator("#message-left").wait_for()
    assert shell.locator("#unstored").is_visible()
    assert shell.locator("#message-left .all-saved").is_hidden()
    assert shell.locator("#saved").inner_text() == ""
    assert stored(running.name)["suspend_data"] == "kept before"


def test_honest_answers_in_every_script_by_the_hundreds_fit(page: Page, probing: Probing) -> None:
    running = probing("2004")
    running.frame.evaluate(HUNDREDS, [CALLS["2004"][1]])
    running.remember("安" * 64_000)
    assert running.commit() == "true"
    assert len(stored(running.name)["interactions"]) == 300
    assert shell_of(page).locator("#unstored").is_hidden()


def test_the_part_is_named_the_others_are_stored_and_the_way_goes_on(
    page: Page, world: World, learner: Person, visit: Any
) -> None:
    flow = '<imsss:sequencing><imsss:controlMode flow="true"/></imsss:sequencing>'
    module = brought_in(world, course(part("ONE"), part("TWO"), flow))
    unit = world.unit()
    world.member(learner, unit)
    training(unit, row(module))
    press(visit(learner, "/"), module)
    running = Course(page, "2004")
    overfill(running, "2004")
    assert running.commit() == "false"
    shell = shell_of(page)
    assert shell.locator("#unstored-parts").inner_text() == "ONE"
    shell.get_by_role("button", name="Next part").click()
    second = content_of(page, "TWO")
    assert second.evaluate("() => scorm.SetValue('cmi.suspend_data', 'of the second')") == "true"
    assert second.evaluate("() => scorm.Commit('')") == "true"
    assert stored("TWO")["suspend_data"] == "of the second"
    assert stored("ONE") == {} or "q0" not in str(stored("ONE"))
    shell.get_by_role("button", name="Exit").click()
    shell.locator("#message-left").wait_for()


def test_a_part_that_says_less_again_is_stored_and_the_warning_goes(
    page: Page, probing: Probing
) -> None:
    running = probing("2004")
    overfill(running, "2004")
    assert running.commit() == "false"
    running.frame.evaluate(
        """() => { for (let n = 0; n < 200; n += 1)
          scorm.SetValue(`cmi.interactions.${n}.learner_response`, "short"); }"""
    )
    assert until(lambda: running.commit() == "true")
    shell_of(page).locator("#unstored").wait_for(state="hidden")
    assert len(stored(running.name)["interactions"]) == 200
