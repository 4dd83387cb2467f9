"""The learner's page that holds an external tool, and the way into it."""

from datetime import datetime

from flask import (
    Blueprint,
    current_app,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import Tx, read_session, transaction
from plugin.lti.platform import answering_views, launching, queries
from plugin.lti.platform.models import ExternalTool, MessageFor
from plugin.lti.tool.addresses import origins_of
from plugin.modules import queries as module_queries
from plugin.modules import visibility
from plugin.modules.models import Run, RunState
from plugin.web import headers, visits
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("external", __name__)


def enter(tx: Tx, run: Run, now: datetime) -> str:  # noqa: ARG001 - as every way in
    """The way into a run: the page that holds the tool."""
    tx.session.flush()
    return url_for("external.play", run_id=run.id)


@bp.get("/external/<int:run_id>")
@requires(Role.LEARNER)
def play(run_id: int) -> str:
    """The tool in a frame of ours, with its storage beside it and another way in.

    A sitting that ended is said first: who passed may look again, who did not begins anew.
    """
    session = read_session()
    run, tool = _opened(session, run_id, clock.now())
    launching.require_active(tool)
    origins = origins_of((tool.login_url, tool.target_url, *tool.redirect_urls))
    headers.frame_src("'self'", "https:", *origins)
    is_passed = run.state is RunState.COMPLETED
    return render_template(
        "external/play.html",
        module=module_queries.module_of(session, run.organization_id, run.module_id),
        run=run,
        is_shown=run.state is RunState.OPEN or (is_passed and "look" in request.args),
        is_open=run.state is RunState.OPEN,
        is_passed=is_passed,
        is_failed=run.state is RunState.FAILED,
        tool=tool,
        by_script=visits.is_by_header(),
        origins=" ".join(origins),
    )


@bp.get("/external/<int:run_id>/state")
@requires(Role.LEARNER)
def state(run_id: int) -> Response:
    """How the sitting stands, for the page that waits for the tool's score; one statement."""
    person = me()
    found = queries.latest_state(
        read_session(), person.organization_id, person.person_id, run_id=run_id
    )
    return jsonify(state=found.value)


@bp.get("/external/<int:run_id>/start")
@requires(Role.LEARNER)
def start(run_id: int) -> Response:
    """Each opening begins anew: hints work once, so a reloaded frame needs fresh ones."""
    person, now = me(), clock.now()
    headers.frame_ancestors("'self'", *person.frame_ancestors.split())  # also what is refused
    with transaction() as tx:
        run, tool = _opened(tx.session, run_id, now)
        address = launching.begin(
            tx.session,
            tool,
            settings=current_settings(),
            purpose=MessageFor.PLAY,
            person_id=person.person_id,
            sign_in_id=person.sign_in_id,
            run=run,
            in_window="window" in request.args,
            now=now,
        )
    return way_to(address)


def way_to(address: str) -> Response:
    """The browser goes to the tool; a script that asks for JSON takes it there itself, because
    another window, or a frame without cookies, could not bring the visit along."""
    if request.accept_mimetypes.best == "application/json":
        return jsonify(address=address)
    headers.frame_ancestors("'self'", *me().frame_ancestors.split())
    answer = redirect(address, 302)
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@bp.post("/external/answers/<uid>")
@requires(Role.LEARNER)
def answer(uid: str) -> Response:
    """The page around a tool asks for it, with the session its script holds; hints of any other
    visit name nobody, as everywhere."""
    tool, said = queries.tool_at(read_session(), uid), request.form.to_dict()
    asked = launching.read_request(said, tool)
    return jsonify(answering_views.answer(uid, said, asked, me()))


def _opened(session: Session, run_id: int, now: datetime) -> tuple[Run, ExternalTool]:
    """The visitor's own run of a module they may see now, and the tool that plays it."""
    person = me()
    run = module_queries.run_of(session, person.organization_id, person.person_id, run_id)
    doors = visibility.doors(current_app.extensions)
    ids = (person.organization_id, person.person_id, run.module_id)
    visibility.require_visible(doors, session, *ids, now=now)
    link = queries.link_of_version(session, run.module_version_id)
    return run, queries.tool_of(session, person.organization_id, link.tool_id)
