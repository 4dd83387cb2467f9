"""Moments and days as the API writes them (pure)."""

from datetime import date, datetime


def text_of(moment: datetime) -> str:
    """ISO 8601 in UTC, with the Z that says so."""
    return moment.isoformat().replace("+00:00", "Z")


def day_of(day: date | None) -> str | None:
    """ISO 8601; nothing of nothing."""
    return None if day is None else day.isoformat()
