"""What content has said, judged: one SCO at a time, then the whole sitting. Pure; SCORM 1.2."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from plugin.modules.rules import Report

Cmi = Mapping[str, Any]
NOT_KEPT = {"exit", "session_time"}
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
    mastery_score: str = ""
    cmi: Cmi | None = None
    is_status_set: bool = False
    is_finished: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoResult:
    """A SCO in neutral words; `is_passed` is None when it never said."""

    completion: Completion
    is_passed: bool | None
    score: float | None
    is_finished: bool

    @property
    def is_decided(self) -> bool:
        """Whether nothing more is to be expected of it."""
        return self.completion is Completion.COMPLETED and (
            self.is_passed is not False or self.is_finished
        )


_STATUS: dict[str, tuple[Completion, bool | None]] = {
    "passed": (Completion.COMPLETED, True),
    "failed": (Completion.COMPLETED, False),
    "completed": (Completion.COMPLETED, None),
    "browsed": (Completion.INCOMPLETE, None),
    "incomplete": (Completion.INCOMPLETE, None),
    "not attempted": (Completion.NOT_ATTEMPTED, None),
}
_CLAIMS = {"passed", "completed", "failed"}


def progress_of(scos: Sequence[Sco], *, trusts_status: bool) -> Report:
    """The sitting: complete when every part is, failed when one is, scored by their average."""
    results = [result_of(each, trusts_status=trusts_status, alone=len(scos) == 1) for each in scos]
    done = [each for each in results if each.completion is Completion.COMPLETED]
    is_completed = len(done) == len(results)
    scores = [each.score for each in results if each.score is not None]
    return Report(
        is_completed=is_completed,
        is_passed=_passed(results) if is_completed else None,
        is_finished=is_completed and all(each.is_decided for each in results),
        score=sum(scores) / len(scores) if scores else None,
        progress=_share(results, len(done)),
    )


def _passed(results: Sequence[ScoResult]) -> bool | None:
    if any(each.is_passed is False for each in results):
        return False
    return True if any(each.is_passed for each in results) else None


def _share(results: Sequence[ScoResult], done: int) -> float | None:
    """SCORM 1.2 knows no progress inside a part: only whole parts count."""
    if len(results) == 1 and not done:
        return None
    return done / len(results)


def result_of(sco: Sco, *, trusts_status: bool, alone: bool) -> ScoResult:
    """One SCO in neutral words, with the mastery score applied unless its status is trusted."""
    core: Cmi = _part(sco.cmi, "core")
    if not sco.is_sco:  # an asset has nothing to say; opening it completes it
        done = Completion.COMPLETED if sco.cmi is not None else Completion.NOT_ATTEMPTED
        return ScoResult(completion=done, is_passed=None, score=None, is_finished=True)
    status = str(core.get("lesson_status") or "not attempted")
    completion, is_passed = _STATUS.get(status, (Completion.UNKNOWN, None))
    raw, mastery = _number(_part(core, "score").get("raw")), _number(sco.mastery_score)
    if not sco.is_status_set and sco.is_finished and alone and raw is None and mastery is None:
        completion = Completion.COMPLETED
    claims = status in _CLAIMS or sco.is_finished
    if not trusts_status and claims and raw is not None and mastery is not None:
        completion, is_passed = Completion.COMPLETED, raw >= mastery
    return ScoResult(
        completion=completion,
        is_passed=is_passed,
        score=score_of(core),
        is_finished=sco.is_finished,
    )


def score_of(core: Cmi) -> float | None:
    """The score as a share of its range (0 to 100 unless the SCO says otherwise)."""
    score = _part(core, "score")
    raw, low, high = (_number(score.get(name)) for name in ("raw", "min", "max"))
    if raw is None:
        return None
    low = 0.0 if low is None else low
    high = HUNDRED if high is None else high
    if high <= low:
        return None
    return min(1.0, max(0.0, (raw - low) / (high - low)))


def seed(
    sco: Sco,
    *,
    student_id: str,
    student_name: str,
    launch_data: str,
    max_time_allowed: str,
    time_limit_action: str,
    is_review: bool,
) -> dict[str, Any]:
    """The data model a SCO finds when it starts: what it stored, and what the LMS must say."""
    kept: dict[str, Any] = {name: part for name, part in (sco.cmi or {}).items() if name != "core"}
    core = {name: value for name, value in _part(sco.cmi, "core").items() if name not in NOT_KEPT}
    if not sco.is_status_set:
        core.pop("lesson_status", None)
    core.update(
        student_id=student_id,
        student_name=student_name,
        credit="no-credit" if is_review else "credit",
        lesson_mode="review" if is_review else "normal",
        entry=_entry(sco),
    )
    kept["core"] = core
    kept["launch_data"] = launch_data
    kept["student_data"] = {
        "mastery_score": sco.mastery_score,
        "max_time_allowed": max_time_allowed,
        "time_limit_action": time_limit_action,
    }
    return kept


def _entry(sco: Sco) -> str:
    """`resume` after a suspend and after a tab that just vanished; empty after a normal exit."""
    if sco.cmi is None:
        return "ab-initio"
    left = _part(sco.cmi, "core").get("exit")
    return "resume" if left == "suspend" or not sco.is_finished else ""


def _part(cmi: Cmi | None, name: str) -> Cmi:
    found = (cmi or {}).get(name)
    return found if isinstance(found, Mapping) else {}


def _number(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if abs(number) < 1e9 else None  # noqa: PLR2004 - also refuses infinity and nan
