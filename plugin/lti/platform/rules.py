"""What a score of an external tool must be, and what it means (pure; AGS 2.0 section 3.4)."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from plugin.lti.platform.errors import ServiceRefusal
from plugin.lti.tool.claim_values import is_id, text_of
from plugin.modules.rules import Report

ACTIVITY = frozenset({"Initialized", "Started", "InProgress", "Submitted", "Completed"})
GRADING = frozenset({"FullyGraded", "Pending", "PendingManual", "Failed", "NotReady"})
AHEAD = timedelta(minutes=5)
"""How far a tool's clock may be ahead of ours."""
DAY = timedelta(days=1)
LONGEST_TIMESTAMP = 40
TOO_FAST, TOO_MANY = 429, "too_many_requests"


class Outcome(StrEnum):
    """What was made of a callback."""

    NOTED = "noted"
    PASSED = "passed"
    FAILED = "failed"
    NOT_BETTER = "not_better"
    NOT_COUNTED = "not_counted"
    NOT_ASSIGNED = "not_assigned"
    NOT_STARTED = "not_started"


_ON_RECORD = "when the score came; it is on record, and only one with a later timestamp can count"
REFUSED = {
    Outcome.NOT_ASSIGNED: f"the module was not assigned to this person {_ON_RECORD}",
    Outcome.NOT_STARTED: f"this person had not opened the module {_ON_RECORD}",
}
"""What is kept and refused all the same, and the words for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One score, read. `share` is the score as a part of the tool's own maximum."""

    subject: str
    stamped_at: datetime
    is_completed: bool
    is_final: bool
    share: float | None
    comment: str | None


def read_score(body: bytes, *, now: datetime) -> Said:
    """The score in a request's body; raises ServiceRefusal that names the field."""
    said = json_object(body)
    subject = said.get("userId")
    if not is_id(subject):
        raise bad("userId must be the text we launched the person with")
    for name, words in (("activityProgress", ACTIVITY), ("gradingProgress", GRADING)):
        if not isinstance(said.get(name), str) or said[name] not in words:
            raise bad(f"{name} must be one of {', '.join(sorted(words))}")
    _check_rest(said)
    return Said(
        subject=str(subject),
        stamped_at=_moment(said.get("timestamp"), now),
        is_completed=said["activityProgress"] == "Completed",
        is_final=said["gradingProgress"] == "FullyGraded",
        share=_share(said.get("scoreGiven"), said.get("scoreMaximum")),
        comment=text_of(said.get("comment")),
    )


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body; NaN, Infinity and everything else are refused."""
    try:
        found = json.loads(
            body.decode("utf-8"), parse_constant=_no_number, object_pairs_hook=_no_doubles
        )
    except (ValueError, RecursionError):
        raise bad("the body is not JSON") from None
    if not isinstance(found, dict):
        raise bad("the body is not a JSON object")
    return found


def bad(words: str) -> ServiceRefusal:
    """A request that says something that cannot be."""
    return ServiceRefusal(400, "bad_request", words)


def too_many(words: str, *, last_at: datetime, now: datetime) -> ServiceRefusal:
    """As much as a day may bring was brought since `last_at`; it says when there is room again."""
    again_in = math.ceil((last_at + DAY - now).total_seconds())
    return ServiceRefusal(TOO_FAST, TOO_MANY, words, again_in=max(1, again_in))


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name that stands twice says two things; neither is believed (RFC 8259, section 4)."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _no_number(_name: str) -> None:
    raise ValueError


def _moment(value: object, now: datetime) -> datetime:
    moment = moment_of(value)
    if moment is None:
        raise bad("timestamp must be an ISO 8601 date and time with a time zone")
    if moment > now + AHEAD:
        raise bad("timestamp lies in the future; check the clock")
    return moment


def _check_rest(said: Mapping[str, Any]) -> None:
    """What decides nothing must still be what the standard says it is (3.4.5 to 3.4.11)."""
    if not isinstance(said.get("comment"), str | None):
        raise bad("comment must be a text")
    if said.get("scoringUserId") is not None and not is_id(said["scoringUserId"]):
        raise bad("scoringUserId must be a text of at most 255 characters")
    submission = said.get("submission")
    if submission is None:
        return
    if not isinstance(submission, Mapping):
        raise bad("submission must be an object")
    times = [_optional(submission, name) for name in ("startedAt", "submittedAt")]
    if times[0] and times[1] and times[0] > times[1]:
        raise bad("submission.submittedAt lies before submission.startedAt")


def _optional(submission: Mapping[str, Any], name: str) -> datetime | None:
    if submission.get(name) is None:
        return None
    moment = moment_of(submission[name])
    if moment is None:
        raise bad(f"submission.{name} must be an ISO 8601 date and time with a time zone")
    return moment


def moment_of(value: object) -> datetime | None:
    """A date and time with a zone, or None."""
    if not isinstance(value, str) or len(value) > LONGEST_TIMESTAMP or "T" not in value:
        return None
    try:
        found = datetime.fromisoformat(value)
        return None if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _share(given: object, maximum: object) -> float | None:
    if given is None and maximum is None:
        return None
    if given is not None and (not is_number(given) or float(given) < 0):  # type: ignore[arg-type]
        raise bad("scoreGiven must be a number of at least 0")
    if not is_number(maximum) or float(maximum) <= 0:  # type: ignore[arg-type]
        raise bad("scoreMaximum must be a number above 0")
    return None if given is None else min(1.0, float(given) / float(maximum))  # type: ignore[arg-type]


def is_number(value: object) -> bool:
    """A finite JSON number; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def report_of(said: Said, *, pass_share: float | None) -> Report | None:
    """What the score says of the sitting; None while it is not the tool's last word.

    Only Completed and FullyGraded together end anything. Without a pass mark completing passes;
    with one a score is needed.
    """
    if not (said.is_completed and said.is_final):
        return None
    if pass_share is None:
        return Report(is_completed=True, is_passed=True, is_finished=True, score=said.share)
    if said.share is None:
        return None
    passed = said.share >= pass_share
    return Report(is_completed=True, is_passed=passed, is_finished=True, score=said.share)
