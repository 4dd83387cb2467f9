"""Does what a player or tool reports fulfil the module? Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a report means for the sitting."""

    OPEN = "open"
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is known of a sitting, whoever reports it. `score` and `progress` are shares, 0..1."""

    is_completed: bool
    is_passed: bool | None
    is_finished: bool
    score: float | None = None
    progress: float | None = None


def outcome(report: Report) -> Verdict:
    """Passed at once; failed only when the person has left, since a sitting may still be mended.

    A module without a test is passed by completing it.
    """
    if report.is_passed is False:
        return Verdict.FAILED if report.is_finished else Verdict.OPEN
    if report.is_passed or report.is_completed:
        return Verdict.PASSED
    return Verdict.OPEN


def is_better(score: float | None, than: float | None) -> bool:
    """Whether a score improves on an earlier one; any score improves on none."""
    return score is not None and (than is None or score > than)
