"""The pages of those who decide about certificates, and of the modules they complete."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from plugin.core import clock
from plugin.core.db import read_session, transaction
from plugin.modules import pages
from plugin.modules import queries as module_queries
from plugin.modules.models import Module, ModuleKind
from plugin.org.reach import reach_of
from plugin.org.saving import is_saved, shown
from plugin.submissions import actions, queries
from plugin.submissions.forms import ApproveForm, ModuleForm, RejectForm
from plugin.submissions.models import SubmissionState
from plugin.submissions.queries import Line
from plugin.submissions.views import sent
from plugin.web.identity import me, requires
from plugin.web.listing import MAX_PAGE
from plugin.web.roles import Role

bp = Blueprint("submissions", __name__)
PAGE = 50
SHOWN = {
    SubmissionState.WAITING: _l("Waiting"),
    SubmissionState.APPROVED: _l("Approved"),
    SubmissionState.REJECTED: _l("Rejected"),
}


@bp.get("/admin/submissions")
@requires(Role.MANAGER)
def queue() -> str:
    """What waits for a decision, or was decided, of the people in reach."""
    session, now = read_session(), clock.now()
    asked = request.args.get("state", "")
    state = SubmissionState(asked) if asked in set(SHOWN) else SubmissionState.WAITING
    page = min(max(1, request.args.get("page", 1, type=int)), MAX_PAGE)
    found = queries.listed(
        session, reach_of(session, me()), state, at=now, offset=(page - 1) * PAGE, size=PAGE
    )
    return render_template(
        "submissions/queue.html",
        lines=found[:PAGE],
        state=state,
        states=SHOWN,
        newer_url=_page(state, page - 1) if page > 1 else "",
        older_url=_page(state, page + 1) if len(found) > PAGE else "",
    )


def _page(state: SubmissionState, page: int) -> str:
    return url_for("submissions.queue", state=state.value, page=page)


@bp.get("/admin/submissions/<int:submission_id>")
@requires(Role.MANAGER)
def show(submission_id: int) -> str:
    """One certificate: what it says, its file, and the two decisions."""
    return _shown(_line(read_session(), submission_id), None, None)


@bp.get("/admin/submissions/<int:submission_id>/file")
@requires(Role.MANAGER)
def file(submission_id: int) -> Response:
    """The file as its holder sent it; never shown inside a page."""
    return sent(_line(read_session(), submission_id).submission.file)


@bp.post("/admin/submissions/<int:submission_id>/approve")
@requires(Role.MANAGER)
def approve(submission_id: int) -> str | Response | tuple[str, int]:
    """It counts."""
    form = ApproveForm()

    def save() -> None:
        with transaction() as tx:
            actions.approve(
                tx,
                _line(tx.session, submission_id).submission,
                issued_on=form.issued_on.data,
                ends_on=form.ends_on.data,
                by=me().person_id,
                zone=me().time_zone,
                now=clock.now(),
            )

    if is_saved(form, save):
        flash(_("Approved. The module is completed, and its holder is told by mail."))
        return redirect(url_for("submissions.queue"), 303)
    return _shown(_line(read_session(), submission_id), form, None), 422


@bp.post("/admin/submissions/<int:submission_id>/reject")
@requires(Role.MANAGER)
def reject(submission_id: int) -> str | Response | tuple[str, int]:
    """It does not count."""
    form = RejectForm()

    def save() -> None:
        with transaction() as tx:
            submission = _line(tx.session, submission_id).submission
            reason, by = form.reason.data, me().person_id
            actions.reject(tx, submission, reason=reason, by=by, now=clock.now())

    if is_saved(form, save):
        flash(_("Rejected. Its holder is told why by mail."))
        return redirect(url_for("submissions.queue"), 303)
    return _shown(_line(read_session(), submission_id), None, form), 422


def _line(session: Session, submission_id: int) -> Line:
    reach = reach_of(session, me())
    return queries.in_reach(session, reach, submission_id, at=clock.now())


def _shown(line: Line, approving: ApproveForm | None, rejecting: RejectForm | None) -> str:
    submission = line.submission
    days = {"issued_on": submission.issued_on, "ends_on": submission.ends_on}
    return render_template(
        "submissions/decide.html",
        line=line,
        submission=submission,
        states=SubmissionState,
        words=SHOWN,
        is_mine=submission.person_id == me().person_id,
        approving=approving or ApproveForm(formdata=None, data=days),
        rejecting=rejecting or RejectForm(formdata=None),
    )


@bp.route("/admin/modules/certificates/new", methods=["GET", "POST"])
@requires(Role.ADMIN)
def new() -> str | Response | tuple[str, int]:
    """A module that a certificate from elsewhere completes."""
    form, made = ModuleForm(), list[int]()

    def save() -> None:
        organization_id, by, now = me().organization_id, me().person_id, clock.now()
        title, words = form.title.data, form.words.data or ""
        with transaction() as tx:
            module = actions.create_module(
                tx, organization_id, title=title, words=words, by=by, now=now
            )
            made.append(module.id)

    if is_saved(form, save):
        flash(_("The module is there. Add it to a training."))
        if words := pages.namesakes(me().organization_id, made[0]):
            flash(words, "warning")
        return redirect(url_for("modules.catalogue"), 303)
    return shown(render_template("submissions/module.html", form=form, module=None), form)


@bp.route("/admin/modules/certificates/<int:module_id>", methods=["GET", "POST"])
@requires(Role.ADMIN)
def module(module_id: int) -> str | Response | tuple[str, int]:
    """Its title, and which certificate counts."""
    found = _module(read_session(), module_id)
    form = ModuleForm(data={"title": found.title, "words": found.description})

    def save() -> None:
        title, words = form.title.data, form.words.data or ""
        with transaction() as tx:
            target, by = _module(tx.session, module_id), me().person_id
            actions.change_module(tx, target, title=title, words=words, by=by, now=clock.now())

    if is_saved(form, save):
        flash(_("Saved."))
        if words := pages.namesakes(me().organization_id, module_id):
            flash(words, "warning")
        return redirect(url_for("modules.catalogue"), 303)
    page = render_template(
        "submissions/module.html", form=form, module=found, about=pages.about(found)
    )
    return shown(page, form)


def _module(session: Session, module_id: int) -> Module:
    found = module_queries.module_of(session, me().organization_id, module_id)
    if found.kind is not ModuleKind.CERTIFICATE:
        abort(404)
    return found
