"""Pages for admins: the training of a unit, and the draft of a configuration."""

import secrets
from collections.abc import Sequence

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from plugin.assign import drafting, listing, marks, queries
from plugin.assign.difference import State, differences
from plugin.assign.draft import DraftRow, needs_required_row
from plugin.assign.errors import DraftChangedError, RowError
from plugin.assign.forms import CreateForm, DraftForm, fields_of
from plugin.assign.models import Configuration, ConfigurationDraft
from plugin.assign.words import sentences
from plugin.core import clock
from plugin.core.db import read_session, transaction
from plugin.core.errors import ForbiddenError
from plugin.modules import catalogue, naming
from plugin.org import queries as org_queries
from plugin.org.errors import FieldError
from plugin.org.reach import reach_of, unit_in_reach
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("assign", __name__)
FOUND = 30


@bp.route("/admin/units/<int:unit_id>/training", methods=["GET", "POST"])
@requires(Role.MANAGER)
def of_unit(unit_id: int) -> str | Response | tuple[str, int]:
    """The unit's Training tab; only admins add to it."""
    session = read_session()
    unit = unit_in_reach(session, reach_of(session, me()), unit_id)
    is_admin = me().role is Role.ADMIN
    if request.method == "POST" and not is_admin:
        raise ForbiddenError(Role.ADMIN.value)
    form = CreateForm() if is_admin else None
    templates = queries.templates(session, me().organization_id) if is_admin else []
    status = 200
    if form is not None:
        form.template.choices = [
            SelectChoice(0, _("A blank page")),
            *(SelectChoice(each.id, each.name) for each in templates),
        ]
        if form.validate_on_submit():
            try:
                return redirect(url_for("assign.edit", configuration_id=_create(unit_id, form)))
            except FieldError as error:
                form[error.field].errors = [error.message]
        status = 422 if form.is_submitted() else 200
    page = render_template(
        "assign/unit.html",
        unit=unit,
        configurations=listing.of_unit(session, me().organization_id, unit_id),
        form=form,
    )
    return page, status


def _create(unit_id: int, form: CreateForm) -> int:
    with transaction() as tx:
        unit = org_queries.unit_of(tx.session, me().organization_id, unit_id)
        rows: Sequence[DraftRow] = ()
        certificate_on = False
        if form.template.data:
            template = queries.template_of(tx.session, me().organization_id, form.template.data)
            rows = [DraftRow.from_json(row) for row in template.rows]
            certificate_on = template.certificate_on
        return drafting.create_configuration(
            tx.session,
            unit,
            name=form.name.data,
            by=me().person_id,
            now=clock.now(),
            rows=rows,
            certificate_on=certificate_on,
        ).id


@bp.get("/admin/training/<int:configuration_id>")
@requires(Role.ADMIN)
def edit(configuration_id: int) -> str:
    configuration, draft = _load(read_session(), configuration_id)
    rows = [DraftRow.from_json(row) for row in draft.rows]
    form = DraftForm(
        formdata=None,
        revision=draft.revision,
        editor=secrets.token_urlsafe(12),
        certificate_on=draft.certificate_on,
        rows=fields_of(rows),
    )
    return _edit_page(configuration, draft, form)


@bp.post("/admin/training/<int:configuration_id>")
@requires(Role.ADMIN)
def save(configuration_id: int) -> str | Response | tuple[str, int]:
    """Save the draft as it is in the form, after what the pressed button says."""
    form = DraftForm()
    _press(form)
    refused = 422
    if form.validate():
        try:
            _save(configuration_id, form)
        except RowError as error:
            form.show_error(error.position, error.field, error.message)
        except DraftChangedError as error:
            return _conflict_page(configuration_id, form), error.http_status
        else:
            return _after_saving(configuration_id, form)
    configuration, draft = _load(read_session(), configuration_id)
    return _edit_page(configuration, draft, form), refused


def _press(form: DraftForm) -> None:
    """What the buttons inside the list do: remove, up, down, add."""
    pressed = request.form
    if "remove" in pressed:
        form.remove(pressed.get("remove", -1, type=int))
    if "up" in pressed:
        form.move(pressed.get("up", -1, type=int), -1)
    if "down" in pressed:
        form.move(pressed.get("down", -1, type=int), 1)
    if "add" in pressed:
        form.add(pressed.getlist("add_module", type=int))


def _save(configuration_id: int, form: DraftForm) -> None:
    with transaction() as tx:
        configuration, draft = _load(tx.session, configuration_id)
        form.revision.data = drafting.save_draft(
            tx.session,
            configuration,
            form.draft_rows,
            certificate_on=form.certificate_on.data,
            revision=draft.revision if "mine" in request.form else form.revision.data,
            editor=form.editor.data or None,
            is_on_the_way="autosave" in request.form,
            by=me().person_id,
            now=clock.now(),
        )


def _after_saving(configuration_id: int, form: DraftForm) -> str | Response:
    """Where each button leads; searching and saving on the way stay on the page."""
    pressed = request.form
    if "publish" in pressed:
        return redirect(url_for("publishing.publish", configuration_id=configuration_id))
    configuration, draft = _load(read_session(), configuration_id)
    if "autosave" in pressed or "search" in pressed:
        return _edit_page(configuration, draft, form)
    if "close" in pressed:
        flash(_("Saved as a draft. It counts once you publish it."))
        return redirect(url_for("assign.of_unit", unit_id=configuration.unit_id))
    flash(_("Saved as a draft. It counts once you publish it."))
    return redirect(url_for("assign.edit", configuration_id=configuration_id))


@bp.post("/admin/training/<int:configuration_id>/discard")
@requires(Role.ADMIN)
def discard(configuration_id: int) -> Response:
    """Back to what is published."""
    with transaction() as tx:
        configuration, _draft = _load(tx.session, configuration_id)
        drafting.discard_draft(tx.session, configuration, by=me().person_id, now=clock.now())
    flash(_("The draft is what is published again."))
    return redirect(url_for("assign.edit", configuration_id=configuration_id))


def _load(session: Session, configuration_id: int) -> tuple[Configuration, ConfigurationDraft]:
    configuration = queries.configuration_of(session, me().organization_id, configuration_id)
    return configuration, queries.draft_of(session, configuration)


def _edit_page(configuration: Configuration, draft: ConfigurationDraft, form: DraftForm) -> str:
    session, organization_id = read_session(), configuration.organization_id
    words = form.find.data or ""
    found, total = catalogue.to_choose(
        session, organization_id, words, without=form.listed, limit=FOUND
    )
    modules = catalogue.listed(session, organization_id, form.listed)
    return render_template(
        "assign/edit.html",
        configuration=configuration,
        unit=org_queries.unit_of(session, organization_id, configuration.unit_id),
        version=queries.version_in_force(session, configuration, clock.now()),
        pending=queries.pending_version(session, configuration, clock.now()),
        form=form,
        saved_at=draft.updated_at,
        modules={each.id: each for each in modules},
        titles={each.id: naming.name(each) for each in modules},
        found=found,
        more=total - len(found),
        chosen=request.form.getlist("add_module", type=int),
        marks=[] if form.errors else marks.warnings(form.draft_rows, modules),
        lacks_required=not form.errors
        and needs_required_row(
            (entry.form.draft_row for entry in form.rows), certificate_on=form.certificate_on.data
        ),
    )


def _conflict_page(configuration_id: int, form: DraftForm) -> str:
    """Theirs and mine, row by row; nothing of either is lost."""
    session = read_session()
    configuration, draft = _load(session, configuration_id)
    saved = State(
        name=configuration.name,
        certificate_on=draft.certificate_on,
        rows=tuple(DraftRow.from_json(row) for row in draft.rows),
    )
    mine = State(
        name=configuration.name,
        certificate_on=bool(form.certificate_on.data),
        rows=tuple(form.draft_rows),
    )
    modules = [row.module_id for row in (*saved.rows, *mine.rows)]
    opened, form.revision.data = form.revision.data, draft.revision
    titles = naming.names(session, configuration.organization_id, modules)
    return render_template(
        "assign/conflict.html",
        configuration=configuration,
        unit=org_queries.unit_of(session, configuration.organization_id, configuration.unit_id),
        form=form,
        opened=opened or 0,
        who=queries.editor_name(session, draft),
        when=draft.updated_at,
        changes=sentences(differences(saved, mine), titles),
    )
