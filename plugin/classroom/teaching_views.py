"""The pages of whoever leads a session: its list, and the code shown in the room."""

from dataclasses import dataclass
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
    if request.method == "GET":
        return _page(session_id, AddForm(formdata=None))
    return _saved(session_id, AddForm())


@bp.post("/teaching/<int:session_id>/add")
@requires(Role.LEARNER)
def add(session_id: int) -> Response | tuple[str, int]:
    """Somebody came without a seat; what the list says beside it is kept as well."""
    form = AddForm()
    if not form.validate_on_submit():
        return _page(session_id, form), 422
    return _saved(session_id, form)


def _saved(session_id: int, form: AddForm) -> Response | tuple[str, int]:
    """The list as it is now; what cannot be so is said at its place, and nothing typed is lost."""
    try:
        return _save(session_id, form)
    except FieldError as error:
        if error.field in form:
            form[error.field].errors = [error.message]
        return _page(session_id, form, error=error), 422


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


def _save(session_id: int, form: AddForm) -> Response:
    """What the list says is kept; confirmed, it completes the module for those present."""
    now, by, recorded = clock.now(), me().person_id, None
    with transaction() as tx:
        found, reach = _led(tx.session, session_id)
        seats = [each for each in queries.seats(tx.session, found, reach, at=now) if _says(each)]
        actions.mark(tx, found, [_mark(seat) for seat in seats], by=by, now=now)
        if form.who.data:
            people = queries.named(tx.session, found.organization_id, form.who.data, reach, at=now)
            actions.add(tx, found, planning.the_one(people, "who"), by=by, now=now)
        if request.form.get("do") == "confirm":
            ids = [seat.attendance.id for seat in seats if _is_ticked(seat)]
            tx.session.flush()
            recorded = actions.confirm(tx, found, ids, by=by, now=now)
    _tell(recorded, has_added=bool(form.who.data))
    return redirect(url_for("teaching.attendance", session_id=session_id), 303)


def _tell(recorded: int | None, *, has_added: bool) -> None:
    if has_added:
        flash(_("On the list, as present."))
    if recorded is not None:
        flash(ngettext("Recorded for %(num)d person.", "Recorded for %(num)d people.", recorded))
    elif not has_added:
        flash(_("Saved."))


def _says(seat: Seat) -> bool:
    """Whether the form is about this person: they may have come since the page was shown."""
    return f"was-{seat.attendance.id}" in request.form or _is_ticked(seat)


def _is_ticked(seat: Seat) -> bool:
    return f"present-{seat.attendance.id}" in request.form


def _mark(seat: Seat) -> Mark:
    number, ticked = seat.attendance.id, _is_ticked(seat)
    return Mark(
        attendance_id=number,
        present=ticked if ticked is not _was_ticked(seat) else None,
        passed=OUTCOMES.get(request.form.get(f"passed-{number}", "")),
        score=_share(request.form.get(f"score-{number}", "")),
    )


def _was_ticked(seat: Seat) -> bool:
    """As the page showed it: who is noted by the code meanwhile is not taken off the list."""
    return request.form.get(f"was-{seat.attendance.id}") == "yes"


def _share(typed: str) -> float | None:
    if not typed.strip():
        return None
    try:
        number = Decimal(typed.strip().replace(",", "."))
    except InvalidOperation:
        number = Decimal(-1)
    return float(number / PERCENT) if number.is_finite() else -1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One person of the list as the page shows it: what is kept, or what was just typed."""

    present: bool
    passed: str
    score: str


def _line(seat: Seat) -> Line:
    row = seat.attendance
    number = row.id
    if _says(seat):
        ticked = _is_ticked(seat)
        return Line(
            present=ticked if ticked is not _was_ticked(seat) else row.present_at is not None,
            passed=request.form.get(f"passed-{number}", ""),
            score=request.form.get(f"score-{number}", ""),
        )
    return Line(
        present=row.present_at is not None,
        passed=next((word for word, meant in OUTCOMES.items() if meant is row.passed), ""),
        score="" if row.score is None else f"{row.score * PERCENT:.6g}",
    )


def _page(session_id: int, form: AddForm, *, error: FieldError | None = None) -> str:
    session, now, mine = read_session(), clock.now(), me().person_id
    found, reach = _led(session, session_id)
    seats = queries.seats(session, found, reach, at=now)
    has_begun = _has_begun(found, now)
    open_ids = {
        seat.attendance.id
        for seat in seats
        if has_begun and not seat.attendance.completion_id and seat.attendance.person_id != mine
    }
    return render_template(
        "classroom/attendance.html",
        session=found,
        module=session.get_one(Module, found.module_id),
        when=when(found, str(get_locale() or "en")),
        seats=seats,
        lines={seat.attendance.id: _line(seat) for seat in seats},
        open_ids=open_ids,
        has_begun=has_begun,
        states=SessionState,
        form=form,
        error=error,
    )


def _has_begun(found: ClassSession, now: datetime) -> bool:
    return found.state in queries.SHOWN and now >= found.starts_at - rules.BEFORE
