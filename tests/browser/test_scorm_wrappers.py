"""What the wrappers of authoring tools really hand over, and how their courses are put aside."""

from typing import Any

import pytest
from playwright.sync_api import Page
from sqlalchemy import select

from plugin.core.db import db
from plugin.modules.models import Run, RunState
from tests.browser.conftest import Play
from tests.browser.playing import Playing, again, completions, content_of, stored
from tests.browser.probing import CALLS, PROBE, Probing
from tests.support import packages2004
from tests.support.browser import Address
from tests.support.packages import item, manifest, package, resource

SILENT = "index.html?silent"
MASTERY = "<adlcp:masteryscore>80</adlcp:masteryscore>"
# As the oldest wrapper of SCORM 1.2 calls: every text is an object of the content's own window.
OBJECTS_12 = """() => {
  const text = (value) => new String(value);
  const said = [scorm.LMSInitialize(text("")), scorm.LMSGetLastError()];
  said.push(scorm.LMSSetValue(text("cmi.core.lesson_status"), text("completed")));
  said.push(scorm.LMSGetValue(text("cmi.core.lesson_status")));
  return [...said, scorm.LMSCommit(), scorm.LMSFinish(text(""))];
}"""
OBJECTS_2004 = """() => {
  const text = (value) => new String(value);
  const said = [scorm.Initialize(text("")), scorm.GetLastError()];
  said.push(scorm.SetValue(text("cmi.completion_status"), text("completed")));
  said.push(scorm.GetValue(text("cmi.completion_status")));
  return [...said, scorm.Commit(), scorm.Terminate(text(""))];
}"""
# An answer of several lines: its type, its text, and the way back to it after a break.
LINES = """([prefix, set, response]) => {
  const at = "cmi.interactions.0.";
  const given = { id: "essay", type: "fill-in", [response]: "First,\\r\\nthen" };
  const said = Object.entries(given).map(([name, text]) => scorm[set](at + name, text));
  return [...said, scorm[set](prefix + "exit", "suspend")];
}"""
NAMES = {
    "1.2": ["cmi.core.", "LMSSetValue", "student_response"],
    "2004": ["cmi.", "SetValue", "learner_response"],
}
ASIDE = """(raw) => {
  scorm.LMSSetValue("cmi.core.lesson_status", "incomplete");
  scorm.LMSSetValue("cmi.core.score.raw", raw);
  scorm.LMSSetValue("cmi.suspend_data", "slide 7");
  scorm.LMSSetValue("cmi.core.exit", "suspend");
  return scorm.LMSFinish("");
}"""


def scored() -> Any:
    """A part of SCORM 1.2 with a mastery score."""
    content = manifest(items=item(inside=MASTERY))
    return package({"index.html": PROBE}, manifest_bytes=content)


def state_of_run() -> RunState:
    db.session.rollback()
    return db.session.scalars(select(Run.state)).one()


def test_texts_that_are_objects_of_the_contents_window_are_texts(play: Play) -> None:
    content = manifest(resources=resource(href=SILENT))
    played = play(package({"index.html": PROBE}, manifest_bytes=content))
    said = content_of(played.page).evaluate(OBJECTS_12)
    assert said == ["true", "0", "true", "completed", "true", "true"]
    assert stored("I1")["core"]["lesson_status"] == "completed"


def test_they_are_in_scorm_2004_too(play: Play) -> None:
    played = play(packages2004.course(packages2004.part("ONE", query="silent")))
    said = content_of(played.page).evaluate(OBJECTS_2004)
    assert said == ["true", "0", "true", "completed", "true", "true"]
    assert stored("ONE")["completion_status"] == "completed"


@pytest.mark.parametrize("wrong", ["'x'", "null", "{}", "new String('x')"])
def test_what_is_no_empty_text_is_still_refused(play: Play, wrong: str) -> None:
    content = manifest(resources=resource(href=SILENT))
    played = play(package({"index.html": PROBE}, manifest_bytes=content))
    frame = content_of(played.page)
    assert frame.evaluate(f"() => [scorm.LMSInitialize({wrong}), scorm.LMSGetLastError()]") == [
        "false",
        "201",
    ]


def test_the_total_time_is_a_time_from_the_beginning(probing: Probing) -> None:
    frame = probing("1.2").frame
    assert frame.evaluate("() => scorm.LMSGetValue('cmi.core.total_time')") == "00:00:00"


def test_a_part_put_aside_has_not_failed_by_a_score_that_may_still_grow(
    page: Page, play: Play, address: Address
) -> None:
    """Tools report a score as it grows, and finish with `suspend` whenever the learner leaves."""
    played = play(scored())
    assert content_of(page).evaluate(ASIDE, "20") == "true"
    assert stored("I1")["core"]["lesson_status"] == "incomplete"
    assert (state_of_run(), completions()) == (RunState.OPEN, [])
    played.exit()
    frame = content_of(again(played, address).page)
    asked = ["cmi.core.entry", "cmi.core.lesson_status", "cmi.suspend_data"]
    found = frame.evaluate("all => all.map(each => scorm.LMSGetValue(each))", asked)
    assert found == ["resume", "incomplete", "slide 7"]
    assert frame.evaluate(ASIDE, "90") == "true"
    assert [each.passed for each in completions()] == [True]


def test_a_part_that_says_it_failed_has_failed_however_it_is_left(page: Page, play: Play) -> None:
    play(scored())
    frame = content_of(page)
    frame.evaluate("() => scorm.LMSSetValue('cmi.core.lesson_status', 'failed')")
    frame.evaluate(ASIDE.replace('"incomplete"', '"failed"'), "20")
    assert [each.passed for each in completions()] == [False]


@pytest.mark.parametrize("edition", CALLS)
def test_an_answer_of_several_lines_is_stored_and_found_again(
    page: Page, probing: Probing, address: Address, edition: str
) -> None:
    running = probing(edition)
    names = NAMES[edition]
    assert running.frame.evaluate(LINES, names) == ["true"] * 4
    assert running.commit() == "true"
    assert stored(running.name)["interactions"]["0"][names[2]] == "First,\nthen"
    played = Playing(page)
    played.exit()
    again(played, address)
    if edition == "2004":  # SCORM 1.2 never gives answers back
        answer = "cmi.interactions.0.learner_response"
        assert running.frame.evaluate("e => scorm.GetValue(e)", answer) == "First,\nthen"
    running.remember("later")
    assert running.finish() == "true"
    assert running.arrived("later")
    assert stored(running.name)["interactions"]["0"][names[2]] == "First,\nthen"


def test_comments_of_several_lines_are_read_as_they_were_written(play: Play) -> None:
    played = play(packages2004.course(packages2004.part("ONE")))
    played.set("ONE", comments_from_learner__0__comment="One\nTwo", suspend_data="a\u0085b\nc")
    assert played.ask("ONE", "cmi.comments_from_learner.0.comment") == "One\nTwo"
    assert played.ask("ONE", "cmi.suspend_data") == "a\u0085b\nc"


def test_the_contents_frame_has_a_name_of_its_own(probing: Probing) -> None:
    """Some tools finish a part only in a frame with a name, and windows they open are not it."""
    frame = probing("1.2").frame
    assert frame.evaluate("() => window.name") == "course_part"
