"""Scores and what answers to them mean: tables of cases and properties."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.http import Reply
from plugin.lti.tool.answers import pause_of, words_in
from plugin.lti.tool.results import Result
from plugin.lti.tool.score_rules import (
    LONGEST_PAUSE,
    MAX_ATTEMPTS,
    Look,
    Parcel,
    Word,
    looked,
    pause_after,
    says,
    score_of,
    stamp_after,
    stamp_of,
    word_of,
)

NOW = datetime(2027, 3, 10, 9, 30, tzinfo=UTC)
SHARES = st.floats(min_value=0, max_value=1)


def parcel(**changes: object) -> Parcel:
    said: dict[str, object] = {
        "grade_id": 1,
        "subject": "6",
        "value": 0.8,
        "is_completed": True,
        "told_completed": None,
        "sent": None,
        "tried": None,
        "forced": False,
        "is_module": True,
        "product": None,
        "not_before": NOW,
        **changes,
    }
    return Parcel(**said)  # type: ignore[arg-type]


def result(share: float) -> Result:
    return Result(subject="6", share=share, at=NOW, comment=None)


@pytest.mark.parametrize(
    ("status", "body", "word"),
    [
        (200, b"", Word.TAKEN),
        (201, b"", Word.TAKEN),
        (204, b"", Word.TAKEN),
        (400, b"[]", Word.REFUSED),
        (400, b"Timestamp is older than the last one", Word.STALE),
        (401, b"", Word.LATER),
        (403, b"not enrolled", Word.REFUSED),
        (404, b"", Word.GONE),
        (409, b"[]", Word.STALE),
        (410, b"", Word.GONE),
        (415, b"", Word.LATER),
        (422, b"", Word.REFUSED),
        (429, b"", Word.LATER),
        (302, b"", Word.LATER),
        (500, b"[]", Word.LATER),
        (502, b"<html>", Word.LATER),
    ],
)
def test_each_answer_has_one_meaning(status: int, body: bytes, word: Word) -> None:
    assert word_of(Reply(status, {}, body)) is word


@pytest.mark.parametrize(
    ("before", "theirs", "look"),
    [
        ({}, None, Look.SEND),
        ({}, 0.8, Look.ARRIVED),
        ({}, 0.5, Look.OVERRIDDEN),
        ({}, 0.0, Look.OVERRIDDEN),
        ({"product": "canvas"}, 0.0, Look.SEND),
        ({"product": "canvas"}, 0.5, Look.OVERRIDDEN),
        ({"sent": 0.5}, 0.5, Look.SEND),
        ({"sent": 2 / 3}, 0.67, Look.SEND),
        ({"sent": 0.5}, 0.9, Look.OVERRIDDEN),
        ({"sent": 0.5}, None, Look.SEND),
        ({"sent": 0.5, "tried": 0.6}, 0.6, Look.SEND),
        ({"sent": 0.5, "tried": 0.8}, 0.8, Look.ARRIVED),
        ({"sent": 0.8, "told_completed": True}, 0.8, Look.ARRIVED),
        ({"sent": 0.8, "told_completed": False}, 0.8, Look.SEND),
        ({"sent": 0.5, "told_completed": False}, 0.8, Look.SEND),
        ({"sent": 0.5, "told_completed": False}, 0.9, Look.OVERRIDDEN),
        ({"sent": 0.797}, 0.797, Look.SEND),
        ({"sent": 0.5, "forced": True}, 0.9, Look.SEND),
        ({"forced": True}, 0.8, Look.SEND),
    ],
)
def test_a13_what_a_gradebook_says_decides(
    before: dict[str, object], theirs: float | None, look: Look
) -> None:
    found = None if theirs is None else result(theirs)
    assert looked(parcel(**before), found) is look


@given(SHARES, SHARES)
def test_a13_a_gradebook_says_one_of_two_values(one: float, other: float) -> None:
    assert says(one, one, [other])
    assert one == other or not (says(one, other, [one]))


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_a9_a_stamp_is_never_before_its_floor(now: datetime, floor: datetime) -> None:
    stamp = stamp_of(parcel(not_before=floor), now)
    assert stamp >= floor
    assert stamp >= now


def test_a9_a_stamp_after_a_conflict_is_later_than_the_lms_s_own_clock() -> None:
    ahead = NOW + timedelta(minutes=3)
    assert stamp_after([ahead, None], NOW) > ahead
    assert stamp_after([NOW - timedelta(days=1)], NOW) > NOW
    assert stamp_after([NOW + timedelta(days=400)], NOW) < NOW + timedelta(minutes=1)


@given(st.integers(min_value=1, max_value=MAX_ATTEMPTS))
def test_pauses_grow_and_end_somewhere(attempts: int) -> None:
    assert pause_after(attempts, None) <= LONGEST_PAUSE
    assert pause_after(attempts + 1, None) >= pause_after(attempts, None)
    assert pause_after(attempts, timedelta(days=1)) == timedelta(days=1)


@given(SHARES)
def test_a8_a10_a_score_is_always_a_full_one(value: float) -> None:
    said = score_of(parcel(value=value), NOW)
    assert said["gradingProgress"] == "FullyGraded"
    assert 0 <= said["scoreGiven"] <= said["scoreMaximum"]
    assert datetime.fromisoformat(said["timestamp"]) == NOW


@pytest.mark.parametrize(
    ("is_completed", "is_module", "word"),
    [
        (True, True, "Completed"),
        (True, False, "Completed"),
        (False, True, "Submitted"),
        (False, False, "InProgress"),
    ],
)
def test_a8_only_what_is_passed_or_whole_is_completed(
    is_completed: bool, is_module: bool, word: str
) -> None:
    said = score_of(parcel(is_completed=is_completed, is_module=is_module), NOW)
    assert said["activityProgress"] == word


@pytest.mark.parametrize(
    ("begun", "reached", "said"),
    [
        (None, None, None),
        (None, NOW, {"submittedAt"}),
        (NOW - timedelta(hours=1), NOW, {"startedAt", "submittedAt"}),
        (NOW + timedelta(hours=1), NOW, {"submittedAt"}),
        (NOW, None, None),
        (None, NOW + timedelta(hours=1), None),
    ],
)
def test_a12_a_sitting_begins_before_it_ends(
    begun: datetime | None, reached: datetime | None, said: set[str] | None
) -> None:
    found = score_of(parcel(begun_at=begun, reached_at=reached), NOW).get("submission")
    assert (set(found) if found else None) == said


def test_a11_a_comment_is_plain_and_of_a_length() -> None:
    assert "comment" not in score_of(parcel(), NOW)
    assert len(score_of(parcel(), NOW, "x" * 100_000)["comment"]) < 10_000


@pytest.mark.parametrize(
    ("body", "reason", "words"),
    [
        (b"[]", "Incorrect score received{userId: 6}", "Incorrect score received"),
        (
            b"",
            "Refusing score with an earlier timestamp",
            "Refusing score with an earlier timestamp",
        ),
        (b'{"reason": "Course 4 doesn\'t exist"}', "Not Found", "Course 4 doesn't exist"),
        (b"<html><head><title>x</title></head><body><p>Oops</p></body>", "", "Oops"),
        (b"", "", ""),
        (b"[]", "[1, 2]", ""),
        (b'{"errors": {"type": "bad_request", "message": "Too old"}}', "", "Too old"),
        (b'{"errors": [{"message": "No such user"}]}', "", "No such user"),
        (b'{"errors": {"errors": {"errors": {"errors": "deep"}}}}', "Bad Request", "Bad Request"),
    ],
)
def test_the_lms_s_words_are_those_a_person_can_read(body: bytes, reason: str, words: str) -> None:
    assert words_in(Reply(400, {}, body, reason)) == words


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("Wed, 10 Mar 2027 09:32:00 GMT", 120),
        ("Wed, 10 Mar 2027 09:32:00 -0000", 120),
        ("Fri, 10 Mar 2028 09:32:00 GMT", 86_400),
        ("Wed, 10 Mar 2027 09:29:00 GMT", None),
        ("１２", None),
        ("", None),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(said: str, seconds: int | None) -> None:
    found = pause_of(Reply(429, {"Retry-After": said}, b""), now=NOW)
    assert found == (None if seconds is None else timedelta(seconds=seconds))
