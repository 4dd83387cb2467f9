"""What a SCORM 2004 course has said, judged."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.modules.rules import Verdict, outcome
from plugin.scorm.policy import Policy
from plugin.scorm.runtime import progress_of, result_of, told
from plugin.scorm.runtime2004 import course_of, marked, seed
from plugin.scorm.scos import Completion, Course, Sco

ITEM = dict.fromkeys(
    ("data_from_lms", "max_time_allowed", "time_limit_action", "completion_threshold"), ""
)
WORDS = st.sampled_from(["", "passed", "failed", "completed", "incomplete", "0.5", "-1", "x"])


def sco(completion: str = "", success: str = "", scaled: str = "", **facts: Any) -> Sco:
    cmi: dict[str, Any] = {"completion_status": completion, "success_status": success}
    cmi["score"] = {"scaled": scaled}
    cmi["progress_measure"] = facts.pop("progress", "")
    return Sco(
        identifier=facts.pop("identifier", "A"),
        is_2004=True,
        cmi=cmi,
        is_status_set=bool(completion or success),
        **facts,
    )


def course(completion: Completion, *, passed: bool | None = None, **facts: Any) -> Course:
    return Course(
        completion=completion,
        is_passed=passed,
        score=facts.get("score"),
        is_ended=facts.get("ended", False),
        has_own_rollup=facts.get("own", False),
    )


@pytest.mark.parametrize(
    ("completion", "success", "expected", "passed"),
    [
        ("completed", "passed", Completion.COMPLETED, True),
        ("completed", "failed", Completion.COMPLETED, False),
        ("completed", "unknown", Completion.COMPLETED, None),
        ("incomplete", "unknown", Completion.INCOMPLETE, None),
        ("incomplete", "passed", Completion.INCOMPLETE, True),
        ("unknown", "passed", Completion.COMPLETED, True),
        ("not attempted", "unknown", Completion.NOT_ATTEMPTED, None),
        ("nonsense", "nonsense", Completion.UNKNOWN, None),
    ],
)
def test_the_two_statuses_in_neutral_words(
    completion: str, success: str, expected: Completion, passed: bool | None
) -> None:
    result = result_of(sco(completion, success), alone=True)
    assert (result.completion, result.is_passed) == (expected, passed)


@pytest.mark.parametrize(("scaled", "passed"), [("0.8", True), ("0.79", False), ("", None)])
def test_a_scaled_passing_score_beats_the_status(scaled: str, passed: bool | None) -> None:
    part = sco("completed", "passed", scaled, scaled_passing_score="0.8")
    assert result_of(part, alone=True).is_passed is passed


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        ("0.7", Completion.COMPLETED),
        ("0.5", Completion.INCOMPLETE),
        ("", Completion.COMPLETED),
    ],
)
def test_a_threshold_of_progress_beats_the_status(progress: str, expected: Completion) -> None:
    part = sco("completed", progress=progress, completion_threshold="0.7")
    assert result_of(part, alone=True).completion is expected


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ({"scaled": "0.25"}, 0.25),
        ({"scaled": "-0.5"}, 0.0),
        ({"scaled": "", "raw": "30", "min": "0", "max": "60"}, 0.5),
        ({}, None),
    ],
)
def test_scores_are_the_scaled_one_or_a_share_of_their_range(
    score: dict[str, str], expected: float | None
) -> None:
    part = Sco(identifier="A", is_2004=True, cmi={"score": score})
    assert result_of(part, alone=True).score == expected


def test_the_engine_completes_a_course_whose_parts_never_said_so() -> None:
    silent = Sco(identifier="A", is_2004=True, cmi={}, is_finished=True)
    assert outcome(progress_of([silent])) is Verdict.OPEN
    whole = course(Completion.COMPLETED, passed=True)
    assert outcome(progress_of([silent], course=whole)) is Verdict.PASSED


def test_a_course_that_says_itself_when_it_is_complete_is_believed_over_its_parts() -> None:
    parts = [sco("completed", "passed", identifier=name) for name in "AB"]
    waiting = course(Completion.INCOMPLETE, own=True)
    assert outcome(progress_of(parts, course=waiting)) is Verdict.OPEN
    plain = course(Completion.INCOMPLETE)
    assert outcome(progress_of(parts, course=plain)) is Verdict.PASSED


def test_a_course_may_be_complete_although_parts_were_skipped() -> None:
    parts = [sco("completed", "passed", identifier="TEST"), Sco(identifier="LESSON", is_2004=True)]
    whole = course(Completion.COMPLETED, passed=True, score=0.9)
    report = progress_of(parts, course=whole)
    assert (report.is_completed, report.is_passed, report.score) == (True, True, 0.9)


def test_a_failed_course_is_failed_when_it_has_ended() -> None:
    parts = [sco("completed", "failed", identifier=name) for name in "AB"]
    going_on = course(Completion.COMPLETED, passed=False)
    assert outcome(progress_of(parts, course=going_on)) is Verdict.OPEN
    ended = course(Completion.COMPLETED, passed=False, ended=True)
    assert outcome(progress_of(parts, course=ended)) is Verdict.FAILED


def test_of_a_course_of_one_part_the_part_itself_says_whether_it_passed() -> None:
    part = sco("completed", "failed", is_finished=True)
    whole = course(Completion.COMPLETED, passed=True)
    assert outcome(progress_of([part], course=whole)) is Verdict.FAILED


def test_the_modules_own_mark_counts_in_either_edition() -> None:
    part = sco("completed", "passed", "0.7", is_finished=True)
    assert outcome(progress_of([part], policy=Policy(pass_share=0.8))) is Verdict.FAILED
    assert outcome(progress_of([part], policy=Policy(pass_share=0.6))) is Verdict.PASSED


def test_a_part_put_aside_has_not_failed_by_its_score_so_far() -> None:
    mark = Policy(pass_share=0.8)

    def left(how: str, completion: str = "incomplete", success: str = "") -> Verdict:
        part = sco(completion, success, "0.2", is_finished=True)
        assert isinstance(part.cmi, dict)
        part.cmi["exit"] = how
        return outcome(progress_of([part], policy=mark))

    assert left("suspend") is Verdict.OPEN
    assert left("normal") is Verdict.FAILED
    assert left("suspend", "completed") is Verdict.FAILED
    assert left("suspend", success="failed") is Verdict.OPEN  # the engine's word, by the mark told


def test_a_trusted_status_beats_the_courses_own_mark() -> None:
    part = sco("completed", "passed", "0.3", scaled_passing_score="0.8", is_finished=True)
    assert outcome(progress_of([part])) is Verdict.FAILED
    trusted = Policy(trusts_status=True, pass_share=0.9)
    assert outcome(progress_of([part], policy=trusted)) is Verdict.PASSED
    failed = sco("completed", "failed", "0.9", scaled_passing_score="0.8", is_finished=True)
    assert outcome(progress_of([failed], policy=trusted)) is Verdict.FAILED


def test_failed_without_the_score_for_a_mark_is_no_pass() -> None:
    part = sco("completed", "failed", scaled_passing_score="0.8", is_finished=True)
    assert outcome(progress_of([part])) is Verdict.FAILED


@pytest.mark.parametrize("policy", [Policy(), Policy(pass_share=0.8)])
def test_completed_is_no_pass_while_the_score_for_a_mark_may_still_come(policy: Policy) -> None:
    mark = "" if policy.pass_share else "0.8"
    whole = course(Completion.COMPLETED)
    first = sco("completed", scaled_passing_score=mark)
    assert outcome(progress_of([first], policy=policy, course=whole)) is Verdict.OPEN
    then = sco("completed", scaled="0.3", scaled_passing_score=mark, is_finished=True)
    assert outcome(progress_of([then], policy=policy, course=whole)) is Verdict.FAILED
    never = sco("completed", scaled_passing_score=mark, is_finished=True)
    assert outcome(progress_of([never], policy=policy, course=whole)) is Verdict.PASSED


@pytest.mark.parametrize(
    ("policy", "told", "objective"),
    [
        (Policy(), "0.5", {"satisfiedByMeasure": True, "minNormalizedMeasure": 0.5}),
        (Policy(pass_share=0.8), "0.8", {"satisfiedByMeasure": True, "minNormalizedMeasure": 0.8}),
        (
            Policy(trusts_status=True),
            "",
            {"satisfiedByMeasure": False, "minNormalizedMeasure": 0.5},
        ),
    ],
)
def test_content_and_the_engine_are_told_the_mark_that_counts(
    policy: Policy, told: str, objective: dict[str, Any]
) -> None:
    part = Sco(identifier="A", is_2004=True, scaled_passing_score="0.5")
    found = seed(part, policy, learner=("7", "x"), item=ITEM, is_review=False)
    assert found["fresh"]["scaled_passing_score"] == told
    own = {"satisfiedByMeasure": True, "minNormalizedMeasure": 0.5}
    tree = {"primaryObjective": own, "children": [{"primaryObjective": own}, {"id": "a2"}]}
    assert marked(tree, policy) == {
        "primaryObjective": own,
        "children": [{"primaryObjective": objective}, {"id": "a2"}],
    }


def test_a_resumed_part_finds_what_it_stored_and_a_new_one_only_what_the_lms_says() -> None:
    part = Sco(
        identifier="A",
        is_2004=True,
        cmi={"location": "3", "exit": "suspend", "session_time": "PT1M", "entry": "x"},
    )
    found = seed(part, Policy(), learner=("7", "Byron, Ada"), item=ITEM, is_review=True)
    assert found["kept"] == {"location": "3"}
    assert found["fresh"]["mode"] == "review"
    assert found["fresh"]["learner_name"] == "Byron, Ada"
    new = Sco(identifier="A", is_2004=True)
    assert seed(new, Policy(), learner=("7", "x"), item=ITEM, is_review=False)["kept"] is None


@given(
    st.dictionaries(
        st.sampled_from(["root", "score", "completion_status", "success_status", "core"]),
        st.dictionaries(st.sampled_from(["completion", "success", "score", "scaled"]), WORDS)
        | WORDS
        | st.none()
        | st.lists(WORDS),
    )
)
def test_whatever_content_sends_it_is_judged_without_a_crash(cmi: dict[str, Any]) -> None:
    whole = course_of(cmi, has_own_rollup=False)
    report = progress_of([Sco(identifier="A", is_2004=True, cmi=cmi)], course=whole)
    assert report.score is None or 0 <= report.score <= 1
    status, score = told(cmi)
    assert len(status) <= 100
    assert score is None or 0 <= score <= 1
