"""What a module is called where one is chosen, so that two of one title are told apart."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import format_date, gettext
from sqlalchemy import ColumnElement, String, case, cast
from sqlalchemy.orm import Session

from plugin.modules import catalogue
from plugin.modules.catalogue import Line
from plugin.modules.models import Module
from plugin.modules.wording import KINDS

MARK = "\0"


def _(text: str, **values: Any) -> str:
    return str(gettext(text, **values))


def details(line: Line) -> str:
    """Kind, version, number, and the day it was made: never the same for two modules."""
    parts = [
        str(KINDS[line.kind]),
        _("version %(number)s", number=line.version) if line.version else "",
        number(line.id),
        _("made on %(day)s", day=format_date(line.created_at, "medium")),
        _("archived") if line.is_archived else "",
    ]
    return " · ".join(part for part in parts if part)


def label(line: Line) -> str:
    """The title with kind and number, where there is room for one line only."""
    words = f"{line.title} – {KINDS[line.kind]}, {number(line.id)}"
    return f"{words}, {_('archived')}" if line.is_archived else words


def name(line: Line) -> str:
    """The title; with its number where another module has the same."""
    return f"{line.title} ({number(line.id)})" if line.has_twin else line.title


def column(organization_id: Any) -> ColumnElement[str]:
    """What `name` says, of the module of a statement."""
    before, _mark, after = number(MARK).partition(MARK)
    numbered = Module.title + f" ({before}" + cast(Module.id, String) + f"{after})"
    return case((catalogue.has_twin(organization_id), numbered), else_=Module.title)


def number(module_id: int | str) -> str:
    """The module's number, in words."""
    return _("number %(number)s", number=module_id)


def names(session: Session, organization_id: int, module_ids: Sequence[int]) -> Mapping[int, str]:
    """What these modules are called in sentences, whatever their state."""
    lines = catalogue.listed(session, organization_id, module_ids)
    return {line.id: name(line) for line in lines}
