"""What a gradebook says: results of a column, of one person or of all (AGS 2.0, 3.3; A13)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from plugin.lti.tool import services
from plugin.lti.tool.claim_values import is_id
from plugin.lti.tool.services import RESULTS, RESULTS_JSON, Client

MAX_RESULTS = 200_000
EMPTY = (None, "")
"""What a column says of who has no grade in it."""
MAX_SHARE = 100
"""Extra points exist; a hundred times the maximum is no grade."""
EARLIEST_YEAR, LATEST_YEAR = 1990, 3000
"""What an LMS may say of a time; anything else was not said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One person's grade in one column, as a share of its maximum."""

    subject: str
    share: float
    at: datetime | None
    comment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A column read to its end."""

    results: list[Result]
    unclear: frozenset[str]
    """People of whom it says something that is no grade."""
    nameless: int
    """Lines about nobody we could know."""

    @property
    def not_understood(self) -> int:
        return len(self.unclear) + self.nameless


def result_of(client: Client, url: str, subject: str) -> Result | None:
    """The person's grade, or None when the column is empty for them."""
    found = _read(client, services.below(url, "results", user_id=subject)).results
    return next((each for each in found if each.subject == subject), None)


def results(client: Client, url: str) -> Listed:
    """Everybody's grades, in as many calls as the LMS makes of it; no limit is asked for, since
    one LMS breaks on it (moodle 4.2)."""
    return _read(client, services.below(url, "results"))


def _read(client: Client, address: str) -> Listed:
    lines = client.lines(
        address,
        scope=RESULTS,
        accept=RESULTS_JSON,
        step="results",
        kind="list of grades",
        most=MAX_RESULTS,
    )
    found: list[Result] = []
    unclear: set[str] = set()
    nameless = 0
    for line in lines:
        subject, result = _subject(line), read_result(line)
        if result is not None:
            found.append(result)
        elif subject is None:
            nameless += 1
        elif line.get("resultScore") not in EMPTY:
            unclear.add(subject)
    return Listed(results=found, unclear=frozenset(unclear), nameless=nameless)


def _subject(said: Any) -> str | None:
    subject = said.get("userId") if isinstance(said, Mapping) else None
    return str(subject) if is_id(subject) else None


def read_result(said: Any) -> Result | None:
    """One line; an empty one and one without a person say nothing."""
    subject = _subject(said)
    if subject is None:
        return None
    score, maximum = _number(said.get("resultScore")), _number(said.get("resultMaximum"))
    if score is None:
        return None
    is_told = maximum is not None and maximum > 0
    whole = maximum if maximum is not None and is_told else 1.0
    if not 0 <= score / whole <= (MAX_SHARE if is_told or said.get("resultMaximum") is None else 1):
        return None  # of a whole that is none: at most a share
    comment = said.get("comment")
    return Result(
        subject=subject,
        share=score / whole,
        at=_moment(said.get("timestamp")),
        comment=comment if isinstance(comment, str) else None,
    )


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    if not EARLIEST_YEAR <= found.year < LATEST_YEAR:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
