"""The words of each mail, in the person's language: subject, text and HTML."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from babel import Locale
from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from jinja2 import Template

from plugin.core import languages
from plugin.core.context import current_settings

_EMPTY_LINES = re.compile(r"\n\s*\n")
_BETWEEN_ITEMS = re.compile(r"(?<=\n)(- .*)\n\n(?=- )")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A mail ready to be put into an envelope."""

    subject: str
    text: str
    html: str


def wording_of(name: str, facts: Mapping[str, Any], *, locale: str) -> Wording:
    """`templates/mail/<name>.txt` and `.html` say it; the subject is a block of the text."""
    language = languages.nearest(locale, current_settings().default_locale)
    direction = Locale.parse(language).text_direction
    with force_locale(locale):
        text = _template(name, "txt")
        context = {
            "product_name": current_settings().product_name,
            "tool_url": current_settings().tool_url,
            "language": language.replace("_", "-"),
            "direction": direction,
            "start": "left" if direction == "ltr" else "right",
            "end": "right" if direction == "ltr" else "left",
            **facts,
        }
        return Wording(
            subject=_subject(text, context),
            text=_tidy(text.render(context)),
            html=_template(name, "html").render(context),
        )


def _tidy(text: str) -> str:
    """One empty line between paragraphs, none within a list."""
    paragraphs = _EMPTY_LINES.sub("\n\n", text.strip())
    return _BETWEEN_ITEMS.sub(r"\1\n", paragraphs) + "\n"


def _template(name: str, suffix: str) -> Template:
    return current_app.jinja_env.get_template(f"mail/{name}.{suffix}")


def _subject(template: Template, context: dict[str, Any]) -> str:
    words = _block(template, "subject", context)
    return str(_("Test: %(subject)s", subject=words)) if "sample_of" in context else words


def _block(template: Template, name: str, context: dict[str, Any]) -> str:
    words = "".join(template.blocks[name](template.new_context(context)))
    return " ".join(words.split())
