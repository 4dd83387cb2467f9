"""The admins' pages: modules of sessions, and their dates."""

from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from plugin.classroom import planning, queries
from plugin.classroom.forms import CancelForm, ModuleForm, SessionForm
from plugin.classroom.models import ClassSession, SessionState
from plugin.classroom.wording import when
from plugin.core import clock
from plugin.core.db import read_session, transaction
from plugin.modules import pages
from plugin.modules import queries as module_queries
from plugin.modules.models import Module, ModuleKind
from plugin.org.models import Person
from plugin.org.saving import is_saved, shown
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("sessions", __name__)


@bp.route("/admin/modules/sessions/new", methods=["GET", "POST"])
@requires(Role.ADMIN)
def new_module() -> str | Response | tuple[str, int]:
    """A module that is completed by being there."""
    form, made = ModuleForm(), list[int]()

    def save() -> None:
        with transaction() as tx:
            module = planning.create_module(
                tx,
                me().organization_id,
                title=form.title.data,
                words=form.words.data or "",
                confirms=form.confirms.data,
                by=me().person_id,
                now=clock.now(),
            )
            made.append(module.id)

    if is_saved(form, save):
        flash(_("The module is there. Plan its first session."))
        return redirect(url_for("sessions.module", module_id=made[0]), 303)
    return shown(render_template("classroom/new_module.html", form=form), form)


@bp.route("/admin/modules/sessions/<int:module_id>", methods=["GET", "POST"])
@requires(Role.ADMIN)
def module(module_id: int) -> str | Response | tuple[str, int]:
    """The module's sessions, and what it is."""
    session = read_session()
    found = _module(session, module_id)
    confirms = queries.confirms(session, module_id)
    data = {"title": found.title, "words": found.description, "confirms": confirms}
    form = ModuleForm(data=data)

    def save() -> None:
        with transaction() as tx:
            planning.change_module(
                tx,
                _module(tx.session, module_id),
                title=form.title.data,
                words=form.words.data or "",
                confirms=form.confirms.data,
                by=me().person_id,
                now=clock.now(),
            )

    if is_saved(form, save):
        flash(_("Saved."))
        return redirect(url_for("sessions.module", module_id=module_id), 303)
    return shown(_module_page(module_id, form), form)


def _module_page(module_id: int, form: ModuleForm) -> str:
    session, locale = read_session(), str(get_locale() or "en")
    lines = queries.lines(session, me().organization_id, module_id=module_id)
    found = _module(session, module_id)
    return render_template(
        "classroom/module.html",
        module=found,
        about=pages.about(found),
        lines=lines,
        when={each.session.id: when(each.session, locale) for each in lines},
        states=SessionState,
        form=form,
    )


@bp.route("/admin/modules/sessions/<int:module_id>/plan", methods=["GET", "POST"])
@requires(Role.ADMIN)
def plan(module_id: int) -> str | Response | tuple[str, int]:
    """A new date."""
    found = _module(read_session(), module_id)
    form = SessionForm(data={"zone": me().time_zone, "state": SessionState.OPEN.value})

    def save() -> None:
        with transaction() as tx:
            target = _module(tx.session, module_id)
            planning.plan(tx, target, form.plan, by=me().person_id, now=clock.now())

    if is_saved(form, save):
        flash(_("The session is planned."))
        return redirect(url_for("sessions.module", module_id=module_id), 303)
    page = render_template("classroom/plan.html", module=found, session=None, form=form)
    return shown(page, form)


@bp.route("/admin/sessions/<int:session_id>", methods=["GET", "POST"])
@requires(Role.ADMIN)
def edit(session_id: int) -> str | Response | tuple[str, int]:
    """Another time, place, instructor, or number of seats; who has a seat is told the first two."""
    session = read_session()
    form = SessionForm(data=_said(session, _session(session, session_id)))
    told = list[int]()

    def save() -> None:
        with transaction() as tx:
            target, by = _session(tx.session, session_id), me().person_id
            told.append(planning.change(tx, target, form.plan, by=by, now=clock.now()))

    if is_saved(form, save):
        flash(f"{_('Saved.')} {_words_of(told[0])}" if told[0] else _("Saved."))
        return redirect(url_for("teaching.attendance", session_id=session_id), 303)
    session = read_session()
    found = _session(session, session_id)
    page = render_template(
        "classroom/plan.html", module=_module(session, found.module_id), session=found, form=form
    )
    return shown(page, form)


@bp.route("/admin/sessions/<int:session_id>/cancel", methods=["GET", "POST"])
@requires(Role.ADMIN)
def cancel(session_id: int) -> str | Response | tuple[str, int]:
    """It does not take place; who has a seat is told."""
    form, told = CancelForm(), list[int]()

    def save() -> None:
        reason, by, now = form.reason.data, me().person_id, clock.now()
        with transaction() as tx:
            target = _session(tx.session, session_id)
            told.append(planning.cancel(tx, target, reason=reason, by=by, now=now))

    session = read_session()
    module_id = _session(session, session_id).module_id
    if is_saved(form, save):
        words = _("The session is cancelled.")
        flash(f"{words} {_words_of(told[0])}" if told[0] else words)
        return redirect(url_for("sessions.module", module_id=module_id), 303)
    session = read_session()
    found = _session(session, session_id)
    page = render_template(
        "classroom/cancel.html",
        module=_module(session, found.module_id),
        session=found,
        when=when(found, str(get_locale() or "en")),
        form=form,
    )
    return shown(page, form)


def _words_of(told: int) -> str:
    return str(ngettext("%(num)d person is told.", "%(num)d people are told.", told))


def _session(session: Session, session_id: int) -> ClassSession:
    return queries.session_of(session, me().organization_id, session_id)


def _module(session: Session, module_id: int) -> Module:
    found = module_queries.module_of(session, me().organization_id, module_id)
    if found.kind is not ModuleKind.SESSION:
        abort(404)
    return found


def _said(session: Session, found: ClassSession) -> dict[str, object]:
    zone = ZoneInfo(found.zone)
    leader = session.get(Person, found.instructor_id) if found.instructor_id else None
    return {
        "starts": found.starts_at.astimezone(zone).replace(tzinfo=None),
        "ends": found.ends_at.astimezone(zone).replace(tzinfo=None),
        "zone": found.zone,
        "place": found.place,
        "instructor": (leader.employee_id or leader.email or leader.full_name) if leader else "",
        "capacity": found.capacity,
        "note": found.note,
        "state": found.state.value,
    }
