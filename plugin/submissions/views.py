"""The learner's page of a module that a certificate from elsewhere completes."""

from datetime import datetime
from io import BytesIO

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    send_file,
    url_for,
)
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from plugin.core import clock
from plugin.core.base import JsonDict
from plugin.core.context import current_settings, storage
from plugin.core.db import Tx, read_session, transaction
from plugin.modules import by_hand, visibility
from plugin.modules import queries as module_queries
from plugin.modules.models import Run, RunState
from plugin.org.errors import FieldError
from plugin.scorm.uploads import evidence
from plugin.submissions import actions, queries
from plugin.submissions.actions import Paper
from plugin.submissions.forms import CertificateForm
from plugin.submissions.models import SubmissionState
from plugin.web.bodies import takes_files
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("submit", __name__)


def enter(tx: Tx, run: Run, now: datetime) -> str:  # noqa: ARG001 - as every way in
    """The way into a run: the page where the certificate is submitted."""
    tx.session.flush()
    return url_for("submit.show", run_id=run.id)


@bp.route("/certificate/<int:run_id>", methods=["GET", "POST"])
@requires(Role.LEARNER)
@takes_files(by_hand.MAX_MEGABYTES)
def show(run_id: int) -> str | Response | tuple[str, int]:
    """What was submitted and decided, and the form for a certificate."""
    session, now = read_session(), clock.now()
    _run(session, run_id, now)
    form = CertificateForm()
    if form.validate_on_submit():
        try:
            _submit(run_id, form, now)
        except FieldError as error:
            form[error.field].errors = [error.message]
        else:
            flash(_("Submitted. You hear by mail, and here, what is decided."))
            return redirect(url_for("submit.show", run_id=run_id), 303)
    session = read_session()
    run = _run(session, run_id, now)
    found = queries.of_run(session, run)
    page = render_template(
        "submissions/submit.html",
        module=module_queries.module_of(session, run.organization_id, run.module_id),
        run=run,
        submissions=found,
        states=SubmissionState,
        form=form,
        is_open=run.state is RunState.OPEN,
        is_waiting=any(each.state is SubmissionState.WAITING for each in found),
    )
    return (page, 422) if form.errors else page


@bp.post("/certificate/<int:run_id>/<int:submission_id>/withdraw")
@requires(Role.LEARNER)
def withdraw(run_id: int, submission_id: int) -> Response:
    """Taken back before it was decided, to submit another."""
    now = clock.now()
    with transaction() as tx:
        run = _run(tx.session, run_id, now)
        actions.withdraw(tx, queries.own(tx.session, run, submission_id), now=now)
    flash(_("Withdrawn. You may submit another certificate."))
    return redirect(url_for("submit.show", run_id=run_id), 303)


@bp.get("/certificate/<int:run_id>/<int:submission_id>/file")
@requires(Role.LEARNER)
def file(run_id: int, submission_id: int) -> Response:
    """The learner's own file."""
    session = read_session()
    run = _run(session, run_id, clock.now())
    return sent(queries.own(session, run, submission_id).file)


def sent(kept: JsonDict) -> Response:
    """A file that somebody brought: as a download, and harmless even if it were shown."""
    if not storage().exists(kept["key"]):
        abort(404)
    answer = send_file(
        BytesIO(storage().read(kept["key"])),
        mimetype=kept["media_type"],
        as_attachment=True,
        download_name=kept["filename"],
    )
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def _submit(run_id: int, form: CertificateForm, now: datetime) -> None:
    paper = Paper(
        name=form.name.data or "",
        issuer=form.issuer.data or "",
        issued_on=form.issued_on.data,
        ends_on=form.ends_on.data,
    )
    zone = me().time_zone
    actions.checked(paper, zone=zone, now=now)
    upload, organization_id = form.evidence.data, me().organization_id
    said = (organization_id, upload.stream, upload.filename or "")
    with (
        evidence(storage(), *said, scanner=current_settings().clamav) as kept,
        transaction() as tx,
    ):
        run = _run(tx.session, run_id, now)
        actions.submit(tx, run, paper, kept, zone=zone, now=now)


def _run(session: Session, run_id: int, now: datetime) -> Run:
    """The visitor's own sitting of a module they may see now."""
    person = me()
    run = module_queries.run_of(session, person.organization_id, person.person_id, run_id)
    doors = visibility.doors(current_app.extensions)
    ids = (person.organization_id, person.person_id, run.module_id)
    visibility.require_visible(doors, session, *ids, now=now)
    return run
