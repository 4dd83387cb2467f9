"""The tool's side: bringing packages in, and the page that holds the player."""

from datetime import datetime
from decimal import Decimal

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask import session as browser
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import Tx, read_session, transaction
from plugin.modules import pages, retraining, titles, visibility
from plugin.modules import queries as module_queries
from plugin.modules.errors import NotPlayableError
from plugin.modules.models import ModuleKind, ModuleVersion, Run, RunState
from plugin.modules.titles import TitleForm
from plugin.org.errors import FieldError
from plugin.org.saving import is_saved, shown
from plugin.scorm import actions, attempts, importing, queries, rules, wording
from plugin.scorm.errors import UploadsByOperatorError
from plugin.scorm.forms import (
    NEVER_SET,
    PERCENT,
    SCORE_RULES,
    PackageForm,
    VersionForm,
    results_form,
)
from plugin.scorm.models import PackageState
from plugin.web.bodies import takes_files
from plugin.web.headers import PLAYER_PERMISSIONS
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("scorm", __name__)
LAUNCHES = "launches"
KEPT_LAUNCHES = 4
HAS_ENDED = {RunState.COMPLETED, RunState.FAILED}
RECENT = 10


@bp.route("/admin/modules/import", methods=["GET", "POST"])
@requires(Role.ADMIN)
@takes_files()
def new_package() -> str | AnyResponse:
    """Bring a package as a new module."""
    _require_uploads()
    form = PackageForm()
    if form.validate_on_submit():
        return redirect(url_for("scorm.package", package_id=_receive(form, None)), 303)
    recent = queries.recent_packages(read_session(), me().organization_id, limit=RECENT)
    return render_template("scorm/import.html", form=form, recent=recent, states=PackageState)


@bp.post("/admin/modules/<int:module_id>/title")
@requires(Role.ADMIN)
def rename(module_id: int) -> str | AnyResponse | tuple[str, int]:
    """Another title for the same course."""
    form, by, organization_id = TitleForm(), me().person_id, me().organization_id
    queries.course_of(read_session(), organization_id, module_id)

    def save() -> None:
        with transaction() as tx:
            found = queries.course_of(tx.session, organization_id, module_id)
            titles.rename(tx, found, form.title.data, by=by, now=clock.now())

    if is_saved(form, save):
        flash(_("Saved."))
        return redirect(url_for("scorm.module", module_id=module_id), 303)
    brings = VersionForm(formdata=None) if _takes_uploads() else None
    return shown(_module_page(module_id, brings, form), form)


@bp.route("/admin/modules/<int:module_id>", methods=["GET", "POST"])
@requires(Role.ADMIN)
@takes_files()
def module(module_id: int) -> str | AnyResponse:
    """A module's versions, and the form that brings a new one."""
    queries.course_of(read_session(), me().organization_id, module_id)
    if request.method == "POST":
        _require_uploads()
    form = VersionForm() if _takes_uploads() else None
    if form is not None and form.validate_on_submit() and _may_begin(form):
        package_id = _receive(form, module_id)
        return redirect(url_for("scorm.package", package_id=package_id), 303)
    return _module_page(module_id, form, TitleForm(formdata=None))


def _module_page(module_id: int, form: VersionForm | None, title_form: TitleForm) -> str:
    session, organization_id = read_session(), me().organization_id
    found = queries.course_of(session, organization_id, module_id)
    if title_form.title.data is None:
        title_form.title.data = found.title
    policy = queries.policy_of_module(session, found)
    return render_template(
        "scorm/module.html",
        module=found,
        about=pages.about(found),
        versions=queries.versions_of_module(session, organization_id, module_id),
        decisions=retraining.decisions(session, found),
        policy=policy,
        pass_mark=_percent(policy.pass_share),
        never_set=NEVER_SET,
        score_rules=SCORE_RULES,
        form=form,
        title_form=title_form,
    )


@bp.route("/admin/modules/<int:module_id>/results", methods=["GET", "POST"])
@requires(Role.ADMIN)
def results(module_id: int) -> str | AnyResponse | tuple[str, int]:
    """How the module reads what its course reports."""
    session, organization_id = read_session(), me().organization_id
    found = queries.course_of(session, organization_id, module_id)
    policy = queries.policy_of_module(session, found)
    parts = queries.parts_of_module(session, found)
    form = results_form(parts, policy, _percent(policy.pass_share))
    if form.validate_on_submit():
        with transaction() as tx:
            module = queries.course_of(tx.session, organization_id, module_id)
            rules.choose(tx.session, module, form.policy, by=me().person_id, now=clock.now())
        flash(_("Saved. What was completed before stays as it was."))
        return redirect(url_for("scorm.module", module_id=module_id), 303)
    page = render_template("scorm/results.html", module=found, form=form)
    return (page, 422) if form.errors else page


def _percent(share: float | None) -> Decimal | None:
    return None if share is None else Decimal(str(round(share * PERCENT, 6))).normalize()


def _may_begin(form: VersionForm) -> bool:
    """Whether the day from which the version is to be required can be decided."""
    if form.wanted_on is None:
        return True
    nothing, now = retraining.EQUIVALENT, clock.now()
    try:
        retraining.check(read_session(), me().organization_id, nothing, form.wanted_on, now)
    except FieldError as error:
        form[error.field].errors = [error.message]
        return False
    return True


def _takes_uploads() -> bool:
    return current_settings().uploads_by == "admin"


def _require_uploads() -> None:
    if not _takes_uploads():
        raise UploadsByOperatorError


def _receive(form: PackageForm, module_id: int | None) -> int:
    upload = form.file.data
    return importing.receive(
        upload.stream,
        me().organization_id,
        filename=upload.filename or "",
        title=form.title.data or "" if form.title else "",
        module_id=module_id,
        trusts_status=bool(form.trusts_status and form.trusts_status.data),
        retraining_on=form.wanted_on,
        by=me().person_id,
    )


@bp.get("/admin/packages/<int:package_id>")
@requires(Role.ADMIN)
def package(package_id: int) -> str:
    """How an import goes, or how it went; looks again by itself until it is done."""
    session = read_session()
    found = queries.package_of(session, me().organization_id, package_id)
    version = queries.version_of_package(session, found)
    is_first = found.module_id is None or (version is not None and version.number == 1)
    findings = wording.sentences(found.findings)
    return render_template(
        "scorm/package.html",
        package=found,
        is_first=is_first,
        namesakes=pages.namesakes(found.organization_id, version.module_id)
        if version and is_first
        else "",
        asks=version if found.retraining_on and not _is_decided(version) else None,
        states=PackageState,
        findings=findings,
        how_many=wording.how_many(findings),
        may_be_tried_again=_takes_uploads() and attempts.may_be_tried_again(found),
        max_attempts=attempts.MAX_ATTEMPTS,
    )


@bp.post("/admin/packages/<int:package_id>/again")
@requires(Role.ADMIN)
def try_again(package_id: int) -> AnyResponse:
    """An import that our side could not finish begins anew."""
    _require_uploads()
    with transaction() as tx:
        found = queries.package_of(tx.session, me().organization_id, package_id)
        tx.then(*attempts.try_again(tx.session, found))
    return redirect(url_for("scorm.package", package_id=package_id), 303)


def _is_decided(version: ModuleVersion | None) -> bool:
    """Whether something was decided of the version since it came."""
    if version is None:
        return False
    session = read_session()
    module = module_queries.module_of(session, version.organization_id, version.module_id)
    return version.id in retraining.decisions(session, module)


def enter(tx: Tx, run: Run, now: datetime) -> str:
    """The way into a run: its launch is kept for the browser, and the player's page is named."""
    token = actions.create_launch(tx.session, run, frame_ancestors=me().frame_ancestors, now=now)
    tx.session.flush()
    kept = [each for each in browser.get(LAUNCHES, []) if each[0] != run.id]
    browser[LAUNCHES] = [*kept, [run.id, token]][-KEPT_LAUNCHES:]
    return url_for("scorm.play", run_id=run.id)


@bp.get("/play/<int:run_id>")
@requires(Role.LEARNER)
def play(run_id: int) -> Response:
    """The page that holds the player; without its launch it offers to continue."""
    person, session, now = me(), read_session(), clock.now()
    run = _own(session, run_id, now)
    tokens = dict(browser.get(LAUNCHES, []))
    page = render_template(
        "modules/play.html",
        module=module_queries.module_of(session, person.organization_id, run.module_id),
        run_id=run.id,
        is_open=run.state is RunState.OPEN,
        may_be_reviewed=run.state in HAS_ENDED,
        player_url=_player_url(tokens.get(run.id)),
        content_url=current_settings().content_url,
    )
    answer = make_response(page)
    answer.headers["Permissions-Policy"] = PLAYER_PERMISSIONS
    return answer


@bp.post("/play/<int:run_id>/review")
@requires(Role.LEARNER)
def review(run_id: int) -> AnyResponse:
    """A sitting that has ended is opened again, to look at: nothing in it counts any more."""
    now = clock.now()
    with transaction() as tx:
        run = _own(tx.session, run_id, now)
        module = module_queries.module_of(tx.session, run.organization_id, run.module_id)
        if module.kind is not ModuleKind.SCORM or run.state not in HAS_ENDED:
            raise NotPlayableError(run.module_id)
        address = enter(tx, run, now)
    return redirect(address, 303)


def _own(session: Session, run_id: int, now: datetime) -> Run:
    """A sitting of the person who asks, in a module they may see."""
    person = me()
    run = module_queries.run_of(session, person.organization_id, person.person_id, run_id)
    ids = (person.organization_id, person.person_id, run.module_id)
    visibility.require_visible(visibility.doors(current_app.extensions), session, *ids, now=now)
    return run


def _player_url(token: str | None) -> str:
    return f"{current_settings().content_url}/c/{token}/" if token else ""
