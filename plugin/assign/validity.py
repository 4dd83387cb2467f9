"""The calendar: through which day a completion counts, and the moment that day ends."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def local_date(moment: datetime, zone: ZoneInfo) -> date:
    """The calendar date of a moment where the unit is."""
    return moment.astimezone(zone).date()


def add_months(day: date, months: int) -> date:
    """`day` plus calendar months, clamped to the month's end (31 Jan + 1 is 28 or 29 Feb)."""
    if months <= 0:
        raise ValueError("a validity period is one month or more")
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def valid_through(completed_at: datetime, months: int | None, zone: ZoneInfo) -> date | None:
    """The last day, inclusive, a completion counts; None when it never expires."""
    return None if months is None else add_months(local_date(completed_at, zone), months)


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The moment `day` is over: the first moment of the next local day, in UTC.

    Where the clocks jump over midnight the next day begins later than 00:00.
    """
    following = day + timedelta(days=1)
    start = datetime.combine(following, time.min, tzinfo=zone)
    moment = start.astimezone(UTC)
    if moment.astimezone(zone).date() == following:
        return moment
    return _first_moment(following, zone, after=moment)


def _first_moment(day: date, zone: ZoneInfo, *, after: datetime) -> datetime:
    low, high = after - timedelta(hours=3), after + timedelta(hours=3)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).date() >= day:
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)
