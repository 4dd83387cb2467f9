"""Since when everything required has been satisfied without a break."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from plugin.assign.facts import CompletionFacts, EarlierVersion, RowStatus, WaiverFacts
from plugin.assign.spans import Span, reach_back
from plugin.core.days import INSTANT
from tests.unit.assign.facts import (
    START,
    A,
    B,
    C,
    changed,
    configuration,
    on,
    passed,
    row,
    standing,
)
from tests.unit.assign.test_standing import HISTORIES, MOMENTS, TWO_ROWS

V2 = on("2027-03-01")
AT = on("2027-03-11")


def test_retakes_in_time_are_one_unbroken_chain() -> None:
    first, second = passed(A, on("2026-12-31")), passed(A, on("2027-01-31"))
    third = passed(A, on("2027-02-28", "23:59"))
    facts = configuration(row(A, months=1))
    assert standing(facts, first, second, third, at=AT).continuous_since == first.happened_at


def test_one_second_too_late_starts_anew() -> None:
    first, late = passed(A, on("2027-01-10")), passed(A, on("2027-02-11", "00:00:01"))
    found = standing(configuration(row(A, months=1)), first, late, at=on("2027-02-12"))
    assert found.continuous_since == late.happened_at


def test_a_waiver_fills_the_gap_between_two_completions() -> None:
    first, late = passed(A, on("2027-01-10")), passed(A, on("2027-03-05"))
    waiver = WaiverFacts(module_id=A, from_at=on("2027-02-10"), until_on=date(2027, 3, 31))
    facts = configuration(row(A, months=1))
    with_it = standing(facts, first, late, at=AT, waivers=[waiver])
    assert with_it.continuous_since == first.happened_at
    assert standing(facts, first, late, at=AT).continuous_since == late.happened_at


def test_before_a_row_was_required_it_counts_as_satisfied() -> None:
    facts = changed(
        configuration(row(A), row(C, since=V2)),
        effective_at=V2,
        earlier=(EarlierVersion(effective_at=START, rows=(row(A),)),),
    )
    early, done = passed(A, on("2026-05-01")), passed(C, on("2027-02-01"))
    assert standing(facts, early, done, at=AT).continuous_since == early.happened_at
    late = passed(C, on("2027-03-05"))
    assert standing(facts, early, late, at=AT).continuous_since == late.happened_at


def test_dropping_the_row_that_was_missing_restores_from_that_moment_on() -> None:
    facts = changed(
        configuration(row(A)),
        effective_at=V2,
        earlier=(EarlierVersion(effective_at=START, rows=(row(A), row(B))),),
    )
    assert standing(facts, passed(A, on("2026-05-01")), at=AT).continuous_since == V2


def test_dropping_a_row_that_was_satisfied_breaks_nothing() -> None:
    facts = changed(
        configuration(row(A)),
        effective_at=V2,
        earlier=(EarlierVersion(effective_at=START, rows=(row(A), row(B))),),
    )
    done = passed(A, on("2026-05-01")), passed(B, on("2026-06-01"))
    assert standing(facts, *done, at=AT).continuous_since == done[1].happened_at


def test_a_milder_mark_for_old_completions_restores_from_that_moment_on() -> None:
    facts = changed(
        configuration(row(A, mark=0.5)),
        effective_at=V2,
        earlier=(EarlierVersion(effective_at=START, rows=(row(A, mark=0.9),)),),
    )
    assert standing(facts, passed(A, on("2026-05-01"), score=0.6), at=AT).continuous_since == V2


def test_a_version_without_required_rows_breaks_the_chain() -> None:
    nothing = EarlierVersion(effective_at=START, rows=(row(A, status=RowStatus.OPTIONAL),))
    nothing = replace(nothing, effective_at=on("2026-12-01"))
    first = EarlierVersion(effective_at=START, rows=(row(A),))
    facts = changed(configuration(row(A, since=V2)), effective_at=V2, earlier=(nothing, first))
    assert standing(facts, passed(A, on("2026-05-01")), at=AT).continuous_since == V2


def test_what_was_learned_late_counts_from_when_it_was_known() -> None:
    first = passed(A, on("2027-01-10"))
    late = passed(A, on("2027-02-05"), learned=on("2027-02-20"))
    found = standing(configuration(row(A, months=1)), first, late, at=on("2027-03-01"))
    assert found.continuous_since == late.learned_at


def test_a_completion_that_was_corrected_satisfied_until_the_correction() -> None:
    wrong = passed(A, on("2027-01-10"))
    correction = passed(A, on("2027-01-10"), ok=False, learned=on("2027-02-01"), supersedes=wrong)
    retake = passed(A, on("2027-02-10"))
    facts = configuration(row(A, months=12))
    gap = standing(facts, wrong, correction, retake, at=AT)
    assert gap.continuous_since == retake.happened_at
    in_time = passed(A, on("2027-01-20"))
    found = standing(facts, wrong, correction, in_time, at=AT)
    assert found.continuous_since == wrong.happened_at


def test_what_was_done_before_the_first_version_counts_from_that_version_on() -> None:
    facts = changed(configuration(row(A, since=V2)), effective_at=V2)
    assert standing(facts, passed(A, on("2026-05-01")), at=AT).continuous_since == V2


@given(HISTORIES, MOMENTS, st.timedeltas(timedelta(), timedelta(days=400)))
def test_every_moment_since_then_was_valid_and_the_one_before_was_not(
    history: list[CompletionFacts], at: datetime, back: timedelta
) -> None:
    since = standing(TWO_ROWS, *history, at=at).continuous_since
    if since is None:
        return
    assert since <= at
    moment = max(since, at - back)
    assert standing(TWO_ROWS, *history, at=moment).is_valid(moment)
    before = since - INSTANT
    assert not standing(TWO_ROWS, *history, at=before).is_valid(before)


NUMBERS = st.integers(0, 30)


@given(st.lists(st.tuples(NUMBERS, st.none() | NUMBERS), max_size=8), NUMBERS)
def test_reaching_back_finds_the_unbroken_chain_whatever_overlaps(
    pairs: list[tuple[int, int | None]], edge: int
) -> None:
    def day(number: int) -> datetime:
        return START + timedelta(days=number)

    held = {each for since, until in pairs for each in range(since, 31 if until is None else until)}
    expected = edge
    while expected - 1 in held:
        expected -= 1
    spans = [
        Span(since=day(since), until=None if until is None else day(until))
        for since, until in pairs
        if until is None or until > since
    ]
    assert reach_back(spans, day(edge)) == day(expected)
