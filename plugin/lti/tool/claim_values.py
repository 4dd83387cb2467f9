"""Single values a message may hold, cleaned: ids, texts, addresses, languages (pure)."""

import re
from functools import lru_cache
from urllib.parse import urlsplit

from babel import Locale, UnknownLocaleError

MAX_ID = 255
MAX_TEXT = 1000
MAX_URL = 2048
_LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}")
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What no database, page or paper can hold, and what turns the text around it."""
_UNRESOLVED = re.compile(r"\$[A-Za-z]|\{[A-Za-z_]+\}$")


def is_id(value: object) -> bool:
    """Whether `value` can be an identifier: 1 to 255 printable characters."""
    return isinstance(value, str) and 0 < len(value) <= MAX_ID and value.isprintable()


def text_of(value: object) -> str | None:
    """A text to show, without what a database or page cannot hold; "" was not said."""
    if not isinstance(value, str):
        return None
    return printable(value).strip()[:MAX_TEXT] or None


def resolved_text_of(value: object) -> str | None:
    """A text that may be a variable nobody resolved, which was not said."""
    return None if isinstance(value, str) and is_unresolved(value) else text_of(value)


def is_unresolved(text: str) -> bool:
    """Whether the platform left a variable as it was written (`$User.id`)."""
    return _UNRESOLVED.match(text) is not None


def printable(text: str) -> str:
    """The text without what a database or page cannot hold."""
    return _UNPRINTABLE.sub("", text)


def web_address(value: object) -> str | None:
    """An absolute http or https address, or None."""
    if not isinstance(value, str) or not value.isprintable() or len(value.encode()) > MAX_URL:
        return None
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return None
    return value if usable and " " not in value else None


def locale_of(value: object) -> str | None:
    """The language in the form Babel reads (`pt_BR`), or None when nobody speaks it."""
    if not isinstance(value, str) or not _LOCALE.fullmatch(value):
        return None
    return _known_locale(value.replace("-", "_"))


@lru_cache(maxsize=256)
def _known_locale(text: str) -> str | None:
    try:
        return str(Locale.parse(text))
    except (ValueError, UnknownLocaleError):
        return None
