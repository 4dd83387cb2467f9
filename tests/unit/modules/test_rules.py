import pytest

from plugin.modules.rules import Report, Verdict, is_better, outcome


@pytest.mark.parametrize(
    ("is_completed", "is_passed", "is_finished", "verdict"),
    [
        (False, None, False, Verdict.OPEN),
        (False, None, True, Verdict.OPEN),
        (True, None, False, Verdict.PASSED),
        (True, True, False, Verdict.PASSED),
        (False, True, False, Verdict.PASSED),
        (True, False, False, Verdict.OPEN),
        (True, False, True, Verdict.FAILED),
    ],
)
def test_passing_counts_at_once_and_failing_only_when_the_person_has_left(
    is_completed: bool, is_passed: bool | None, is_finished: bool, verdict: Verdict
) -> None:
    report = Report(is_completed=is_completed, is_passed=is_passed, is_finished=is_finished)
    assert outcome(report) is verdict


@pytest.mark.parametrize(
    ("score", "than", "better"),
    [
        (None, None, False),
        (None, 0.5, False),
        (0.5, None, True),
        (0.6, 0.5, True),
        (0.5, 0.5, False),
    ],
)
def test_any_score_is_better_than_none(
    score: float | None, than: float | None, better: bool
) -> None:
    assert is_better(score, than) is better
