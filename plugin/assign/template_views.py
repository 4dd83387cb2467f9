"""Pages for admins: templates of training configurations."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from plugin.assign import drafting, queries
from plugin.assign.draft import DraftRow
from plugin.assign.forms import NameForm
from plugin.assign.words import row_words
from plugin.core import clock
from plugin.core.db import read_session, transaction
from plugin.modules import naming
from plugin.org.errors import FieldError
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("templates", __name__)


@bp.get("/admin/templates")
@requires(Role.ADMIN)
def listing() -> str:
    return render_template(
        "assign/templates.html",
        templates=queries.templates(read_session(), me().organization_id),
    )


@bp.route("/admin/templates/<int:template_id>", methods=["GET", "POST"])
@requires(Role.ADMIN)
def show(template_id: int) -> str | Response | tuple[str, int]:
    """What is in it; rename it or archive it."""
    session = read_session()
    found = queries.template_of(session, me().organization_id, template_id)
    form = NameForm(name=found.name)
    status = 200
    if request.method == "POST":
        status = 422
        if "archive" in request.form or form.validate():
            try:
                _change(template_id, form)
            except FieldError as error:
                form.name.errors = [error.message]
            else:
                return redirect(url_for("templates.listing"))
        found = queries.template_of(read_session(), me().organization_id, template_id)
    rows = [DraftRow.from_json(row) for row in found.rows]
    titles = naming.names(read_session(), found.organization_id, [row.module_id for row in rows])
    page = render_template(
        "assign/template.html",
        template=found,
        rows=[(titles.get(row.module_id, _("Unknown module")), row_words(row)) for row in rows],
        form=form,
    )
    return page, status


def _change(template_id: int, form: NameForm) -> None:
    with transaction() as tx:
        found = queries.template_of(tx.session, me().organization_id, template_id)
        if "archive" in request.form:
            drafting.archive_template(tx.session, found, by=me().person_id, now=clock.now())
            flash(_("Archived."))
        else:
            drafting.rename_template(
                tx.session, found, form.name.data, by=me().person_id, now=clock.now()
            )
            flash(_("Renamed."))
