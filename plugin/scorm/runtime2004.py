"""SCORM 2004: what a part and the whole course say, and what a part finds when it starts. Pure."""

from typing import Any

from plugin.scorm import times
from plugin.scorm.policy import Policy
from plugin.scorm.scos import Cmi, Completion, Course, Said, Sco, number, part, share

NOT_KEPT = {"exit", "session_time", "entry", "credit", "mode"}
_PASSED = {"passed": True, "failed": False}
_SUSPENDED = "suspend"


def said(sco: Sco, policy: Policy) -> Said:
    """Its two statuses as the run-time has them: measures beat words (RTE 4.2.4.1, 4.2.22.1)."""
    cmi = sco.cmi or {}
    completion, is_passed, score = _completion(sco, cmi), _passed(sco, cmi), score_of(cmi)
    claims = completion is Completion.COMPLETED or is_passed is not None or sco.is_finished
    mark = None if policy.trusts_status else policy.pass_share
    if mark is not None and score is not None and claims:
        is_reached = score >= mark
        if is_reached or not _is_put_aside(cmi, completion):
            completion, is_passed = Completion.COMPLETED, is_reached
    if is_passed and completion in {Completion.UNKNOWN, Completion.NOT_ATTEMPTED}:
        completion = Completion.COMPLETED
    return Said(completion=completion, is_passed=is_passed, score=score, claims=claims)


def _is_put_aside(cmi: Cmi, completion: Completion) -> bool:
    """Whether it was left to be gone on with: its score may still grow, so it has not failed."""
    is_said = completion is Completion.COMPLETED or cmi.get("success_status") in _PASSED
    return cmi.get("exit") == _SUSPENDED and not is_said


def _completion(sco: Sco, cmi: Cmi) -> Completion:
    threshold, progress = number(sco.completion_threshold), number(cmi.get("progress_measure"))
    if threshold is not None and progress is not None:
        return Completion.COMPLETED if progress >= threshold else Completion.INCOMPLETE
    return completion_named(cmi.get("completion_status"))


def _passed(sco: Sco, cmi: Cmi) -> bool | None:
    mark, scaled = number(sco.scaled_passing_score), number(part(cmi, "score").get("scaled"))
    if mark is not None:
        return None if scaled is None else scaled >= mark
    return _PASSED.get(str(cmi.get("success_status")))


def score_of(cmi: Cmi) -> float | None:
    """The scaled score (below zero is zero), else the raw one in its range."""
    score = part(cmi, "score")
    scaled = number(score.get("scaled"))
    return share(score) if scaled is None else min(1.0, max(0.0, scaled))


def completion_named(word: object) -> Completion:
    try:
        return Completion(str(word))
    except ValueError:
        return Completion.UNKNOWN


def course_of(found: Cmi | None, *, has_own_rollup: bool) -> Course | None:
    """What the engine last said of the course; None before it said anything."""
    root = part(found, "root")
    if not root:
        return None
    score = number(root.get("score"))
    return Course(
        completion=completion_named(root.get("completion")),
        is_passed=_PASSED.get(str(root.get("success"))),
        score=None if score is None else min(1.0, max(0.0, score)),
        is_ended=root.get("ended") is True,
        has_own_rollup=has_own_rollup,
    )


def seed(sco: Sco, *, learner: tuple[str, str], item: Cmi, is_review: bool) -> dict[str, Any]:
    """`fresh`: what a new attempt finds; `kept`: what a resumed one finds besides."""
    limit = str(item["max_time_allowed"])
    fresh = {
        "learner_id": learner[0],
        "learner_name": learner[1],
        "credit": "no-credit" if is_review else "credit",
        "mode": "review" if is_review else "normal",
        "launch_data": item["data_from_lms"],
        "max_time_allowed": limit if times.is_span_2004(limit) else "",
        "time_limit_action": item["time_limit_action"],
        "scaled_passing_score": item["scaled_passing_score"],
        "completion_threshold": item["completion_threshold"],
    }
    return {"fresh": fresh, "kept": _kept(sco.cmi) if sco.cmi else None}


def _kept(cmi: Cmi) -> dict[str, Any]:
    return {name: value for name, value in cmi.items() if name not in NOT_KEPT}
