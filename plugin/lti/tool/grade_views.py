"""Pages for admins: grades sent to the LMSs, and courses that fill units."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice

from plugin.core import clock
from plugin.core.db import Tx, read_session, transaction
from plugin.lti.tool import (
    course_members,
    grade_list,
    grading,
    queries,
    rosters,
)
from plugin.lti.tool.our_words import in_the_readers_words
from plugin.lti.tool.service_models import GradeState
from plugin.org import queries as org_queries
from plugin.org import roster
from plugin.org.models import Unit
from plugin.org.rule_models import RosterTie
from plugin.web.identity import me, requires
from plugin.web.listing import asked
from plugin.web.roles import Role

grades_bp = Blueprint("grades", __name__)
courses_bp = Blueprint("courses", __name__)
grades_bp.add_app_template_filter(in_the_readers_words)
STATES = {
    GradeState.SENT: (_l("Sent"), "valid"),
    GradeState.WAITING: (_l("Waiting"), "soon"),
    GradeState.OVERRIDDEN: (_l("A teacher graded otherwise"), "info"),
    GradeState.REFUSED: (_l("Refused"), "invalid"),
    GradeState.FAILED: (_l("Not delivered"), "invalid"),
}


class TieForm(FlaskForm):  # type: ignore[misc]
    """A course whose people are to fill the unit."""

    course_id = SelectField(_l("Course"), coerce=int)


@grades_bp.get("/admin/lms/grades")
@requires(Role.ADMIN)
def listing() -> str:
    session, organization_id = read_session(), me().organization_id
    lines = queries.lms_lines(session, organization_id)
    wanted = asked(
        sorts=grade_list.SORTS,
        filters={
            "state": [each.value for each in STATES],
            "lms": [str(line.id) for line in lines],
        },
    )
    lms = wanted.filters.get("lms")
    return render_template(
        "lti/grades.html",
        found=grade_list.grades(session, organization_id, wanted),
        not_taken=grade_list.not_taken(session, organization_id, int(lms) if lms else None),
        states=STATES,
        filters=[
            {
                "name": "state",
                "label": _("State"),
                "choices": [(each.value, label) for each, (label, _tone) in STATES.items()],
            },
            {
                "name": "lms",
                "label": _("LMS"),
                "choices": [(str(line.id), line.name) for line in lines],
            },
        ],
    )


@grades_bp.post("/admin/lms/grades/resend")
@requires(Role.ADMIN)
def resend_failed() -> Response:
    """Send again whatever was not taken, of one LMS or of all; what teachers wrote stays."""
    lms = request.args.get("lms", type=int)
    with transaction() as tx:
        number = grading.resend_failed(
            tx,
            me().organization_id,
            registration_id=lms,
            by=me().person_id,
            now=clock.now(),
        )
    flash(
        ngettext("%(num)d grade is on its way.", "%(num)d grades are on their way.", number)
        if number
        else _("There was nothing to send again.")
    )
    return redirect(f"{url_for('grades.listing')}?{request.query_string.decode()}", 303)


@grades_bp.post("/admin/lms/grades/<int:grade_id>/resend")
@requires(Role.ADMIN)
def resend(grade_id: int) -> Response:
    """Send it now, also over what a teacher wrote."""
    with transaction() as tx:
        grade = grade_list.grade_of(tx.session, me().organization_id, grade_id)
        grading.resend(tx, grade, by=me().person_id, now=clock.now())
    flash(_("The grade is on its way."))
    return redirect(f"{url_for('grades.listing')}?{request.query_string.decode()}", 303)


@courses_bp.route("/admin/units/<int:unit_id>/courses", methods=["GET", "POST"])
@requires(Role.ADMIN)
def of_unit(unit_id: int) -> str | Response | tuple[str, int]:
    """The courses that fill a unit, and one more."""
    session = read_session()
    unit = _unit(session, unit_id)
    ties = course_members.ties(session, unit)
    known = course_members.courses(session, unit.organization_id)
    offered = known if request.method == "POST" else course_members.not_yet(session, unit, known)
    form = TieForm()
    form.course_id.choices = [
        SelectChoice(each.id, f"{each.title} – {lms}") for each, lms in offered
    ]
    if known and form.validate_on_submit():
        _tie(unit_id, form.course_id.data)
        flash(_("The course fills the unit from now on. Its people are being read."))
        return redirect(url_for("courses.of_unit", unit_id=unit_id), 303)
    page = render_template(
        "lti/unit_courses.html",
        unit=unit,
        ties=ties,
        form=form if known else None,
    )
    return (page, 422) if form.errors else page


def _unit(session: Session, unit_id: int) -> Unit:
    return org_queries.unit_of(session, me().organization_id, unit_id)


def _tie(unit_id: int, course_id: int) -> None:
    with transaction() as tx:
        unit = _unit(tx.session, unit_id)
        found = [
            each
            for each, _lms in course_members.courses(tx.session, unit.organization_id)
            if each.id == course_id
        ]
        if not found:
            abort(404)
        tie = roster.tie_course(
            tx.session,
            unit,
            registration_id=found[0].registration_id,
            deployment_id=found[0].deployment_id,
            context_id=found[0].context_id,
            title=found[0].title,
            by=me().person_id,
            now=clock.now(),
        )
        rosters.ask(tx, [tie], now=clock.now())


@courses_bp.get("/admin/units/<int:unit_id>/courses/<int:tie_id>")
@requires(Role.ADMIN)
def people(unit_id: int, tie_id: int) -> str:
    """Who is on the course's roster, with names and roles as the LMS has them."""
    session = read_session()
    unit = _unit(session, unit_id)
    tie = roster.tie_of(session, unit, tie_id)
    if tie is None:
        abort(404)
    return render_template(
        "lti/roster.html",
        unit=unit,
        tie=tie,
        line=next((each for each in course_members.ties(session, unit) if each.id == tie_id), None),
        found=course_members.listed(session, tie, asked(sorts=course_members.SORTS)),
        role_words=course_members.role_words,
    )


@courses_bp.post("/admin/units/<int:unit_id>/courses/<int:tie_id>/read")
@requires(Role.ADMIN)
def read_again(unit_id: int, tie_id: int) -> Response:
    """The course's people are read now."""
    with transaction() as tx:
        rosters.ask(tx, [_found_tie(tx, unit_id, tie_id)], now=clock.now())
    flash(_("The course's people are being read."))
    return redirect(url_for("courses.of_unit", unit_id=unit_id), 303)


@courses_bp.post("/admin/units/<int:unit_id>/courses/<int:tie_id>/untie")
@requires(Role.ADMIN)
def untie(unit_id: int, tie_id: int) -> Response:
    """The course fills the unit no more."""
    with transaction() as tx:
        tie = _found_tie(tx, unit_id, tie_id)
        ended = roster.untie_course(tx, tie, by=me().person_id, now=clock.now())
    flash(
        ngettext(
            "The course is untied; %(num)d membership ended.",
            "The course is untied; %(num)d memberships ended.",
            ended,
        )
    )
    return redirect(url_for("courses.of_unit", unit_id=unit_id), 303)


def _found_tie(tx: Tx, unit_id: int, tie_id: int) -> RosterTie:
    found = roster.tie_of(tx.session, _unit(tx.session, unit_id), tie_id)
    if found is None:
        abort(404)
    return found
