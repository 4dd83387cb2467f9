"""What programs send us, read strictly: JSON, numbers, moments (pure)."""

import json
import math
from datetime import UTC, datetime
from typing import Any, NoReturn

LONGEST_MOMENT = 40


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in UTF-8 of a body; raises ValueError for anything else.

    NaN and Infinity are no JSON. A name that stands twice says two things; neither is believed
    (RFC 8259, section 4).
    """
    try:
        found = json.loads(
            body.decode("utf-8"), parse_constant=_no_number, object_pairs_hook=_no_doubles
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_number(_name: str) -> NoReturn:
    raise ValueError("no number of JSON")


def number(value: object) -> float | None:
    """A finite number; true and false are none, and neither is what no float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def moment(value: object) -> datetime | None:
    """An ISO 8601 date and time with a zone, in UTC; None for anything else."""
    if not isinstance(value, str) or len(value) > LONGEST_MOMENT or "T" not in value.upper():
        return None
    try:
        found = datetime.fromisoformat(value.upper())  # RFC 3339, 5.6: t and z may be small
        return None if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
