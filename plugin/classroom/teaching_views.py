"""The pages of whoever leads a session: its list, and the code shown in the room."""

from datetime import datetime
from decimal import Decimal, InvalidOperation

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from plugin.certs.document import qr_code
from plugin.classroom import actions, planning, queries, rules
from plugin.classroom.actions import Mark
from plugin.classroom.errors import SessionNotFoundError
from plugin.classroom.forms import AddForm
from plugin.classroom.models import ClassSession, SessionState
from plugin.classroom.queries import Seat
from plugin.classroom.wording import when
from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import read_session, transaction
from plugin.modules.models import Module
from plugin.org.errors import FieldError
from plugin.org.reach import Reach, reach_of
from plugin.web.identity import holds, me, requires
from plugin.web.roles import Role

bp = Blueprint("teaching", __name__)
PERCENT = 100
OUTCOMES = {"yes": True, "no": False}


@bp.get("/teaching")
@requires(Role.LEARNER)
def listing() -> str:
    """The sessions one leads; for admins and managers all of the last three months and to come."""
    person, session = me(), read_session()
    oversees = holds(person, Role.MANAGER)
    found = queries.lines(
        session,
        person.organization_id,
        instructor_id=None if oversees else person.person_id,
        since=clock.now() - queries.RECENT,
    )
    return render_template(
        "classroom/teaching.html", lines=found, when=_when(found), states=SessionState
    )


def _when(found: list[queries.SessionLine]) -> dict[int, str]:
    locale = str(get_locale() or "en")
    return {each.session.id: when(each.session, locale) for each in found}


@bp.route("/teaching/<int:session_id>", methods=["GET", "POST"])
@requires(Role.LEARNER)
def attendance(session_id: int) -> str | Response | tuple[str, int]:
    """Who has a seat, who was there, what came of it."""
    error = ""
    if request.method == "POST":
        try:
            return _save(session_id)
        except FieldError as refused:
            error = refused.message
    page = _page(session_id, AddForm(formdata=None), error=error)
    return (page, 422) if error else page


@bp.post("/teaching/<int:session_id>/add")
@requires(Role.LEARNER)
def add(session_id: int) -> str | Response | tuple[str, int]:
    """Somebody came without a seat."""
    form, now = AddForm(), clock.now()
    if form.validate_on_submit():
        try:
            with transaction() as tx:
                found, reach = _led(tx.session, session_id)
                people = queries.named(
                    tx.session, found.organization_id, form.who.data, reach, at=now
                )
                person_id = planning.the_one(people, "who")
                actions.add(tx, found, person_id, by=me().person_id, now=now)
        except FieldError as error:
            form[error.field].errors = [error.message]
        else:
            flash(_("On the list, as present."))
            return redirect(url_for("teaching.attendance", session_id=session_id), 303)
    return _page(session_id, form), 422


@bp.get("/teaching/<int:session_id>/code")
@requires(Role.LEARNER)
def code(session_id: int) -> str:
    """The code for the room, large; the page brings the next one by itself."""
    session, now = read_session(), clock.now()
    found, _reach = _led(session, session_id)
    shown = rules.code(found.secret, now)
    address = url_for("room.scanned", session_id=session_id, code=shown)
    address = "/attend/" + address.partition("/attend/")[2]  # without the instructor's own visit
    return render_template(
        "classroom/code.html",
        session=found,
        module=session.get_one(Module, found.module_id),
        code=f"{shown[:3]} {shown[3:]}",
        picture=qr_code(current_settings().tool_url + address),
        is_running=rules.takes_presence(found.starts_at, found.ends_at, now=now)
        and found.state in queries.SHOWN,
        seconds=rules.WINDOW_SECONDS - int(now.timestamp()) % rules.WINDOW_SECONDS,
    )


def _led(session: Session, session_id: int) -> tuple[ClassSession, Reach | None]:
    """The session, and whom of its list the visitor may see and mark; None: everybody."""
    person = me()
    found = queries.session_of(session, person.organization_id, session_id)
    if found.instructor_id == person.person_id or holds(person, Role.ADMIN):
        return found, None
    if holds(person, Role.MANAGER):
        return found, reach_of(session, person)
    raise SessionNotFoundError(session_id)


def _save(session_id: int) -> Response:
    """What the list says is kept; confirmed, it completes the module for those present."""
    now, by = clock.now(), me().person_id
    with transaction() as tx:
        found, reach = _led(tx.session, session_id)
        seats = queries.seats(tx.session, found, reach, at=now)
        marks = [_mark(seat) for seat in seats]
        actions.mark(tx, found, marks, by=by, now=now)
        recorded = None
        if request.form.get("do") == "confirm":
            ids = [seat.attendance.id for seat in seats]
            tx.session.flush()
            recorded = actions.confirm(tx, found, ids, by=by, now=now)
    if recorded is None:
        flash(_("Saved."))
    else:
        flash(ngettext("Recorded for %(num)d person.", "Recorded for %(num)d people.", recorded))
    return redirect(url_for("teaching.attendance", session_id=session_id), 303)


def _mark(seat: Seat) -> Mark:
    number = seat.attendance.id
    return Mark(
        attendance_id=number,
        present=f"present-{number}" in request.form,
        passed=OUTCOMES.get(request.form.get(f"passed-{number}", "")),
        score=_share(request.form.get(f"score-{number}", "")),
    )


def _share(typed: str) -> float | None:
    if not typed.strip():
        return None
    try:
        number = Decimal(typed.strip().replace(",", "."))
    except InvalidOperation:
        number = Decimal(-1)
    return float(number / PERCENT) if number.is_finite() else -1.0


def _page(session_id: int, form: AddForm, *, error: str = "") -> str:
    session, now = read_session(), clock.now()
    found, reach = _led(session, session_id)
    return render_template(
        "classroom/attendance.html",
        session=found,
        module=session.get_one(Module, found.module_id),
        when=when(found, str(get_locale() or "en")),
        seats=queries.seats(session, found, reach, at=now),
        confirms=queries.confirms(session, found.module_id),
        has_begun=_has_begun(found, now),
        states=SessionState,
        form=form,
        error=error,
        mine=me().person_id,
    )


def _has_begun(found: ClassSession, now: datetime) -> bool:
    return found.state in queries.SHOWN and now >= found.starts_at - rules.BEFORE
