"""What the pages of all kinds of modules have in common."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import format_date
from flask_babel import gettext as _

from plugin.core.db import read_session
from plugin.modules import archiving, catalogue, naming, queries
from plugin.modules.catalogue import Line
from plugin.modules.models import Module, ModuleKind

PAGES = {
    ModuleKind.SCORM: "scorm.module",
    ModuleKind.DOCUMENT: "documents.module",
    ModuleKind.CERTIFICATE: "submissions.module",
    ModuleKind.SESSION: "sessions.module",
    ModuleKind.LTI: "tools.module",
    ModuleKind.LMS_GRADE: "modules.graded",
}
"""The page of a module, by its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What stands below the title of a module's page."""

    line: Line
    namesakes: str
    """That others have its title, if they have."""
    archived: str
    """Of an archived module: since when, by whom and why."""


def about(module: Module) -> About:
    """What tells the module from others; one statement, and one for how it was archived."""
    found = catalogue.namesakes(read_session(), module)
    line = next(each for each in found if each.id == module.id)
    return About(
        line=line,
        namesakes=_said_of([each for each in found if each.id != module.id]),
        archived=_said_of_archiving(module) if line.is_archived else "",
    )


def namesakes(organization_id: int, module_id: int) -> str:
    """That others have the module's title, which they are and what to do; empty if none has."""
    return about(queries.module_of(read_session(), organization_id, module_id)).namesakes


def _said_of_archiving(module: Module) -> str:
    last = next(iter(archiving.acts(read_session(), module)), None)
    words = str(_("Archived: it cannot be chosen any more. Where a training has it, it counts."))
    if last is None or not last.is_archiving:
        return words
    how = _(
        "%(day)s, %(who)s: %(reason)s",
        day=format_date(last.at, "medium"),
        who=last.who or "–",
        reason=last.reason,
    )
    return f"{words} {how}"


def _said_of(others: Sequence[Line]) -> str:
    if not others:
        return ""
    return str(
        _(
            "Another module has this title too: %(others)s. Where modules are chosen, kind, "
            "version, number and day tell them apart; learners see the title only.",
            others="; ".join(naming.details(each) for each in others),
        )
    )
