"""When a session is, in words and as a calendar file."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from plugin.classroom.models import ClassSession

LINE = 74
"""Octets of a line of a calendar file before it is folded (RFC 5545, section 3.1)."""


def when(found: ClassSession, locale: str) -> str:
    """Day, times and zone of the session, as the language writes them."""
    zone, language = ZoneInfo(found.zone), locale.replace("-", "_")
    start, end = found.starts_at.astimezone(zone), found.ends_at.astimezone(zone)
    day = format_date(start.date(), "full", locale=language)
    first, last = (format_time(each.time(), "short", locale=language) for each in (start, end))
    if end.date() != start.date():
        last = f"{format_date(end.date(), 'medium', locale=language)} {last}"
    return f"{day}, {first} – {last} ({found.zone.replace('_', ' ')})"


def calendar_file(found: ClassSession, title: str, *, host: str, now: datetime) -> str:
    """The session for a calendar (RFC 5545); the same UID for ever, so that it is replaced."""
    cancelled = found.state == "cancelled"
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//training//sessions//EN",
        f"METHOD:{'CANCEL' if cancelled else 'PUBLISH'}",
        "BEGIN:VEVENT",
        f"UID:session-{found.id}@{host}",
        f"DTSTAMP:{_stamp(now)}",
        f"SEQUENCE:{found.moves + cancelled}",
        f"DTSTART:{_stamp(found.starts_at)}",
        f"DTEND:{_stamp(found.ends_at)}",
        f"SUMMARY:{_escaped(title)}",
        f"LOCATION:{_escaped(found.place)}",
        f"DESCRIPTION:{_escaped(found.note)}",
        f"STATUS:{'CANCELLED' if cancelled else 'CONFIRMED'}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _escaped(words: str) -> str:
    """TEXT of RFC 5545, section 3.3.11."""
    plain = words.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return plain.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")


def _folded(line: str) -> str:
    parts, current = [], ""
    for each in line:
        if len((current + each).encode()) > LINE:
            parts.append(current)
            current = ""
        current += each
    return "\r\n ".join([*parts, current])
