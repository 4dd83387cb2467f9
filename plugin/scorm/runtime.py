"""What a course has said, judged: each part, then the whole sitting. Pure; either edition."""

from collections.abc import Sequence
from dataclasses import dataclass

from plugin.modules.rules import Report
from plugin.scorm import runtime12, runtime2004
from plugin.scorm.policy import NeverSet, Policy, combined
from plugin.scorm.scos import Cmi, Completion, Course, Said, Sco, number, part, share

DEFAULT = Policy()
MAX_WORDS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoResult:
    """A SCO in neutral words; `is_passed` is None when it never said."""

    completion: Completion
    is_passed: bool | None
    score: float | None
    is_finished: bool
    is_awaited: bool = False
    """Completed by its own word, while the score that has to reach a mark is still to come."""

    @property
    def is_decided(self) -> bool:
        """Whether nothing more is to be expected of it."""
        return self.completion is Completion.COMPLETED and (
            self.is_passed is not False or self.is_finished
        )


def progress_of(
    scos: Sequence[Sco], *, policy: Policy = DEFAULT, course: Course | None = None
) -> Report:
    """The sitting: complete when every part is, failed when one is, scored as the module says.

    A SCORM 2004 course that says itself when it is complete is believed over its parts.
    """
    alone = len(scos) == 1
    results = [result_of(each, policy=policy, alone=alone) for each in scos]
    report = _of_parts(scos, results, policy)
    if course is not None and not any(each.is_awaited for each in results):
        report = _of_course(report, course, alone=alone)
    if not alone:
        report = _marked(report, policy)
    return report


def _of_parts(scos: Sequence[Sco], results: Sequence[ScoResult], policy: Policy) -> Report:
    done = [each for each in results if each.completion is Completion.COMPLETED]
    is_completed = len(done) == len(results)
    scored = [
        (sco.identifier, each.score)
        for sco, each in zip(scos, results, strict=True)
        if each.score is not None
    ]
    return Report(
        is_completed=is_completed,
        is_passed=_passed(results) if is_completed else None,
        is_finished=is_completed and all(each.is_decided for each in results),
        score=combined(scored, policy),
        progress=_share(results, len(done)),
    )


def _of_course(parts: Report, course: Course, *, alone: bool) -> Report:
    if course.completion is not Completion.COMPLETED:
        if not course.has_own_rollup:
            return parts
        return Report(
            is_completed=False,
            is_passed=None,
            is_finished=False,
            score=parts.score,
            progress=parts.progress,
        )
    is_silent = course.is_passed is None or (alone and parts.is_passed is not None)
    return Report(
        is_completed=True,
        is_passed=parts.is_passed if is_silent else course.is_passed,
        is_finished=course.is_ended or parts.is_finished,
        score=parts.score if course.score is None else course.score,
        progress=1.0,
    )


def _marked(report: Report, policy: Policy) -> Report:
    """Of several parts the module's own pass mark is for their score together."""
    mark = None if policy.trusts_status else policy.pass_share
    if mark is None or report.score is None or not report.is_completed:
        return report
    return Report(
        is_completed=True,
        is_passed=report.score >= mark,
        is_finished=report.is_finished,
        score=report.score,
        progress=report.progress,
    )


def _passed(results: Sequence[ScoResult]) -> bool | None:
    if any(each.is_passed is False for each in results):
        return False
    return True if any(each.is_passed for each in results) else None


def _share(results: Sequence[ScoResult], done: int) -> float | None:
    """Only whole parts count as progress."""
    if len(results) == 1 and not done:
        return None
    return done / len(results)


def result_of(sco: Sco, *, policy: Policy = DEFAULT, alone: bool) -> ScoResult:
    """One part in neutral words, judged as its module says."""
    if not sco.is_sco:  # an asset has nothing to say; opening it completes it
        done = Completion.COMPLETED if sco.cmi is not None else Completion.NOT_ATTEMPTED
        return ScoResult(completion=done, is_passed=None, score=None, is_finished=True)
    own = policy.of_part(alone=alone)
    said = runtime2004.said(sco, own) if sco.is_2004 else runtime12.said(sco, own)
    completion = said.completion
    is_awaited = completion is Completion.COMPLETED and said.awaits_score and not sco.is_finished
    if is_awaited:
        completion = Completion.INCOMPLETE
    elif _is_silent(sco, said) and _completes_silently(sco, said, policy, alone=alone):
        completion = Completion.COMPLETED
    return ScoResult(
        completion=completion,
        is_passed=said.is_passed,
        score=said.score,
        is_finished=sco.is_finished,
        is_awaited=is_awaited,
    )


def _is_silent(sco: Sco, said: Said) -> bool:
    return not sco.is_status_set and said.completion is not Completion.COMPLETED


def _completes_silently(sco: Sco, said: Said, policy: Policy, *, alone: bool) -> bool:
    if policy.never_set is NeverSet.OPENED:
        return sco.cmi is not None
    if policy.never_set is NeverSet.FINISHED:
        return sco.is_finished
    if policy.never_set is NeverSet.NOTHING or sco.is_2004:
        return False  # of SCORM 2004 the engine knows (SN 3.13.2)
    has_mark = number(sco.mastery_score) is not None or policy.pass_share is not None
    return sco.is_finished and alone and said.score is None and not has_mark


def told(cmi: Cmi) -> tuple[str, float | None]:
    """Status and score of one commit, for the record of commits."""
    if "core" in cmi:
        core = part(cmi, "core")
        return str(core.get("lesson_status") or "")[:MAX_WORDS], share(part(core, "score"))
    said = part(cmi, "root") or cmi
    completion = said.get("completion_status") or said.get("completion")
    success = said.get("success_status") or said.get("success")
    words = "/".join(str(each) for each in (completion, success) if each)
    return words[:MAX_WORDS], runtime2004.score_of(cmi)
