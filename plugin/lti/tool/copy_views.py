"""Pages for admins: a copied course, what it takes over, and what it may."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from werkzeug.wrappers import Response

from plugin.core import clock
from plugin.core.db import Tx, read_session, transaction
from plugin.lti.tool import copies
from plugin.lti.tool.notice_models import CopyState, CourseCopy
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("copies", __name__)
MAX_DIGITS = 18
KINDS = {
    "module": _l("Module"),
    "configuration": _l("Training"),
    "dashboard": _l("The learner's page"),
}
STATES = {
    CopyState.PROPOSED: (_l("Waits for you"), "soon"),
    CopyState.CONFIRMED: (_l("Confirmed"), "valid"),
    CopyState.DECLINED: (_l("Not a copy"), "plain"),
}


@bp.get("/admin/lms/copies/<int:copy_id>")
@requires(Role.ADMIN)
def show(copy_id: int) -> str:
    session = read_session()
    copy = copies.copy_of(session, me().organization_id, copy_id)
    return render_template(
        "lti/copy.html",
        copy_id=copy_id,
        found=copies.preview(session, copy),
        kinds=KINDS,
        states=STATES,
    )


@bp.post("/admin/lms/copies/<int:copy_id>/confirm")
@requires(Role.ADMIN)
def confirm(copy_id: int) -> Response:
    """It is a copy, and fills the units ticked."""
    chosen = [int(each) for each in request.form.getlist("tie") if _is_number(each)]
    with transaction() as tx:
        copy = _locked(tx, copy_id)
        made = copies.confirm(tx, copy, chosen, by=me().person_id, now=clock.now())
    flash(
        ngettext(
            "Confirmed. The course now fills %(num)d unit more.",
            "Confirmed. The course now fills %(num)d units more.",
            made,
        )
        if made
        else _("Confirmed")
    )
    return redirect(url_for("copies.show", copy_id=copy_id), 303)


@bp.post("/admin/lms/copies/<int:copy_id>/decline")
@requires(Role.ADMIN)
def decline(copy_id: int) -> Response:
    """It is a course of its own."""
    with transaction() as tx:
        copies.decline(tx.session, _locked(tx, copy_id), by=me().person_id, now=clock.now())
    flash(_("Noted: a course of its own."))
    return redirect(url_for("copies.show", copy_id=copy_id), 303)


def _locked(tx: Tx, copy_id: int) -> CourseCopy:
    return copies.copy_of(tx.session, me().organization_id, copy_id, lock=True)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS
