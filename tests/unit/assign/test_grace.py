"""What a publish asks more binds only after its grace (domain §5.5, §6.2)."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.assign import draft
from plugin.assign.draft import CertificateWay, DraftRow
from plugin.assign.facts import (
    CertificateStart,
    CompletionFacts,
    ConfigurationFacts,
    GraceFacts,
    RowFacts,
    RowStatus,
)
from plugin.assign.standing import RowState
from plugin.assign.validity import end_of
from tests.unit.assign.facts import LONDON, A, B, changed, configuration, on, passed, standing

PUBLISHED = on("2027-06-10")
LAST_DAY = date(2027, 7, 31)
OVER = end_of(LAST_DAY, LONDON)


def asks_more(
    *rows: DraftRow, before: tuple[RowFacts, ...], existing: bool = False
) -> ConfigurationFacts:
    """The configuration after a publish with a grace through 31 July."""
    coming = draft.publish(
        before,
        rows,
        now=PUBLISHED,
        apply_to_existing=existing,
        grace_until=LAST_DAY,
        today=PUBLISHED.date(),
    )
    return changed(configuration(*coming), effective_at=PUBLISHED)


@pytest.fixture
def first() -> tuple[RowFacts, ...]:
    wanted = [DraftRow(module_id=A, validity_months=12)]
    return draft.publish((), wanted, now=on("2027-01-10"), apply_to_existing=False)


@pytest.fixture
def done() -> CompletionFacts:
    return passed(A, on("2027-03-10"))


def test_a_new_row_leaves_the_certificate_valid_through_the_grace_and_asks_at_once(
    first: tuple[RowFacts, ...], done: CompletionFacts
) -> None:
    now_asks = asks_more(
        DraftRow(module_id=A, validity_months=12), DraftRow(module_id=B), before=first
    )
    found = standing(now_asks, done, at=PUBLISHED)
    assert found.is_valid(PUBLISHED)
    assert found.is_valid(OVER - timedelta(seconds=1))
    assert not found.is_valid(OVER)
    assert found.valid_through == LAST_DAY
    assert [(row.module_id, row.state, row.due_on) for row in found.to_do] == [
        (B, RowState.IN_GRACE, LAST_DAY)
    ]
    assert found.missing == ()
    over = standing(now_asks, done, at=OVER)
    assert [(row.module_id, row.state) for row in over.missing] == [(B, RowState.NEW_REQUIREMENT)]
    assert over.rows[1].overdue


def test_completing_the_new_row_gives_back_the_old_last_day(
    first: tuple[RowFacts, ...], done: CompletionFacts
) -> None:
    now_asks = asks_more(
        DraftRow(module_id=A, validity_months=12), DraftRow(module_id=B), before=first
    )
    found = standing(now_asks, done, passed(B, on("2027-07-01")), at=on("2027-07-02"))
    assert found.valid_through == date(2028, 3, 10)
    assert found.to_do == ()


def test_the_earlier_of_due_days_and_grace_is_the_due_day(
    first: tuple[RowFacts, ...], done: CompletionFacts
) -> None:
    for days, due_on in ((5, date(2027, 6, 15)), (500, LAST_DAY)):
        now_asks = asks_more(
            DraftRow(module_id=A, validity_months=12),
            DraftRow(module_id=B, due_days=days),
            before=first,
        )
        assert standing(now_asks, done, at=PUBLISHED).rows[1].due_on == due_on


def test_a_grace_alone_proves_nothing(first: tuple[RowFacts, ...]) -> None:
    only_new = asks_more(DraftRow(module_id=B), before=first)
    found = standing(only_new, at=PUBLISHED)
    assert not found.complete
    assert not found.is_valid(PUBLISHED)


def test_a_row_required_before_gets_no_grace_for_having_been_left_undone(
    first: tuple[RowFacts, ...],
) -> None:
    now_asks = asks_more(
        DraftRow(module_id=A, validity_months=12), DraftRow(module_id=B), before=first
    )
    found = standing(now_asks, at=PUBLISHED)
    assert not found.is_valid(PUBLISHED)
    assert found.rows[0].state is RowState.NEVER_COMPLETED


def test_a_shorter_period_for_old_completions_binds_after_the_grace(
    first: tuple[RowFacts, ...],
) -> None:
    old = passed(A, on("2026-11-10"))
    now_asks = asks_more(DraftRow(module_id=A, validity_months=6), before=first, existing=True)
    found = standing(now_asks, old, at=PUBLISHED)
    assert found.is_valid(PUBLISHED)
    assert (found.valid_through, found.rows[0].grace_until) == (LAST_DAY, LAST_DAY)
    assert standing(now_asks, old, at=OVER).rows[0].state is RowState.EXPIRED


def test_a_grace_never_lengthens_what_the_old_terms_gave(first: tuple[RowFacts, ...]) -> None:
    nearly_over = passed(A, on("2026-06-20"))
    now_asks = asks_more(DraftRow(module_id=A, validity_months=6), before=first, existing=True)
    assert standing(now_asks, nearly_over, at=PUBLISHED).valid_through == date(2027, 6, 20)


def test_a_later_publish_keeps_a_grace_that_is_not_over(first: tuple[RowFacts, ...]) -> None:
    rows = [DraftRow(module_id=A, validity_months=12), DraftRow(module_id=B)]
    with_grace = asks_more(*rows, before=first).rows
    for today, kept in ((LAST_DAY, True), (LAST_DAY + timedelta(days=1), False)):
        later = draft.publish(
            with_grace, rows, now=on(today.isoformat()), apply_to_existing=False, today=today
        )
        assert (later[1].grace == GraceFacts(last_day=LAST_DAY)) is kept


def test_a_row_that_is_no_longer_required_has_no_grace(first: tuple[RowFacts, ...]) -> None:
    rows = [DraftRow(module_id=A, status=RowStatus.OPTIONAL, validity_months=6)]
    assert asks_more(*rows, before=first, existing=True).rows[0].grace is None


def test_a_new_row_without_mail_is_never_worse_off_than_with_a_grace(
    first: tuple[RowFacts, ...], done: CompletionFacts
) -> None:
    rows = [DraftRow(module_id=A, validity_months=12), DraftRow(module_id=B)]
    strict = draft.publish(first, rows, now=PUBLISHED, apply_to_existing=False)
    lenient = asks_more(*rows, before=first)
    for at in (PUBLISHED, OVER, OVER + timedelta(days=200)):
        hard = standing(changed(configuration(*strict), effective_at=PUBLISHED), done, at=at)
        assert standing(lenient, done, at=at).is_valid(at) or not hard.is_valid(at)


@given(
    done_on=st.dates(date(2025, 1, 1), date(2027, 7, 30)),
    before_months=st.sampled_from([None, 1, 6, 12]),
    after_months=st.sampled_from([None, 1, 6, 12]),
    later=st.integers(0, 800),
)
def test_within_the_grace_nobody_is_worse_off_and_after_it_everybody_is_judged_alike(
    done_on: date, before_months: int | None, after_months: int | None, later: int
) -> None:
    was = draft.publish(
        (),
        [DraftRow(module_id=A, validity_months=before_months)],
        now=on("2025-01-01"),
        apply_to_existing=False,
    )
    rows = [DraftRow(module_id=A, validity_months=after_months)]
    at = PUBLISHED + timedelta(days=later)
    fact = passed(A, on(done_on.isoformat()))
    lenient = standing(asks_more(*rows, before=was, existing=True), fact, at=at).is_valid(at)
    strict = draft.publish(was, rows, now=PUBLISHED, apply_to_existing=True)
    hard = standing(configuration(*strict), fact, at=at).is_valid(at)
    old = standing(configuration(*was), fact, at=at).is_valid(at)
    assert lenient is (hard or (old and at < OVER))


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        (CertificateWay.MAIL, CertificateStart()),
        (CertificateWay.SILENT, CertificateStart(mail_from=PUBLISHED)),
        (CertificateWay.FROM_NOW, CertificateStart(issue_from=PUBLISHED)),
    ],
)
def test_switching_the_certificate_on_is_remembered_until_it_is_off(
    way: CertificateWay, expected: CertificateStart
) -> None:
    def start(before: CertificateStart | None, *, is_on: bool, now: datetime) -> CertificateStart:
        return draft.certificate_start(before, way, is_on=is_on, now=now)

    assert start(None, is_on=True, now=PUBLISHED) == expected
    assert start(expected, is_on=True, now=OVER) == expected
    assert start(expected, is_on=False, now=OVER) == CertificateStart()
