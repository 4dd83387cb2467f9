"""How the learner's pages speak: translated sentences, dates, shares and badges."""

from dataclasses import dataclass
from datetime import date

import flask_babel
from flask_babel import LazyString, format_date
from flask_babel import lazy_gettext as _l

from plugin.certs.rules import CertificateState


@dataclass(frozen=True, slots=True)
class Badge:
    """A tone, which brings colour and icon, and a word."""

    tone: str
    text: LazyString | str


STATES = {
    CertificateState.VALID: Badge("valid", _l("VALID")),
    CertificateState.INVALID: Badge("invalid", _l("INVALID")),
    CertificateState.SUSPENDED: Badge("invalid", _l("SUSPENDED")),
    CertificateState.REVOKED: Badge("invalid", _l("REVOKED")),
    CertificateState.ENDED: Badge("plain", _l("ENDED")),
}


def _(words: str, **facts: object) -> str:
    """The sentence in the reader's language, with these facts in it."""
    return str(flask_babel.gettext(words, **_apart(facts)))


def ngettext(one: str, many: str, number: int, **facts: object) -> str:
    """The sentence for this number; `num` stands in it."""
    return str(flask_babel.ngettext(one, many, number, **_apart(facts)))


def _apart(facts: dict[str, object]) -> dict[str, object]:
    """In a language written from the right, names and dates keep a direction of their own."""
    if flask_babel.get_locale().text_direction != "rtl":
        return facts
    return {
        name: f"\u2068{value}\u2069" if isinstance(value, str) else value
        for name, value in facts.items()
    }


def percent(share: float) -> str:
    """A share of 0 to 1 as the reader writes it."""
    return str(flask_babel.format_percent(share))


def through(last_day: date | None) -> str:
    """Until when something is valid."""
    if last_day is None:
        return _("Valid without an end date")
    return _("Valid through %(date)s", date=format_date(last_day, "long"))


def day(value: date) -> str:
    """A calendar date as the reader writes it."""
    return str(format_date(value, "medium"))
