"""The page of users: everybody in reach, and what can be done to many at once."""

from collections.abc import Iterator, Sequence
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import Select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse
from wtforms.fields.choices import SelectChoice

from plugin.core import clock
from plugin.core.db import Tx, read_session, transaction
from plugin.core.errors import ForbiddenError
from plugin.org import (
    actions,
    as_of,
    membership_actions,
    people_actions,
    people_queries,
    queries,
    unit_queries,
)
from plugin.org.as_of import AsOf
from plugin.org.errors import FieldError
from plugin.org.forms import PersonForm
from plugin.org.models import MembershipSource
from plugin.org.reach import Reach, reach_of, unit_in_reach
from plugin.web.export import Cell, Format, dated
from plugin.web.identity import me, requires
from plugin.web.listing import Asked, Slice, asked
from plugin.web.roles import Role

bp = Blueprint("people", __name__)
ROLES = {Role.ADMIN: _l("Admin"), Role.MANAGER: _l("Manager"), Role.LEARNER: _l("Learner")}
ADMIN_ACTS = {"deactivate", "reactivate"}
ACTS = {"add", "remove", *ADMIN_ACTS}


def _asked(units: Sequence[tuple[str, str]]) -> Asked:
    return asked(
        sorts=people_queries.SORTS,
        filters={
            "unit": [value for value, _name in units],
            "role": [role.value for role in ROLES],
            "state": people_queries.STATES,
            "email": ["none"],
            **as_of.FIELDS,
        },
    )


def _moment(session: Session, wanted: Asked) -> AsOf:
    """The moment asked for, by the days of the unit the list is narrowed to."""
    return as_of.asked_of_list(
        session, me().organization_id, wanted.filters, me().time_zone, now=clock.now()
    )


@bp.get("/admin/people")
@requires(Role.MANAGER)
def listing() -> str:
    session = read_session()
    reach = reach_of(session, me())
    units = unit_queries.choices(session, reach)
    wanted = _asked(units)
    moment = _moment(session, wanted)
    found, total = people_queries.people(session, reach, wanted, moment.at, past=moment.is_past)
    return render_template(
        "org/people.html",
        slice=Slice(items=found, total=total, asked=wanted),
        moment=moment,
        roles=ROLES,
        units=units,
        is_admin=me().role is Role.ADMIN,
        filters=[
            {"name": "unit", "label": _("Unit"), "choices": units},
            {
                "name": "role",
                "label": _("Role"),
                "choices": [(role.value, label) for role, label in ROLES.items()],
            },
            {
                "name": "state",
                "label": _("State"),
                "choices": [("deactivated", _("Deactivated"))],
            },
            {"name": "email", "label": _("Email"), "choices": [("none", _("Without email"))]},
        ],
    )


@bp.get("/admin/people.<file_format>")
@requires(Role.MANAGER)
def export(file_format: str) -> Response:
    """The list, as it is narrowed, as a file; with ids only those people."""
    if file_format not in list(Format):
        abort(404)
    session = read_session()
    reach = reach_of(session, me())
    ids = request.args.getlist("id", type=int) or None
    header = [
        _("Name"), _("Email"), _("Employee ID"), _("Role"), _("Units"), _("Since"),
        _("Deactivated"),
    ]  # fmt: skip
    wanted = _asked(unit_queries.choices(session, reach))
    moment = _moment(session, wanted)
    rows = people_queries.people_rows(
        session, reach, wanted, moment.at, past=moment.is_past, ids=ids
    )
    return dated(
        Format(file_format), "people", header, _cells(rows), moment=moment, zone=me().time_zone
    )


def _cells(lines: Iterator[people_queries.PersonLine]) -> Iterator[list[Cell]]:
    for each in lines:
        yield [
            each.name,
            each.email,
            each.employee_id,
            str(ROLES[each.role]),
            ", ".join(each.units),
            each.created_at,
            each.is_deactivated,
        ]


@bp.route("/admin/people/new", methods=["GET", "POST"])
@requires(Role.ADMIN)
def new() -> str | AnyResponse | tuple[str, int]:
    session = read_session()
    form = PersonForm()
    form.unit_id.choices = [
        SelectChoice(0, _("None")),
        *(
            SelectChoice(int(value), name)
            for value, name in unit_queries.choices(session, reach_of(session, me()))
        ),
    ]
    if form.validate_on_submit():
        try:
            _create(form)
        except FieldError as error:
            form[error.field].errors = [error.message]
        else:
            flash(_("Created."))
            return redirect(url_for("people.listing", q=form.name.data))
    page = render_template("org/person_new.html", form=form)
    return page, (422 if form.is_submitted() else 200)


def _create(form: PersonForm) -> None:
    with transaction() as tx:
        person = actions.create_person(
            tx.session,
            me().organization_id,
            full_name=form.name.data,
            email=form.email.data or None,
            employee_id=form.employee_id.data or None,
            by=me().person_id,
            now=clock.now(),
        )
        if form.unit_id.data:
            unit = queries.unit_of(tx.session, me().organization_id, form.unit_id.data)
            actions.add_member(
                tx,
                unit,
                person,
                source=MembershipSource.MANUAL,
                by=me().person_id,
                now=clock.now(),
            )


@bp.post("/admin/people/bulk")
@requires(Role.MANAGER)
def bulk() -> str | AnyResponse | tuple[str, int]:
    """Something for everybody chosen: a question with their number first, then all at once."""
    act = request.form.get("act", "")
    if act == "export":
        chosen = request.form.getlist("id", type=int)
        narrowed: dict[str, Any] = {} if "everything" in request.form else {"id": chosen}
        return redirect(url_for("people.export", file_format="csv", **_narrowing(), **narrowed))
    if act not in ACTS:
        abort(400)
    if act in ADMIN_ACTS and me().role is not Role.ADMIN:
        raise ForbiddenError(Role.ADMIN.value)
    refused = ""
    if "sure" in request.form:
        try:
            number = _do(act)
        except FieldError as error:
            refused = error.message
        else:
            flash(ngettext("Done for %(num)d person.", "Done for %(num)d people.", number))
            return redirect(url_for("people.listing", **_narrowing()))
    return _sure_page(act, refused), (422 if refused else 200)


def _narrowing() -> dict[str, Any]:
    """The words and filters of the list this came from."""
    known = ("q", "unit", "role", "state", "email", "sort", "dir")
    return {name: request.args[name] for name in known if name in request.args}


def _who(session: Session, reach: Reach) -> tuple[Select[Any], list[int], bool]:
    ids, is_all = request.form.getlist("id", type=int), "everything" in request.form
    if is_all:
        wanted = _asked(unit_queries.choices(session, reach))
        return people_queries.matching(reach, wanted, clock.now()), ids, True
    return people_queries.chosen(reach, ids, clock.now()), ids, False


def _do(act: str) -> int:
    with transaction() as tx:
        reach = reach_of(tx.session, me())
        who, _ids, _is_all = _who(tx.session, reach)
        if act in ADMIN_ACTS:
            return _switch(tx, act, who)
        unit_id = request.form.get("unit_id", 0, type=int)
        if not unit_id:
            raise FieldError("unit_id", _("Choose a unit."))
        unit = unit_in_reach(tx.session, reach, unit_id)
        change = membership_actions.add_many if act == "add" else membership_actions.end_many
        return change(tx, unit, who, by=me().person_id, now=clock.now())


def _switch(tx: Tx, act: str, who: Select[Any]) -> int:
    change = (
        people_actions.deactivate_many if act == "deactivate" else people_actions.reactivate_many
    )
    return change(
        tx,
        me().organization_id,
        who,
        by=me().person_id,
        reason=request.form.get("reason", ""),
        now=clock.now(),
    )


def _sure_page(act: str, refused: str) -> str:
    session = read_session()
    reach = reach_of(session, me())
    who, ids, is_all = _who(session, reach)
    return render_template(
        "org/people_sure.html",
        act=act,
        number=people_queries.count(session, who),
        ids=ids,
        is_all=is_all,
        units=unit_queries.choices(session, reach),
        unit_id=request.form.get("unit_id", 0, type=int),
        reason=request.form.get("reason", ""),
        refused=refused,
        narrowing=_narrowing(),
    )
