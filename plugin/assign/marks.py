"""What an admin should know of a draft's rows: a mark nobody can reach, a module archived."""

from collections.abc import Iterable, Sequence

from flask_babel import gettext as _

from plugin.assign.draft import DraftRow
from plugin.assign.forms import percent
from plugin.modules import naming
from plugin.modules.catalogue import Line
from plugin.modules.models import ModuleKind

SCORELESS = (ModuleKind.DOCUMENT, ModuleKind.CERTIFICATE, ModuleKind.SESSION)


def warnings(rows: Sequence[DraftRow], modules: Iterable[Line]) -> list[str]:
    """A sentence for each row whose mark its kind of module does not reach, and for each whose
    module is archived, in their order."""
    known = {module.id: module for module in modules}
    found: list[str] = []
    for row in rows:
        module = known.get(row.module_id)
        if module is not None and module.is_archived:
            found.append(_archived(module))
        if module is not None and row.pass_mark and module.kind in SCORELESS:
            found.append(_words(module, row.pass_mark))
    return found


def _archived(module: Line) -> str:
    return str(
        _(
            "%(module)s is archived. Where the training in force has it, it goes on counting until "
            "you take it out and publish; it cannot be added anew.",
            module=naming.name(module),
        )
    )


def _words(module: Line, mark: float) -> str:
    said = {"module": naming.name(module), "mark": percent(mark)}
    if module.kind is ModuleKind.SESSION:
        sentence = _(
            "%(module)s: who attends has no score unless whoever leads the session enters one, and "
            "without one the pass mark of %(mark)s %% is never reached.",
            **said,
        )
    else:
        sentence = _(
            "%(module)s is completed without a score, so that nobody ever reaches the pass mark of "
            "%(mark)s %%. Leave the pass mark empty.",
            **said,
        )
    return str(sentence)
