"""Pages for admins: units and who is in them; and the install code for the first admin."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from plugin.core import clock
from plugin.core.db import read_session, transaction
from plugin.org import actions, queries
from plugin.org.errors import FieldError, InstallCodeError
from plugin.org.forms import KINDS, SOURCES, InstallCodeForm, SearchForm, UnitForm
from plugin.org.models import MembershipSource, UnitKind
from plugin.web.identity import me, requires
from plugin.web.listing import MAX_PAGE
from plugin.web.roles import Role

bp = Blueprint("org", __name__)
PAGE = 50


@bp.get("/admin")
@requires(Role.LEARNER)
def admin() -> Response:
    """Where a launch that asks for the admin pages lands: what one may see, or the install code."""
    places = {Role.ADMIN: "org.units", Role.MANAGER: "reports.overview"}
    return redirect(url_for(places.get(me().role, "org.claim")))


@bp.route("/admin/claim", methods=["GET", "POST"])
@requires(Role.LEARNER)
def claim() -> str | Response:
    form = InstallCodeForm()
    if form.validate_on_submit():
        try:
            with transaction() as tx:
                person = queries.person_of(tx.session, me().organization_id, me().person_id)
                actions.use_install_code(tx.session, person, form.code.data, now=clock.now())
        except InstallCodeError as error:
            form.code.errors = [error.message]
        else:
            flash(_("You are now an admin of this organization."))
            return redirect(url_for("org.units"))
    return render_template("org/claim.html", form=form)


@bp.get("/admin/units")
@requires(Role.ADMIN)
def units() -> str:
    found = queries.units(read_session(), me().organization_id, clock.now())
    return render_template("org/units.html", units=found, kinds=KINDS)


@bp.route("/admin/units/new", methods=["GET", "POST"])
@requires(Role.ADMIN)
def new_unit() -> str | Response:
    form = UnitForm()
    regions = queries.regions(read_session(), me().organization_id)
    form.region_id.choices = [
        SelectChoice(0, _("None")),
        *(SelectChoice(each.id, each.name) for each in regions),
    ]
    if form.validate_on_submit():
        try:
            return redirect(url_for("org.unit", unit_id=_create_unit(form)))
        except FieldError as error:
            field = "region_id" if error.field == "region" else error.field
            form[field].errors = [error.message]
    return render_template("org/new_unit.html", form=form)


def _create_unit(form: UnitForm) -> int:
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
@requires(Role.ADMIN)
def unit(unit_id: int) -> str:
    session, organization_id = read_session(), me().organization_id
    page = min(max(1, request.args.get("page", 1, type=int)), MAX_PAGE)
    search = SearchForm(request.args)
    members = queries.members(session, organization_id, unit_id, clock.now(), page=page, size=PAGE)
    return render_template(
        "org/unit.html",
        unit=queries.unit_of(session, organization_id, unit_id),
        training_url=url_for("assign.of_unit", unit_id=unit_id),
        kinds=KINDS,
        sources=SOURCES,
        members=members[:PAGE],
        page=page,
        has_more=len(members) > PAGE,
        search=search,
        found=queries.candidates(session, organization_id, search.q.data) if search.q.data else [],
    )


@bp.post("/admin/units/<int:unit_id>/members")
@requires(Role.ADMIN)
def add_member(unit_id: int) -> Response:
    person_id = request.form.get("person_id", 0, type=int)
    with transaction() as tx:
        unit = queries.unit_of(tx.session, me().organization_id, unit_id)
        person = queries.person_of(tx.session, me().organization_id, person_id)
        actions.add_member(
            tx,
            unit,
            person,
            source=MembershipSource.MANUAL,
            by=me().person_id,
            now=clock.now(),
        )
    flash(_("Added."))
    return redirect(url_for("org.unit", unit_id=unit_id))


@bp.post("/admin/units/<int:unit_id>/members/<int:membership_id>/end")
@requires(Role.ADMIN)
def end_member(unit_id: int, membership_id: int) -> Response:
    with transaction() as tx:
        membership = queries.membership_of(tx.session, me().organization_id, unit_id, membership_id)
        actions.end_membership(tx, membership, by=me().person_id, now=clock.now())
    flash(_("Removed."))
    return redirect(url_for("org.unit", unit_id=unit_id))
