"""What the pages of all kinds of modules have in common."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

from plugin.core.db import read_session
from plugin.modules import catalogue, naming, queries
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


def about(module: Module) -> About:
    """What tells the module from others; one statement."""
    found = catalogue.namesakes(read_session(), module)
    return About(
        line=next(each for each in found if each.id == module.id),
        namesakes=_said_of([each for each in found if each.id != module.id]),
    )


def namesakes(organization_id: int, module_id: int) -> str:
    """That others have the module's title, which they are and what to do; empty if none has."""
    return about(queries.module_of(read_session(), organization_id, module_id)).namesakes


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
