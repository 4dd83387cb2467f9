"""The page of all training configurations, and the same as a file."""

from collections.abc import Iterator

from flask import Response, abort, render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from plugin.assign import listing
from plugin.assign.listing import ListState
from plugin.assign.views import bp
from plugin.core import clock
from plugin.core.db import read_session
from plugin.org import as_of
from plugin.org.as_of import AsOf
from plugin.org.forms import KINDS
from plugin.web.export import Cell, Format, dated
from plugin.web.identity import me, requires
from plugin.web.listing import Asked, Slice, asked
from plugin.web.roles import Role

__all__ = ["bp"]
STATES = {
    ListState.PUBLISHED: _l("Published"),
    ListState.CHANGED: _l("With unpublished changes"),
    ListState.UNPUBLISHED: _l("Not published yet"),
    ListState.ARCHIVED: _l("Archived"),
}


def _asked() -> Asked:
    return asked(
        sorts=listing.SORTS,
        filters={
            "kind": [kind.value for kind in KINDS],
            "state": [state.value for state in ListState],
            **as_of.FIELDS,
        },
    )


def _moment(wanted: Asked) -> AsOf:
    return as_of.asked_for(wanted.filters, me().time_zone, now=clock.now())


@bp.get("/admin/training")
@requires(Role.ADMIN)
def configurations() -> str:
    wanted = _asked()
    moment = _moment(wanted)
    found, total = listing.page(
        read_session(), me().organization_id, wanted, moment.at, past=moment.is_past
    )
    return render_template(
        "assign/configurations.html",
        slice=Slice(items=found, total=total, asked=wanted),
        moment=moment,
        kinds=KINDS,
        filters=[
            {
                "name": "kind",
                "label": _("Kind of unit"),
                "choices": [(kind.value, label) for kind, label in KINDS.items()],
            },
            {
                "name": "state",
                "label": _("State"),
                "choices": [(state.value, label) for state, label in STATES.items()],
            },
        ],
    )


@bp.get("/admin/training.<file_format>")
@requires(Role.ADMIN)
def export(file_format: str) -> Response:
    """The list, as it is narrowed, as a file."""
    if file_format not in list(Format):
        abort(404)
    header = [
        _("Unit"), _("Kind"), _("Training"), _("Version"), _("Published"), _("Required modules"),
        _("Certificate"), _("Unpublished changes"),
    ]  # fmt: skip
    wanted = _asked()
    moment = _moment(wanted)
    rows = listing.rows(
        read_session(), me().organization_id, wanted, moment.at, past=moment.is_past
    )
    name = "training" if moment.is_past else f"training-{moment.at.date().isoformat()}"
    return dated(
        Format(file_format),
        name,
        header,
        _cells(rows, past=moment.is_past),
        moment=moment,
        zone=me().time_zone,
    )


def _cells(lines: Iterator[listing.ConfigurationSummary], *, past: bool) -> Iterator[list[Cell]]:
    for each in lines:
        yield [
            each.unit_name,
            str(KINDS[each.unit_kind]),
            each.name,
            each.number,
            each.published_at,
            each.required,
            each.certificate_on,
            None if past else each.has_changes,
        ]
