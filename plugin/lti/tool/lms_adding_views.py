"""Pages for admins that add an LMS: by an invitation it registers itself with, or by hand."""

import secrets

from flask import (
    Blueprint,
    abort,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import transaction
from plugin.lti.tool import (
    actions,
    developer_keys,
    invitations,
)
from plugin.lti.tool.addresses import invitation_address, tool_addresses
from plugin.lti.tool.lms_forms import InviteForm, RegistrationForm, lines_of
from plugin.lti.tool.profiles import INVITED, MAKES, PROFILES, addresses_at, profile_of
from plugin.lti.tool.registration_errors import RegistrationAddressError, RegistrationExistsError
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("lms_adding", __name__)
FIELDS = {"client-id": "client_id", "deployment": "deployment_id"}


@bp.route("/admin/lms/invite", methods=["GET", "POST"])
@requires(Role.ADMIN)
def invite() -> str | tuple[str, int]:
    """An address for the LMS to register itself with; shown this once."""
    form = InviteForm()
    if not form.validate_on_submit():
        page = render_template("lti/invite.html", form=form)
        return (page, 422) if form.errors else page
    with transaction() as tx:
        invitation, token = invitations.invite(
            tx.session,
            me().organization_id,
            name=form.name.data or "",
            admins_by_role=form.admins_by_role.data,
            by=me().person_id,
            now=clock.now(),
        )
        until = invitation.expires_at
    return render_template(
        "lti/invited.html",
        address=invitation_address(current_settings().tool_url, token),
        until=until,
        profiles=[PROFILES[make] for make in INVITED],
    )


@bp.post("/admin/lms/invitations/<int:invitation_id>/withdraw")
@requires(Role.ADMIN)
def withdraw(invitation_id: int) -> AnyResponse:
    with transaction() as tx:
        found = invitations.invitation_of(tx.session, me().organization_id, invitation_id)
        invitations.withdraw(tx.session, found, by=me().person_id, now=clock.now())
    flash(_("The invitation opens nothing any more."))
    return redirect(url_for("lms.listing"), 303)


@bp.get("/admin/lms/new")
@requires(Role.ADMIN)
def choose() -> str:
    """Which make of LMS, and where it is."""
    return render_template("lti/choose.html", makes=[(make, PROFILES[make].name) for make in MAKES])


@bp.route("/admin/lms/new/<make>", methods=["GET", "POST"])
@requires(Role.ADMIN)
def new(make: str) -> str | AnyResponse | tuple[str, int]:
    """The values of both sides: ours to copy into the LMS, its to copy here."""
    if make not in (*MAKES, "other"):
        abort(404)
    form = RegistrationForm(
        data={
            **addresses_at(make, request.args.get("site", "")),
            "uid": request.args.get("uid", ""),  # whoever copied our addresses already keeps them
        }
    )
    if not form.has_uid():
        form.uid.data = secrets.token_hex(8)
        if request.method == "GET":  # in the address, so that looking again shows the same values
            named = {**request.args.to_dict(), "uid": form.uid.data}
            return redirect(url_for("lms_adding.new", make=make, **named), 302)
    if form.validate_on_submit() and (number := _register(make, form)):
        flash(_("The LMS is registered. Open the tool from it once, then look here again."))
        return redirect(url_for("lms.show", registration_id=number), 303)
    page = render_template(
        "lti/register.html",
        form=form,
        make=make,
        profile=profile_of(make),
        ours=tool_addresses(current_settings().tool_url, form.uid.data),
        as_json=developer_keys.address_before(current_settings(), make, form.uid.data),
    )
    return (page, 422) if form.errors else page


def _register(make: str, form: RegistrationForm) -> int | None:
    """The new registration's id; None, with the field marked, when the values cannot be."""
    deployment = (form.deployment_id.data or "").strip()
    try:
        with transaction() as tx:
            registration = actions.register(
                tx.session,
                me().organization_id,
                uid=form.uid.data,
                name=form.name.data,
                issuer=form.issuer.data.strip(),
                client_id=form.client_id.data.strip(),
                auth_url=form.auth_url.data,
                token_url=form.token_url.data,
                jwks_url=form.jwks_url.data,
                token_audience=(form.token_audience.data or "").strip() or None,
                deployment_ids=[deployment] if deployment else [],
                extra_origins=lines_of(form.extra_origins.data),
                admins_by_role=form.admins_by_role.data,
                encryption_key=current_settings().encryption_key,
                by=me().person_id,
                now=clock.now(),
            )
            registration.product = make if make in MAKES else None
            return registration.id
    except RegistrationExistsError as error:
        form.client_id.errors = [error.message]
    except RegistrationAddressError as error:
        name = FIELDS.get(str(error.facts["field"]), str(error.facts["field"]))
        form[name].errors = [_("Use printable characters only.")]
    return None
