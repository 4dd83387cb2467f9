"""Pages of one person: details and access."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from plugin.core import clock
from plugin.core.db import Tx, read_session, transaction
from plugin.org import (
    actions,
    as_of,
    grant_actions,
    membership_actions,
    merge_queries,
    people_actions,
    people_queries,
    person_actions,
    person_queries,
    queries,
    unit_queries,
)
from plugin.org.errors import FieldError
from plugin.org.forms import KINDS, SOURCES, PersonEditForm, ReasonForm
from plugin.org.models import Person
from plugin.org.people_views import ROLES
from plugin.org.reach import Reach, person_in_reach, reach_of, unit_in_reach
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("person", __name__)


def load(session: Session, person_id: int) -> tuple[Person, Reach]:
    """The person, if in reach of who asks."""
    reach = reach_of(session, me())
    return person_in_reach(session, reach, person_id, clock.now()), reach


@bp.get("/admin/people/<int:person_id>")
@requires(Role.MANAGER)
def details(person_id: int) -> str:
    session = read_session()
    person, reach = load(session, person_id)
    moment = as_of.asked_for(request.args, me().time_zone, now=clock.now())
    merges = merge_queries.merges_of(session, person_id, moment.at) if reach.is_whole else []
    still = [each for each in merges if each.undone_at is None and not each.is_survivor]
    return render_template(
        "org/person.html",
        person=person,
        merges=merges,
        survivor=still[0] if still else None,
        moment=moment,
        deactivated_at=person_queries.deactivated_at(
            session, person, moment.at, past=moment.is_past
        ),
        places=person_queries.places(session, reach, person_id, moment.at, past=moment.is_past),
        identities=person_queries.identities(session, person_id)
        if reach.is_whole and not moment.is_past
        else [],
        kinds=KINDS,
        sources=SOURCES,
    )


@bp.route("/admin/people/<int:person_id>/edit", methods=["GET", "POST"])
@requires(Role.ADMIN)
def edit(person_id: int) -> str | Response | tuple[str, int]:
    person, _reach = load(read_session(), person_id)
    form = PersonEditForm(obj=person, name=person.full_name)
    if form.validate_on_submit():
        try:
            with transaction() as tx:
                person_actions.edit_person(
                    tx.session,
                    load(tx.session, person_id)[0],
                    name=form.name.data,
                    email=form.email.data,
                    employee_id=form.employee_id.data,
                    locale=form.locale.data,
                    by=me().person_id,
                    now=clock.now(),
                )
        except FieldError as error:
            form[error.field].errors = [error.message]
        else:
            flash(_("Saved."))
            return redirect(url_for("person.details", person_id=person_id))
    person, _reach = load(read_session(), person_id)
    page = render_template("org/person_edit.html", person=person, form=form)
    return page, (422 if form.is_submitted() else 200)


@bp.post("/admin/people/<int:person_id>/leave")
@requires(Role.MANAGER)
def leave(person_id: int) -> Response:
    """No longer in one unit."""
    with transaction() as tx:
        person, reach = load(tx.session, person_id)
        unit = unit_in_reach(tx.session, reach, request.form.get("unit_id", 0, type=int))
        only = people_queries.chosen(reach, [person.id], clock.now())
        membership_actions.end_many(tx, unit, only, by=me().person_id, now=clock.now())
        name = unit.name
    flash(_("Removed from %(unit)s.", unit=name))
    is_gone = me().role is not Role.ADMIN
    address = url_for("people.listing") if is_gone else url_for(
        "person.details", person_id=person_id
    )  # fmt: skip
    return redirect(address)


@bp.get("/admin/people/<int:person_id>/access")
@requires(Role.MANAGER)
def access(person_id: int) -> str:
    return _access_page(person_id)


def _access_page(person_id: int, reason: ReasonForm | None = None, refused: str = "") -> str:
    session = read_session()
    person, reach = load(session, person_id)
    return render_template(
        "org/person_access.html",
        person=person,
        rights=person_queries.rights(session, person_id),
        roles=ROLES,
        visits=person_queries.visits(session, person_id),
        units=unit_queries.choices(session, reach) if reach.is_whole else [],
        reason=reason or ReasonForm(formdata=None),
        refused=refused,
        is_me=person_id == me().person_id,
    )


@bp.post("/admin/people/<int:person_id>/access")
@requires(Role.ADMIN)
def change_access(person_id: int) -> Response | tuple[str, int]:
    """Give a right, take one back, switch access off or on; each with a reason, all audited."""
    form = ReasonForm()
    if not form.validate():
        return _access_page(person_id, form), 422
    try:
        with transaction() as tx:
            person, _reach = load(tx.session, person_id)
            _change(tx, person, form.reason.data)
    except FieldError as error:
        return _access_page(person_id, form, refused=error.message), 422
    flash(_("Done."))
    return redirect(url_for("person.access", person_id=person_id))


def _change(tx: Tx, person: Person, reason: str) -> None:
    pressed, by, now = request.form, me().person_id, clock.now()
    if "revoke" in pressed:
        number = pressed.get("revoke", 0, type=int)
        grant = person_queries.grant_of(tx.session, person.organization_id, person.id, number)
        grant_actions.revoke(tx.session, grant, by=by, reason=reason, now=now)
    elif "admin" in pressed:
        actions.grant(tx.session, person, Role.ADMIN, by=by, now=now, reason=reason)
    elif "manager" in pressed:
        unit_id = pressed.get("unit_id", 0, type=int)
        if not unit_id:
            raise FieldError("unit_id", _("Choose a unit."))
        unit = queries.unit_of(tx.session, person.organization_id, unit_id)
        actions.grant(tx.session, person, Role.MANAGER, unit=unit, by=by, now=now, reason=reason)
    elif "deactivate" in pressed or "reactivate" in pressed:
        _switch(tx, person, reason)


def _switch(tx: Tx, person: Person, reason: str) -> None:
    everybody = Reach(organization_id=person.organization_id, unit_ids=None)
    only = people_queries.chosen(everybody, [person.id], clock.now())
    is_off = person.deactivated_at is not None
    change = people_actions.reactivate_many if is_off else people_actions.deactivate_many
    changed = change(
        tx, person.organization_id, only, by=me().person_id, reason=reason, now=clock.now()
    )
    if not changed:
        raise FieldError(
            "reason",
            _("An admin, or oneself, cannot be deactivated. Take the right back first."),
        )
