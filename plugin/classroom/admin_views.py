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
from plugin.modules import queries as module_queries
from plugin.modules.models import Module, ModuleKind
from plugin.org.errors import FieldError
from plugin.org.models import Person
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("sessions", __name__)


@bp.route("/admin/modules/sessions/new", methods=["GET", "POST"])
@requires(Role.ADMIN)
def new_module() -> str | Response | tuple[str, int]:
    """A module that is completed by being there."""
    form = ModuleForm()
    if form.validate_on_submit():
        try:
            with transaction() as tx:
                module_id = planning.create_module(
                    tx,
                    me().organization_id,
                    title=form.title.data,
                    words=form.words.data or "",
                    confirms=form.confirms.data,
                    by=me().person_id,
                    now=clock.now(),
                ).id
        except FieldError as error:
            form[error.field].errors = [error.message]
        else:
            flash(_("The module is there. Plan its first session."))
            return redirect(url_for("sessions.module", module_id=module_id), 303)
    page = render_template("classroom/new_module.html", form=form)
    return (page, 422) if form.errors else page


@bp.route("/admin/modules/sessions/<int:module_id>", methods=["GET", "POST"])
@requires(Role.ADMIN)
def module(module_id: int) -> str | Response | tuple[str, int]:
    """The module's sessions, and what it is."""
    session = read_session()
    found = _module(session, module_id)
    form = ModuleForm(
        data={
            "title": found.title,
            "words": found.description,
            "confirms": queries.confirms(session, module_id),
        }
    )
    if form.validate_on_submit():
        try:
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
        except FieldError as error:
            form[error.field].errors = [error.message]
        else:
            flash(_("Saved."))
            return redirect(url_for("sessions.module", module_id=module_id), 303)
    lines = queries.lines(read_session(), me().organization_id, module_id=module_id)
    locale = str(get_locale() or "en")
    page = render_template(
        "classroom/module.html",
        module=_module(read_session(), module_id),
        lines=lines,
        when={each.session.id: when(each.session, locale) for each in lines},
        states=SessionState,
        form=form,
    )
    return (page, 422) if form.errors else page


@bp.route("/admin/modules/sessions/<int:module_id>/plan", methods=["GET", "POST"])
@requires(Role.ADMIN)
def plan(module_id: int) -> str | Response | tuple[str, int]:
    """A new date."""
    found = _module(read_session(), module_id)
    form = SessionForm(data={"zone": me().time_zone, "state": SessionState.OPEN.value})
    if form.validate_on_submit():
        try:
            with transaction() as tx:
                target = _module(tx.session, module_id)
                planning.plan(tx, target, form.plan, by=me().person_id, now=clock.now())
        except FieldError as error:
            form[error.field].errors = [error.message]
        else:
            flash(_("The session is planned."))
            return redirect(url_for("sessions.module", module_id=module_id), 303)
    page = render_template("classroom/plan.html", module=found, session=None, form=form)
    return (page, 422) if form.errors else page


@bp.route("/admin/sessions/<int:session_id>", methods=["GET", "POST"])
@requires(Role.ADMIN)
def edit(session_id: int) -> str | Response | tuple[str, int]:
    """Another time, place, instructor, or number of seats."""
    session = read_session()
    found = queries.session_of(session, me().organization_id, session_id)
    form = SessionForm(data=_said(session, found))
    if form.validate_on_submit():
        try:
            with transaction() as tx:
                target = queries.session_of(tx.session, me().organization_id, session_id)
                planning.change(tx, target, form.plan, by=me().person_id, now=clock.now())
        except FieldError as error:
            form[error.field].errors = [error.message]
        else:
            flash(_("Saved."))
            return redirect(url_for("teaching.attendance", session_id=session_id), 303)
    session = read_session()
    found = queries.session_of(session, me().organization_id, session_id)
    page = render_template(
        "classroom/plan.html", module=_module(session, found.module_id), session=found, form=form
    )
    return (page, 422) if form.errors else page


@bp.route("/admin/sessions/<int:session_id>/cancel", methods=["GET", "POST"])
@requires(Role.ADMIN)
def cancel(session_id: int) -> str | Response | tuple[str, int]:
    """It does not take place; who has a seat is told."""
    form = CancelForm()
    if form.validate_on_submit():
        try:
            with transaction() as tx:
                target = queries.session_of(tx.session, me().organization_id, session_id)
                by, now = me().person_id, clock.now()
                told = planning.cancel(tx, target, reason=form.reason.data, by=by, now=now)
                module_id = target.module_id
        except FieldError as error:
            form[error.field].errors = [error.message]
        else:
            words = ngettext("%(num)d person is told.", "%(num)d people are told.", told)
            flash(f"{_('The session is cancelled.')} {words}")
            return redirect(url_for("sessions.module", module_id=module_id), 303)
    session = read_session()
    found = queries.session_of(session, me().organization_id, session_id)
    page = render_template(
        "classroom/cancel.html",
        module=_module(session, found.module_id),
        session=found,
        when=when(found, str(get_locale() or "en")),
        form=form,
    )
    return (page, 422) if form.errors else page


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
