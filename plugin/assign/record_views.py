"""Completions by hand: recorded, proved by a file, corrected."""

import secrets
from datetime import date
from decimal import Decimal
from io import BytesIO

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from plugin.assign.forms import PERCENT, percent
from plugin.assign.person_forms import CompletionForm, CorrectionForm
from plugin.assign.validity import local_date
from plugin.core import clock
from plugin.core.base import JsonDict
from plugin.core.context import current_settings, storage
from plugin.core.db import read_session, transaction
from plugin.modules import by_hand, catalogue, naming
from plugin.modules import queries as module_queries
from plugin.modules.models import Completion
from plugin.org.errors import FieldError
from plugin.org.models import Person
from plugin.org.reach import person_in_reach, reach_of
from plugin.scorm import uploads
from plugin.web.bodies import takes_files
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("person_records", __name__)


def _load(session: Session, person_id: int) -> Person:
    return person_in_reach(session, reach_of(session, me()), person_id, clock.now())


@bp.route("/admin/people/<int:person_id>/completions/new", methods=["GET", "POST"])
@requires(Role.MANAGER)
@takes_files(by_hand.MAX_MEGABYTES)
def record(person_id: int) -> str | Response | tuple[str, int]:
    """A completion seen elsewhere is recorded by hand."""
    session = read_session()
    person = _load(session, person_id)
    form = CompletionForm()
    modules = catalogue.to_record(session, person.organization_id)
    form.module_id.choices = [SelectChoice(each.id, naming.label(each)) for each in modules]
    if request.method == "GET":
        form.once.data = secrets.token_urlsafe(12)
    if form.validate_on_submit():
        try:
            _record(person_id, form)
        except FieldError as error:
            form[error.field].errors = [error.message]
        else:
            flash(_("Recorded."))
            return redirect(url_for("person_training.show", person_id=person_id))
    page = render_template(
        "assign/person_record.html", person=_load(read_session(), person_id), form=form
    )
    return page, (422 if form.is_submitted() else 200)


def _record(person_id: int, form: CompletionForm) -> None:
    file = form.evidence.data
    if file is None or not file.filename:
        _record_with(person_id, form, None)
        return
    said = (me().organization_id, file.stream, file.filename)
    with uploads.evidence(storage(), *said, scanner=current_settings().clamav) as kept:
        is_new = _record_with(person_id, form, kept)
    if not is_new:
        storage().path(kept["key"]).unlink(missing_ok=True)


def _record_with(person_id: int, form: CompletionForm, evidence: JsonDict | None) -> bool:
    """Whether it is on record now and was not before."""
    with transaction() as tx:
        person = _load(tx.session, person_id)
        module = module_queries.module_of(tx.session, person.organization_id, form.module_id.data)
        made = by_hand.record(
            tx,
            person,
            module,
            happened_on=form.happened_on.data,
            ends_on=form.ends_on.data,
            score=_share(form.score.data),
            reason=form.reason.data,
            approved_by=me().person_id,
            evidence=evidence,
            once=form.once.data or secrets.token_urlsafe(12),
            zone=me().time_zone,
            now=clock.now(),
        )
        return made is not None


@bp.get("/admin/people/<int:person_id>/completions/<int:completion_id>/evidence")
@requires(Role.MANAGER)
def evidence(person_id: int, completion_id: int) -> Response:
    """The file that proves a completion recorded by hand; never shown inside a page."""
    session = read_session()
    person = _load(session, person_id)
    found = by_hand.completion_of(session, person.organization_id, person_id, completion_id)
    file = found.evidence.get("file")
    if not file or not storage().exists(file["key"]):
        abort(404)
    return send_file(
        BytesIO(storage().read(file["key"])),
        mimetype=file["media_type"],
        as_attachment=True,
        download_name=file["filename"],
    )


def _share(score: Decimal | None) -> float | None:
    return None if score is None else float(score / PERCENT)


@bp.route(
    "/admin/people/<int:person_id>/completions/<int:completion_id>/correct",
    methods=["GET", "POST"],
)
@requires(Role.MANAGER)
def correct(person_id: int, completion_id: int) -> str | Response | tuple[str, int]:
    """What was recorded was wrong: another day, another score, or not passed at all."""
    session = read_session()
    person = _load(session, person_id)
    wrong = by_hand.completion_of(session, person.organization_id, person_id, completion_id)
    form = CorrectionForm(data=_recorded(wrong))
    if form.validate_on_submit():
        try:
            _correct(person_id, completion_id, form)
        except FieldError as error:
            form[error.field].errors = [error.message]
        else:
            flash(_("Corrected. What was recorded before stays on record."))
            return redirect(url_for("person_training.show", person_id=person_id))
    session = read_session()
    wrong = by_hand.completion_of(session, me().organization_id, person_id, completion_id)
    page = render_template(
        "assign/person_correct.html",
        person=_load(session, person_id),
        title=naming.names(session, me().organization_id, [wrong.module_id])[wrong.module_id],
        form=form,
    )
    return page, (422 if form.is_submitted() else 200)


def _recorded(wrong: Completion) -> dict[str, str | date | Decimal | None]:
    return {
        "passed": "yes",
        "happened_on": local_date(wrong.happened_at, me().time_zone),
        "ends_on": wrong.valid_until_on,
        "score": None if wrong.score is None else percent(wrong.score),
    }


def _correct(person_id: int, completion_id: int, form: CorrectionForm) -> None:
    with transaction() as tx:
        person = _load(tx.session, person_id)
        wrong = by_hand.completion_of(tx.session, person.organization_id, person_id, completion_id)
        is_passed = form.passed.data == "yes"
        by_hand.correct(
            tx,
            person,
            wrong,
            passed=is_passed,
            happened_on=form.happened_on.data,
            ends_on=form.ends_on.data,
            score=_share(form.score.data) if is_passed else None,
            reason=form.reason.data,
            by=me().person_id,
            zone=me().time_zone,
            now=clock.now(),
        )
