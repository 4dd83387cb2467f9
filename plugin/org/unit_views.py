"""Pages of units: groups, sites and regions, and what each is."""

from collections.abc import Iterator

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse
from wtforms.fields.choices import SelectChoice

from plugin.core import clock
from plugin.core.db import read_session, transaction
from plugin.org import actions, as_of, queries, unit_actions, unit_queries
from plugin.org.errors import FieldError
from plugin.org.forms import KINDS, SOURCES, ReasonForm, UnitForm
from plugin.org.models import Unit, UnitKind
from plugin.org.reach import Reach, reach_of, unit_in_reach
from plugin.web import navigation
from plugin.web.export import Cell, Format, dated
from plugin.web.identity import me, requires
from plugin.web.listing import Asked, Slice, asked
from plugin.web.roles import Role

bp = Blueprint("units", __name__)
PLACES = {
    UnitKind.GROUP: "units.groups",
    UnitKind.SITE: "units.sites",
    UnitKind.REGION: "units.regions",
}
TITLES = {
    UnitKind.GROUP: _l("Groups"),
    UnitKind.SITE: _l("Sites"),
    UnitKind.REGION: _l("Regions"),
}
CREATE = {
    UnitKind.GROUP: _l("Create a group"),
    UnitKind.SITE: _l("Create a site"),
    UnitKind.REGION: _l("Create a region"),
}
HAPPENED: dict[str, LazyString] = {
    "unit.created": _l("Created"),
    "unit.edited": _l("Edited"),
    "unit.archived": _l("Archived"),
    "unit.restored": _l("Restored"),
    "membership.started": _l("Came in"),
    "membership.ended": _l("Left"),
}
FIELDS: dict[str, LazyString] = {
    "name": _l("Name"),
    "id_code": _l("ID code"),
    "description": _l("Description"),
    "time_zone": _l("Time zone"),
    "region_id": _l("Region"),
    "kind": _l("Kind"),
}


@bp.get("/admin/groups")
@requires(Role.MANAGER)
def groups() -> str:
    return _list(UnitKind.GROUP)


@bp.get("/admin/sites")
@requires(Role.MANAGER)
def sites() -> str:
    return _list(UnitKind.SITE)


@bp.get("/admin/regions")
@requires(Role.MANAGER)
def regions() -> str:
    return _list(UnitKind.REGION)


@bp.get("/admin/<any(groups, sites, regions):kind>.<file_format>")
@requires(Role.MANAGER)
def export(kind: str, file_format: str) -> Response:
    """A list of units, as it is narrowed, as a file."""
    if file_format not in list(Format):
        abort(404)
    which = UnitKind(kind.removesuffix("s"))
    session = read_session()
    reach = reach_of(session, me())
    header = [_("Name"), _("ID code"), _("Region"), _("Members")]
    wanted = _asked(session, reach, which)
    moment = as_of.asked_for(wanted.filters, me().time_zone, now=clock.now())
    rows = unit_queries.unit_rows(session, reach, which, wanted, moment.at, past=moment.is_past)
    return dated(
        Format(file_format), kind, header, _cells(rows), moment=moment, zone=me().time_zone
    )


def _cells(lines: Iterator[unit_queries.UnitLine]) -> Iterator[list[Cell]]:
    for each in lines:
        yield [each.name, each.id_code, each.region, each.members]


def _asked(session: Session, reach: Reach, kind: UnitKind) -> Asked:
    places = unit_queries.choices(session, reach, kind=UnitKind.REGION) if _has_region(kind) else []
    return asked(
        sorts=unit_queries.SORTS,
        filters={
            "region": [value for value, _name in places],
            "state": ["archived"],
            **as_of.FIELDS,
        },
    )


def _has_region(kind: UnitKind) -> bool:
    return kind is UnitKind.SITE


def _list(kind: UnitKind) -> str:
    session = read_session()
    reach = reach_of(session, me())
    wanted = _asked(session, reach, kind)
    moment = as_of.asked_for(wanted.filters, me().time_zone, now=clock.now())
    found, total = unit_queries.units(session, reach, kind, wanted, moment.at, past=moment.is_past)
    filters = [
        {
            "name": "state",
            "label": _("State"),
            "unset": _("In use"),
            "choices": [("archived", _("Archived"))],
        }
    ]
    if _has_region(kind):
        places = unit_queries.choices(session, reach, kind=UnitKind.REGION)
        filters.insert(0, {"name": "region", "label": _("Region"), "choices": places})
    return render_template(
        "org/units.html",
        title=TITLES[kind],
        moment=moment,
        kind=kind,
        create=CREATE[kind] if me().role is Role.ADMIN else "",
        has_region=_has_region(kind),
        slice=Slice(items=found, total=total, asked=wanted),
        filters=filters,
    )


@bp.route("/admin/units/new", methods=["GET", "POST"])
@requires(Role.ADMIN)
def new() -> str | AnyResponse | tuple[str, int]:
    form = UnitForm()
    if request.method == "GET" and request.args.get("kind") in list(UnitKind):
        form.kind.data = request.args["kind"]
    _offer_regions(form)
    status = 200
    if form.is_submitted():
        status = 422
        if form.validate():
            try:
                return redirect(url_for("units.details", unit_id=_create(form)))
            except FieldError as error:
                form["region_id" if error.field == "region" else error.field].errors = [
                    error.message
                ]
    kind = UnitKind(form.kind.data) if form.kind.data in list(UnitKind) else UnitKind.SITE
    navigation.stand_at(PLACES[kind])
    page = render_template(
        "org/unit_form.html", form=form, title=_("Create a unit"), button=_("Create the unit"),
        back_url=url_for(PLACES[kind]), back_label=TITLES[kind], hidden=[],
    )  # fmt: skip
    return page, status


def _offer_regions(form: UnitForm) -> None:
    found = queries.regions(read_session(), me().organization_id)
    form.region_id.choices = [
        SelectChoice(0, _("None")),
        *(SelectChoice(each.id, each.name) for each in found),
    ]


def _create(form: UnitForm) -> int:
    organization_id, region_id = me().organization_id, form.region_id.data
    with transaction() as tx:
        unit = actions.create_unit(
            tx.session,
            organization_id,
            kind=UnitKind(form.kind.data),
            name=form.name.data,
            id_code=form.id_code.data,
            description=form.description.data or "",
            time_zone=form.time_zone.data,
            region=queries.unit_of(tx.session, organization_id, region_id) if region_id else None,
            by=me().person_id,
            now=clock.now(),
        )
        return unit.id


@bp.get("/admin/units/<int:unit_id>")
@requires(Role.MANAGER)
def details(unit_id: int) -> str:
    session = read_session()
    unit = in_reach(session, unit_id)
    moment = as_of.asked_for(request.args, unit.time_zone or me().time_zone, now=clock.now())
    then = unit_queries.place_at(session, unit, moment.at, past=moment.is_past)
    return render_template("org/unit.html", unit=unit, then=then, moment=moment, kinds=KINDS)


def in_reach(session: Session, unit_id: int) -> Unit:
    """The unit, with the place of its kind marked in the navigation."""
    unit = unit_in_reach(session, reach_of(session, me()), unit_id)
    navigation.stand_at(PLACES[unit.kind])
    return unit


@bp.route("/admin/units/<int:unit_id>/edit", methods=["GET", "POST"])
@requires(Role.ADMIN)
def edit(unit_id: int) -> str | AnyResponse | tuple[str, int]:
    unit = in_reach(read_session(), unit_id)
    form = UnitForm(obj=unit, region_id=unit.region_id or 0, kind=unit.kind.value)
    form.kind.data = unit.kind.value
    _offer_regions(form)
    status = 200
    if form.is_submitted():
        status = 422
        if form.validate():
            try:
                _edit(unit_id, form)
            except FieldError as error:
                form[error.field].errors = [error.message]
            else:
                flash(_("Saved."))
                return redirect(url_for("units.details", unit_id=unit_id))
    unit = in_reach(read_session(), unit_id)
    page = render_template(
        "org/unit_form.html", form=form, title=_("Edit %(unit)s", unit=unit.name),
        button=_("Save"), back_url=url_for("units.details", unit_id=unit_id),
        back_label=unit.name, hidden=["kind"] + ([] if _has_region(unit.kind) else ["region_id"]),
    )  # fmt: skip
    return page, status


def _edit(unit_id: int, form: UnitForm) -> None:
    with transaction() as tx:
        organization_id, region_id = me().organization_id, form.region_id.data
        unit = queries.unit_of(tx.session, organization_id, unit_id)
        unit_actions.edit_unit(
            tx,
            unit,
            name=form.name.data,
            id_code=form.id_code.data,
            description=form.description.data or "",
            time_zone=form.time_zone.data,
            region=queries.unit_of(tx.session, organization_id, region_id) if region_id else None,
            by=me().person_id,
            now=clock.now(),
        )


@bp.route("/admin/units/<int:unit_id>/archive", methods=["GET", "POST"])
@requires(Role.ADMIN)
def archive(unit_id: int) -> str | AnyResponse | tuple[str, int]:
    """Archive it, or bring it back; says first how many people that concerns."""
    session = read_session()
    unit = in_reach(session, unit_id)
    form = ReasonForm()
    if form.validate_on_submit():
        with transaction() as tx:
            found = queries.unit_of(tx.session, me().organization_id, unit_id)
            act = unit_actions.restore_unit if found.archived_at else unit_actions.archive_unit
            act(tx, found, by=me().person_id, reason=form.reason.data, now=clock.now())
            sentence = _("Archived.") if found.archived_at else _("Restored.")
        flash(sentence)
        return redirect(url_for("units.details", unit_id=unit_id))
    page = render_template(
        "org/unit_archive.html",
        unit=unit,
        form=form,
        people=len(unit_actions.everybody(session, unit)),
    )
    return page, (422 if form.is_submitted() else 200)


@bp.get("/admin/units/<int:unit_id>/activity")
@requires(Role.MANAGER)
def activity(unit_id: int) -> str:
    session = read_session()
    unit = in_reach(session, unit_id)
    wanted = asked(sorts=["at"], filters=as_of.FIELDS)
    moment = as_of.asked_for(wanted.filters, unit.time_zone or me().time_zone, now=clock.now())
    found, total = unit_queries.activity(session, unit, wanted, at=moment.at)
    return render_template(
        "org/unit_activity.html",
        unit=unit,
        moment=moment,
        slice=Slice(items=found, total=total, asked=wanted),
        happened=HAPPENED,
        fields=FIELDS,
        sources=SOURCES,
    )
