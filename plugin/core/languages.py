"""The languages the product has words in, and which of them serves somebody best."""

from functools import cache

from babel import Locale, UnknownLocaleError

from plugin.core.paths import TRANSLATIONS

SOURCE = "en"
"""The language of the words in the source."""


@cache
def ours() -> tuple[str, ...]:
    """The languages there are words in, that of the source first."""
    found = sorted(path.parts[-3] for path in TRANSLATIONS.glob("*/LC_MESSAGES/messages.mo"))
    return (SOURCE, *found)


def nearest(wanted: str | None, default: str) -> str:
    """`wanted` with its territory if there are words in its language, else `default`.

    That is the language a page or mail may truthfully say it is written in.
    """
    try:
        locale = Locale.parse((wanted or "").replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return default
    return str(locale) if locale.language in ours() else default
