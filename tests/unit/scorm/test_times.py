"""Times a standard does not know are not stored; what was said beside them is."""

from typing import Any

import pytest

from plugin.scorm import runtime12, runtime2004, times
from plugin.scorm.policy import Policy
from plugin.scorm.scos import Sco

ITEM = {
    "data_from_lms": "",
    "time_limit_action": "",
    "scaled_passing_score": "",
    "completion_threshold": "",
}


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("00:00:00", True),
        ("00:60:00", True),  # two digits are all the standard asks of minutes
        ("9999:59:59.99", True),
        ("0:1:2", False),
        ("10000:00:00", True),  # more hours or fewer digits of them are clear enough
        ("0:01:02", True),
        (":01:02", False),
        ("00:00:05.123", False),
        ("PT5S", False),
        ("٠٠:٠٠:٠٠", False),
        ("00:00:00\n", False),
    ],
)
def test_a_span_of_scorm_12(text: str, *, is_one: bool) -> None:
    assert times.is_span_12(text) is is_one


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("23:59:59", True), ("00:00:00.5", True), ("24:00:00", False), ("00:60:00", False)],
)
def test_a_moment_of_scorm_12(text: str, *, is_one: bool) -> None:
    assert times.is_moment_12(text) is is_one


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("PT0S", True),
        ("P1Y2M3DT4H5M6.78S", True),
        ("P7D", True),
        ("PT99999999999S", True),
        ("P", False),
        ("PT", False),
        ("P1YT", False),
        ("P1W", False),
        ("PT1.5M", False),
        ("PT1.234S", False),
        ("-PT5S", False),
        ("P" + "1" * 100 + "Y", False),
    ],
)
def test_a_span_of_scorm_2004(text: str, *, is_one: bool) -> None:
    assert times.is_span_2004(text) is is_one


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("2026", True),
        ("2026-02", True),
        ("2028-02-29", True),
        ("2026-11-29T10", True),
        ("2026-11-29T10:00:00.5+05:30", True),
        ("2026-11-29T10:00:00.5Z", True),
        ("2026-11-29T10:00:00.123Z", True),  # as browsers write it
        ("2026-11-29T10:00:00.1234567Z", False),
        ("2026-02-31T10:00:00", False),
        ("2026-13", False),
        ("0000", False),
        ("soon", False),
    ],
)
def test_a_moment_of_scorm_2004(text: str, *, is_one: bool) -> None:
    assert times.is_moment_2004(text) is is_one


def test_of_scorm_12_only_the_odd_times_are_left_out() -> None:
    said = {
        "core": {"lesson_status": "passed", "total_time": "soon", "session_time": "00:01:00"},
        "suspend_data": "PT",
        "interactions": {
            "0": {"id": "q", "time": "25:00:00", "latency": "P1W", "result": "correct"},
            "1": {"id": "r", "time": "10:00:00", "latency": ""},
            "2": "no entry",
        },
    }
    assert times.mended(said) == {
        "core": {"lesson_status": "passed", "session_time": "00:01:00"},
        "suspend_data": "PT",
        "interactions": {
            "0": {"id": "q", "result": "correct"},
            "1": {"id": "r", "time": "10:00:00", "latency": ""},
            "2": "no entry",
        },
    }


def test_of_scorm_2004_only_the_odd_times_are_left_out() -> None:
    said = {
        "total_time": "PT",
        "session_time": ["P1W"],
        "location": "p3",
        "interactions": {"0": {"id": "q", "latency": "PT", "timestamp": "2026-02-31"}},
        "comments_from_learner": {"0": {"comment": "x", "timestamp": "soon"}},
        "comments_from_lms": [],
    }
    assert times.mended(said) == {
        "location": "p3",
        "interactions": {"0": {"id": "q"}},
        "comments_from_learner": {"0": {"comment": "x"}},
        "comments_from_lms": [],
    }


@pytest.mark.parametrize("said", [{}, {"core": 5}, {"core": {}, "interactions": "x"}])
def test_nonsense_stays_as_it_is(said: dict[str, Any]) -> None:
    assert times.mended(said) == said


@pytest.mark.parametrize(("limit", "told"), [("00:30:00", "00:30:00"), ("soon", ""), ("PT5M", "")])
def test_a_limit_that_is_no_time_of_scorm_12_is_not_told(limit: str, told: str) -> None:
    item = {**ITEM, "max_time_allowed": limit}
    sco = Sco(identifier="A", mastery_score="80")
    found = runtime12.seed(sco, Policy(), learner=("1", "x"), item=item, is_review=False)
    assert found["student_data"]["max_time_allowed"] == told
    assert found["student_data"]["mastery_score"] == "80"


@pytest.mark.parametrize(("limit", "told"), [("PT30M", "PT30M"), ("PT", ""), ("00:30:00", "")])
def test_a_limit_that_is_no_time_of_scorm_2004_is_not_told(limit: str, told: str) -> None:
    item = {**ITEM, "max_time_allowed": limit}
    sco = Sco(identifier="A", is_2004=True)
    found = runtime2004.seed(sco, Policy(), learner=("1", "x"), item=item, is_review=False)
    assert found["fresh"]["max_time_allowed"] == told
