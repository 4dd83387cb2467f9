"""Calendar days where somebody is: which day a moment is of, and when a day is over."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

INSTANT = timedelta(microseconds=1)


def local_date(moment: datetime, zone: str) -> date:
    """The calendar date `moment` has in `zone`."""
    return moment.astimezone(ZoneInfo(zone)).date()


def end_of(day: date, zone: str) -> datetime:
    """The moment `day` is over for good in `zone`, in UTC: the next local midnight.

    Where midnight does not exist it is the moment the clocks jump over it; where clocks go back
    over midnight it is the second one, so that no moment of `day` comes after it.
    """
    midnight = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone))
    first = midnight.astimezone(UTC)
    second = midnight.replace(fold=1).astimezone(UTC)
    if second > first and local_date(second - INSTANT, zone) <= day:
        return second
    return first
