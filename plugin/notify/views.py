"""An organization's mail: how it looks, what goes, a look at each kind, and a test."""

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
from werkzeug.wrappers import Response as AnyResponse

from plugin.core import clock, languages
from plugin.core.context import current_settings, storage
from plugin.core.db import Tx, read_session, transaction
from plugin.notify import bounce_actions, hooks, settings_actions, topics
from plugin.notify.digests import DIGEST
from plugin.notify.forms import MailForm
from plugin.notify.letterhead import ALWAYS_MAILED, Letterhead, letterhead
from plugin.notify.models import MessageKind
from plugin.notify.preview import preview
from plugin.notify.samples import SAMPLES
from plugin.notify.settings_actions import Wishes
from plugin.notify.wording import KINDS, TOPIC_STATES
from plugin.org import actions as org_actions
from plugin.org.errors import FieldError
from plugin.org.models import Organization, Person
from plugin.org.reach import person_in_reach, reach_of
from plugin.web import headers
from plugin.web.identity import me, requires
from plugin.web.reasons import translated
from plugin.web.roles import Role

bp = Blueprint("mail", __name__)


@bp.route("/admin/mail/settings", methods=["GET", "POST"])
@requires(Role.ADMIN)
def settings() -> str | AnyResponse | tuple[str, int]:
    """Sender, replies, logo, limit, and what is mailed at all."""
    head = letterhead(read_session(), me().organization_id)
    form = MailForm(data=_filled(head))
    if form.validate_on_submit():
        try:
            with transaction() as tx:
                _save(tx, form)
        except FieldError as error:
            form[error.field].errors = [*form[error.field].errors, error.message]
        else:
            flash(_("The settings are saved. Mails go out this way from now on."))
            return redirect(url_for("mail.settings"), 303)
    page = _page(form, head)
    return (page, 422) if form.errors else page


def _filled(head: Letterhead) -> dict[str, object]:
    is_own = head.sender_name != head.organization_name
    return {
        "sender_name": head.sender_name if is_own else "",
        "reply_to": head.reply_to or "",
        "per_minute": head.per_minute,
        "kinds": [kind.value for kind in SAMPLES if head.mails(kind)],
    }


def _save(tx: Tx, form: MailForm) -> None:
    asking, now = me(), clock.now()
    on = set(form.kinds.data or ())
    wishes = Wishes(
        sender_name=form.sender_name.data or "",
        reply_to=form.reply_to.data or "",
        per_minute=form.per_minute.data,
        off_kinds=frozenset(kind for kind in SAMPLES if kind.value not in on),
    )
    settings_actions.save(tx.session, asking.organization_id, wishes, by=asking.person_id, now=now)
    organization = tx.session.get_one(Organization, asking.organization_id)
    content = form.logo.data.read() if form.logo.data else b""
    if content:
        org_actions.set_logo(
            tx.session, organization, storage(), content, by=asking.person_id, now=now
        )
    elif form.remove_logo.data:
        org_actions.remove_logo(tx.session, organization, by=asking.person_id, now=now)


def _page(form: MailForm, head: Letterhead, *, secret: str = "") -> str:
    organization = read_session().get_one(Organization, me().organization_id)
    subscriptions = topics.subscriptions(read_session(), organization.id)
    return render_template(
        "notify/settings.html",
        form=form,
        head=head,
        kinds=[(kind, KINDS[kind], head.mails(kind)) for kind in SAMPLES],
        always=ALWAYS_MAILED,
        hook_url=f"{current_settings().tool_url}"
        + url_for("mail_hooks.bounces_of", slug=organization.slug),
        secret=secret,
        subscriptions=subscriptions,
        reasons={each.id: translated(each.words) for each in subscriptions},
        topic_states=TOPIC_STATES,
    )


@bp.post("/admin/mail/settings/secret")
@requires(Role.ADMIN)
def renew_secret() -> str:
    """A new secret for reports of bounces, shown this once."""
    asking = me()
    with transaction() as tx:
        secret = hooks.renew_secret(
            tx.session,
            asking.organization_id,
            encryption_key=current_settings().encryption_key,
            by=asking.person_id,
            now=clock.now(),
        )
    head = letterhead(read_session(), asking.organization_id)
    return _page(MailForm(formdata=None, data=_filled(head)), head, secret=secret)


@bp.get("/admin/mail/settings/<kind>")
@requires(Role.ADMIN)
def look(kind: str) -> str:
    """One kind as text and, in a frame of its own, as HTML; in any language there are words in."""
    wanted = _template(kind)
    head, language = letterhead(read_session(), me().organization_id), _language()
    headers.frame_src("'self'")
    return render_template(
        "notify/preview.html",
        template=wanted,
        label=_("News of the day") if wanted == DIGEST else KINDS[MessageKind(wanted)],
        may_test=wanted != DIGEST,
        wording=preview(wanted, head, person_name=me().name, locale=language),
        head=head,
        language=language,
        languages=languages.ours(),
    )


@bp.get("/admin/mail/settings/<kind>/html")
@requires(Role.ADMIN)
def html(kind: str) -> Response:
    """The HTML of a preview, for a sandboxed frame: it may show itself and nothing else."""
    head = letterhead(read_session(), me().organization_id)
    words = preview(_template(kind), head, person_name=me().name, locale=_language())
    response = make_response(words.html)
    response.headers["Content-Security-Policy"] = (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"frame-ancestors 'self' {me().frame_ancestors}"
    )
    return response


@bp.post("/admin/mail/settings/<kind>/test")
@requires(Role.ADMIN)
def test(kind: str) -> AnyResponse:
    """A sample goes to the admin's own address."""
    wanted = _kind(kind)
    try:
        with transaction() as tx:
            person = tx.session.get_one(Person, me().person_id)
            settings_actions.send_test(tx, person, wanted, now=clock.now())
    except FieldError as error:
        flash(error.message, "error")
    else:
        flash(_("A test is on its way to your address."))
    return redirect(url_for("mail.look", kind=wanted.value, language=_language()), 303)


@bp.post("/admin/people/<int:person_id>/address/clear")
@requires(Role.ADMIN)
def clear_address(person_id: int) -> AnyResponse:
    """An admin says that mail reaches this person again."""
    now = clock.now()
    with transaction() as tx:
        reach = reach_of(tx.session, me())
        person = person_in_reach(tx.session, reach, person_id, now)
        bounce_actions.clear(tx.session, person, by=me().person_id, now=now)
    flash(_("Mail goes to this address again."))
    return redirect(url_for("reports.unreachable"), 303)


def _kind(kind: str) -> MessageKind:
    if kind not in {each.value for each in SAMPLES}:
        abort(404)
    return MessageKind(kind)


def _template(kind: str) -> str:
    return kind if kind == DIGEST else _kind(kind).value


def _language() -> str:
    wanted = request.values.get("language", "")
    ours = languages.ours()
    own = languages.nearest(me().locale, current_settings().default_locale)
    return wanted if wanted in ours else own
