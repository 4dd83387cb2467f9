"""A part of a course and what its data model says, in the words both editions share. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Cmi = Mapping[str, Any]
HUNDRED = 100.0


class Completion(StrEnum):
    UNKNOWN = "unknown"
    NOT_ATTEMPTED = "not attempted"
    INCOMPLETE = "incomplete"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sco:
    """One playable item and what it last stored (`cmi` is None before its first commit)."""

    identifier: str
    is_sco: bool = True
    is_2004: bool = False
    mastery_score: str = ""
    scaled_passing_score: str = ""
    completion_threshold: str = ""
    cmi: Cmi | None = None
    is_status_set: bool = False
    is_finished: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a part says of itself; `awaits_score` when there is a mark and no score for it yet."""

    completion: Completion
    is_passed: bool | None
    score: float | None
    awaits_score: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What the sequencing engine says of a whole SCORM 2004 course."""

    completion: Completion
    is_passed: bool | None
    score: float | None
    is_ended: bool
    has_own_rollup: bool


def part(cmi: Cmi | None, name: str) -> Cmi:
    """A group of the data model; empty when it is missing or no group."""
    found = (cmi or {}).get(name)
    return found if isinstance(found, Mapping) else {}


def number(value: object) -> float | None:
    """The number a value is, if it is one of sensible size."""
    try:
        found = float(str(value))
    except ValueError:
        return None
    return found if abs(found) < 1e9 else None  # noqa: PLR2004 - also refuses infinity and nan


def share(score: Cmi) -> float | None:
    """The score as a share of its range (0 to 100 unless the SCO says otherwise)."""
    raw, low, high = (number(score.get(name)) for name in ("raw", "min", "max"))
    if raw is None:
        return None
    low = 0.0 if low is None else low
    high = HUNDRED if high is None else high
    if high <= low:
        return None
    return min(1.0, max(0.0, (raw - low) / (high - low)))
