"""Pure decisions about names, zones and codes."""

import re
import zoneinfo
from dataclasses import dataclass

from babel import Locale, UnknownLocaleError

SLUG = re.compile(r"^[a-z0-9][a-z0-9-]{0,62}$")
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
MAX_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The parts of a person's name as they will be stored."""

    given: str
    family: str
    full: str


def names_of(given: str | None, family: str | None, full: str | None) -> Names | None:
    """The best name the parts allow, or None when nothing was said."""
    given, family, full = (_tidy(part) for part in (given, family, full))
    if not full:
        full = f"{given} {family}".strip()
    if not full:
        return None
    if not given and not family:
        given, _, family = full.rpartition(" ")
        given, family = (given, family) if given else (family, "")
    return Names(given=given, family=family, full=full)


def email_of(text: str | None) -> str | None:
    """The address if it can be one, else None."""
    tidy = (text or "").strip()
    return tidy if _EMAIL.match(tidy) and len(tidy) <= MAX_NAME else None


def is_time_zone(name: str) -> bool:
    """Whether `name` is an IANA time zone."""
    return name in zoneinfo.available_timezones()


def is_locale(name: str) -> bool:
    """Whether dates and words can be written in the language `name`."""
    try:
        Locale.parse(name)
    except (ValueError, UnknownLocaleError):
        return False
    return True


def _tidy(part: str | None) -> str:
    return " ".join((part or "").split())[:MAX_NAME]
