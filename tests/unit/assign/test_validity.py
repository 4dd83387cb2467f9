"""The calendar, in every zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plugin.assign.validity import add_months, end_of, local_date, morning, valid_through
from tests.unit.assign.facts import on

DAYS = st.dates(date(1990, 1, 1), date(2090, 12, 31))
ZONES = st.sampled_from(sorted(available_timezones()))


@pytest.mark.parametrize(
    ("day", "months", "through"),
    [
        ("2027-01-31", 1, "2027-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2028-02-29", 12, "2029-02-28"),
        ("2028-02-29", 48, "2032-02-29"),
        ("2026-08-31", 6, "2027-02-28"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-12-31", 24, "2028-12-31"),
    ],
)
def test_months_are_clamped_to_the_months_end(day: str, months: int, through: str) -> None:
    assert add_months(date.fromisoformat(day), months) == date.fromisoformat(through)


@given(DAYS, st.integers(1, 240))
def test_the_result_is_that_many_months_later_and_only_clamped_when_it_must(
    day: date, months: int
) -> None:
    later = add_months(day, months)
    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day <= day.day
    assert later.day == day.day or (later + timedelta(days=1)).month != later.month


@pytest.mark.parametrize("months", [0, -1])
def test_a_period_of_less_than_a_month_is_refused(months: int) -> None:
    with pytest.raises(ValueError, match="at least one month"):
        add_months(date(2027, 1, 1), months)


def test_the_local_date_of_the_unit_counts_not_the_utc_date() -> None:
    moment = datetime(2027, 3, 9, 23, 30, tzinfo=UTC)
    assert valid_through(moment, 12, "Europe/Oslo") == date(2028, 3, 10)
    assert valid_through(moment, 12, "America/New_York") == date(2028, 3, 9)


def test_without_a_period_it_never_expires() -> None:
    assert valid_through(datetime(2027, 3, 9, tzinfo=UTC), None, "UTC") is None


@pytest.mark.parametrize(
    ("day", "zone", "utc"),
    [
        ("2027-03-10", "Europe/London", "2027-03-11T00:00"),
        ("2027-06-30", "Europe/London", "2027-06-30T23:00"),
        ("2027-03-28", "Europe/London", "2027-03-28T23:00"),  # clocks went forward that day
        ("2018-11-03", "America/Sao_Paulo", "2018-11-04T03:00"),  # no midnight: 00:00 was 01:00
        ("2018-02-17", "America/Sao_Paulo", "2018-02-18T03:00"),  # 23:00 to 24:00 came twice
        ("2010-11-06", "America/St_Johns", "2010-11-07T03:30"),  # midnight came twice
        ("2025-11-01", "America/Havana", "2025-11-02T04:00"),  # the first hour came twice
        ("2011-12-29", "Pacific/Apia", "2011-12-30T10:00"),  # the next day did not exist
    ],
)
def test_a_day_ends_at_the_next_local_midnight(day: str, zone: str, utc: str) -> None:
    assert end_of(date.fromisoformat(day), zone) == datetime.fromisoformat(f"{utc}+00:00")


@given(DAYS, ZONES)
@example(date(2011, 12, 30), "Pacific/Apia")
@example(date(2010, 11, 6), "America/St_Johns")
def test_no_moment_of_a_day_comes_after_its_end_and_none_before_is_later(
    day: date, zone: str
) -> None:
    end = end_of(day, zone)
    assert local_date(end - timedelta(microseconds=1), zone) <= day
    for minutes in (0, 1, 29, 31, 59, 61, 119, 121, 600, 1500):
        assert local_date(end + timedelta(minutes=minutes), zone) > day


@pytest.mark.parametrize(
    ("clock", "not_before"), [("03:00", "09:00"), ("08:59", "09:00"), ("09:00", "09:00")]
)
def test_mail_rests_until_nine_in_the_units_zone(clock: str, not_before: str) -> None:
    now = on("2027-07-01", clock, "Asia/Kolkata")
    assert morning(now, "Asia/Kolkata") == on("2027-07-01", not_before, "Asia/Kolkata")


def test_after_nine_mail_goes_at_once() -> None:
    now = on("2027-07-01", "22:15", "Asia/Kolkata")
    assert morning(now, "Asia/Kolkata") == now
