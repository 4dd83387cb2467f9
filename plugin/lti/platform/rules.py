"""What a score of an external tool must be, and what it means (pure; AGS 2.0 section 3.4)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from plugin.core import strict
from plugin.lti.platform.errors import ServiceRefusal
from plugin.lti.tool.claim_values import is_id, text_of
from plugin.modules.rules import Report

ACTIVITY = frozenset({"Initialized", "Started", "InProgress", "Submitted", "Completed"})
GRADING = frozenset({"FullyGraded", "Pending", "PendingManual", "Failed", "NotReady"})
AHEAD = timedelta(minutes=5)
"""How far a tool's clock may be ahead of ours."""
DAY = timedelta(days=1)
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
    """The JSON object of a body; raises ServiceRefusal."""
    try:
        return strict.json_object(body)
    except ValueError:
        raise bad("the body is not a JSON object") from None


def bad(words: str) -> ServiceRefusal:
    """A request that says something that cannot be."""
    return ServiceRefusal(400, "bad_request", words)


def too_many(words: str, *, last_at: datetime, now: datetime) -> ServiceRefusal:
    """As much as a day may bring was brought since `last_at`; it says when there is room again."""
    again_in = math.ceil((last_at + DAY - now).total_seconds())
    return ServiceRefusal(TOO_FAST, TOO_MANY, words, again_in=max(1, again_in))


def _moment(value: object, now: datetime) -> datetime:
    moment = strict.moment(value)
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
    moment = strict.moment(submission[name])
    if moment is None:
        raise bad(f"submission.{name} must be an ISO 8601 date and time with a time zone")
    return moment


def _share(given: object, maximum: object) -> float | None:
    if given is None and maximum is None:
        return None
    most = maximum_of(maximum)
    if given is None:
        return None
    found = strict.number(given)
    if found is None or found < 0:
        raise bad("scoreGiven must be a number of at least 0")
    return min(1.0, found / most)


def maximum_of(value: object) -> float:
    """What full marks are; raises ServiceRefusal."""
    found = strict.number(value)
    if found is None or found <= 0:
        raise bad("scoreMaximum must be a number above 0")
    return found


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
