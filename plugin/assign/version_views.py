"""Pages for admins: what was published when and why; copying, renaming, archiving."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from plugin.assign import drafting, queries, versions
from plugin.assign import listing as lists
from plugin.assign.forms import NameForm, ReasonForm
from plugin.assign.models import Configuration
from plugin.assign.words import row_words, sentences
from plugin.core import clock
from plugin.core.db import read_session, transaction
from plugin.modules import naming
from plugin.org import queries as org_queries
from plugin.org.errors import FieldError
from plugin.web.identity import me, requires
from plugin.web.listing import Slice, asked
from plugin.web.roles import Role

bp = Blueprint("versions", __name__)
UNITS = 50


@bp.get("/admin/training/<int:configuration_id>/versions")
@requires(Role.ADMIN)
def listing(configuration_id: int) -> str:
    """Every publish, newest first: who, when, why, its effect, and what it changed."""
    session = read_session()
    configuration = _load(session, configuration_id)
    wanted = asked(sorts=["number"], size=20)
    entries, total = versions.history(
        session, configuration, clock.now(), offset=wanted.offset, limit=wanted.size
    )
    modules = [
        change.module_id for entry in entries for change in entry.changes if change.module_id
    ]
    titles = naming.names(session, configuration.organization_id, modules)
    return render_template(
        "assign/versions.html",
        configuration=configuration,
        unit=_unit(session, configuration),
        entries=[(entry, sentences(entry.changes, titles)) for entry in entries],
        slice=Slice(items=entries, total=total, asked=wanted),
        now=clock.now(),
    )


@bp.get("/admin/training/<int:configuration_id>/versions/<int:number>")
@requires(Role.ADMIN)
def show(configuration_id: int, number: int) -> str:
    """One version as it was published."""
    session = read_session()
    configuration = _load(session, configuration_id)
    version = versions.version_of(session, configuration, number)
    state = versions.state_of(version)
    titles = naming.names(
        session, configuration.organization_id, [row.module_id for row in state.rows]
    )
    return render_template(
        "assign/version.html",
        configuration=configuration,
        unit=_unit(session, configuration),
        version=version,
        rows=[(titles.get(row.module_id, ""), row_words(row)) for row in state.rows],
    )


@bp.get("/admin/training/<int:configuration_id>/more")
@requires(Role.ADMIN)
def more(configuration_id: int) -> str:
    """Copy to other units, keep as a template, rename, archive."""
    return _more_page(read_session(), configuration_id)


@bp.post("/admin/training/<int:configuration_id>/rename")
@requires(Role.ADMIN)
def rename(configuration_id: int) -> Response | tuple[str, int]:
    form = NameForm(prefix="name")
    if form.validate():
        try:
            with transaction() as tx:
                configuration = _load(tx.session, configuration_id)
                drafting.rename(
                    tx.session, configuration, form.name.data, by=me().person_id, now=clock.now()
                )
        except FieldError as error:
            form.name.errors = [error.message]
        else:
            flash(_("Renamed."))
            return redirect(url_for("versions.more", configuration_id=configuration_id))
    return _more_page(read_session(), configuration_id, name=form), 422


@bp.post("/admin/training/<int:configuration_id>/archive")
@requires(Role.ADMIN)
def archive(configuration_id: int) -> Response | tuple[str, int]:
    """Archive it, or bring it back."""
    form = ReasonForm(prefix="archive")
    if not form.validate():
        return _more_page(read_session(), configuration_id, reason=form), 422
    with transaction() as tx:
        configuration = _load(tx.session, configuration_id)
        act = drafting.archive if "archive" in request.form else drafting.restore
        act(tx, configuration, by=me().person_id, reason=form.reason.data, now=clock.now())
    flash(_("Archived.") if "archive" in request.form else _("Restored."))
    return redirect(url_for("versions.more", configuration_id=configuration_id))


@bp.post("/admin/training/<int:configuration_id>/copy")
@requires(Role.ADMIN)
def copy(configuration_id: int) -> str | Response | tuple[str, int]:
    """Each chosen unit gets a draft like this one; nothing is published."""
    chosen = request.form.getlist("unit", type=int)
    if not chosen:
        return _more_page(
            read_session(), configuration_id, refused=_("Choose at least one unit.")
        ), 422
    with transaction() as tx:
        configuration = _load(tx.session, configuration_id)
        units = lists.units_by_id(tx.session, configuration.organization_id, chosen)
        copies = drafting.copy_to(
            tx.session, configuration, units, by=me().person_id, now=clock.now()
        )
        names = {unit.id: unit.name for unit in units}
        made = [(each.id, names[each.unit_id]) for each in copies]
    return render_template(
        "assign/copied.html", configuration=_load(read_session(), configuration_id), made=made
    )


@bp.post("/admin/training/<int:configuration_id>/template")
@requires(Role.ADMIN)
def keep_template(configuration_id: int) -> Response | tuple[str, int]:
    form = NameForm(prefix="template")
    if form.validate():
        try:
            with transaction() as tx:
                configuration = _load(tx.session, configuration_id)
                drafting.keep_template(
                    tx.session, configuration, form.name.data, by=me().person_id, now=clock.now()
                )
        except FieldError as error:
            form.name.errors = [error.message]
        else:
            flash(_("Kept as a template."))
            return redirect(url_for("templates.listing"))
    return _more_page(read_session(), configuration_id, template=form), 422


def _load(session: Session, configuration_id: int) -> Configuration:
    return queries.configuration_of(session, me().organization_id, configuration_id)


def _unit(session: Session, configuration: Configuration) -> object:
    return org_queries.unit_of(session, configuration.organization_id, configuration.unit_id)


def _more_page(
    session: Session,
    configuration_id: int,
    *,
    name: NameForm | None = None,
    template: NameForm | None = None,
    reason: ReasonForm | None = None,
    refused: str = "",
) -> str:
    configuration = _load(session, configuration_id)
    wanted = asked(sorts=["name"], size=UNITS)
    units, total = lists.units_to_copy_to(
        session,
        configuration,
        wanted.q,
        offset=wanted.offset,
        limit=wanted.size,
    )
    return render_template(
        "assign/more.html",
        configuration=configuration,
        unit=_unit(session, configuration),
        units=Slice(items=units, total=total, asked=wanted),
        name=name or NameForm(formdata=None, prefix="name", name=configuration.name),
        template=template or NameForm(formdata=None, prefix="template", name=configuration.name),
        reason=reason or ReasonForm(formdata=None, prefix="archive"),
        refused=refused,
    )
