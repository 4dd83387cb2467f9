"""The catalogue, and the one door to a module, whatever kind it is."""

from flask import Blueprint, current_app, redirect, render_template
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from plugin.core import clock
from plugin.core.db import read_session, transaction
from plugin.modules import actions, queries, visibility
from plugin.modules.errors import NotPlayableError
from plugin.modules.models import ModuleKind, ModuleState
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("modules", __name__)
KINDS = {
    ModuleKind.SCORM: _l("Course"),
    ModuleKind.LTI: _l("External tool"),
    ModuleKind.LMS_GRADE: _l("Grade from the LMS"),
}
STATES = {
    ModuleState.DRAFT: _l("Draft"),
    ModuleState.PUBLISHED: _l("Published"),
    ModuleState.ARCHIVED: _l("Archived"),
}


@bp.post("/modules/<int:module_id>/start")
@requires(Role.LEARNER)
def start(module_id: int) -> Response:
    """Resume the open sitting or begin a new one, and go to its player."""
    doors, now, person = visibility.doors(current_app.extensions), clock.now(), me()
    with transaction() as tx:
        ids = (person.organization_id, person.person_id, module_id)
        visibility.require_visible(doors, tx.session, *ids, now=now)
        module = queries.module_of(tx.session, person.organization_id, module_id)
        enter = doors.players.get(module.kind)
        if enter is None:
            raise NotPlayableError(module_id)
        run = actions.start_run(tx.session, module, person.person_id, now=now)
        address = enter(tx, run, now)
    return redirect(address, 303)


@bp.get("/admin/modules")
@requires(Role.ADMIN)
def catalogue() -> str:
    """Every module of the organization."""
    found = queries.catalogue(read_session(), me().organization_id)
    return render_template("modules/catalogue.html", modules=found, kinds=KINDS, states=STATES)
