"""What publishing makes of a draft."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.assign import draft
from plugin.assign.draft import DraftRow, Problem
from plugin.assign.facts import RowFacts, RowStatus, TermFacts
from tests.unit.assign.facts import START, A, B, C, on

NOW = on("2027-03-10")
LATER = on("2027-06-10")
OPTIONAL, HIDDEN = RowStatus.OPTIONAL, RowStatus.HIDDEN


def wanted(module_id: int, **what: object) -> DraftRow:
    return DraftRow(module_id=module_id, **what)  # type: ignore[arg-type]


def published(
    *rows: DraftRow, before: tuple[RowFacts, ...] = (), now: datetime = NOW, existing: bool = False
) -> tuple[RowFacts, ...]:
    return draft.publish(before, rows, now=now, apply_to_existing=existing)


def test_the_first_version_takes_the_rows_as_they_are() -> None:
    rows = published(wanted(B, validity_months=12), wanted(A, status=OPTIONAL, pass_mark=0.8))
    assert [(row.module_id, row.position, row.required_since) for row in rows] == [
        (B, 0, NOW),
        (A, 1, None),
    ]
    assert rows[0].terms == (TermFacts(validity_months=12),)
    assert rows[1].terms == (TermFacts(pass_mark=0.8),)


def test_a_row_stays_required_since_it_became_so_and_starts_anew_after_a_pause() -> None:
    first = published(wanted(A))
    kept = published(wanted(A, due_days=5), wanted(B), before=first, now=LATER)
    assert [row.required_since for row in kept] == [NOW, LATER]
    paused = published(wanted(A, status=HIDDEN), before=first, now=LATER)
    assert paused[0].required_since is None
    again = published(wanted(A), before=paused, now=LATER + timedelta(days=1))
    assert again[0].required_since == LATER + timedelta(days=1)


def test_a_changed_period_judges_what_happens_from_the_publish_on() -> None:
    first = published(wanted(A, validity_months=12))
    (row,) = published(wanted(A, validity_months=6), before=first, now=LATER)
    assert row.term_at(LATER - timedelta(seconds=1)).validity_months == 12
    assert row.term_at(LATER).validity_months == 6


def test_a_changed_mark_applied_to_existing_completions_judges_all_of_time() -> None:
    first = published(wanted(A, pass_mark=0.5))
    (row,) = published(wanted(A, pass_mark=0.8), before=first, now=LATER, existing=True)
    assert row.terms == (TermFacts(pass_mark=0.8),)


def test_an_unchanged_row_keeps_its_terms() -> None:
    first = published(wanted(A, validity_months=12))
    second = published(wanted(A, validity_months=6), before=first, now=LATER)
    third = published(
        wanted(A, validity_months=6, due_days=3), before=second, now=LATER + timedelta(days=9)
    )
    assert third[0].terms == second[0].terms


def test_what_nobody_could_see_promised_nothing() -> None:
    hidden = published(wanted(A, status=HIDDEN, validity_months=12))
    (row,) = published(wanted(A, validity_months=6), before=hidden, now=LATER)
    assert row.terms == (TermFacts(validity_months=6),)


def test_what_was_optional_keeps_its_terms_for_earlier_completions() -> None:
    shown = published(wanted(A, status=OPTIONAL, validity_months=12))
    (row,) = published(wanted(A, validity_months=6), before=shown, now=LATER)
    assert row.term_at(NOW).validity_months == 12


ROWS = st.lists(
    st.builds(
        DraftRow,
        module_id=st.sampled_from([A, B, C]),
        status=st.sampled_from(RowStatus),
        validity_months=st.none() | st.integers(1, 3),
        pass_mark=st.none() | st.sampled_from([0.5, 0.8]),
    ),
    unique_by=lambda row: row.module_id,
    max_size=3,
)
MOMENTS = st.integers(0, 40).map(lambda days: START + timedelta(days=days))


@given(st.lists(st.tuples(ROWS, st.integers(0, 3), st.booleans()), max_size=6), MOMENTS)
def test_after_any_publishes_exactly_one_term_judges_every_moment_and_the_last_is_as_written(
    publishes: list[tuple[list[DraftRow], int, bool]], moment: datetime
) -> None:
    rows: tuple[RowFacts, ...] = ()
    now = START
    for wanted_rows, days, existing in publishes:
        now += timedelta(days=days)
        rows = published(*wanted_rows, before=rows, now=now, existing=existing)
        for row, written in zip(rows, wanted_rows, strict=True):
            assert sum(term.covers(moment) for term in row.terms) == 1
            last = row.term_at(now)
            assert (last.validity_months, last.pass_mark) == (
                written.validity_months,
                written.pass_mark,
            )


@pytest.mark.parametrize(
    ("row", "field", "problem"),
    [
        (wanted(A, validity_months=0), "validity_months", Problem.MONTHS),
        (wanted(A, validity_months=241), "validity_months", Problem.MONTHS),
        (wanted(A, pass_mark=1.01), "pass_mark", Problem.MARK),
        (wanted(A, pass_mark=-0.1), "pass_mark", Problem.MARK),
        (wanted(A, due_days=0), "due_days", Problem.DAYS),
        (wanted(B), "module_id", Problem.TWICE),
    ],
)
def test_a_row_that_makes_no_sense_is_named(row: DraftRow, field: str, problem: Problem) -> None:
    assert draft.problems([wanted(B), row]) == [(1, field, problem)]


def test_sensible_rows_have_no_problem() -> None:
    rows = [wanted(A, validity_months=240, pass_mark=0.0, due_days=1), wanted(B, pass_mark=1.0)]
    assert draft.problems(rows) == []


@pytest.mark.parametrize(
    ("statuses", "on_", "warned"),
    [
        ((), True, True),
        ((OPTIONAL, HIDDEN), True, True),
        ((OPTIONAL, RowStatus.REQUIRED), True, False),
        ((OPTIONAL,), False, False),
    ],
)
def test_example_11_a_certificate_without_a_required_row_is_warned_about(
    statuses: tuple[RowStatus, ...], on_: bool, warned: bool
) -> None:
    rows = [wanted(number, status=status) for number, status in enumerate(statuses)]
    assert draft.needs_required_row(rows, certificate_on=on_) is warned


@given(ROWS)
def test_a_stored_row_comes_back_the_same(rows: list[DraftRow]) -> None:
    assert [DraftRow.from_json(row.as_json()) for row in rows] == rows
