"""The learner's pages: choose a session, and say that one is there."""

from datetime import datetime

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from plugin.classroom import actions, queries, rules
from plugin.classroom.errors import (
    CodeOverError,
    NotRunningError,
    SessionFullError,
    SignUpOverError,
)
from plugin.classroom.models import ClassSession
from plugin.classroom.wording import calendar_file, when
from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import Tx, read_session, transaction
from plugin.core.errors import PluginError
from plugin.modules import queries as module_queries
from plugin.modules import visibility
from plugin.modules.models import Module, Run, RunState
from plugin.web.identity import Me, holds, me, me_or_none, requires
from plugin.web.limits import limiter
from plugin.web.roles import Role

bp = Blueprint("classes", __name__)
TYPING_RATE = "20 per minute"


def who_asks() -> str:
    """Counted by person: a whole class may have one address."""
    person = me_or_none()
    return f"person:{person.person_id}" if person else get_remote_address()


def leads(found: ClassSession, person: Me) -> bool:
    """Whether the person may see the list of the session, and the code of its room."""
    return found.instructor_id == person.person_id or holds(person, Role.MANAGER)


def enter(tx: Tx, run: Run, now: datetime) -> str:  # noqa: ARG001 - as every way in
    """The way into a run: the page of the module's sessions."""
    tx.session.flush()
    return url_for("classes.show", run_id=run.id)


@bp.get("/sessions/<int:run_id>")
@requires(Role.LEARNER)
def show(run_id: int) -> str:
    """The sessions to come, with a seat or the way to one."""
    session, now = read_session(), clock.now()
    return _page(session, _run(session, run_id, now), now)


@bp.post("/sessions/<int:run_id>/<int:session_id>/sign-up")
@requires(Role.LEARNER)
def sign_up(run_id: int, session_id: int) -> AnyResponse | tuple[str, int]:
    """A seat."""
    now = clock.now()
    try:
        with transaction() as tx:
            found = _session(tx.session, run_id, session_id, now)
            actions.sign_up(tx, found, me().person_id, now=now)
    except (SessionFullError, SignUpOverError) as error:
        return _refused(run_id, error, now)
    flash(_("You have a seat."))
    return redirect(url_for("classes.show", run_id=run_id), 303)


@bp.post("/sessions/<int:run_id>/<int:session_id>/withdraw")
@requires(Role.LEARNER)
def withdraw(run_id: int, session_id: int) -> AnyResponse | tuple[str, int]:
    """The seat is given back."""
    now = clock.now()
    try:
        with transaction() as tx:
            found = _session(tx.session, run_id, session_id, now)
            actions.withdraw(tx, found, me().person_id, now=now)
    except SignUpOverError as error:
        return _refused(run_id, error, now)
    flash(_("Your seat is free for somebody else."))
    return redirect(url_for("classes.show", run_id=run_id), 303)


@bp.post("/sessions/<int:run_id>/<int:session_id>/code")
@requires(Role.LEARNER)
@limiter.limit(TYPING_RATE, key_func=who_asks)
def say_code(run_id: int, session_id: int) -> str | AnyResponse | tuple[str, int]:
    """The code that is shown in the room, typed."""
    now = clock.now()
    try:
        with transaction() as tx:
            found = _session(tx.session, run_id, session_id, now)
            code, person = request.form.get("code", ""), me()
            is_leading = leads(found, person)
            actions.come_by_code(tx, found, person.person_id, code, leads=is_leading, now=now)
    except (CodeOverError, NotRunningError) as error:
        session = read_session()
        wrong = (session_id, error.message)
        return _page(session, _run(session, run_id, now), now, wrong=wrong), 422
    flash(_("You are noted as present."))
    return redirect(url_for("classes.show", run_id=run_id), 303)


@bp.get("/sessions/<int:run_id>/<int:session_id>.ics")
@requires(Role.LEARNER)
def calendar(run_id: int, session_id: int) -> Response:
    """The session for one's calendar."""
    session, now = read_session(), clock.now()
    found = _session(session, run_id, session_id, now)
    title = session.get_one(Module, found.module_id).title
    text = calendar_file(found, title, host=current_settings().tool_host, now=now)
    answer = Response(text, mimetype="text/calendar")
    answer.headers["Content-Disposition"] = f'attachment; filename="session-{found.id}.ics"'
    return answer


def _refused(run_id: int, error: PluginError, now: datetime) -> tuple[str, int]:
    """Why not, above the sessions as they are now: another one is a press away."""
    session = read_session()
    page = _page(session, _run(session, run_id, now), now, problem=error.message)
    return page, error.http_status


def _run(session: Session, run_id: int, now: datetime) -> Run:
    """The visitor's own sitting of a module they may see now."""
    person = me()
    run = module_queries.run_of(session, person.organization_id, person.person_id, run_id)
    require_visible(session, run.module_id, now)
    return run


def require_visible(session: Session, module_id: int, now: datetime) -> None:
    doors, person = visibility.doors(current_app.extensions), me()
    ids = (person.organization_id, person.person_id, module_id)
    visibility.require_visible(doors, session, *ids, now=now)


def _session(session: Session, run_id: int, session_id: int, now: datetime) -> ClassSession:
    """A session of the sitting's module."""
    run = _run(session, run_id, now)
    return queries.session_of_module(session, run.organization_id, run.module_id, session_id)


def _page(
    session: Session,
    run: Run,
    now: datetime,
    *,
    wrong: tuple[int, str] | None = None,
    problem: str = "",
) -> str:
    person, locale = me(), str(get_locale() or "en")
    found = queries.offers(session, person.organization_id, person.person_id, run.module_id, at=now)
    return render_template(
        "classroom/sessions.html",
        module=module_queries.module_of(session, run.organization_id, run.module_id),
        run=run,
        offers=found,
        when={each.session.id: when(each.session, locale) for each in found},
        running={
            each.session.id
            for each in found
            if rules.takes_presence(each.session.starts_at, each.session.ends_at, now=now)
        },
        is_open=run.state is RunState.OPEN,
        is_passed=run.state is RunState.COMPLETED,
        wrong=wrong,
        problem=problem,
        now=now,
    )
