"""What a report of a completion must say (pure)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from plugin.api.errors import Problem
from plugin.core import strict

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
AHEAD = timedelta(minutes=5)
"""How far the clock of another system may be ahead of ours."""
MAX_TEXT = 255
MAX_NOTE = 1000
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
FIELDS = frozenset(
    {"person", "module_id", "passed", "score", "happened_at", "valid_until_on", "note"}
)
_NO_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
ZONES = timedelta(hours=12)
"""By how much a day may have begun later somewhere than it did in UTC."""
NAMES = ("id", "employee_id", "lms")


@dataclass(frozen=True, slots=True, kw_only=True)
class LmsName:
    """How an LMS calls a person."""

    issuer: str
    client_id: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A completion another system reports; exactly one of the three names is set."""

    person_id: int | None
    employee_id: str | None
    lms: LmsName | None
    module_id: int
    passed: bool
    score: float | None
    happened_at: datetime
    valid_until_on: date | None
    """The last day it counts by its own words, such as a certificate's; inclusive."""
    note: str | None


def read_report(body: bytes, *, now: datetime) -> Reported:
    """The report in a request's body; raises Problem that names the field."""
    said = json_object(body)
    for name in said:
        if name not in FIELDS:
            raise wrong(str(name)[:MAX_TEXT], "is not a field of a completion")
    person = said.get("person")
    if not isinstance(person, Mapping) or sum(name in person for name in NAMES) != 1:
        raise wrong("person", f"must name the person by one of {', '.join(NAMES)}")
    if len(person) != 1:
        raise wrong("person", "has a field that is not known")
    passed = said.get("passed", True)
    if not isinstance(passed, bool):
        raise wrong("passed", "must be true or false")
    happened_at = _moment(said.get("happened_at"), now)
    return Reported(
        person_id=_number(person["id"], "person.id") if "id" in person else None,
        employee_id=_text(person["employee_id"], "person.employee_id")
        if "employee_id" in person
        else None,
        lms=_lms(person["lms"]) if "lms" in person else None,
        module_id=_number(said.get("module_id"), "module_id"),
        passed=passed,
        score=_score(said.get("score")),
        happened_at=happened_at,
        valid_until_on=_last_day(said.get("valid_until_on"), happened_at),
        note=None if said.get("note") is None else _text(said["note"], "note", MAX_NOTE),
    )


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body; raises Problem."""
    try:
        return strict.json_object(body)
    except ValueError:
        raise Problem(400, "not_json", "The body must be a JSON object in UTF-8.") from None


def wrong(field: str, words: str) -> Problem:
    """A field that says what cannot be."""
    return Problem(422, "invalid_field", f"{field} {words}.", field=field)


def _number(value: object, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        raise wrong(field, "must be a whole number above 0")
    return value


def _text(value: object, field: str, most: int = MAX_TEXT) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= most:
        raise wrong(field, f"must be a text of 1 to {most} characters")
    if _NO_TEXT.search(value):
        raise wrong(field, "has characters that are no text")
    return value.strip()


def _lms(value: object) -> LmsName:
    if not isinstance(value, Mapping) or set(value) != {"issuer", "client_id", "subject"}:
        raise wrong("person.lms", "must hold issuer, client_id and subject")
    return LmsName(
        issuer=_text(value["issuer"], "person.lms.issuer", 2048),
        client_id=_text(value["client_id"], "person.lms.client_id"),
        subject=_text(value["subject"], "person.lms.subject"),
    )


def _score(value: object) -> float | None:
    if value is None:
        return None
    found = strict.number(value)
    if found is None or not 0 <= found <= 1:
        raise wrong("score", "must be a number from 0 to 1, or null")
    return found


def _moment(value: object, now: datetime) -> datetime:
    moment = strict.moment(value)
    if moment is None:
        raise wrong("happened_at", "must be an ISO 8601 date and time with a time zone")
    if moment > now + AHEAD:
        raise wrong("happened_at", "lies in the future")
    if moment < EARLIEST:
        raise wrong("happened_at", "lies before 1990")
    return min(moment, now)


def _last_day(value: object, happened_at: datetime) -> date | None:
    """A day with its own end; one before the day it happened, in any zone, is none."""
    if value is None:
        return None
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise wrong("valid_until_on", "must be a date such as 2028-03-10, or null")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise wrong("valid_until_on", "must be a date such as 2028-03-10, or null") from None
    if day < (happened_at - ZONES).date():
        raise wrong("valid_until_on", "lies before happened_at")
    return day
