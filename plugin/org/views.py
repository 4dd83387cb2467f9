"""Where the administration begins: what one may see, or the install code of the first admin."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from plugin.core import clock
from plugin.core.db import transaction
from plugin.org import actions, queries
from plugin.org.errors import InstallCodeError
from plugin.org.forms import InstallCodeForm
from plugin.web.identity import holds, me, requires
from plugin.web.roles import Role

bp = Blueprint("org", __name__)


@bp.get("/admin")
@requires(Role.LEARNER)
def admin() -> Response:
    """Where a launch that asks for the admin pages lands: what one may see, or the install code."""
    return redirect(url_for("reports.overview" if holds(me(), Role.MANAGER) else "org.claim"))


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
            return redirect(url_for("units.sites"))
    return render_template("org/claim.html", form=form)
