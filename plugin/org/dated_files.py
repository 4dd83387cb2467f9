"""Files of lists that can be asked for a past moment."""

from collections.abc import Iterable, Sequence

from flask import Response
from flask_babel import gettext as _

from plugin.org.as_of import AsOf
from plugin.web.export import Cell, Format, download


def dated(
    file_format: Format,
    name: str,
    header: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    moment: AsOf,
    zone: str,
) -> Response:
    """The file; about the past its name and a column of its own say so, in the moment's zone."""
    if not moment.is_past:
        return download(file_format, name, header, rows, zone=zone)
    marked = ([*row, moment.at] for row in rows)
    header = [*header, _("As of")]
    return download(file_format, name + moment.name, header, marked, zone=moment.zone)
