"""The examples of the rules that need no page; the number is in the name."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from plugin.assign.facts import CoverageFacts, EarlierVersion, RowStatus, TermFacts
from plugin.assign.spans import Span
from plugin.assign.standing import RowState
from plugin.assign.validity import end_of
from plugin.assign.visible import visible_modules
from tests.unit.assign.facts import (
    LONDON,
    START,
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

SECOND = timedelta(seconds=1)


def test_example_1_passed_on_31_january_with_one_month_is_valid_through_28_february() -> None:
    at = on("2027-02-01")
    found = standing(configuration(row(A, months=1)), passed(A, on("2027-01-31")), at=at)
    assert found.valid_through == date(2027, 2, 28)


@given(st.integers(1, 6))
def test_example_1_retaken_on_each_last_day_is_never_later_than_the_calendar_allows(
    times: int,
) -> None:
    facts, done = configuration(row(A, months=6)), [passed(A, on("2026-08-31"))]
    for _ in range(times):
        last_day = standing(facts, *done, at=done[-1].happened_at).valid_through
        assert last_day is not None
        done.append(passed(A, on(last_day.isoformat())))
    found = standing(facts, *done, at=done[-1].happened_at)
    latest = done[-1].happened_at.date()
    month = (latest.month + 6 - 1) % 12 + 1
    assert found.valid_through is not None
    assert (found.valid_through.month, found.valid_through.day <= latest.day) == (month, True)
    assert found.rows[0].completed_on == latest, "counted from the completion, never chained"


def test_example_2_two_units_with_two_periods() -> None:
    group = configuration(row(A, months=12), number=1)
    site = configuration(row(A, months=6), number=2, zone="Europe/Oslo")
    done = passed(A, on("2027-03-10"))
    at = on("2027-03-11")
    assert standing(group, done, at=at).valid_through == date(2028, 3, 10)
    assert standing(site, done, at=at).valid_through == date(2027, 9, 10)
    tile = visible_modules([standing(group, done, at=at), standing(site, done, at=at)])[0]
    assert (tile.valid_through, tile.binding.configuration_id) == (date(2027, 9, 10), 2)
    end = on("2027-09-11", "00:00", "Europe/Oslo")
    assert standing(site, done, at=end - SECOND).is_valid(end - SECOND)
    assert not standing(site, done, at=end).is_valid(end)
    assert standing(group, done, at=end).is_valid(end)
    retake = passed(A, end + SECOND)
    assert standing(site, done, retake, at=retake.happened_at).is_valid(retake.happened_at)


def test_example_3_hidden_at_the_site_and_required_in_the_region_is_required() -> None:
    site = configuration(row(A, status=RowStatus.HIDDEN), number=1)
    region = configuration(row(A), number=2)
    offered = configuration(row(A, status=RowStatus.OPTIONAL), number=3)
    at = on("2027-03-11")
    for each in ([site, region], [region, offered]):
        (tile,) = visible_modules(standing(facts, at=at) for facts in each)
        assert tile.status is RowStatus.REQUIRED


def test_example_4_only_retaking_the_binding_module_moves_the_date() -> None:
    facts = configuration(row(A, months=12), row(B, months=12))
    done = [passed(A, on("2026-06-01")), passed(B, on("2026-12-01"))]
    first = standing(facts, *done, at=on("2027-01-01"))
    assert first.valid_through == date(2027, 6, 1)
    done.append(passed(B, on("2027-02-01")))
    second = standing(facts, *done, at=on("2027-02-02"))
    assert (second.valid_through, second.continuous_since) == (
        first.valid_through,
        first.continuous_since,
    )
    done.append(passed(A, on("2027-03-01")))
    third = standing(facts, *done, at=on("2027-03-02"))
    assert third.valid_through == date(2028, 2, 1)
    assert third.continuous_since == first.continuous_since, "a renewal, not a restoration"


def test_example_5_an_added_requirement_makes_it_invalid_at_once_and_passing_it_restores() -> None:
    publish = on("2027-03-10")
    facts = changed(
        configuration(row(A, months=12), row(C, since=publish)),
        effective_at=publish,
        earlier=(EarlierVersion(effective_at=START, rows=(row(A, months=12),)),),
    )
    done = passed(A, on("2027-01-01"))
    found = standing(facts, done, at=publish)
    assert not found.is_valid(publish)
    assert [(each.module_id, each.state) for each in found.missing] == [
        (C, RowState.NEW_REQUIREMENT)
    ]
    late = passed(C, publish + timedelta(days=3))
    restored = standing(facts, done, late, at=late.happened_at)
    assert restored.is_valid(late.happened_at)
    assert restored.continuous_since == late.happened_at, "a restoration"


def test_example_6_passed_elsewhere_while_hidden_is_satisfied_at_publish_without_a_flicker() -> (
    None
):
    publish = on("2027-03-10")
    facts = changed(
        configuration(row(A, months=12), row(C, months=12, since=publish)),
        effective_at=publish,
        earlier=(
            EarlierVersion(
                effective_at=START,
                rows=(row(A, months=12), row(C, months=12, status=RowStatus.HIDDEN)),
            ),
        ),
    )
    done = passed(A, on("2027-01-01")), passed(C, on("2027-02-20"))
    found = standing(facts, *done, at=publish)
    assert found.is_valid(publish)
    assert found.missing == ()
    assert found.continuous_since == done[0].happened_at


def test_example_7_expired_from_the_first_second_whatever_was_stored() -> None:
    facts, done = configuration(row(A, months=1)), passed(A, on("2027-01-31"))
    stored = standing(facts, done, at=on("2027-02-01"))
    end = end_of(date(2027, 2, 28), LONDON)
    assert stored.is_valid(end - SECOND)
    assert not stored.is_valid(end)
    assert not stored.is_valid(end + timedelta(days=10))


def test_example_8_a_shorter_period_for_later_completions_changes_no_certificate() -> None:
    publish = on("2027-03-10")
    terms = (
        TermFacts(applies_until=publish, validity_months=12),
        TermFacts(applies_from=publish, validity_months=6),
    )
    done = passed(A, on("2026-06-01"))
    before = standing(configuration(row(A, months=12)), done, at=publish - SECOND)
    kept = standing(configuration(row(A, terms=terms)), done, at=publish)
    assert (kept.valid_through, kept.is_valid(publish)) == (before.valid_through, True)
    again = standing(
        configuration(row(A, terms=terms)), done, passed(A, publish), at=publish + SECOND
    )
    assert again.valid_through == date(2027, 9, 10)
    applied = standing(configuration(row(A, months=6)), done, at=publish)
    assert applied.valid_through == date(2026, 12, 1)
    assert not applied.is_valid(publish)


def test_example_9_leaving_and_coming_back_is_judged_again_from_the_facts() -> None:
    stay = CoverageFacts(
        spans=(
            Span(since=START, until=on("2027-04-01")),
            Span(since=on("2027-04-20")),
        )
    )
    facts, done = configuration(row(A, months=12)), passed(A, on("2027-01-01"))
    for day, covered in (("2027-03-31", True), ("2027-04-10", False), ("2027-04-20", True)):
        found = standing(facts, done, at=on(day), coverage=stay)
        assert (found.covered, found.is_valid(on(day))) == (covered, covered)
    assert standing(facts, done, at=on("2027-05-01"), coverage=stay).continuous_since == (
        done.happened_at
    ), "coming back is no restoration"


def test_example_10_a_failed_retake_changes_nothing() -> None:
    facts, done = configuration(row(A, months=1)), passed(A, on("2027-01-31"))
    retake = failed(A, on("2027-02-23"))
    at = on("2027-02-24")
    assert standing(facts, done, retake, at=at) == standing(facts, done, at=at)


def test_example_11_without_a_required_row_there_is_no_certificate() -> None:
    facts = configuration(row(A, status=RowStatus.OPTIONAL))
    at = on("2027-03-11")
    found = standing(facts, passed(A, on("2027-03-10")), at=at)
    assert found.certificate_on
    assert not found.has_required
    assert not found.is_valid(at)
