"""Pass marks that nobody can reach, because what completes the module has no score."""

from collections.abc import Iterable, Sequence

from flask_babel import gettext as _

from plugin.assign.draft import DraftRow
from plugin.assign.forms import percent
from plugin.modules import naming
from plugin.modules.catalogue import Line
from plugin.modules.models import ModuleKind

SCORELESS = (ModuleKind.DOCUMENT, ModuleKind.CERTIFICATE, ModuleKind.SESSION)


def warnings(rows: Sequence[DraftRow], modules: Iterable[Line]) -> list[str]:
    """A sentence for each row whose mark its kind of module does not reach, in their order."""
    known = {module.id: module for module in modules if module.kind in SCORELESS}
    return [
        _words(known[row.module_id], row.pass_mark)
        for row in rows
        if row.pass_mark and row.module_id in known
    ]


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
