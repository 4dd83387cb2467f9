"""Ending a sitting that got stuck, so that the learner may begin anew."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from plugin.assign.person_forms import EndSittingForm
from plugin.core import clock
from plugin.core.db import read_session, transaction
from plugin.modules import naming, sittings
from plugin.org.models import Person
from plugin.org.reach import person_in_reach, reach_of
from plugin.org.saving import is_saved, shown
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("person_sittings", __name__)


@bp.route("/admin/people/<int:person_id>/sittings/<int:run_id>/end", methods=["GET", "POST"])
@requires(Role.MANAGER)
def end(person_id: int, run_id: int) -> str | Response | tuple[str, int]:
    """What it does, why, and the button."""
    session, form = read_session(), EndSittingForm()
    person = _load(session, person_id)
    sitting = sittings.one(session, person.organization_id, person_id, run_id)
    if is_saved(form, lambda: _end(person_id, run_id, form.reason.data)):
        flash(_("Ended. The next time it is opened the course begins anew."))
        return redirect(url_for("person_training.show", person_id=person_id), 303)
    person = _load(read_session(), person_id)
    names = naming.names(session, person.organization_id, [sitting.module_id])
    page = render_template(
        "assign/person_end.html",
        person=person,
        title=names[sitting.module_id],
        sitting=sitting,
        form=form,
    )
    return shown(page, form)


def _end(person_id: int, run_id: int, reason: str) -> None:
    with transaction() as tx:
        person = _load(tx.session, person_id)
        sitting = sittings.one(tx.session, person.organization_id, person_id, run_id)
        sittings.end(tx.session, sitting.run_id, reason, by=me().person_id, now=clock.now())


def _load(session: Session, person_id: int) -> Person:
    return person_in_reach(session, reach_of(session, me()), person_id, clock.now())
