"""Standings at a glance, in lists, and as files; read only."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request
from flask_babel import gettext as _

from plugin.assign import listed
from plugin.assign.choices import Choices, choices
from plugin.assign.judged_anew import MOST_THEN
from plugin.assign.listed import Duties
from plugin.core import clock
from plugin.core.db import read_session
from plugin.org import as_of
from plugin.org.as_of import AsOf
from plugin.org.models import Unit, UnitKind
from plugin.org.reach import Reach, reach_of, unit_in_reach
from plugin.reports import matrix as training_matrix
from plugin.reports import overview as glance
from plugin.reports import standings as standing_list
from plugin.reports import unreachable as mail_list
from plugin.reports import waiting, wording
from plugin.web.export import Cell, Format, dated
from plugin.web.identity import me, requires
from plugin.web.listing import Asked, asked
from plugin.web.navigation import stand_at
from plugin.web.roles import Role

bp = Blueprint("reports", __name__)
FILE = "<any(csv, xlsx):file_format>"
EVERY_UNIT = 1_000_000
MAX_COLUMN_PAGES = 100
PLACES = {
    UnitKind.REGION: "units.regions",
    UnitKind.SITE: "units.sites",
    UnitKind.GROUP: "units.groups",
}


@bp.get("/admin/overview")
@requires(Role.MANAGER)
def overview() -> str:
    """Compliant shares per unit, what runs out next, and what needs a look."""
    session = read_session()
    reach = reach_of(session, me())
    region, wanted = _region(reach), _asked_of_units()
    moment = _moment(region)
    duties = _duties(reach, region, moment)
    tools = waiting.count_tools(current_app.extensions, reach.organization_id)
    return render_template(
        "reports/overview.html",
        found=glance.overview(session, reach, wanted, duties, region=region),
        figures=glance.figures(session, reach, duties, region=region, tools=tools),
        region=region,
        kinds=wording.KINDS,
        asked=wanted,
        moment=moment,
    )


@bp.get(f"/admin/overview.{FILE}")
@requires(Role.MANAGER)
def overview_file(file_format: str) -> Response:
    """Every unit of the level asked for, with its figures."""
    session = read_session()
    reach = reach_of(session, me())
    wanted, region = replace(_asked_of_units(), page=1, size=EVERY_UNIT), _region(reach)
    moment = _moment(region)
    duties = _duties(reach, region, moment, most=None)
    found = glance.overview(session, reach, wanted, duties, region=region)
    header = [_("Unit"), _("Kind"), _("People"), _("Valid"), _("Valid, ends within 30 days")]
    rows = (
        [unit.name, str(wording.KINDS[unit.kind]), *_numbers(unit.tally)]
        for unit in found.units.items
    )
    header += [_("Invalid"), _("Compliant share")]
    return _file(file_format, "overview", header, rows, moment)


@bp.get("/admin/standings")
@requires(Role.MANAGER)
def standings() -> str:
    """Every person under every configuration."""
    session = read_session()
    reach = reach_of(session, me())
    offered = choices(session, reach)
    wanted = _asked_of_standings(offered)
    moment = _moment_of(wanted)
    return render_template(
        "reports/standings.html",
        found=standing_list.standings(session, reach, wanted, at=moment.at, past=moment.is_past),
        moment=moment,
        filters=[
            {"name": "state", "label": _("State"), "choices": wording.FILTERS.items()},
            {"name": "unit", "label": _("Unit"), "choices": offered.units},
            {"name": "configuration", "label": _("Training"), "choices": offered.configurations},
        ],
        badge=wording.badge,
    )


@bp.get(f"/admin/standings.{FILE}")
@requires(Role.MANAGER)
def standings_file(file_format: str) -> Response:
    """The list as it is narrowed now."""
    session = read_session()
    reach = reach_of(session, me())
    wanted = _asked_of_standings(choices(session, reach))
    moment = _moment_of(wanted)
    found = standing_list.all_standings(session, reach, wanted, at=moment.at, past=moment.is_past)
    header = [_("Name"), _("Email"), _("Employee ID"), _("Unit"), _("Training"), _("State")]
    header += [_("Valid through"), _("Version"), _("To do")]
    rows = (
        [
            line.person,
            line.email,
            line.employee_id,
            line.unit,
            line.configuration,
            str(wording.badge(line.state).text),
            line.valid_through,
            each.version,
            " | ".join(each.to_do),
        ]
        for each in found
        for line in (each.standing,)
    )
    return _file(file_format, "standings", header, rows, moment)


@bp.get("/admin/unreachable")
@requires(Role.MANAGER)
def unreachable() -> str:
    """Who cannot be reached by mail."""
    session = read_session()
    reach, wanted = reach_of(session, me()), _asked_of_mail()
    moment = _moment(None)
    return render_template(
        "reports/unreachable.html",
        found=mail_list.unreachable(session, reach, wanted, at=moment.at, past=moment.is_past),
        moment=moment,
        filters=[{"name": "cause", "label": _("Cause"), "choices": wording.CAUSES.items()}],
        causes=wording.CAUSES,
    )


@bp.get(f"/admin/unreachable.{FILE}")
@requires(Role.MANAGER)
def unreachable_file(file_format: str) -> Response:
    """The list as it is narrowed now."""
    session = read_session()
    reach, wanted, moment = reach_of(session, me()), _asked_of_mail(), _moment(None)
    header = [_("Name"), _("Employee ID"), _("Email"), _("Last mail failed"), _("Server's words")]
    found = mail_list.all_unreachable(session, reach, wanted, at=moment.at, past=moment.is_past)
    rows = (
        [line.person, line.employee_id, line.email, line.failed_at, line.words] for line in found
    )
    return _file(file_format, "unreachable", header, rows, moment)


@bp.get("/admin/units/<int:unit_id>/matrix")
@requires(Role.MANAGER)
def matrix(unit_id: int) -> str:
    """The unit's people by the modules of its training, a part at a time."""
    session = read_session()
    unit = unit_in_reach(session, reach_of(session, me()), unit_id)
    stand_at(PLACES[unit.kind])
    wanted, moment = _asked_of_matrix(), _moment(unit)
    return render_template(
        "reports/matrix.html",
        unit=unit,
        found=training_matrix.matrix(session, unit, wanted, at=moment.at, past=moment.is_past),
        moment=moment,
        kinds=wording.KINDS,
        cells=wording.CELLS,
    )


@bp.get(f"/admin/units/<int:unit_id>/matrix.{FILE}")
@requires(Role.MANAGER)
def matrix_file(unit_id: int, file_format: str) -> Response:
    """The whole matrix: everybody, and two columns for each module."""
    session = read_session()
    unit = unit_in_reach(session, reach_of(session, me()), unit_id)
    wanted, moment = _asked_of_matrix(), _moment(unit)
    columns, lines = training_matrix.whole_matrix(
        session, unit, wanted, at=moment.at, past=moment.is_past
    )
    header = [_("Name"), _("Email"), _("Employee ID")]
    for each in columns:
        title = f"{each.configuration}: {each.module}"
        header += [title, _("%(title)s, valid through", title=title)]
    rows = ([line.person, line.email, line.employee_id, *_texts(line.cells)] for line in lines)
    return _file(file_format, "matrix", header, rows, moment)


def _texts(cells: Iterable[training_matrix.Cell]) -> list[Cell]:
    return [text for each in cells for text in (str(wording.CELLS[each.state].text), each.through)]


def _asked_of_matrix() -> Asked:
    pages = [str(number) for number in range(2, MAX_COLUMN_PAGES)]
    return asked(sorts=training_matrix.SORTS, filters={"columns": pages, **as_of.FIELDS})


def _region(reach: Reach) -> Unit | None:
    """The unit drilled down into, if the address names one; out of reach is not found."""
    wanted = request.args.get("region", type=int)
    return unit_in_reach(read_session(), reach, wanted) if wanted else None


def _asked_of_units() -> Asked:
    kinds = [kind.value for kind in UnitKind]
    return asked(sorts=glance.SORTS, filters={"kind": kinds, "region": None, **as_of.FIELDS})


def _asked_of_standings(offered: Choices) -> Asked:
    filters = {"state": standing_list.STATES, **offered.filters(), **as_of.FIELDS}
    return asked(sorts=standing_list.SORTS, filters=filters)


def _asked_of_mail() -> Asked:
    return asked(sorts=mail_list.SORTS, filters={"cause": mail_list.CAUSES, **as_of.FIELDS})


def _numbers(tally: glance.Tally) -> list[Cell]:
    return [tally.people, tally.lasting, tally.expiring, tally.invalid, tally.share]


def _file(
    file_format: str, name: str, header: list[str], rows: Iterator[list[Any]], moment: AsOf
) -> Response:
    return dated(Format(file_format), name, header, rows, moment=moment, zone=me().time_zone)


def _moment(unit: Unit | None) -> AsOf:
    """The moment the address asks for, by the unit's days or the organization's."""
    zone = (unit.time_zone if unit else None) or me().time_zone
    return as_of.asked_for(request.args, zone, now=clock.now())


def _moment_of(wanted: Asked) -> AsOf:
    """The same of a list, by the days of the unit it is narrowed to."""
    return as_of.asked_of_list(
        read_session(), me().organization_id, wanted.filters, me().time_zone, now=clock.now()
    )


def _duties(
    reach: Reach, region: Unit | None, moment: AsOf, most: int | None = MOST_THEN
) -> Duties:
    filters = {"unit": str(region.id)} if region else {}
    return listed.answering(
        read_session(), reach, moment.at, past=moment.is_past, filters=filters, most=most
    )
