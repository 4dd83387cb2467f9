"""The learner's page of a document: read it, say so."""

from datetime import datetime, timedelta

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import Tx, read_session, transaction
from plugin.core.signed import sign
from plugin.documents import actions, queries
from plugin.documents.file_views import PURPOSE
from plugin.documents.queries import Reading
from plugin.modules import queries as module_queries
from plugin.modules import visibility
from plugin.modules.models import Run, RunState
from plugin.org.errors import FieldError
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("reading", __name__)
LINK_HOLDS = timedelta(hours=12)


def enter(tx: Tx, run: Run, now: datetime) -> str:  # noqa: ARG001 - as every way in
    """The way into a run: the page that holds the current version of the document."""
    actions.follow_current(tx.session, run)
    tx.session.flush()
    return url_for("reading.show", run_id=run.id)


@bp.get("/documents/<int:run_id>")
@requires(Role.LEARNER)
def show(run_id: int) -> str:
    """The document in the page, other ways to read it, and the box to tick."""
    session, now = read_session(), clock.now()
    return _page(session, _reading(session, run_id, now), now)


@bp.post("/documents/<int:run_id>/acknowledge")
@requires(Role.LEARNER)
def acknowledge(run_id: int) -> str | Response | tuple[str, int]:
    """The learner has read and understood it; the completion is recorded."""
    now = clock.now()
    try:
        with transaction() as tx:
            actions.acknowledge(
                tx,
                _reading(tx.session, run_id, now).run,
                number=request.form.get("number", 0, type=int),
                has_agreed="agreed" in request.form,
                now=now,
            )
    except FieldError as error:
        session = read_session()
        return _page(session, _reading(session, run_id, now), now, error=error.message), 422
    flash(_("Recorded: you have acknowledged the document."))
    return redirect(url_for("dashboard.home"), 303)


def _reading(session: Session, run_id: int, now: datetime) -> Reading:
    """The visitor's own sitting of a module they may see now."""
    person = me()
    run = module_queries.run_of(session, person.organization_id, person.person_id, run_id)
    doors = visibility.doors(current_app.extensions)
    ids = (person.organization_id, person.person_id, run.module_id)
    visibility.require_visible(doors, session, *ids, now=now)
    return queries.reading_of(session, run)


def _page(session: Session, reading: Reading, now: datetime, *, error: str = "") -> str:
    address = file_address(reading, me().frame_ancestors, now)
    return render_template(
        "documents/read.html",
        module=module_queries.module_of(session, me().organization_id, reading.run.module_id),
        reading=reading,
        is_open=reading.run.state is RunState.OPEN,
        file_url=address,
        error=error,
    )


def file_address(reading: Reading, frame_ancestors: str, now: datetime) -> str:
    """Where the packages' origin gives this document, in this sitting, for a while."""
    said = {"run": reading.run.id, "document": reading.document.id, "frames": frame_ancestors}
    token = sign(said, key=current_settings().secret_key, purpose=PURPOSE, until=now + LINK_HOLDS)
    return f"{current_settings().content_url}/d/{token}"
