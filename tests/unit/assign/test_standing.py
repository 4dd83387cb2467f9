"""What is true of one person under one configuration: cases and properties."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.assign.facts import (
    CompletionFacts,
    CoverageFacts,
    RowStatus,
    TermFacts,
    WaiverFacts,
)
from plugin.assign.spans import Span
from plugin.assign.standing import RowState
from plugin.assign.validity import end_of
from tests.unit.assign.facts import (
    LONDON,
    A,
    B,
    C,
    changed,
    configuration,
    failed,
    on,
    passed,
    row,
    standing,
)

MAR_10 = on("2027-03-10")
NEXT_DAY = on("2027-03-11")
SECOND = timedelta(seconds=1)


def test_what_was_never_completed_is_missing_and_there_is_no_last_day() -> None:
    found = standing(configuration(row(A, months=12), row(B)), passed(A, MAR_10), at=NEXT_DAY)
    assert [(each.module_id, each.state) for each in found.missing] == [
        (B, RowState.NEVER_COMPLETED)
    ]
    assert (found.complete, found.valid_through, found.ends_at) == (False, None, None)
    assert not found.is_valid(NEXT_DAY)


def test_it_is_valid_to_the_last_instant_of_its_last_day_and_not_one_longer() -> None:
    facts, done = configuration(row(A, months=12)), passed(A, MAR_10)
    end = on("2028-03-11", "00:00")
    before, after = standing(facts, done, at=end - SECOND), standing(facts, done, at=end)
    assert before.is_valid(end - SECOND)
    assert before.ends_at == end
    assert not before.is_valid(end), "dates are stored, the clock decides"
    assert not after.is_valid(end)
    assert (after.complete, after.valid_through) == (True, date(2028, 3, 10))
    assert after.missing[0].state is RowState.EXPIRED
    assert after.missing[0].valid_through == date(2028, 3, 10)


def test_a_row_says_which_completion_and_which_arithmetic_decides() -> None:
    old, best = passed(A, on("2026-09-01")), passed(A, on("2027-01-31"))
    found = standing(
        configuration(row(A, months=1)), best, old, failed(A, on("2027-02-01")), at=NEXT_DAY
    ).rows[0]
    assert (found.completion_id, found.completed_on, found.months_counted) == (
        best.id,
        date(2027, 1, 31),
        1,
    )
    assert found.valid_through == date(2027, 2, 28)


@pytest.mark.parametrize(
    ("score", "mark", "counts"),
    [
        (0.8, 0.8, True),
        (24 / 30, 0.8, True),
        (0.1 + 0.7, 0.8, True),  # 0.7999999999999999 in floating point
        (0.79, 0.8, False),
        (None, 0.8, False),
        (None, None, True),
        (0.0, None, True),
    ],
)
def test_a_completion_qualifies_when_it_reaches_the_pass_mark(
    score: float | None, mark: float | None, counts: bool
) -> None:
    found = standing(configuration(row(A, mark=mark)), passed(A, MAR_10, score=score), at=NEXT_DAY)
    assert found.is_valid(NEXT_DAY) is counts


def test_a_full_score_that_did_not_pass_does_not_count() -> None:
    done = passed(A, MAR_10, ok=False, score=1.0)
    assert not standing(configuration(row(A)), done, at=NEXT_DAY).is_valid(NEXT_DAY)


def test_without_a_required_row_nothing_is_ever_valid() -> None:
    facts = configuration(row(A, status=RowStatus.OPTIONAL), row(B, status=RowStatus.HIDDEN))
    found = standing(facts, passed(A, MAR_10), at=NEXT_DAY)
    assert (found.has_required, found.complete, found.binding) == (False, False, None)
    assert not found.is_valid(NEXT_DAY)


def test_who_is_not_covered_is_not_valid() -> None:
    facts, done = configuration(row(A)), passed(A, MAR_10)
    left = CoverageFacts(spans=(Span(since=on("2027-01-01"), until=MAR_10),))
    assert standing(facts, done, at=MAR_10 - SECOND, coverage=left).covered
    assert not standing(facts, done, at=MAR_10, coverage=left).covered
    assert not standing(facts, done, at=NEXT_DAY, coverage=left).is_valid(NEXT_DAY)


def test_memberships_of_several_sources_cover_without_a_break() -> None:
    spans = (
        Span(since=on("2027-02-01"), until=on("2027-03-01")),
        Span(since=on("2027-01-01"), until=on("2027-02-10")),
        Span(since=on("2027-03-01")),
        Span(since=on("2026-01-01"), until=on("2026-12-31")),
    )
    found = standing(configuration(row(A)), at=NEXT_DAY, coverage=CoverageFacts(spans=spans))
    assert found.covered_since == on("2027-01-01")


def test_an_archived_configuration_covers_nobody() -> None:
    facts = changed(configuration(row(A)), archived=True)
    found = standing(facts, passed(A, MAR_10), at=NEXT_DAY)
    assert not found.covered
    assert not found.is_valid(NEXT_DAY)


def test_hidden_rows_leave_no_trace() -> None:
    shown = configuration(row(A, months=12), row(C, status=RowStatus.OPTIONAL))
    hiding = configuration(
        row(A, months=12), row(B, status=RowStatus.HIDDEN), row(C, status=RowStatus.OPTIONAL)
    )
    done = (passed(A, MAR_10), passed(B, MAR_10))
    assert standing(hiding, *done, at=NEXT_DAY) == standing(shown, *done, at=NEXT_DAY)


def test_a_requirement_added_later_is_new_for_who_was_there_and_plain_for_who_joined_after() -> (
    None
):
    facts = configuration(row(A), row(C, since=on("2027-03-01")))
    there = standing(facts, passed(A, MAR_10), at=NEXT_DAY).missing[0]
    assert (there.state, there.since) == (RowState.NEW_REQUIREMENT, on("2027-03-01"))
    joined = CoverageFacts(spans=(Span(since=on("2027-03-05")),))
    after = standing(facts, passed(A, MAR_10), at=NEXT_DAY, coverage=joined).missing[0]
    assert after.state is RowState.NEVER_COMPLETED


def test_due_days_are_advice_counted_from_the_duty_or_from_joining() -> None:
    facts = configuration(row(A, due=14, since=MAR_10))
    last = standing(facts, at=on("2027-03-24", "23:59"))
    assert (last.rows[0].due_on, last.rows[0].overdue) == (date(2027, 3, 24), False)
    assert standing(facts, at=on("2027-03-25", "00:00")).rows[0].overdue
    late = standing(facts, passed(A, on("2027-04-01")), at=on("2027-04-02"))
    assert late.is_valid(on("2027-04-02"))
    assert (late.rows[0].due_on, late.rows[0].overdue) == (None, False)
    joined = CoverageFacts(spans=(Span(since=on("2027-05-01")),))
    assert standing(facts, at=on("2027-05-02"), coverage=joined).rows[0].due_on == date(2027, 5, 15)


def test_what_was_done_and_ran_out_is_expired_not_overdue() -> None:
    facts = configuration(row(A, months=1, due=14, since=on("2027-01-01")))
    found = standing(facts, passed(A, on("2027-01-10")), at=MAR_10).rows[0]
    assert (found.state, found.overdue) == (RowState.EXPIRED, False)


def test_a_waiver_satisfies_its_row_through_its_end_and_is_printed_as_exempt() -> None:
    waiver = WaiverFacts(module_id=B, from_at=MAR_10, until_on=date(2027, 6, 30))
    facts, done = configuration(row(A), row(B, months=12)), passed(A, MAR_10)
    end = end_of(date(2027, 6, 30), LONDON)
    found = standing(facts, done, at=NEXT_DAY, waivers=[waiver])
    assert found.is_valid(end - SECOND)
    assert not found.is_valid(end)
    assert (found.valid_through, found.rows[1].state, found.rows[1].exempt) == (
        date(2027, 6, 30),
        RowState.WAIVED,
        True,
    )
    assert not standing(facts, done, at=MAR_10 - SECOND, waivers=[waiver]).complete
    later = standing(facts, done, at=end, waivers=[waiver])
    assert later.missing[0].state is RowState.EXPIRED
    assert later.complete == found.complete


def test_a_waiver_ended_early_counts_until_then_only() -> None:
    waiver = WaiverFacts(
        module_id=A, from_at=MAR_10, until_on=date(2027, 6, 30), ended_at=on("2027-04-01")
    )
    facts = configuration(row(A))
    before, after = on("2027-03-31"), on("2027-04-01")
    assert standing(facts, at=before, waivers=[waiver]).is_valid(before)
    assert not standing(facts, at=after, waivers=[waiver]).is_valid(after)


def test_a_correction_replaces_the_completion_from_when_it_was_learned() -> None:
    wrong = passed(A, MAR_10)
    correction = passed(A, MAR_10, ok=False, learned=on("2027-04-01"), supersedes=wrong)
    facts = configuration(row(A))
    before, after = on("2027-03-31"), on("2027-04-01")
    assert standing(facts, wrong, correction, at=before).is_valid(before)
    assert not standing(facts, wrong, correction, at=after).is_valid(after)


def test_a_past_moment_is_answered_from_what_was_known_then() -> None:
    late = passed(A, MAR_10, learned=on("2027-04-01"))
    facts = configuration(row(A, months=12))
    assert not standing(facts, late, at=on("2027-03-20")).complete
    assert standing(facts, late, at=on("2027-04-01")).valid_through == date(2028, 3, 10)


def test_a_stricter_mark_judges_later_completions_only() -> None:
    publish = on("2027-03-01")
    terms = (
        TermFacts(applies_until=publish, pass_mark=0.5),
        TermFacts(applies_from=publish, pass_mark=0.8),
    )
    facts = configuration(row(A, terms=terms))
    early = passed(A, publish - SECOND, score=0.6)
    late = passed(A, publish, score=0.6)
    assert standing(facts, early, at=NEXT_DAY).is_valid(NEXT_DAY)
    assert not standing(facts, late, at=NEXT_DAY).is_valid(NEXT_DAY)
    assert standing(facts, at=NEXT_DAY).rows[0].pass_mark == 0.8


def test_optional_rows_have_a_state_but_bind_nothing() -> None:
    facts = configuration(row(A, months=12), row(B, months=1, status=RowStatus.OPTIONAL))
    found = standing(facts, passed(A, MAR_10), passed(B, MAR_10), at=NEXT_DAY)
    assert found.valid_through == date(2028, 3, 10)
    assert found.rows[1].valid_through == date(2027, 4, 10)
    assert found.binding == found.rows[0]


MOMENTS = st.integers(0, 4 * 365 * 24 * 3600).map(
    lambda seconds: on("2026-01-01") + timedelta(seconds=seconds)
)
HISTORIES = st.lists(
    st.builds(passed, st.sampled_from([A, B]), MOMENTS, ok=st.booleans(), score=st.just(0.9)),
    max_size=7,
)
TWO_ROWS = configuration(row(A, months=1, mark=0.5), row(B, months=12))


@given(HISTORIES.flatmap(lambda done: st.tuples(st.just(done), st.permutations(done))), MOMENTS)
def test_the_order_of_completions_never_matters(
    orders: tuple[list[CompletionFacts], list[CompletionFacts]], at: datetime
) -> None:
    first, second = orders
    assert standing(TWO_ROWS, *first, at=at) == standing(TWO_ROWS, *second, at=at)


@given(HISTORIES, st.builds(passed, st.sampled_from([A, B]), MOMENTS, ok=st.booleans()), MOMENTS)
def test_a_retake_only_helps(
    history: list[CompletionFacts], retake: CompletionFacts, at: datetime
) -> None:
    without = standing(TWO_ROWS, *history, at=at)
    with_it = standing(TWO_ROWS, *history, retake, at=at)
    assert with_it.is_valid(at) >= without.is_valid(at)
    if without.ends_at is not None:
        assert with_it.ends_at is not None
        assert with_it.ends_at >= without.ends_at
    if not retake.passed:
        assert with_it == without


@given(HISTORIES, MOMENTS, st.timedeltas(timedelta(), timedelta(days=800)))
def test_a_standing_stays_true_while_the_clock_runs_and_no_fact_changes(
    history: list[CompletionFacts], at: datetime, later: timedelta
) -> None:
    known = [each for each in history if each.happened_at <= at]
    now, then = standing(TWO_ROWS, *known, at=at), standing(TWO_ROWS, *known, at=at + later)
    assert now.is_valid(at + later) == then.is_valid(at + later)
    assert (now.complete, now.valid_through, now.ends_at) == (
        then.complete,
        then.valid_through,
        then.ends_at,
    )


@given(HISTORIES, MOMENTS)
def test_valid_means_every_required_row_is_satisfied(
    history: list[CompletionFacts], at: datetime
) -> None:
    found = standing(TWO_ROWS, *history, at=at)
    assert found.is_valid(at) == (not found.missing)
    assert (found.continuous_since is not None) == found.is_valid(at)


@pytest.mark.parametrize(
    ("months", "until", "last_day", "by_own_end"),
    [
        (12, "2027-09-30", date(2027, 9, 30), True),
        (12, "2030-01-01", date(2028, 3, 10), False),
        (12, None, date(2028, 3, 10), False),
        (None, "2027-09-30", date(2027, 9, 30), True),
        (None, None, None, False),
    ],
)
def test_a_completion_counts_through_the_earlier_of_its_own_end_and_the_rows(
    months: int | None, until: str | None, last_day: date | None, by_own_end: bool
) -> None:
    facts = configuration(row(A, months=months))
    found = standing(facts, passed(A, MAR_10, until=until), at=NEXT_DAY)
    assert (found.valid_through, found.rows[0].by_own_end) == (last_day, by_own_end)
    if last_day is not None:
        end = end_of(last_day, LONDON)
        assert found.is_valid(end - SECOND)
        assert not standing(facts, passed(A, MAR_10, until=until), at=end).is_valid(end)


def test_of_two_completions_the_one_that_lasts_longer_counts_whatever_ends_it() -> None:
    facts = configuration(row(A, months=12))
    by_itself = passed(A, NEXT_DAY, until="2027-06-01")
    found = standing(facts, passed(A, MAR_10), by_itself, at=NEXT_DAY)
    assert found.valid_through == date(2028, 3, 10)
