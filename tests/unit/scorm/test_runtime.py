from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.modules.rules import Verdict, outcome
from plugin.scorm.policy import NeverSet, Policy, ScoreRule
from plugin.scorm.runtime import progress_of, result_of, told
from plugin.scorm.runtime12 import seed
from plugin.scorm.scos import Completion, Sco, share


def sco(status: str | None = None, **facts: Any) -> Sco:
    """A SCO that has said this status (None: it never set one) and score."""
    core: dict[str, Any] = {"lesson_status": status or "not attempted", "score": {}}
    if "raw" in facts:
        core["score"] = {"raw": str(facts.pop("raw")), "min": "", "max": ""}
    return Sco(
        identifier=facts.pop("identifier", "I1"),
        cmi={"core": core},
        is_status_set=status is not None,
        **facts,
    )


def verdict(*scos: Sco, trusts_status: bool = False) -> Verdict:
    return outcome(progress_of(scos, policy=Policy(trusts_status=trusts_status)))


@pytest.mark.parametrize(
    ("status", "completion", "is_passed"),
    [
        ("passed", Completion.COMPLETED, True),
        ("failed", Completion.COMPLETED, False),
        ("completed", Completion.COMPLETED, None),
        ("browsed", Completion.INCOMPLETE, None),
        ("incomplete", Completion.INCOMPLETE, None),
        ("not attempted", Completion.NOT_ATTEMPTED, None),
        ("nonsense", Completion.UNKNOWN, None),
    ],
)
def test_each_status_in_neutral_words(
    status: str, completion: Completion, is_passed: bool | None
) -> None:
    result = result_of(sco(status), alone=True)
    assert (result.completion, result.is_passed) == (completion, is_passed)


@pytest.mark.parametrize(
    ("status", "raw", "finished", "trusts", "expected"),
    [
        ("completed", 70, True, False, Verdict.FAILED),
        ("passed", 70, True, False, Verdict.FAILED),
        ("incomplete", 90, True, False, Verdict.PASSED),
        ("failed", 90, True, False, Verdict.PASSED),
        ("completed", 80, False, False, Verdict.PASSED),
        ("incomplete", 90, False, False, Verdict.OPEN),
        ("completed", 70, False, False, Verdict.OPEN),
        ("completed", 70, True, True, Verdict.PASSED),
        ("failed", 90, True, True, Verdict.FAILED),
    ],
)
def test_the_mastery_score_decides_unless_the_package_is_trusted(
    status: str, raw: int, finished: bool, trusts: bool, expected: Verdict
) -> None:
    found = sco(status, raw=raw, mastery_score="80", is_finished=finished)
    assert verdict(found, trusts_status=trusts) is expected


@pytest.mark.parametrize(
    ("status", "raw", "left", "expected"),
    [
        ("incomplete", 20, "suspend", Verdict.OPEN),
        ("browsed", 20, "suspend", Verdict.OPEN),
        (None, 20, "suspend", Verdict.OPEN),
        ("incomplete", 20, "", Verdict.FAILED),
        ("incomplete", 90, "suspend", Verdict.PASSED),
        ("failed", 20, "suspend", Verdict.FAILED),
        ("completed", 20, "suspend", Verdict.FAILED),
    ],
)
def test_a_part_put_aside_has_not_failed_by_its_score_so_far(
    status: str | None, raw: int, left: str, expected: Verdict
) -> None:
    found = sco(status, raw=raw, mastery_score="80", is_finished=True)
    assert isinstance(found.cmi, dict)
    found.cmi["core"]["exit"] = left
    assert verdict(found) is expected


def test_without_a_score_the_mastery_score_says_nothing() -> None:
    assert verdict(sco("passed", mastery_score="80")) is Verdict.PASSED
    assert verdict(sco("completed", mastery_score="80", is_finished=True)) is Verdict.PASSED


def test_completed_is_no_pass_while_the_score_for_a_mark_may_still_come() -> None:
    """Many courses say the status first, commit, and the score a moment later."""
    first = sco("completed", mastery_score="80")
    assert verdict(first) is Verdict.OPEN
    assert result_of(first, alone=True).completion is Completion.INCOMPLETE
    assert verdict(first, trusts_status=True) is Verdict.PASSED
    assert verdict(sco("completed", raw=30, mastery_score="80", is_finished=True)) is Verdict.FAILED
    opened = Policy(never_set=NeverSet.OPENED)
    silent = sco(None, mastery_score="80")
    assert outcome(progress_of([silent], policy=opened)) is Verdict.PASSED


def test_a_part_that_never_sets_a_status_is_completed_by_finishing_it() -> None:
    assert verdict(sco(None, is_finished=True)) is Verdict.PASSED
    assert verdict(sco(None)) is Verdict.OPEN


def test_but_not_with_a_score_a_mastery_score_or_other_parts() -> None:
    assert verdict(sco(None, is_finished=True, raw=50)) is Verdict.OPEN
    assert verdict(sco(None, is_finished=True, mastery_score="80")) is Verdict.OPEN
    assert verdict(sco(None, is_finished=True), sco("completed", identifier="I2")) is Verdict.OPEN


def test_a_status_the_runtime_writes_at_the_end_is_not_the_contents() -> None:
    """The browser's runtime turns `not attempted` into `incomplete` when a SCO finishes."""
    written = Sco(identifier="I1", cmi={"core": {"lesson_status": "incomplete"}}, is_finished=True)
    assert verdict(written) is Verdict.PASSED


def test_failing_can_be_mended_until_the_part_is_finished() -> None:
    assert verdict(sco("failed")) is Verdict.OPEN
    assert verdict(sco("failed", is_finished=True)) is Verdict.FAILED


def test_several_parts_are_complete_when_each_is() -> None:
    one, two = sco("completed"), sco("passed", identifier="I2", raw=80)
    unseen = Sco(identifier="I3")
    report = progress_of([one, two, unseen])
    assert (report.is_completed, report.progress) == (False, pytest.approx(2 / 3))
    whole = progress_of([one, two])
    assert (whole.is_completed, whole.is_passed, whole.score) == (True, True, 0.8)


def test_one_failed_part_fails_the_whole_and_only_when_all_is_done() -> None:
    failed = sco("failed", is_finished=True)
    assert verdict(failed, Sco(identifier="I2")) is Verdict.OPEN
    assert verdict(failed, sco("passed", identifier="I2")) is Verdict.FAILED


def test_an_asset_is_complete_once_opened() -> None:
    asset = Sco(identifier="A", is_sco=False)
    assert verdict(sco("passed"), asset) is Verdict.OPEN
    opened = Sco(identifier="A", is_sco=False, cmi={})
    assert verdict(sco("passed"), opened) is Verdict.PASSED


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ({"raw": "50"}, 0.5),
        ({"raw": "15", "min": "10", "max": "20"}, 0.5),
        ({"raw": "120"}, 1.0),
        ({"raw": "-5"}, 0.0),
        ({"raw": ""}, None),
        ({}, None),
        ({"raw": "nan"}, None),
        ({"raw": "inf"}, None),
        ({"raw": "5", "min": "10", "max": "10"}, None),
        ({"raw": ["x"]}, None),
    ],
)
def test_scores_are_shares_of_their_range(score: dict[str, Any], expected: float | None) -> None:
    assert share(score) == expected


WORDS = st.sampled_from(["", "80", "passed", "suspend", "x"])
JSONISH = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=True) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["core", "score", "raw", "lesson_status", "exit"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["core", "suspend_data"]), JSONISH), st.booleans())
def test_whatever_content_sends_it_is_judged_without_a_crash(
    cmi: dict[str, Any], finished: bool
) -> None:
    report = progress_of([Sco(identifier="I", cmi=cmi, is_finished=finished, mastery_score="80")])
    assert report.score is None or 0 <= report.score <= 1


def test_what_is_kept_of_a_commits_words_has_a_measure() -> None:
    assert told({"core": {"lesson_status": "x" * 5000}}) == ("x" * 100, None)


def seeded(part: Sco, *, is_review: bool = False) -> dict[str, Any]:
    item = {"data_from_lms": "x=1", "max_time_allowed": "", "time_limit_action": ""}
    found: dict[str, Any] = seed(
        part, Policy(), learner=("7", "Byron, Ada"), item=item, is_review=is_review
    )
    return found


def test_a_new_sitting_starts_with_what_the_mastery_rule_needs() -> None:
    core = seeded(Sco(identifier="I", mastery_score="80"))["core"]
    assert (core["credit"], core["lesson_mode"], core["entry"]) == ("credit", "normal", "ab-initio")
    assert (core["student_id"], core["student_name"]) == ("7", "Byron, Ada")


def test_a_resumed_sitting_finds_what_it_stored() -> None:
    cmi = {
        "core": {
            "lesson_location": "page-3",
            "lesson_status": "incomplete",
            "total_time": "00:10:00",
            "exit": "suspend",
            "session_time": "00:10:00",
        },
        "suspend_data": "abc",
    }
    found = seeded(Sco(identifier="I", cmi=cmi, is_status_set=True, is_finished=True))
    assert found["suspend_data"] == "abc"
    assert found["core"]["lesson_location"] == "page-3"
    assert found["core"]["total_time"] == "00:10:00"
    assert found["core"]["entry"] == "resume"
    assert not {"exit", "session_time"} & set(found["core"])


@pytest.mark.parametrize(
    ("exit_", "finished", "entry"),
    [("suspend", True, "resume"), ("", True, ""), ("logout", True, ""), ("", False, "resume")],
)
def test_how_the_last_visit_ended_decides_how_the_next_one_begins(
    exit_: str, finished: bool, entry: str
) -> None:
    part = Sco(identifier="I", cmi={"core": {"exit": exit_}}, is_finished=finished)
    assert seeded(part)["core"]["entry"] == entry


def test_reopening_what_is_finished_is_review_without_credit() -> None:
    core = seeded(sco("passed"), is_review=True)["core"]
    assert (core["credit"], core["lesson_mode"]) == ("no-credit", "review")


@pytest.mark.parametrize(
    ("never_set", "finished", "opened", "expected"),
    [
        (NeverSet.AUTO, True, True, Verdict.PASSED),
        (NeverSet.AUTO, False, True, Verdict.OPEN),
        (NeverSet.FINISHED, True, True, Verdict.PASSED),
        (NeverSet.OPENED, False, True, Verdict.PASSED),
        (NeverSet.OPENED, False, False, Verdict.OPEN),
        (NeverSet.NOTHING, True, True, Verdict.OPEN),
    ],
)
def test_what_completes_a_part_that_never_says_a_status_is_the_modules_choice(
    never_set: NeverSet, finished: bool, opened: bool, expected: Verdict
) -> None:
    silent = Sco(identifier="I1", cmi={} if opened else None, is_finished=finished)
    assert outcome(progress_of([silent], policy=Policy(never_set=never_set))) is expected


def test_several_silent_parts_wait_unless_the_module_says_otherwise() -> None:
    parts = [Sco(identifier=name, cmi={}, is_finished=True) for name in "AB"]
    assert outcome(progress_of(parts)) is Verdict.OPEN
    finished = Policy(never_set=NeverSet.FINISHED)
    assert outcome(progress_of(parts, policy=finished)) is Verdict.PASSED


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (ScoreRule.AVERAGE, 0.5),
        (ScoreRule.HIGHEST, 0.9),
        (ScoreRule.LAST, 0.2),
        (ScoreRule.SUM, 1.0),
        (ScoreRule.WEIGHTED, 0.5),
    ],
)
def test_the_scores_of_several_parts_make_one_as_the_module_says(
    rule: ScoreRule, expected: float
) -> None:
    parts = [
        sco("completed", identifier=name, raw=raw)
        for name, raw in (("A", 90), ("B", 40), ("C", 20))
    ]
    report = progress_of(parts, policy=Policy(score_rule=rule))
    assert report.score == pytest.approx(expected)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ({"A": 3.0}, 0.66),
        ({"A": 2.0, "B": 0.0, "C": 2.0}, 0.55),
        ({"A": 0.5, "B": 0.5, "C": 0.5, "gone": 9.0}, 0.5),
        ({"A": 0.0, "B": 0.0, "C": 0.0}, None),
    ],
)
def test_parts_count_by_their_weights_and_by_one_without(
    weights: dict[str, float], expected: float | None
) -> None:
    parts = [
        sco("completed", identifier=name, raw=raw)
        for name, raw in (("A", 90), ("B", 40), ("C", 20))
    ]
    policy = Policy(score_rule=ScoreRule.WEIGHTED, weights=tuple(weights.items()))
    found = progress_of(parts, policy=policy).score
    assert found == (None if expected is None else pytest.approx(expected))


def test_a_weight_is_only_of_parts_that_have_a_score() -> None:
    parts = [sco("completed", identifier="A"), sco("completed", identifier="B", raw=40)]
    policy = Policy(score_rule=ScoreRule.WEIGHTED, weights=(("A", 9.0),))
    assert progress_of(parts, policy=policy).score == pytest.approx(0.4)


def test_the_modules_own_mark_replaces_the_courses_and_is_told_to_it() -> None:
    strict, lenient = Policy(pass_share=0.9), Policy(pass_share=0.5)
    part = sco("passed", raw=80, mastery_score="80", is_finished=True)
    assert outcome(progress_of([part], policy=strict)) is Verdict.FAILED
    low = sco("failed", raw=60, mastery_score="80")
    assert outcome(progress_of([low], policy=lenient)) is Verdict.PASSED
    item = {"data_from_lms": "", "max_time_allowed": "", "time_limit_action": ""}
    told = seed(part, strict, learner=("7", "x"), item=item, is_review=False)
    assert told["student_data"]["mastery_score"] == "90"
    trusting = Policy(trusts_status=True)
    told = seed(part, trusting, learner=("7", "x"), item=item, is_review=False)
    assert told["student_data"]["mastery_score"] == ""


def test_of_several_parts_the_modules_mark_is_for_their_score_together() -> None:
    parts = [sco("passed", identifier="A", raw=100), sco("passed", identifier="B", raw=60)]
    assert progress_of(parts, policy=Policy(pass_share=0.8)).is_passed is True
    assert progress_of(parts, policy=Policy(pass_share=0.9)).is_passed is False
