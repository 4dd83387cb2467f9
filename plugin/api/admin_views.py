"""Pages for admins: keys of other systems, and the addresses that are told what happens."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from werkzeug.wrappers import Response

from plugin.api import actions, delivering, queries, webhooks
from plugin.api.forms import EVENTS, SCOPES, TOLD, KeyForm, WebhookForm
from plugin.api.models import EventName, Scope
from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import read_session, transaction
from plugin.org.saving import is_saved, shown
from plugin.web.identity import me, requires
from plugin.web.reasons import CALLS, translated
from plugin.web.roles import Role

bp = Blueprint("systems", __name__)
REASONS = {**CALLS, delivering.ENDED: _l("the webhook was ended")}
"""Why an event was not taken, as it is kept."""


@bp.get("/admin/systems")
@requires(Role.ADMIN)
def listing() -> str:
    """Keys and webhooks of the organization."""
    session, organization_id = read_session(), me().organization_id
    return render_template(
        "api/systems.html",
        keys=queries.keys(session, organization_id),
        webhooks=queries.webhooks(session, organization_id),
        scopes=SCOPES,
        events=EVENTS,
        document_url=current_settings().tool_url + url_for("api.document"),
    )


@bp.route("/admin/systems/keys/new", methods=["GET", "POST"])
@requires(Role.ADMIN)
def new_key() -> str | tuple[str, int]:
    """A key; its text is shown this once."""
    form = KeyForm()
    if not form.validate_on_submit():
        page = render_template("api/key_form.html", form=form)
        return (page, 422) if form.errors else page
    with transaction() as tx:
        key, text = actions.create_key(
            tx.session,
            me().organization_id,
            name=form.name.data,
            scopes=[Scope(each) for each in form.scopes.data],
            by=me().person_id,
            now=clock.now(),
        )
        name = key.name
    return _secret(name, text, is_key=True)


@bp.route("/admin/systems/keys/<int:key_id>/revoke", methods=["GET", "POST"])
@requires(Role.ADMIN)
def revoke_key(key_id: int) -> str | Response:
    """The system that has the key is refused from now on."""
    if request.method == "GET":
        return _sure(
            actions.key_with_id(read_session(), me().organization_id, key_id).name,
            title=_("Revoke the key"),
            words=_("The system is refused from then on. A revoked key never works again."),
            label=_("Revoke the key for good"),
            back=url_for("systems.listing"),
        )
    with transaction() as tx:
        actions.revoke_key(
            tx.session, me().organization_id, key_id, by=me().person_id, now=clock.now()
        )
    flash(_("The key opens nothing any more."))
    return redirect(url_for("systems.listing"), 303)


@bp.route("/admin/systems/webhooks/new", methods=["GET", "POST"])
@requires(Role.ADMIN)
def new_webhook() -> str | tuple[str, int]:
    """An address; the secret it checks our signature with is shown this once."""
    form, made = WebhookForm(), list[tuple[str, str]]()

    def save() -> None:
        with transaction() as tx:
            webhook, secret = webhooks.create(
                tx.session,
                me().organization_id,
                url=form.url.data,
                events=[EventName(each) for each in form.events.data],
                encryption_key=current_settings().encryption_key,
                by=me().person_id,
                now=clock.now(),
            )
            made.append((webhook.url, secret))

    if is_saved(form, save):
        return _secret(*made[0])
    return shown(render_template("api/webhook_form.html", form=form), form)


def _sure(name: str, *, title: str, words: str, label: str, back: str, look: str = "danger") -> str:
    """What a press of the button will do, before it is done."""
    return render_template(
        "api/sure.html", name=name, title=title, words=words, label=label, back=back, look=look
    )


def _address(webhook_id: int) -> str:
    return webhooks.webhook_of(read_session(), me().organization_id, webhook_id).url


def _secret(name: str, text: str, *, is_key: bool = False, is_new: bool = True) -> str:
    """What is shown this once."""
    return render_template("api/secret.html", name=name, text=text, is_key=is_key, is_new=is_new)


@bp.get("/admin/systems/webhooks/<int:webhook_id>")
@requires(Role.ADMIN)
def webhook(webhook_id: int) -> str:
    """One address: what it was told lately, and what it said."""
    session = read_session()
    found = webhooks.webhook_of(session, me().organization_id, webhook_id)
    deliveries = webhooks.deliveries_of(session, found)
    return render_template(
        "api/webhook.html",
        webhook=found,
        deliveries=deliveries,
        reasons={each.id: translated(each.words, REASONS) for each in deliveries},
        has_failed=webhooks.has_failed(session, found),
        events=TOLD,
    )


@bp.route("/admin/systems/webhooks/<int:webhook_id>/end", methods=["GET", "POST"])
@requires(Role.ADMIN)
def end_webhook(webhook_id: int) -> str | Response:
    """The address is told nothing any more."""
    if request.method == "GET":
        return _sure(
            _address(webhook_id),
            title=_("End the webhook"),
            words=_("The address is told nothing any more, not even what waits. It stays ended."),
            label=_("End it for good"),
            back=url_for("systems.webhook", webhook_id=webhook_id),
        )
    with transaction() as tx:
        found = webhooks.webhook_of(tx.session, me().organization_id, webhook_id)
        webhooks.end(tx.session, found, by=me().person_id, words="", now=clock.now())
    flash(_("The address is told nothing any more."))
    return redirect(url_for("systems.listing"), 303)


@bp.route("/admin/systems/webhooks/<int:webhook_id>/secret", methods=["GET", "POST"])
@requires(Role.ADMIN)
def rotate(webhook_id: int) -> str:
    """A new secret, shown this once; the old one signs along for a day."""
    if request.method == "GET":
        return _sure(
            _address(webhook_id),
            title=_("New secret"),
            words=_("The secret before signs along for one more day. Then only the new one does."),
            label=_("Make a new secret"),
            back=url_for("systems.webhook", webhook_id=webhook_id),
            look="primary",
        )
    with transaction() as tx:
        found = webhooks.webhook_of(tx.session, me().organization_id, webhook_id)
        key, by = current_settings().encryption_key, me().person_id
        text = webhooks.rotate(tx.session, found, encryption_key=key, by=by, now=clock.now())
        url = found.url
    return _secret(url, text, is_new=False)


@bp.post("/admin/systems/webhooks/<int:webhook_id>/deliveries/<int:delivery_id>/again")
@requires(Role.ADMIN)
def send_one_again(webhook_id: int, delivery_id: int) -> Response:
    """One event once more, under the id it had."""
    with transaction() as tx:
        found = webhooks.webhook_of(tx.session, me().organization_id, webhook_id)
        by, now = me().person_id, clock.now()
        number = webhooks.send_one_again(tx, found, delivery_id, by=by, now=now)
    flash(ngettext("%(num)d event is sent again.", "%(num)d events are sent again.", number))
    return redirect(url_for("systems.webhook", webhook_id=webhook_id), 303)


@bp.post("/admin/systems/webhooks/<int:webhook_id>/test")
@requires(Role.ADMIN)
def send_test(webhook_id: int) -> Response:
    """An event that says nothing of anybody, to see whether the address takes it."""
    with transaction() as tx:
        found = webhooks.webhook_of(tx.session, me().organization_id, webhook_id)
        delivering.send_test(tx, found, by=me().person_id, now=clock.now())
    flash(_("A test is on its way. Look at this page again in a moment."))
    return redirect(url_for("systems.webhook", webhook_id=webhook_id), 303)


@bp.post("/admin/systems/webhooks/<int:webhook_id>/again")
@requires(Role.ADMIN)
def send_again(webhook_id: int) -> Response:
    with transaction() as tx:
        found = webhooks.webhook_of(tx.session, me().organization_id, webhook_id)
        number = webhooks.send_again(tx, found, by=me().person_id, now=clock.now())
    flash(ngettext("%(num)d event is sent again.", "%(num)d events are sent again.", number))
    return redirect(url_for("systems.webhook", webhook_id=webhook_id), 303)
