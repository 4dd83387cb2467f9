"""The calendar: months and last days. Zones matter here, in `core.days`, and nowhere else."""

from calendar import monthrange
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from plugin.core.days import end_of, local_date

__all__ = [
    "add_months",
    "earlier",
    "end_of",
    "local_date",
    "morning",
    "nine",
    "valid_through",
]

MONTHS = 12
MORNING = time(9)


def add_months(day: date, months: int) -> date:
    """The same day `months` later, clamped to the month's end. Refuses less than one month."""
    if months < 1:
        raise ValueError("a period has at least one month")
    years, month = divmod(day.month - 1 + months, MONTHS)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def valid_through(happened_at: datetime, months: int | None, zone: str) -> date | None:
    """The last day a completion counts, inclusive; None when it counts for ever (domain §4.2)."""
    return None if months is None else add_months(local_date(happened_at, zone), months)


def earlier(one: date | None, other: date | None) -> date | None:
    """The earlier of two last days; None has no end."""
    return min((day for day in (one, other) if day is not None), default=None)


def morning(now: datetime, zone: str) -> datetime:
    """When mail may go that comes up at `now`: at once, but not before 09:00 in `zone`."""
    return max(now, nine(local_date(now, zone), zone))


def nine(day: date, zone: str) -> datetime:
    """09:00 of that day in `zone`, in UTC; it exists on every day of every zone."""
    return datetime.combine(day, MORNING, ZoneInfo(zone)).astimezone(UTC)
