"""Where mail servers and mail services report bounces; and where one click ends reminders.

Neither has a login: the first asks for a signature, the second for a link nobody can guess.
"""

from flask import Blueprint, Response, abort, jsonify, make_response, render_template, request
from werkzeug.exceptions import RequestEntityTooLarge

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import read_session, transaction
from plugin.notify import bounce_actions, hooks, reminder_choices, sns, topics
from plugin.notify.bounces import UnknownFormError, from_json
from plugin.notify.errors import HookFormError, HookRefusedError
from plugin.notify.gate import addressee
from plugin.notify.letterhead import letterhead
from plugin.notify.mail_models import AddressSource, ChoicePlace
from plugin.web.identity import public
from plugin.web.limits import limiter

bp = Blueprint("mail_hooks", __name__)
MAX_BYTES = 1024 * 1024
ONE_CLICK = "One-Click"

often_enough = limiter.shared_limit("600 per minute", scope="mail_hooks")


@bp.post("/mail/bounces")
@public
@often_enough
def bounces() -> Response:
    """Reports for the whole installation, signed with its secret."""
    return _record(None, current_settings().mail_hook_secret)


@bp.post("/mail/bounces/<slug>")
@public
@often_enough
def bounces_of(slug: str) -> Response:
    """Reports for one organization, signed with its own secret; they reach no other's mails."""
    session = read_session()
    owner = hooks.owner_of(session, slug, encryption_key=current_settings().encryption_key)
    session.rollback()
    if owner is None:
        raise HookRefusedError
    return _record(owner.organization_id, owner.secret)


def _record(organization_id: int | None, secret: str) -> Response:
    content = _body()
    if not hooks.is_signed(dict(request.headers), content, secret=secret, now=clock.now()):
        raise HookRefusedError
    try:
        news = sns.read(content)
        reports = [] if news is not None else from_json(content)
    except (UnknownFormError, sns.NotTheirsError):
        raise HookFormError from None
    if news is not None:
        return _keep(organization_id, news)
    with transaction() as tx:
        outcome = bounce_actions.record(
            tx.session,
            reports,
            organization_id=organization_id,
            source=AddressSource.HOOK,
            now=clock.now(),
        )
    return jsonify(recorded=outcome.recorded, unknown=outcome.unknown)


def _keep(organization_id: int | None, news: sns.TopicNews) -> Response:
    """What Amazon SNS says is believed, and answered, by a job."""
    with transaction() as tx:
        topics.keep(tx, organization_id, news, now=clock.now())
    return jsonify(taken=True)


@bp.errorhandler(HookRefusedError)
def _unsigned(error: HookRefusedError) -> Response:
    """Services that hold name and password send them only when they are asked to."""
    answer = jsonify(error=error.code, message=str(error.public_message))
    answer.status_code = error.http_status
    answer.headers["WWW-Authenticate"] = 'Basic realm="bounces"'
    return answer


def _body() -> bytes:
    request.max_content_length = MAX_BYTES
    try:
        return request.get_data()
    except RequestEntityTooLarge:
        abort(413)


@bp.get("/reminders/<token>")
@public
@often_enough
def reminders(token: str) -> Response:
    """A page with a button: opening a link changes nothing, or mail scanners would decide."""
    session = read_session()
    person = reminder_choices.person_of(session, token)
    wanted = addressee(session, person.id).wants_reminders
    return _page(person.organization_id, token, wanted=wanted)


@bp.post("/reminders/<token>")
@public
@often_enough
def choose(token: str) -> Response:
    """One click in a mail program (RFC 8058), or the button of the page."""
    is_one_click = request.form.get("List-Unsubscribe") == ONE_CLICK
    wanted = not is_one_click and request.form.get("wanted") == "yes"
    with transaction() as tx:
        person = reminder_choices.person_of(tx.session, token)
        organization_id = person.organization_id
        place = ChoicePlace.ONE_CLICK if is_one_click else ChoicePlace.PAGE
        reminder_choices.choose(tx.session, person, wanted=wanted, place=place, now=clock.now())
    return _page(organization_id, token, wanted=wanted, is_done=True)


def _page(organization_id: int, token: str, *, wanted: bool, is_done: bool = False) -> Response:
    head = letterhead(read_session(), organization_id)
    page = render_template(
        "notify/reminders.html",
        organization=head.organization_name,
        token=token,
        wanted=wanted,
        is_done=is_done,
    )
    response = make_response(page)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
