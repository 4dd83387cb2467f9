"""Pages for admins: the LMSs that open the training, and what each needs."""

from datetime import UTC, datetime

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import Tx, read_session, transaction
from plugin.core.outbox import JobName
from plugin.lti.tool import (
    actions,
    changed_grades,
    course_list,
    deployments,
    developer_keys,
    findings,
    grades_in,
    invitations,
    keys,
    notice_handlers,
    queries,
)
from plugin.lti.tool.addresses import tool_addresses
from plugin.lti.tool.check_wording import LABELS, what_next, where
from plugin.lti.tool.errors import KeyReplacedError
from plugin.lti.tool.lms_forms import OriginsForm, lines_of
from plugin.lti.tool.models import Registration, RegistrationState
from plugin.lti.tool.notice_claims import COURSE_COPY
from plugin.lti.tool.profiles import VARIABLES, profile_of
from plugin.web import visits
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("lms", __name__)
NOTICE_NAMES = {COURSE_COPY: _l("Copied courses")}
LOOK_AGAIN_SECONDS = 3
LAST_MOMENT = 32_503_680_000  # the year 3000


@bp.get("/admin/lms")
@requires(Role.ADMIN)
def listing() -> str:
    session, organization_id = read_session(), me().organization_id
    return render_template(
        "lti/lmss.html",
        lines=queries.lms_lines(session, organization_id),
        invitations=invitations.open_invitations(session, organization_id, clock.now()),
        profile_of=profile_of,
    )


@bp.get("/admin/lms/<int:registration_id>")
@requires(Role.ADMIN)
def show(registration_id: int) -> AnyResponse:
    """What is known of the LMS; while checks run the page looks again by itself."""
    registration = _load(registration_id)
    again = _again(registration)
    answer = make_response(_page(registration, again=again))
    if again and not visits.is_by_header():  # a page without cookies is not loaded by itself
        answer.headers["Refresh"] = f"{LOOK_AGAIN_SECONDS}; url={again}"
    return answer


def _again(registration: Registration) -> str | None:
    """Where to look again while the checks that were asked for run. Each turn has another address:
    a browser does not load one again that differs by its anchor only."""
    since = request.args.get("since", 0, type=int)
    if not 0 < since <= LAST_MOMENT or not findings.is_running(
        findings.findings(read_session(), registration),
        since=datetime.fromtimestamp(since, UTC),
        now=clock.now(),
    ):
        return None
    turn = request.args.get("turn", 0, type=int) + 1
    return url_for(
        "lms.show", registration_id=registration.id, since=since, turn=turn, _anchor="checks"
    )


@bp.post("/admin/lms/<int:registration_id>/origins")
@requires(Role.ADMIN)
def origins(registration_id: int) -> AnyResponse | tuple[str, int]:
    """Where else the LMS frames the tool."""
    form = OriginsForm()
    if not form.validate_on_submit():
        return _page(_load(registration_id), form), 422
    with transaction() as tx:
        actions.set_origins(
            tx.session,
            _in(tx, registration_id),
            lines_of(form.extra_origins.data),
            by=me().person_id,
            now=clock.now(),
        )
    flash(_("Saved. New launches follow it."))
    return _back(registration_id)


@bp.post("/admin/lms/<int:registration_id>/deployments/<int:number>/accept")
@requires(Role.ADMIN)
def accept(registration_id: int, number: int) -> AnyResponse:
    """People may launch from this installation of the LMS's registration."""
    with transaction() as tx:
        registration = _in(tx, registration_id)
        waiting = {each.id: each for each in queries.all_deployments(tx.session, registration.id)}
        if number not in waiting:
            abort(404)
        deployments.accept_deployment(
            tx.session,
            registration,
            waiting[number].deployment_id,
            by=me().person_id,
            now=clock.now(),
        )
    flash(_("The deployment is accepted."))
    return _back(registration_id)


@bp.post("/admin/lms/<int:registration_id>/<any(disable,enable):what>")
@requires(Role.ADMIN)
def switch(registration_id: int, what: str) -> AnyResponse | str:
    """Launches are refused or accepted. Whoever came by the LMS's own launch is asked first: the
    way they came is closed, too.
    """
    own = _load(registration_id)
    if what == "disable" and _is_own_launch(own) and "sure" not in request.form:
        return _page(own, is_leaving=True)
    state = RegistrationState.DISABLED if what == "disable" else RegistrationState.ACTIVE
    with transaction() as tx:
        found = _in(tx, registration_id)
        actions.set_state(tx.session, found, state, by=me().person_id, now=clock.now())
    flash(_("Launches are refused.") if what == "disable" else _("Launches are accepted."))
    return _back(registration_id)


@bp.post("/admin/lms/<int:registration_id>/check")
@requires(Role.ADMIN)
def check(registration_id: int) -> AnyResponse:
    """Everything the LMS must let us do is tried, by a job; the page shows what is known."""
    with transaction() as tx:
        found = _in(tx, registration_id)
        tx.then(JobName.CHECK_LMS, found.id, int("trial" in request.form))
    since = int(clock.now().timestamp())
    page = url_for("lms.show", registration_id=registration_id, since=since, _anchor="checks")
    return redirect(page, 303)


@bp.get("/admin/lms/<int:registration_id>/report.txt")
@requires(Role.ADMIN)
def report(registration_id: int) -> AnyResponse:
    """What is known, to be passed on: no secrets, nobody's name."""
    registration = _load(registration_id)
    lines = [
        f"{current_settings().product_name}: {profile_of(registration.product).name}",
        f"{registration.issuer}  {clock.now():%Y-%m-%d %H:%M} UTC",
        "",
    ]
    for each in findings.findings(read_session(), registration):
        state = each.state.value if each.state else "not seen yet"
        at = f"{each.at:%Y-%m-%d %H:%M}" if each.at else "-"
        lines.append(f"{state:<13}{at:<18}{each.name.value:<16}{each.words or ''}".rstrip())
    resolved = _variables(registration)
    lines += ["", "custom parameters said by the last launch of yours:"]
    lines += [f"  {name}: {'yes' if said else 'no'}" for name, said in resolved.items()]
    answer = Response("\n".join(lines) + "\n", mimetype="text/plain")
    answer.headers.set("Content-Disposition", "attachment", filename="lms-report.txt")
    return answer


@bp.post("/admin/lms/<int:registration_id>/notices")
@requires(Role.ADMIN)
def ask_for_notices(registration_id: int) -> AnyResponse:
    """The LMS is told once more where to send notices."""
    with transaction() as tx:
        notice_handlers.ask_again(tx, _in(tx, registration_id).id)
    flash(_("The LMS is being asked. Reload this page in a few seconds."))
    return redirect(f"{url_for('lms.show', registration_id=registration_id)}#notices", 303)


@bp.post("/admin/lms/<int:registration_id>/rotate")
@requires(Role.ADMIN)
def rotate(registration_id: int) -> AnyResponse:
    """A new key signs from now on, instead of the one the page showed."""
    try:
        with transaction() as tx:
            keys.rotate(
                tx.session,
                _in(tx, registration_id),
                instead_of=request.form.get("kid"),
                encryption_key=current_settings().encryption_key,
                by=me().person_id,
                now=clock.now(),
            )
    except KeyReplacedError as error:
        flash(error.message, "error")
    else:
        flash(_("A new key signs from now on. The old one is published for two more days."))
    return _back(registration_id)


def _load(registration_id: int) -> Registration:
    return queries.registration_of(read_session(), me().organization_id, registration_id)


def _in(tx: Tx, registration_id: int) -> Registration:
    return queries.registration_of(tx.session, me().organization_id, registration_id)


def _back(registration_id: int) -> AnyResponse:
    return redirect(url_for("lms.show", registration_id=registration_id), 303)


def _page(
    registration: Registration,
    form: OriginsForm | None = None,
    *,
    again: str | None = None,
    is_leaving: bool = False,
) -> str:
    session = read_session()
    found = findings.findings(session, registration)
    profile = profile_of(registration.product)
    is_open = findings.has_been_opened(found)
    return render_template(
        "lti/lms.html",
        lms=registration,
        profile=profile,
        steps=profile.lasting_steps if is_open else profile.next_steps,
        ours=tool_addresses(current_settings().tool_url, registration.uid),
        as_json=developer_keys.address_of(current_settings(), registration),
        deployments=queries.all_deployments(session, registration.id),
        keys=queries.published_keys(session, registration.id, at=clock.now()),
        former=queries.former_addresses(session, registration.id, at=clock.now()),
        findings=found,
        counts=findings.counts(found),
        courses=course_list.course_lines(session, registration.id),
        graded=grades_in.read_lines(session, registration),
        changed=changed_grades.changed_grades(session, registration),
        handlers=notice_handlers.handlers(session, registration.id),
        notice_names=NOTICE_NAMES,
        labels=LABELS,
        where=where,
        what_next=what_next,
        is_open=is_open,
        again=again,
        is_leaving=is_leaving,
        variables=_variables(registration),
        is_here=_is_own_launch(registration),
        is_by_script=visits.is_by_header(),
        is_framed=request.headers.get("Sec-Fetch-Dest") == "iframe",
        form=form or OriginsForm(data={"extra_origins": "\n".join(registration.extra_origins)}),
    )


def _is_own_launch(registration: Registration) -> bool:
    """Whether the visitor came from this very LMS."""
    return bool(me().launch.get("registration_id") == registration.id)


def _variables(registration: Registration) -> dict[str, bool]:
    """Which of the parameters we ask for the visitor's own launch had an answer to."""
    if not _is_own_launch(registration):
        return {}
    said = me().launch.get("custom", {})
    wanted = {**VARIABLES, **profile_of(registration.product).variables}
    return {name: name in said for name in wanted}
