"""Pages for admins: the training of a unit and its draft."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from plugin.assign import drafting, queries
from plugin.assign.draft import DraftRow, needs_required_row
from plugin.assign.errors import DraftChangedError, RowError
from plugin.assign.forms import CreateForm, DraftForm, fields_of
from plugin.assign.models import Configuration, ConfigurationDraft
from plugin.core import clock
from plugin.core.db import read_session, transaction
from plugin.org import queries as org_queries
from plugin.org.errors import FieldError
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("assign", __name__)


@bp.get("/admin/training")
@requires(Role.ADMIN)
def configurations() -> str:
    found = queries.configurations(read_session(), me().organization_id)
    return render_template("assign/configurations.html", configurations=found)


@bp.route("/admin/units/<int:unit_id>/training", methods=["GET", "POST"])
@requires(Role.ADMIN)
def of_unit(unit_id: int) -> str | Response:
    form = CreateForm()
    if form.validate_on_submit():
        try:
            return redirect(url_for("assign.edit", configuration_id=_create(unit_id, form)))
        except FieldError as error:
            form[error.field].errors = [error.message]
    session, organization_id = read_session(), me().organization_id
    return render_template(
        "assign/unit.html",
        unit=org_queries.unit_of(session, organization_id, unit_id),
        configurations=queries.configurations(session, organization_id, unit_id),
        form=form,
    )


def _create(unit_id: int, form: CreateForm) -> int:
    with transaction() as tx:
        unit = org_queries.unit_of(tx.session, me().organization_id, unit_id)
        return drafting.create_configuration(
            tx.session, unit, name=form.name.data, by=me().person_id, now=clock.now()
        ).id


@bp.get("/admin/training/<int:configuration_id>")
@requires(Role.ADMIN)
def edit(configuration_id: int) -> str:
    configuration, draft = _load(read_session(), configuration_id)
    rows = [DraftRow.from_json(row) for row in draft.rows]
    form = DraftForm(
        formdata=None,
        revision=draft.revision,
        certificate_on=draft.certificate_on,
        rows=fields_of(rows),
    )
    return _edit_page(configuration, form)


@bp.post("/admin/training/<int:configuration_id>")
@requires(Role.ADMIN)
def save(configuration_id: int) -> str | Response | tuple[str, int]:
    """Save, and add or remove a row or go on to publish if that button was pressed."""
    form = DraftForm()
    if "remove" in request.form:
        form.remove(request.form.get("remove", -1, type=int))
    if "add" in request.form and form.add_module.data:
        form.rows.append_entry({"module_id": form.add_module.data})
    refused = 422
    if form.validate():
        try:
            _save(configuration_id, form)
        except RowError as error:
            form.show_error(error.position, error.field, error.message)
        except DraftChangedError as error:
            form.revision.errors, refused = [error.message], error.http_status
        else:
            return _after_saving(configuration_id)
    configuration, _draft = _load(read_session(), configuration_id)
    return _edit_page(configuration, form), refused


def _save(configuration_id: int, form: DraftForm) -> None:
    with transaction() as tx:
        configuration, _draft = _load(tx.session, configuration_id)
        drafting.save_draft(
            tx.session,
            configuration,
            form.draft_rows,
            certificate_on=form.certificate_on.data,
            revision=form.revision.data,
            by=me().person_id,
            now=clock.now(),
        )


def _after_saving(configuration_id: int) -> Response:
    if "publish" in request.form:
        return redirect(url_for("publishing.publish", configuration_id=configuration_id))
    flash(_("Saved as a draft. It counts once you publish it."))
    return redirect(url_for("assign.edit", configuration_id=configuration_id))


def _load(session: Session, configuration_id: int) -> tuple[Configuration, ConfigurationDraft]:
    configuration = queries.configuration_of(session, me().organization_id, configuration_id)
    return configuration, queries.draft_of(session, configuration)


def _edit_page(configuration: Configuration, form: DraftForm) -> str:
    session = read_session()
    listed = [entry.form.module_id.data for entry in form.rows if entry.form.module_id.data]
    modules = queries.modules_to_assign(session, configuration.organization_id, also=listed)
    form.add_module.choices = [SelectChoice(0, _("Choose a module"))] + [
        SelectChoice(module.id, module.title) for module in modules if module.id not in listed
    ]
    return render_template(
        "assign/edit.html",
        configuration=configuration,
        unit=org_queries.unit_of(session, configuration.organization_id, configuration.unit_id),
        version=queries.current_version(session, configuration),
        form=form,
        titles={module.id: module.title for module in modules},
        lacks_required=needs_required_row(
            (entry.form.draft_row for entry in form.rows if not form.errors),
            certificate_on=form.certificate_on.data,
        )
        and not form.errors,
    )
