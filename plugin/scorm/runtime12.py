"""SCORM 1.2: what a part's data model says, and what it finds when it starts. Pure."""

from typing import Any

from plugin.scorm import times
from plugin.scorm.policy import Policy
from plugin.scorm.scos import HUNDRED, Cmi, Completion, Said, Sco, number, part, share

NOT_KEPT = {"exit", "session_time"}
NO_TIME = "0000:00:00.00"
"""What content finds as its total time at first (RTE 3.4.4); the engine would say nothing."""
_STATUS: dict[str, tuple[Completion, bool | None]] = {
    "passed": (Completion.COMPLETED, True),
    "failed": (Completion.COMPLETED, False),
    "completed": (Completion.COMPLETED, None),
    "browsed": (Completion.INCOMPLETE, None),
    "incomplete": (Completion.INCOMPLETE, None),
    "not attempted": (Completion.NOT_ATTEMPTED, None),
}
_CLAIMS = {"passed", "completed", "failed"}


def said(sco: Sco, policy: Policy) -> Said:
    """Its status in neutral words, with the mastery score applied unless its status is trusted."""
    core = part(sco.cmi, "core")
    status = str(core.get("lesson_status") or "not attempted")
    completion, is_passed = _STATUS.get(status, (Completion.UNKNOWN, None))
    raw, mastery = number(part(core, "score").get("raw")), mastery_of(sco, policy)
    claims = status in _CLAIMS or sco.is_finished
    if claims and raw is not None and mastery is not None:
        is_reached = raw >= mastery
        if is_reached or not _is_put_aside(core, status):
            completion, is_passed = Completion.COMPLETED, is_reached
    return Said(
        completion=completion,
        is_passed=is_passed,
        score=share(part(core, "score")),
        awaits_score=raw is None and is_passed is None and mastery is not None,
    )


def _is_put_aside(core: Cmi, status: str) -> bool:
    """Whether it was left to be gone on with: its score may still grow, so it has not failed."""
    return core.get("exit") == "suspend" and status not in _CLAIMS


def mastery_of(sco: Sco, policy: Policy) -> float | None:
    """The raw score that passes; None when the status decides."""
    if policy.trusts_status:
        return None
    if policy.pass_share is not None:
        return policy.pass_share * HUNDRED
    return number(sco.mastery_score)


def seed(sco: Sco, policy: Policy, *, learner: tuple[str, str], item: Cmi, is_review: bool) -> Any:
    """The data model a SCO finds when it starts: what it stored, and what the LMS must say."""
    kept: dict[str, Any] = {name: each for name, each in (sco.cmi or {}).items() if name != "core"}
    core = {name: value for name, value in part(sco.cmi, "core").items() if name not in NOT_KEPT}
    if not sco.is_status_set:
        core.pop("lesson_status", None)
    core["total_time"] = core.get("total_time") or NO_TIME
    core.update(
        student_id=learner[0],
        student_name=learner[1],
        credit="no-credit" if is_review else "credit",
        lesson_mode="review" if is_review else "normal",
        entry=_entry(sco),
    )
    kept["core"] = core
    limit = str(item["max_time_allowed"])
    kept["launch_data"] = item["data_from_lms"]
    kept["student_data"] = {
        "mastery_score": _told_mastery(sco, policy),
        "max_time_allowed": limit if times.is_span_12(limit) else "",
        "time_limit_action": item["time_limit_action"],
    }
    return kept


def _told_mastery(sco: Sco, policy: Policy) -> str:
    """Content and the browser's runtime are told the mark that counts, so that they agree."""
    if policy.trusts_status or policy.pass_share is None:
        return "" if policy.trusts_status else sco.mastery_score
    return f"{policy.pass_share * HUNDRED:g}"


def _entry(sco: Sco) -> str:
    """`resume` after a suspend and after a tab that just vanished; empty after a normal exit."""
    if not sco.cmi:
        return "ab-initio"
    left = part(sco.cmi, "core").get("exit")
    return "resume" if left == "suspend" or not sco.is_finished else ""
