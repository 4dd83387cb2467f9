"""Pages for admins: a module is archived, or restored, after a look at who uses it."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from plugin.assign.forms import STATUSES, ReasonForm
from plugin.assign.usage import usage
from plugin.core import clock
from plugin.core.db import read_session, transaction
from plugin.modules import archiving, pages, queries
from plugin.modules.models import Module
from plugin.org.saving import is_saved, shown
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("archiving", __name__)
LISTED = 50


@bp.route("/admin/modules/<int:module_id>/archive", methods=["GET", "POST"])
@requires(Role.ADMIN)
def archive(module_id: int) -> str | Response | tuple[str, int]:
    """What follows, and the button that does it."""
    form = ReasonForm()

    def save() -> None:
        with transaction() as tx:
            module, by = _load(tx.session, module_id), me().person_id
            archiving.archive(tx.session, module, by=by, reason=form.reason.data, now=clock.now())

    if is_saved(form, save):
        flash(_("Archived. It cannot be chosen any more."))
        return _to_module(module_id)
    return shown(_page(module_id, form, is_archiving=True), form)


@bp.route("/admin/modules/<int:module_id>/restore", methods=["GET", "POST"])
@requires(Role.ADMIN)
def restore(module_id: int) -> str | Response | tuple[str, int]:
    """It can be chosen again."""
    form = ReasonForm()

    def save() -> None:
        with transaction() as tx:
            module, by = _load(tx.session, module_id), me().person_id
            archiving.restore(tx.session, module, by=by, reason=form.reason.data, now=clock.now())

    if is_saved(form, save):
        flash(_("Restored. It can be chosen again."))
        return _to_module(module_id)
    return shown(_page(module_id, form, is_archiving=False), form)


def _load(session: Session, module_id: int) -> Module:
    return queries.module_of(session, me().organization_id, module_id)


def _to_module(module_id: int) -> Response:
    module = _load(read_session(), module_id)
    return redirect(url_for(pages.PAGES[module.kind], module_id=module_id), 303)


def _page(module_id: int, form: ReasonForm, *, is_archiving: bool) -> str:
    session = read_session()
    module = _load(session, module_id)
    found = usage(session, module, at=clock.now())
    return render_template(
        "modules/archive.html",
        module=module,
        about=pages.about(module),
        back=pages.PAGES[module.kind],
        is_archiving=is_archiving,
        usage=found,
        uses=found.uses[:LISTED],
        drafts=found.drafts[:LISTED],
        statuses=STATUSES,
        acts=archiving.acts(session, module),
        form=form,
        now=clock.now(),
    )
