"""What a part may say at its worst: its own data stays whole, and the rest of it is kept."""

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page
from sqlalchemy import select

from plugin.core import clock
from plugin.core.db import db
from plugin.scorm.actions import LAUNCH_LIFE
from plugin.scorm.models import COURSE, ScormState
from tests.browser.playing import shell_of, stored
from tests.browser.probing import CALLS, Course, Probing

MEMBERS = (
    "toString",
    "cmi.reset",
    "cmi.jsonString",
    "cmi.toString",
    "cmi.initialized",
    "cmi.start_time",
    "cmi._initialized",
    "cmi.__proto__.polluted",
    "cmi.constructor.prototype.polluted",
    "cmi.interactions.childArray",
    "cmi.interactions.reset",
    "cmi.interactions.0._id",
    "cmi.interactions.0.jsonString",
    "cmi.interactions.__proto__.polluted",
)
POSITIONS = ("0x1", " 1", "01", "1e0", "+1", "1.0", "-1", "5", "99999999999", "NaN", "")
HUNDREDS = 300
INTERACTIONS = """([calls, names, many]) => {
  const set = (element, value) => scorm[calls[1]](`cmi.interactions.${element}`, value);
  const said = [];
  for (let n = 0; n < many; n += 1) {
    said.push(set(`${n}.id`, `question-${n}`), set(`${n}.type`, "choice"));
    said.push(set(`${n}.${names[0]}`, names[1]), set(`${n}.${names[2]}`, "a"));
    said.push(set(`${n}.result`, "correct"), set(`${n}.latency`, names[3]));
    said.push(set(`${n}.weighting`, "1"), set(`${n}.correct_responses.0.pattern`, "a"));
  }
  return said.every((each) => each === "true");
}"""
WORDS = {
    "1.2": ("time", "10:00:00", "student_response", "00:00:01"),
    "2004": ("timestamp", "2026-11-29T10:00:00", "learner_response", "PT1S"),
}
TEXTS = {
    "letters": "x" * 64_000,
    "three bytes each": "安" * 64_000,
    "pairs": "😀" * 32_000,
    "invisible": "\x01" * 64_000,
    "quotes": '"\\' * 32_000,
}
TIMES = {
    "1.2": (
        ("00:00:00", True),
        ("0000:00:00.00", True),
        ("9999:59:59.99", True),
        ("0:1:2", False),
        ("00:00:05.123", False),
        ("-00:00:01", False),
        ("soon", False),
        ("", False),
    ),
    "2004": (
        ("PT0S", True),
        ("PT0.01S", True),
        ("P1Y2M3DT4H5M6.78S", True),
        ("PT36500H", True),
        ("PT99999999999S", True),
        ("PT1.234S", False),
        ("-PT5S", False),
        ("PT5", False),
        ("PT", False),
        ("P1W", False),
        ("pt5s", False),
        ("", False),
    ),
}
TOTALS = {"1.2": r"9999:59:59\.99", "2004": r"P(\d+D)?(T(\d+H)?(\d+M)?([\d.]+S)?)?"}
SCORES = {
    "1.2": (("100", True), ("0", True), ("100.1", False), ("-1", False), ("1e2", False)),
    "2004": (("1e2", False), ("-5.5", True), ("1" * 400, False), ("٥", False), ("0x10", False)),
}


def said(running: Course, call: str, *arguments: Any) -> str:
    found = running.frame.evaluate("([call, args]) => scorm[call](...args)", [call, [*arguments]])
    return str(found)


def names(running: Course) -> tuple[str, str, str]:
    """Set, get, and the last error, as the edition calls them."""
    prefix = "LMS" if running.name == "I1" else ""
    return f"{prefix}SetValue", f"{prefix}GetValue", f"{prefix}GetLastError"


@pytest.mark.parametrize("edition", CALLS)
def test_what_belongs_to_the_engine_is_no_element(probing: Probing, edition: str) -> None:
    running = probing(edition)
    set_value, get_value, last_error = names(running)
    assert said(running, set_value, "cmi.interactions.0.id", "q") == "true"
    running.remember("kept")
    for element in MEMBERS:
        assert said(running, set_value, element, "x") == "false", element
        assert said(running, last_error) == "401", element
        assert said(running, get_value, element) == "", element
    assert running.frame.evaluate("() => ({}).polluted === undefined")
    assert running.commit() == "true"
    kept = stored(running.name)
    assert kept["suspend_data"] == "kept"
    assert kept["interactions"]["0"]["id"] == "q"


@pytest.mark.parametrize("edition", CALLS)
def test_only_the_next_position_written_plainly_adds_to_a_list(
    probing: Probing, edition: str
) -> None:
    running = probing(edition)
    set_value, get_value, _ = names(running)
    assert said(running, set_value, "cmi.interactions.0.id", "first") == "true"
    for position in POSITIONS:
        assert said(running, set_value, f"cmi.interactions.{position}.id", "x") == "false", position
    assert said(running, get_value, "cmi.interactions._count") == "1"
    assert said(running, set_value, "cmi.interactions.1.id", "second") == "true"


@pytest.mark.parametrize("edition", CALLS)
def test_interactions_by_the_hundreds_are_kept_and_counted_again(
    page: Page, probing: Probing, edition: str
) -> None:
    running = probing(edition)
    told = [[*CALLS[edition]], [*WORDS[edition]], HUNDREDS]
    assert running.frame.evaluate(INTERACTIONS, told)
    exit_of = "cmi.core.exit" if edition == "1.2" else "cmi.exit"
    assert said(running, names(running)[0], exit_of, "suspend") == "true"
    assert running.finish() == "true"
    assert len(stored(running.name)["interactions"]) == HUNDREDS
    page.reload()
    assert said(running, names(running)[1], "cmi.interactions._count") == str(HUNDREDS)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("edition", CALLS)
def test_the_longest_suspend_data_is_kept_whatever_its_letters(
    probing: Probing, edition: str, text: str
) -> None:
    running = probing(edition)
    running.remember(text)
    assert running.commit() == "true"
    assert stored(running.name)["suspend_data"] == text
    assert said(running, names(running)[0], "cmi.suspend_data", "x" * 64_001) == "false"
    assert said(running, names(running)[1], "cmi.suspend_data") == text


@pytest.mark.parametrize("edition", CALLS)
def test_times_and_scores_at_their_edges_are_taken_or_refused_and_never_make_nonsense(
    page: Page, probing: Probing, edition: str
) -> None:
    running = probing(edition)
    set_value, get_value, _ = names(running)
    core = "cmi.core." if edition == "1.2" else "cmi."
    for time, is_taken in TIMES[edition]:
        told = said(running, set_value, f"{core}session_time", time)
        assert (told == "true") is is_taken, time
    for score, is_taken in SCORES[edition]:
        told = said(running, set_value, f"{core}score.raw", score)
        assert (told == "true") is is_taken, score
    assert said(running, set_value, f"{core}exit", "suspend") == "true"
    assert running.finish() == "true"
    page.reload()
    total = said(running, get_value, f"{core}total_time")
    assert re.fullmatch(TOTALS[edition], total), total
    assert shell_of(page).locator("#trouble").is_hidden()


WRITTEN = {
    "1.2": {
        "core.session_time": ("0:00:05", "00:60:00", "10000:00:00", "00:00:00.5", "1:2:3", "PT5S"),
        "interactions.0.latency": ("0:00:05", "00:00:60", "00:00:00.123", "00:00:00.12"),
        "interactions.0.time": ("00:60:00", "24:00:00", "9:00:00", "23:59:59.5", "10:00:00.123"),
    },
    "2004": {
        "session_time": ("P", "PT", "P1W", "P1H", "PT1,5H", "PT.5H", "PT1.5M", "P1M2S", "PT2S"),
        "interactions.0.latency": ("PT", "P1W", "PT1.23S", "PT1.234S", "P1Y2M3DT4H5M6.7S"),
        "interactions.0.timestamp": (
            "2026-11-29T10:00:00.123Z",
            "2026-11-29T10:00:00.123456+01:00",
            "2026-02-31T10:00:00",
            "2028-02-29",
            "2026-02-29",
            "2026-13-01",
            "2026-11-29T24:00:00",
        ),
        "comments_from_learner.0.timestamp": ("2026-04-31", "2026-11-29T10:00:00.5Z"),
    },
}


@pytest.mark.parametrize("edition", CALLS)
def test_a_time_that_is_taken_is_kept_and_one_that_is_not_kept_is_refused(
    probing: Probing, edition: str
) -> None:
    running = probing(edition)
    set_value, _, last_error = names(running)
    assert said(running, set_value, "cmi.interactions.0.id", "q") == "true"
    if edition == "2004":
        assert said(running, set_value, "cmi.comments_from_learner.0.comment", "x") == "true"
    for element, times in WRITTEN[edition].items():
        for time in times:
            told = said(running, set_value, f"cmi.{element}", time)
            if told == "false":
                assert said(running, last_error) == ("405" if edition == "1.2" else "406"), time
            assert running.commit() == "true"
            kept: Any = stored(running.name)
            for name in element.split("."):
                kept = kept.get(name, {})
            if edition == "2004":  # of 1.2 the engine writes lengths in its own way
                assert (kept == time) is (told == "true"), (element, time)
            assert kept or told == "false", (element, time)


def test_after_its_end_a_part_is_told_that_nothing_more_is_taken(probing: Probing) -> None:
    running = probing("1.2")
    running.remember("before")
    assert running.finish() == "true"
    assert said(running, "LMSSetValue", "cmi.suspend_data", "after") == "false"
    assert said(running, "LMSGetLastError") == "301"
    assert said(running, "LMSGetValue", "cmi.suspend_data") == ""
    assert said(running, "LMSCommit", "") == "false"
    assert stored(running.name)["suspend_data"] == "before"
    assert said(running, "LMSInitialize", "") == "true", "it may begin anew"
    assert said(running, "LMSGetValue", "cmi.suspend_data") == "before"


REACH = """() => {
  const tried = (action) => { try { return String(action()); } catch (e) { return e.name; } };
  return {
    cookies: document.cookie,
    tool: tried(() => parent.parent.document.title),
    toolStorage: tried(() => parent.parent.localStorage.length),
    away: tried(() => { top.location.href = "about:blank#away"; return "led away"; }),
  };
}"""


def test_a_course_reaches_nothing_of_the_tool_and_leads_nobody_away(
    page: Page, probing: Probing
) -> None:
    running = probing("1.2")
    address = page.url
    told = running.frame.evaluate(REACH)
    assert told == {
        "cookies": "",
        "tool": "SecurityError",
        "toolStorage": "SecurityError",
        "away": "SecurityError",
    }
    assert page.url == address
    running.remember("and goes on")
    assert running.commit() == "true"


@pytest.mark.parametrize("edition", CALLS)
def test_a_visit_that_is_over_is_said_and_takes_nothing_more(
    page: Page, probing: Probing, edition: str
) -> None:
    running = probing(edition)
    running.remember("in time")
    assert running.commit() == "true"
    with clock.at(clock.now() + LAUNCH_LIFE + timedelta(minutes=1)):
        running.remember("too late")
        assert running.commit() == "false"
    shell_of(page).locator("#message-over").wait_for()
    assert shell_of(page).locator("#exit").is_hidden()
    assert stored(running.name)["suspend_data"] == "in time"


JUNK: list[Any] = [
    5,
    "text",
    [5],
    [None],
    [{}],
    {"activityTree": [5]},
    {"sequencing": {"currentActivity": ["nobody"], "suspendedActivity": ["nobody"]}},
    {"sequencing": ["no"], "version": ["0"]},
]


@pytest.mark.parametrize("state", JUNK, ids=str)
def test_where_a_course_stood_may_be_unreadable_and_nobody_is_kept_out(
    page: Page, probing: Probing, state: Any
) -> None:
    running = probing("2004")
    running.remember("kept")
    assert running.commit() == "true"
    db.session.rollback()
    kept = db.session.scalars(select(ScormState).where(ScormState.sco_id == COURSE)).one()
    kept.cmi = {**kept.cmi, "state": state}
    db.session.commit()
    page.reload()
    running.remember("and on")
    assert running.commit() == "true"
    assert stored(running.name)["suspend_data"] == "and on"


def test_a_stored_piece_the_engine_refuses_does_not_take_its_neighbours_along(
    page: Page, probing: Probing
) -> None:
    running = probing("1.2")
    assert said(running, "LMSSetValue", "cmi.core.lesson_location", "p3") == "true"
    assert said(running, "LMSSetValue", "cmi.core.score.raw", "55") == "true"
    assert running.commit() == "true"
    db.session.rollback()
    kept = db.session.scalars(select(ScormState)).one()
    rest = {name: value for name, value in kept.cmi["core"].items() if name != "total_time"}
    kept.cmi = {**kept.cmi, "core": {"total_time": "soon", **rest}}
    db.session.commit()
    page.reload()
    assert said(running, "LMSGetValue", "cmi.core.lesson_location") == "p3"
    assert said(running, "LMSGetValue", "cmi.core.score.raw") == "55"
    assert said(running, "LMSGetValue", "cmi.core.entry") == "resume"
    assert said(running, "LMSGetValue", "cmi.student_data.mastery_score") == "80"
