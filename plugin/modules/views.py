"""Starting a module: the one door, whatever kind of module it is."""

from flask import Blueprint, current_app, redirect
from werkzeug.wrappers import Response

from plugin.core import clock
from plugin.core.db import transaction
from plugin.modules import actions, queries, visibility
from plugin.modules.errors import NotPlayableError
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("modules", __name__)


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
