"""Where the code shown in the room leads: whoever scans it says that they are there."""

from datetime import datetime, timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from plugin.classroom import actions, queries, rules
from plugin.classroom.errors import CodeOverError
from plugin.classroom.models import ClassSession
from plugin.classroom.views import TYPING_RATE, leads, require_visible, who_asks
from plugin.classroom.wording import when
from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import read_session, transaction
from plugin.core.errors import SignInRequiredError
from plugin.core.signed import read, sign
from plugin.modules.models import Module
from plugin.web.identity import me, requires
from plugin.web.limits import limiter
from plugin.web.roles import Role

bp = Blueprint("room", __name__)
PURPOSE = "in the room"
TO_CONFIRM = timedelta(minutes=5)
"""How long somebody who scanned the code may take to press the button."""


@bp.get("/attend/<int:session_id>/<code>")
@requires(Role.LEARNER)
@limiter.limit(TYPING_RATE, key_func=who_asks)
def scanned(session_id: int, code: str) -> str:
    """Where the code in the room leads: who is this, and one button."""
    session, now = read_session(), clock.now()
    found = _visible(session, session_id, now)
    actions.require_running(found, now=now)
    if not rules.is_shown(code, found.secret, now):
        raise CodeOverError(session_id)
    said = {"session": found.id, "person": me().person_id}
    key = current_settings().secret_key
    return render_template(
        "classroom/scanned.html",
        session=found,
        module=session.get_one(Module, found.module_id),
        when=when(found, str(get_locale() or "en")),
        grant=sign(said, key=key, purpose=PURPOSE, until=now + TO_CONFIRM),
    )


@bp.post("/attend/<int:session_id>")
@requires(Role.LEARNER)
def attend(session_id: int) -> Response:
    """Whoever scanned the code is there."""
    now, key = clock.now(), current_settings().secret_key
    said = read(request.form.get("grant", ""), key=key, purpose=PURPOSE, now=now)
    if said != {"session": session_id, "person": me().person_id}:
        raise CodeOverError(session_id)
    with transaction() as tx:
        found, person = _visible(tx.session, session_id, now), me()
        actions.come(tx, found, person.person_id, leads=leads(found, person), now=now)
    flash(_("You are noted as present."))
    return redirect(url_for("dashboard.home"), 303)


@bp.errorhandler(SignInRequiredError)
def by_typing(error: SignInRequiredError) -> tuple[str, int]:
    """A camera opens a browser in which nobody has a visit; the code can be typed instead."""
    return render_template("classroom/type_it.html"), error.http_status


def _visible(session: Session, session_id: int, now: datetime) -> ClassSession:
    found = queries.session_of(session, me().organization_id, session_id)
    require_visible(session, found.module_id, now)
    return found
