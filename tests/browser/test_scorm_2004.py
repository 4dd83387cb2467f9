"""SCORM 2004 in a real browser: what a learner meets in courses of one and of several parts."""

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page
from sqlalchemy import select

from plugin.core.db import db
from plugin.modules.models import Run, RunState
from tests.browser.playing import Playing, again, completions, stored, until
from tests.support.browser import Address, overflows, take_picture
from tests.support.packages2004 import BOTH, FLOW, cluster, course, part, sequencing


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


ANSWERS = {
    "true-false": ("true", "true"),
    "choice": ("a[,]b", "b[,]c"),
    "fill-in": ("{lang=en}word", "{case_matters=true}{lang=en}word[,]two"),
    "long-fill-in": ("{lang=en}a long text", "a long text"),
    "likert": ("agree", "neutral"),
    "matching": ("a[.]1[,]b[.]2", "a[.]2[,]b[.]1"),
    "performance": ("a[.]1[,]b[.]2", "a[.]1"),
    "sequencing": ("a[,]b[,]c", "c[,]b[,]a"),
    "numeric": ("3.5", "3[:]4"),
    "other": ("anything at all", "anything"),
}
REMEMBERED = {
    "objectives.0.id": "o1",
    "objectives.0.score.scaled": "0.5",
    "objectives.0.score.raw": "5",
    "objectives.0.score.min": "0",
    "objectives.0.score.max": "10",
    "objectives.0.success_status": "passed",
    "objectives.0.completion_status": "completed",
    "objectives.0.progress_measure": "0.7",
    "objectives.0.description": "target",
    "comments_from_learner.0.comment": "well",
    "comments_from_learner.0.location": "page-1",
    "comments_from_learner.0.timestamp": "2026-11-29",
    "learner_preference.language": "de",
    "learner_preference.audio_level": "0.5",
    "score.raw": "7",
    "score.max": "10",
    "score.scaled": "0.7",
}


def test_every_kind_of_answer_and_element_is_found_again(play: Any, address: Address) -> None:
    playing = play(course(part("ONE")))
    told = {f"cmi.{element}": value for element, value in REMEMBERED.items()}
    for number, (kind, (answer, right)) in enumerate(ANSWERS.items()):
        at = f"cmi.interactions.{number}"
        told |= {
            f"{at}.id": f"urn:q{number}",
            f"{at}.type": kind,
            f"{at}.timestamp": "2026-11-29T10:00:00",
            f"{at}.objectives.0.id": "o1",
            f"{at}.correct_responses.0.pattern": right,
            f"{at}.learner_response": answer,
            f"{at}.weighting": "1.5",
            f"{at}.result": "3.25",
            f"{at}.latency": "PT1.5S",
            f"{at}.description": "which?",
        }
    playing.at("ONE").evaluate(
        "told => { for (const [e, v] of Object.entries(told)) scorm.SetValue(e, v); }", told
    )
    playing.set("ONE", exit="suspend")
    playing.finish("ONE", "suspendAll")
    playing.shell.locator("#message-ended").wait_for()
    again(playing, address)
    asked = playing.at("ONE").evaluate(
        "all => Object.fromEntries(all.map(e => [e, scorm.GetValue(e)]))", list(told)
    )
    assert asked == told


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
    playing.set("ONE", suspend_data="old", session_time="PT1H")
    playing.finish("ONE")
    until(lambda: stored("ONE").get("total_time") == "PT1H")
    playing.press("Next part")
    playing.at("TWO")
    playing.press("Previous part")
    assert playing.ask("ONE", "cmi.entry") == "ab-initio"
    assert playing.ask("ONE", "cmi.suspend_data") == ""
    assert playing.ask("ONE", "cmi.total_time") in {"PT0S", "PT0H0M0S"}, "time is of one attempt"


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


def test_a_part_cannot_destroy_its_own_data_model(play: Any) -> None:
    playing = play(course(part("ONE")))
    playing.set("ONE", suspend_data="kept")
    frame = playing.at("ONE")
    for container in ("cmi", "cmi.score", "cmi.objectives", "cmi.interactions", "adl", "adl.nav"):
        assert frame.evaluate("e => scorm.SetValue(e, 'x')", container) == "false"
        assert frame.evaluate("() => scorm.GetLastError()") == "401", container
        assert playing.ask("ONE", container) == ""
    assert playing.ask("ONE", "cmi.suspend_data") == "kept"
    assert frame.evaluate("() => scorm.GetLastError()") == "0"


def test_texts_may_be_emptied_again(play: Any) -> None:
    playing = play(course(part("ONE")))
    frame = playing.at("ONE")
    for element in (
        "cmi.location",
        "cmi.suspend_data",
        "cmi.learner_preference.language",
        "cmi.comments_from_learner.0.comment",
        "cmi.comments_from_learner.0.location",
    ):
        assert frame.evaluate("e => scorm.SetValue(e, 'en')", element) == "true"
        assert frame.evaluate("e => scorm.SetValue(e, '')", element) == "true", element
        assert playing.ask("ONE", element) == ""
        assert frame.evaluate("() => scorm.GetLastError()") == "0", element


def test_the_api_is_silent_before_and_after_its_session(play: Any) -> None:
    playing = play(course(part("ONE", query="silent=1")))
    frame = playing.at("ONE")
    asked = "() => [scorm.GetValue('cmi.score'), scorm.GetLastError()]"
    told = "() => [scorm.SetValue('cmi.score', '1'), scorm.GetLastError()]"
    ended = "() => [scorm.Terminate(''), scorm.GetLastError()]"
    kept = "() => [scorm.Commit(''), scorm.GetLastError()]"
    begun = "() => [scorm.Initialize(''), scorm.GetLastError()]"
    for call, code in ((asked, "122"), (told, "132"), (ended, "112"), (kept, "142")):
        assert frame.evaluate(call)[1] == code
    assert frame.evaluate(begun) == ["true", "0"]
    assert frame.evaluate(begun) == ["false", "103"]
    assert frame.evaluate(ended) == ["true", "0"]
    for call, code in ((asked, "123"), (told, "133"), (ended, "113"), (kept, "143")):
        assert frame.evaluate(call)[1] == code
    assert frame.evaluate(begun) == ["false", "104"]


def said(playing: Playing, call: str, *words: str) -> list[str]:
    """What a call answers, and the error code after it."""
    asked = "([call, words]) => [scorm[call](...words), scorm.GetLastError()]"
    return list(playing.at("ONE").evaluate(asked, [call, list(words)]))


def test_what_is_past_the_end_of_a_list_cannot_be_asked_for(play: Any) -> None:
    playing = play(course(part("ONE")))
    playing.set("ONE", objectives__0__id="first")
    assert said(playing, "GetValue", "cmi.objectives.0.score.raw") == ["", "403"]
    for element in ("cmi.objectives.1.score.raw", "cmi.interactions.0.id"):
        assert said(playing, "GetValue", element) == ["", "301"], element


@pytest.mark.parametrize("identifier", ["urn:", "urn:adl:lms Test"])
def test_an_identifier_that_is_no_urn_leaves_no_record(play: Any, identifier: str) -> None:
    playing = play(course(part("ONE")))
    assert said(playing, "SetValue", "cmi.objectives.0.id", identifier) == ["false", "406"]
    assert playing.ask("ONE", "cmi.objectives._count") == "0"
    assert said(playing, "SetValue", "cmi.objectives.0.id", "urn:adl:lmsTest/1") == ["true", "0"]
    assert playing.ask("ONE", "cmi.objectives._count") == "1"


@pytest.mark.parametrize(
    ("element", "value"),
    [("result", "correct"), ("objectives.0.id", "goal"), ("weighting", "2"), ("latency", "PT3S")],
)
def test_nothing_is_said_of_an_answer_before_its_identifier(
    play: Any, element: str, value: str
) -> None:
    playing = play(course(part("ONE")))
    unnamed = f"cmi.interactions.0.{element}"
    assert said(playing, "SetValue", unnamed, value) == ["false", "408"]
    assert said(playing, "GetValue", unnamed) == ["", "301"]
    assert playing.ask("ONE", "cmi.interactions._count") == "0"
    assert said(playing, "SetValue", "cmi.interactions.0.id", "q1") == ["true", "0"]
    assert said(playing, "SetValue", unnamed, value) == ["true", "0"]
    assert said(playing, "GetValue", unnamed) == [value, "0"]


def test_a_position_with_leading_zeros_is_one_that_no_list_has(play: Any) -> None:
    playing = play(course(part("ONE")))
    playing.set("ONE", interactions__0__id="q1", interactions__0__objectives__0__id="goal")
    for element in ("interactions.00.id", "interactions.01.id", "interactions.0.objectives.01.id"):
        assert said(playing, "SetValue", f"cmi.{element}", "x") == ["false", "351"], element
        assert said(playing, "GetValue", f"cmi.{element}") == ["", "301"], element
    assert playing.ask("ONE", "cmi.interactions._count") == "1"
    assert said(playing, "GetValue", "cmi.score.01") == ["", "401"]


@pytest.mark.parametrize("kind", ["long-fill-in", "other"])
def test_a_right_answer_that_is_one_text_may_have_commas(
    play: Any, address: Address, kind: str
) -> None:
    playing = play(course(part("ONE")))
    right = "cmi.interactions.0.correct_responses.0.pattern"
    playing.set("ONE", interactions__0__id="essay", interactions__0__type=kind, exit="suspend")
    assert said(playing, "SetValue", right, "Stop, look\nand [,] call") == ["true", "0"]
    assert playing.ask("ONE", right) == "Stop, look\nand [,] call"
    playing.finish("ONE", "suspendAll")
    playing.shell.locator("#message-ended, #message-suspended").first.wait_for()
    kept = stored("ONE")["interactions"]["0"]["correct_responses"]["0"]
    assert kept["pattern"] == "Stop, look\nand [,] call"
    again(playing, address)
    assert playing.ask("ONE", right) == "Stop, look\nand [,] call"


def test_an_answer_may_be_given_another_identifier(play: Any) -> None:
    playing = play(course(part("ONE")))
    name = "cmi.interactions.0.id"
    for given in ("first", "second", "second"):
        assert said(playing, "SetValue", name, given) == ["true", "0"]
        assert playing.ask("ONE", name) == given
    assert said(playing, "SetValue", name, "urn:") == ["false", "406"]
    assert playing.ask("ONE", name) == "second"
    assert playing.ask("ONE", "cmi.interactions._count") == "1"
