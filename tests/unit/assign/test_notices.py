"""When there is something to say about a standing (domain §8)."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.assign.facts import GraceFacts, WaiverFacts
from plugin.assign.notices import About, alarm, deadlines, due, upcoming
from plugin.assign.standing import Standing
from tests.unit.assign.facts import (
    ALWAYS_MEMBER,
    LONDON,
    A,
    B,
    configuration,
    evaluate,
    on,
    passed,
    row,
)


def lasting(months: int = 12, at: str = "2027-03-10", zone: str = LONDON) -> Standing:
    """Passed on 10 March 2027, seen at that day."""
    return evaluate(
        configuration(row(A, months=months), zone=zone),
        ALWAYS_MEMBER,
        [passed(A, on("2027-03-10", zone=zone))],
        [],
        at=on(at, "13:00", zone=zone),
    )


def days_said(standing: Standing, since: datetime, days: int) -> list[tuple[date, int]]:
    """Looking at every alarm on time: when something is said, and how many days before."""
    said, now = [], since
    end = since + timedelta(days=days)
    while (next_one := alarm(standing, pending=None, now=now)) and next_one[1] <= end:
        day, now = next_one
        notice = due(standing, since=day, now=now)
        assert notice is not None
        said.append((day, notice.days))
    return said


def test_a_year_is_reminded_of_four_times_before_its_end_then_on_expiry_then_weekly() -> None:
    assert days_said(lasting(), on("2027-03-10"), 800) == [
        (date(2028, 2, 9), 30),
        (date(2028, 2, 25), 14),
        (date(2028, 3, 3), 7),
        (date(2028, 3, 9), 1),
        (date(2028, 3, 11), -1),
        (date(2028, 3, 18), -8),
        (date(2028, 3, 25), -15),
        (date(2028, 4, 1), -22),
        (date(2028, 4, 8), -29),
    ]


@pytest.mark.parametrize(("months", "first"), [(1, 14), (3, 14), (4, 30)])
def test_a_short_period_is_reminded_of_14_days_before_at_first(months: int, first: int) -> None:
    said = days_said(lasting(months), on("2027-03-10"), 800)
    assert said[0][1] == first
    assert len(said) == (8 if months <= 3 else 9)


def test_without_an_end_there_is_nothing_to_say() -> None:
    standing = evaluate(
        configuration(row(A)), ALWAYS_MEMBER, [passed(A, on("2027-03-10"))], [], at=on("2027-03-11")
    )
    assert deadlines(standing) == ()
    assert alarm(standing, pending=None, now=on("2027-03-11")) is None


def test_whom_the_training_does_not_cover_is_told_nothing() -> None:
    assert deadlines(replace(lasting(), covered=False)) == ()
    assert deadlines(replace(lasting(), archived=True)) == ()


def test_after_an_outage_only_the_most_urgent_is_said() -> None:
    standing = lasting()
    since = date(2028, 2, 9)
    missed = due(standing, since=since, now=on("2028-03-08"))
    assert missed is not None
    assert missed.days == 7


def test_an_expiry_missed_in_an_outage_is_said_however_long_ago_it_was() -> None:
    for day in ("2028-03-12", "2028-03-20", "2028-06-01"):
        missed = due(lasting(at=day), since=date(2028, 2, 25), now=on(day))
        assert missed is not None
        assert missed.is_expiry
    later = due(lasting(at="2028-06-01"), since=date(2028, 3, 18), now=on("2028-06-01"))
    assert later is not None
    assert later.days == -29


def test_nine_in_the_morning_is_the_units() -> None:
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12", "America/New_York", "Australia/Lord_Howe"):
        found = alarm(lasting(zone=zone), pending=None, now=on("2027-03-11", zone=zone))
        assert found is not None
        assert found == (date(2028, 2, 9), on("2028-02-09", "09:00", zone=zone))


def test_what_was_not_yet_looked_at_stays_when_the_zone_changes() -> None:
    eastern = lasting(zone="Pacific/Kiritimati", at="2028-02-09")
    found = alarm(eastern, pending=date(2028, 2, 9), now=on("2028-02-09", zone="UTC"))
    assert found is not None
    assert found[0] == date(2028, 2, 9)


def test_the_earliest_end_binds_and_a_waiver_or_a_grace_counts() -> None:
    facts = [passed(A, on("2027-03-10")), passed(B, on("2027-05-01"))]
    both = configuration(row(A, months=12), row(B, months=12))
    at = on("2027-06-01")

    def end(*waivers: WaiverFacts) -> date:
        standing = evaluate(both, ALWAYS_MEMBER, facts, waivers, at=at)
        (found,) = deadlines(standing)
        assert found.about is About.END
        return found.on

    assert end() == date(2028, 3, 10)
    waiver = WaiverFacts(module_id=A, from_at=on("2027-05-20"), until_on=date(2028, 4, 2))
    assert end(waiver) == date(2028, 4, 2)


def test_a_grace_is_a_day_to_speak_of() -> None:
    graceful = replace(
        row(B, months=12, since=on("2027-06-01")), grace=GraceFacts(last_day=date(2027, 7, 1))
    )
    standing = evaluate(
        configuration(row(A, months=12), graceful),
        ALWAYS_MEMBER,
        [passed(A, on("2027-03-10"))],
        [],
        at=on("2027-06-02"),
    )
    assert [(each.about, each.on) for each in deadlines(standing)] == [
        (About.END, date(2027, 7, 1))
    ]


def test_training_that_is_due_is_reminded_of_a_week_and_a_day_before_then_when_overdue() -> None:
    standing = evaluate(
        configuration(row(A, due=14, since=on("2027-03-10"))),
        ALWAYS_MEMBER,
        [],
        [],
        at=on("2027-03-10", "13:00"),
    )
    assert days_said(standing, on("2027-03-10", "13:00"), 60)[:4] == [
        (date(2027, 3, 17), 7),
        (date(2027, 3, 23), 1),
        (date(2027, 3, 25), -1),
        (date(2027, 4, 1), -8),
    ]


def test_no_moment_of_the_clock_change_is_skipped_or_doubled() -> None:
    """Clocks go forward in London on 26 March 2028, and back on 29 October."""
    for happened in ("2027-04-09", "2027-11-12"):
        standing = evaluate(
            configuration(row(A, months=12)),
            ALWAYS_MEMBER,
            [passed(A, on(happened))],
            [],
            at=on(happened, "13:00"),
        )
        said = days_said(standing, on(happened), 800)
        assert len(said) == len(set(said)) == 9


@given(
    st.integers(1, 24),
    st.lists(st.integers(0, 900), min_size=1, max_size=12),
    st.sampled_from([LONDON, "Pacific/Kiritimati", "Etc/GMT+12", "America/New_York"]),
)
def test_however_seldom_somebody_looks_the_expiry_is_said_exactly_once(
    months: int, looks: list[int], zone: str
) -> None:
    standing = lasting(months, zone=zone)
    start = on("2027-03-10", "13:00", zone=zone)
    pending, said = upcoming(standing, start), []
    for days in (*sorted(looks), 2000):
        now = start + timedelta(days=days)
        if pending is None or alarm(standing, pending=pending, now=now) is None:
            continue
        notice = due(standing, since=pending, now=now)
        if notice is not None:
            said.append(notice.days)
            pending = upcoming(standing, now)
    assert said.count(-1) == 1
    assert said == sorted(said, reverse=True), "never something older after something newer"
    assert len(said) == len(set(said))
    assert pending is None
