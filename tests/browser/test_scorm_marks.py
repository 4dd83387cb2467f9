"""Marks in a real browser: the course, its runtime and we agree who has passed, and when."""

from typing import Any

import pytest
from playwright.sync_api import Page
from sqlalchemy import select

from plugin.core.db import db
from plugin.modules.models import Run, RunState
from tests.browser.playing import Playing, again, completions, content_of, until
from tests.browser.probing import probe
from tests.support.browser import Address
from tests.support.packages2004 import FLOW, course, part, sequencing

LEFT = {"entry": "resume", "lesson_status": "incomplete", "lesson_location": "q2"}


def by_measure(least: str) -> str:
    return sequencing(
        '<imsss:objectives><imsss:primaryObjective objectiveID="own" satisfiedByMeasure="true">'
        f"<imsss:minNormalizedMeasure>{least}</imsss:minNormalizedMeasure>"
        "</imsss:primaryObjective></imsss:objectives>"
    )


def say(page: Page, **values: str) -> None:
    """A part of SCORM 1.2 says these (`_` for a dot within the core) and each is taken."""
    frame = content_of(page)
    for name, value in values.items():
        element = f"cmi.core.{name.replace('__', '.')}"
        said = [element, value]
        assert frame.evaluate("([e, v]) => scorm.LMSSetValue(e, v)", said) == "true", element


def finish(page: Page) -> None:
    assert content_of(page).evaluate("() => scorm.LMSFinish('')") == "true"


def state() -> RunState:
    db.session.rollback()
    return db.session.scalars(select(Run.state)).one()


def test_who_suspends_with_a_score_on_the_way_goes_on_and_has_not_failed(
    play: Any, page: Page, address: Address
) -> None:
    playing = play(probe())
    say(page, lesson_status="incomplete", lesson_location="q2", score__raw="10", exit="suspend")
    finish(page)
    assert state() is RunState.OPEN
    again(playing, address)
    found = content_of(page)
    told = {name: found.evaluate("e => scorm.LMSGetValue(e)", f"cmi.core.{name}") for name in LEFT}
    assert told == LEFT
    say(page, score__raw="20", exit="")
    finish(page)
    assert [each.passed for each in completions()] == [False]


def test_a_part_that_failed_may_begin_again_in_the_same_window_and_pass(
    play: Any, page: Page
) -> None:
    playing = play(probe())
    say(page, lesson_status="failed", score__raw="10")
    finish(page)
    assert state() is RunState.FAILED
    assert content_of(page).evaluate("() => scorm.LMSInitialize('')") == "true"
    say(page, lesson_status="passed", score__raw="90")
    finish(page)
    playing.shell.locator("#saved").filter(has_text="Completed – saved").wait_for()
    assert [each.passed for each in completions()] == [False, True]


def test_completed_before_the_score_for_a_mark_is_no_pass(play: Any) -> None:
    playing: Playing = play(course(part("ONE", by_measure("0.8"))))
    playing.set("ONE", completion_status="completed")
    assert playing.at("ONE").evaluate("() => scorm.Commit('')") == "true"
    assert completions() == []
    playing.set("ONE", score__scaled="0.3", success_status="failed")
    playing.finish("ONE")
    (only,) = until(completions)
    assert not only.passed


@pytest.mark.parametrize(("mark", "success"), [(None, "passed"), (0.8, "failed")])
def test_the_course_is_told_the_modules_own_mark(
    play: Any, mark: float | None, success: str
) -> None:
    playing: Playing = play(course(part("ONE", by_measure("0.5"))), pass_share=mark)
    assert playing.ask("ONE", "cmi.scaled_passing_score") == f"{mark or 0.5:g}"
    playing.set("ONE", completion_status="completed", score__scaled="0.6")
    assert playing.ask("ONE", "cmi.success_status") == success
    playing.finish("ONE")
    (only,) = until(completions)
    assert only.passed is (success == "passed")


def test_a_trusted_course_of_several_parts_says_itself_that_it_is_passed(play: Any) -> None:
    parts = (part("A", by_measure("0.8")), part("B"))
    playing: Playing = play(course(*parts, sequencing(FLOW)), trusts_status=True)
    assert playing.ask("A", "cmi.scaled_passing_score") == ""
    playing.set("A", completion_status="completed", success_status="passed", score__scaled="0.3")
    playing.finish("A", "continue")
    playing.set("B", completion_status="completed", success_status="passed", score__scaled="0.4")
    playing.finish("B", "exitAll")
    (only,) = until(completions)
    assert only.passed
