"""SCORM 2004: what a part and the whole course say, and what a part finds when it starts. Pure."""

from typing import Any

from plugin.scorm import times
from plugin.scorm.policy import Policy
from plugin.scorm.scos import (
    Cmi,
    Completion,
    Course,
    Said,
    Sco,
    number,
    part,
    share,
)

NOT_KEPT = {"exit", "session_time", "entry", "credit", "mode"}
_PASSED = {"passed": True, "failed": False}


def said(sco: Sco, policy: Policy) -> Said:
    """Its two statuses as the run-time has them: measures beat words (RTE 4.2.4.1, 4.2.22.1).

    The module's own mark judges a raw score too, and completes what has ended.
    """
    cmi = sco.cmi or {}
    completion, is_passed, score = _completion(sco, cmi), _passed(sco, cmi, policy), score_of(cmi)
    has_ended = sco.is_finished and cmi.get("exit") != "suspend"  # else its score may still grow
    if policy.own_mark is not None and score is not None and has_ended:
        completion = Completion.COMPLETED
    if is_passed and completion in {Completion.UNKNOWN, Completion.NOT_ATTEMPTED}:
        completion = Completion.COMPLETED
    is_awaited = score is None and is_passed is None and mark_of(sco, policy) is not None
    return Said(completion=completion, is_passed=is_passed, score=score, awaits_score=is_awaited)


def mark_of(sco: Sco, policy: Policy) -> float | None:
    """The score, as a share, that passes; None when the status decides."""
    if policy.trusts_status:
        return None
    return number(sco.scaled_passing_score) if policy.pass_share is None else policy.pass_share


def _completion(sco: Sco, cmi: Cmi) -> Completion:
    threshold, progress = number(sco.completion_threshold), number(cmi.get("progress_measure"))
    if threshold is not None and progress is not None:
        return Completion.COMPLETED if progress >= threshold else Completion.INCOMPLETE
    return completion_named(cmi.get("completion_status"))


def _passed(sco: Sco, cmi: Cmi, policy: Policy) -> bool | None:
    """A course that says "failed" and no score has not passed, although SCORM calls it unknown."""
    mark, word = mark_of(sco, policy), _PASSED.get(str(cmi.get("success_status")))
    is_own = policy.own_mark is not None
    score = score_of(cmi) if is_own else number(part(cmi, "score").get("scaled"))
    if mark is None or (score is None and (is_own or word is False)):
        return word
    return None if score is None else score >= mark


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


def seed(
    sco: Sco, policy: Policy, *, learner: tuple[str, str], item: Cmi, is_review: bool
) -> dict[str, Any]:
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
        "scaled_passing_score": _told_mark(sco, policy),
        "completion_threshold": item["completion_threshold"],
    }
    return {"fresh": fresh, "kept": _kept(sco.cmi) if sco.cmi else None}


def _kept(cmi: Cmi) -> dict[str, Any]:
    return {name: value for name, value in cmi.items() if name not in NOT_KEPT}


def _told_mark(sco: Sco, policy: Policy) -> str:
    """Content and the browser's runtime are told the mark that counts, so that they agree."""
    if policy.trusts_status:
        return ""
    return sco.scaled_passing_score if policy.pass_share is None else f"{policy.pass_share:g}"


def marked(activity: Cmi, policy: Policy) -> dict[str, Any]:
    """The activity tree with the mark that counts for its parts; headings keep their own."""
    found, children = dict(activity), activity.get("children", [])
    objective = part(activity, "primaryObjective")
    if children:
        found["children"] = [marked(child, policy) for child in children]
    elif policy.trusts_status and objective:
        found["primaryObjective"] = {**objective, "satisfiedByMeasure": False}
    elif policy.own_mark is not None and objective.get("satisfiedByMeasure"):
        found["primaryObjective"] = {**objective, "minNormalizedMeasure": policy.own_mark}
    return found
