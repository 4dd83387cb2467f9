"""What a score says, and what an LMS's answer to it means (pure; AGS 2.0, 3.4; A8 to A13).

A score is only ever a full one, so nothing is erased; what a teacher wrote over ours is left.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from plugin.core.http import Reply
from plugin.lti.tool.answers import OK, words_in
from plugin.lti.tool.results import Result

MAXIMUM = 100.0
SPACING = timedelta(seconds=2)
"""Between an answer and the next score of the row: some LMSs compare whole seconds."""
TICK = timedelta(milliseconds=1)
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=6)
MAX_ATTEMPTS = 12
MAX_AHEAD = timedelta(days=1)
"""A clock that differs by more is not one to follow."""
MAX_COMMENT = 4000
CONFLICT = 409
TERMINAL = frozenset({400, 403, 404, 405, 410, 422})
GONE = frozenset({404, 410})
TOLERANCE = 0.00501
"""Gradebooks round; half a percent is the same grade (and a float's error)."""
STALE = ("timestamp", "stale", "newer", "out of date", "earlier")
PERSON = ("user", "student", "learner", "enrol", "member", "person")
CANVAS_SUBMISSION = "https://canvas.instructure.com/lti/submission"
FILLS_WITH_NOUGHTS = frozenset({"canvas", "blackboard"})
"""Makes of LMS that write a nought themselves where nothing was handed in."""
DROPS_COMMENTS_OF_ONE = frozenset({"blackboard"})
"""Makes of LMS whose gradebook, asked for one person, leaves the teacher's comment out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One grade on its way: what is said to whom, and what was said before."""

    grade_id: int
    subject: str
    value: float
    is_completed: bool
    told_completed: bool | None
    sent: float | None
    tried: float | None
    forced: bool
    is_module: bool
    product: str | None
    not_before: datetime
    """The stamp is at least this, whatever our clock did in between (A9)."""
    begun_at: datetime | None = None
    reached_at: datetime | None = None

    @property
    def is_other_progress(self) -> bool:
        """Whether the LMS was told the opposite of its completion, which no result shows."""
        return self.told_completed is not None and self.told_completed != self.is_completed


class Word(Enum):
    """What an answer to a score means."""

    TAKEN = auto()
    STALE = auto()
    REFUSED = auto()
    GONE = auto()
    LATER = auto()


def word_of(reply: Reply) -> Word:
    """Terminal, stale, taken or to be tried again (checklist 4.6, moodle 4.3).

    GONE is said of the person or of the column; who asks for the column knows which.
    """
    if reply.status in OK:
        return Word.TAKEN
    if reply.status == CONFLICT:
        return Word.STALE
    if reply.status not in TERMINAL:
        return Word.LATER
    if any(each in words_in(reply).lower() for each in STALE):
        return Word.STALE
    return Word.GONE if reply.status in GONE else Word.REFUSED


def is_about_a_person(words: str) -> bool:
    """Whether a refusal names the person and not the column."""
    return any(each in words.lower() for each in PERSON)


class Look(Enum):
    """What is to be done after a look into the gradebook."""

    SEND = auto()
    ARRIVED = auto()
    OVERRIDDEN = auto()


def looked(parcel: Parcel, theirs: Result | None, before: Collection[float] = ()) -> Look:
    """Whether the gradebook needs nothing from us: it says it already, or a teacher spoke (A13).

    What it says is ours if it is what we last told it, what we tried to tell it when the answer
    got lost, or what we told a column of before (`before`).
    """
    if theirs is None or parcel.forced:
        return Look.SEND
    known = [each for each in (parcel.sent, parcel.tried, *before) if each is not None]
    if says(theirs.share, parcel.value, known):
        return Look.SEND if parcel.is_other_progress else Look.ARRIVED
    if any(is_same(theirs.share, each) for each in known):
        return Look.SEND
    if not known and theirs.share == 0 and parcel.product in FILLS_WITH_NOUGHTS:
        return Look.SEND
    return Look.OVERRIDDEN


def says(share: float, value: float, others: Collection[float] = ()) -> bool:
    """Whether a gradebook that rounds says `value`, and none of the others more nearly."""
    away = abs(share - value)
    return away <= TOLERANCE and all(away <= abs(share - each) for each in others)


def is_same(share: float, other: float) -> bool:
    """Whether a gradebook that rounds may say the one for the other."""
    return abs(share - other) <= TOLERANCE


def stamp_of(parcel: Parcel, now: datetime) -> datetime:
    """The moment of sending, strictly later than every stamp before (A9)."""
    return max(now, parcel.not_before)


def stamp_after(said: Collection[datetime | None], now: datetime) -> datetime:
    """Later than what the LMS says of its clock and of its result, as far as one can believe it."""
    return max([now, *(each for each in said if each and each < now + MAX_AHEAD)]) + SPACING


def pause_after(attempts: int, asked: timedelta | None) -> timedelta:
    """How long to wait after so many attempts; never shorter than the LMS asked for."""
    grown: timedelta = FIRST_PAUSE * 2 ** min(attempts - 1, 20)
    return max(min(grown, LONGEST_PAUSE), asked or timedelta(0))


def score_of(parcel: Parcel, stamp: datetime, comment: str | None = None) -> dict[str, Any]:
    """The score as it is posted: always a full grade, in true numerator and denominator.

    A comment that is there already is said again, since an LMS takes its absence for its end (A11).
    """
    said: dict[str, Any] = {
        "userId": parcel.subject,
        "scoreGiven": round(parcel.value * MAXIMUM, 4),
        "scoreMaximum": MAXIMUM,
        "activityProgress": _progress(parcel),
        "gradingProgress": "FullyGraded",
        "timestamp": _text(stamp),
    }
    if comment:
        said["comment"] = comment[:MAX_COMMENT]
    reached, begun = parcel.reached_at, parcel.begun_at
    if reached is not None and reached <= stamp:
        said["submission"] = {"submittedAt": _text(reached)}
        if begun is not None and begun <= reached:
            said["submission"] = {"startedAt": _text(begun), "submittedAt": _text(reached)}
    if parcel.product == "canvas":
        said[CANVAS_SUBMISSION] = {"new_submission": False}
        if "submission" in said:
            said[CANVAS_SUBMISSION]["submitted_at"] = said["submission"]["submittedAt"]
    return said


def _progress(parcel: Parcel) -> str:
    """A pass completes a module, however good it is; who failed it may submit again (A8)."""
    if parcel.is_completed:
        return "Completed"
    return "Submitted" if parcel.is_module else "InProgress"


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
