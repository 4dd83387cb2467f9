"""Pages for admins: the external tools, what they are told, what they play, what they said."""

from decimal import Decimal
from urllib.parse import urlencode

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import read_session, transaction
from plugin.lti.platform import actions, launching, linking, queries, scopes, signing
from plugin.lti.platform.actions import Described
from plugin.lti.platform.addresses import platform_addresses
from plugin.lti.platform.forms import InviteToolForm, ModuleForm, ToolForm, lines_of
from plugin.lti.platform.models import ExternalTool, MessageFor, ToolState
from plugin.lti.platform.player_views import way_to
from plugin.lti.platform.rules import Outcome
from plugin.lti.tool.addresses import origin_of, origins_of, with_query
from plugin.lti.tool.errors import KeyReplacedError
from plugin.modules import catalogue, pages
from plugin.modules import queries as module_queries
from plugin.modules.models import ModuleKind
from plugin.org.errors import FieldError
from plugin.web import headers, visits
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("tools", __name__)
OUTCOMES = {
    Outcome.NOTED: _l("Noted"),
    Outcome.PASSED: _l("Passed"),
    Outcome.FAILED: _l("Not passed"),
    Outcome.NOT_BETTER: _l("Passed before; no better"),
    Outcome.NOT_COUNTED: _l("Kept; completes nothing"),
    Outcome.NOT_ASSIGNED: _l("Refused: not assigned"),
    Outcome.NOT_STARTED: _l("Refused: never opened"),
}
STATES = {
    ToolState.PENDING: _l("Waits for you"),
    ToolState.ACTIVE: _l("In use"),
    ToolState.DISABLED: _l("Switched off"),
}
PERCENT = 100


@bp.get("/admin/tools")
@requires(Role.ADMIN)
def listing() -> str:
    """Every external tool of the organization."""
    lines = queries.tool_lines(read_session(), me().organization_id)
    return render_template("external/tools.html", lines=lines, states=STATES)


@bp.route("/admin/tools/invite", methods=["GET", "POST"])
@requires(Role.ADMIN)
def invite() -> str | tuple[str, int]:
    """A tool that can register itself is opened with a token that works once."""
    form = InviteToolForm()
    if not form.validate_on_submit():
        page = render_template("external/invite.html", form=form)
        return (page, 422) if form.errors else page
    with transaction() as tx:
        invitation, token = actions.invite_tool(
            tx.session, me().organization_id, by=me().person_id, now=clock.now()
        )
        uid, until = invitation.uid, invitation.expires_at
    ours = platform_addresses(current_settings().tool_url, uid)
    said = {"openid_configuration": ours.configuration, "registration_token": token}
    headers.frame_src("https:", origin_of(form.address.data) or "'none'")
    return render_template(
        "external/invited.html",
        address=with_query(form.address.data, urlencode(said)),
        origin=origin_of(form.address.data),
        until=until,
    )


@bp.route("/admin/tools/new", methods=["GET", "POST"])
@requires(Role.ADMIN)
def new() -> str | Response | tuple[str, int]:
    """A tool by hand: its values here, then ours to copy into it."""
    form = ToolForm()
    if form.validate_on_submit():
        try:
            with transaction() as tx:
                tool = actions.create_tool(
                    tx.session,
                    me().organization_id,
                    _described(form),
                    custom={},
                    state=ToolState.ACTIVE,
                    by=me().person_id,
                    now=clock.now(),
                )
                _change(tx.session, tool, form)
                tool_id = tool.id
        except FieldError as error:
            form[error.field].errors = [error.message]
        else:
            flash(_("The tool is registered. Now tell it our values."))
            return redirect(url_for("tools.show", tool_id=tool_id), 303)
    page = render_template("external/tool_form.html", form=form, tool=None)
    return (page, 422) if form.errors else page


def _described(form: ToolForm) -> Described:
    return Described(
        name=form.name.data,
        login_url=form.login_url.data,
        redirect_urls=lines_of(form.redirect_urls.data),
        jwks_url=form.jwks_url.data,
        target_url=form.target_url.data,
        picker_url=form.picker_url.data or None,
    )


def _change(session: Session, tool: ExternalTool, form: ToolForm) -> None:
    actions.change_tool(
        session,
        tool,
        _described(form),
        shares_name=form.shares_name.data,
        shares_email=form.shares_email.data,
        lists_people=form.lists_people.data,
        by=me().person_id,
        now=clock.now(),
    )


@bp.get("/admin/tools/<int:tool_id>")
@requires(Role.ADMIN)
def show(tool_id: int) -> str:
    """One tool: our values for it, its modules, what it said lately."""
    session = read_session()
    tool = queries.tool_of(session, me().organization_id, tool_id)
    modules = queries.modules_of(session, tool)
    ids = [each.id for each, _link in modules]
    return render_template(
        "external/tool.html",
        tool=tool,
        ours=platform_addresses(current_settings().tool_url, tool.uid),
        signing_kid=signing.signing_key(session, tool.id).kid,
        deployment_id=actions.DEPLOYMENT,
        modules=modules,
        lines={each.id: each for each in catalogue.listed(session, tool.organization_id, ids)},
        callbacks=queries.callbacks_of(session, tool),
        outcomes=OUTCOMES,
        states=STATES,
        lists_people=scopes.MEMBERSHIP in tool.scopes,
    )


@bp.route("/admin/tools/<int:tool_id>/edit", methods=["GET", "POST"])
@requires(Role.ADMIN)
def edit(tool_id: int) -> str | Response | tuple[str, int]:
    """Other addresses, or other things the tool is told."""
    tool = queries.tool_of(read_session(), me().organization_id, tool_id)
    form = ToolForm(
        data={
            "name": tool.name,
            "login_url": tool.login_url,
            "redirect_urls": "\n".join(tool.redirect_urls),
            "jwks_url": tool.jwks_url,
            "target_url": tool.target_url,
            "picker_url": tool.picker_url,
            "shares_name": tool.shares_name,
            "shares_email": tool.shares_email,
            "lists_people": scopes.MEMBERSHIP in tool.scopes,
        }
    )
    if form.validate_on_submit():
        try:
            with transaction() as tx:
                found = queries.tool_of(tx.session, me().organization_id, tool_id)
                _change(tx.session, found, form)
        except FieldError as error:
            form[error.field].errors = [error.message]
        else:
            flash(_("Saved."))
            return redirect(url_for("tools.show", tool_id=tool_id), 303)
    page = render_template("external/tool_form.html", form=form, tool=tool)
    return (page, 422) if form.errors else page


@bp.post("/admin/tools/<int:tool_id>/state/<state>")
@requires(Role.ADMIN)
def set_state(tool_id: int, state: str) -> Response:
    """Accepted, switched off, or on again."""
    if state not in {ToolState.ACTIVE, ToolState.DISABLED}:
        abort(404)
    with transaction() as tx:
        tool = queries.tool_of(tx.session, me().organization_id, tool_id)
        actions.set_state(tx.session, tool, ToolState(state), by=me().person_id, now=clock.now())
    flash(_("Saved."))
    return redirect(url_for("tools.show", tool_id=tool_id), 303)


@bp.post("/admin/tools/<int:tool_id>/key")
@requires(Role.ADMIN)
def rotate(tool_id: int) -> Response:
    """A new key signs; the old one is published for two more days."""
    by, seen = me().person_id, request.form.get("kid")
    try:
        with transaction() as tx:
            tool = queries.tool_of(tx.session, me().organization_id, tool_id)
            signing.rotate(tx.session, tool, instead_of=seen, by=by, now=clock.now())
    except KeyReplacedError as error:
        flash(error.message, "error")
    else:
        flash(_("A new key signs from now on. The old one stays published for two days."))
    return redirect(url_for("tools.show", tool_id=tool_id), 303)


@bp.get("/admin/tools/<int:tool_id>/pick")
@requires(Role.ADMIN)
def pick(tool_id: int) -> str:
    """Content is chosen in the tool, in a frame of ours."""
    tool = queries.tool_of(read_session(), me().organization_id, tool_id)
    launching.require_active(tool)
    origins = origins_of((tool.login_url, tool.picker_url, *tool.redirect_urls))
    headers.frame_src("'self'", "https:", *origins)
    return render_template(
        "external/pick.html",
        tool=tool,
        origins=" ".join(origins),
        by_script=visits.is_by_header(),
    )


@bp.get("/admin/tools/<int:tool_id>/pick/start")
@requires(Role.ADMIN)
def start_picking(tool_id: int) -> Response:
    person = me()
    headers.frame_ancestors("'self'", *person.frame_ancestors.split())  # also what is refused
    with transaction() as tx:
        tool = queries.tool_of(tx.session, person.organization_id, tool_id)
        address = launching.begin(
            tx.session,
            tool,
            settings=current_settings(),
            purpose=MessageFor.PICK,
            person_id=person.person_id,
            sign_in_id=person.sign_in_id,
            run=None,
            in_window=False,
            now=clock.now(),
        )
    return way_to(address)


@bp.route("/admin/tools/<int:tool_id>/modules/new", methods=["GET", "POST"])
@requires(Role.ADMIN)
def new_module(tool_id: int) -> str | Response | tuple[str, int]:
    """A module by hand, where the tool offers no choice."""
    tool = queries.tool_of(read_session(), me().organization_id, tool_id)
    form = ModuleForm(data={"target_url": tool.target_url})
    if form.validate_on_submit():
        try:
            with transaction() as tx:
                made = linking.add_module(
                    tx,
                    queries.tool_of(tx.session, me().organization_id, tool_id),
                    title=form.title.data,
                    target_url=form.target_url.data,
                    custom=form.parameters,
                    pass_share=form.pass_share,
                    by=me().person_id,
                    now=clock.now(),
                ).id
        except FieldError as error:
            form[error.field].errors = [error.message]
        else:
            flash(_("The module can be assigned now."))
            if words := pages.namesakes(me().organization_id, made):
                flash(words, "warning")
            return redirect(url_for("tools.show", tool_id=tool_id), 303)
    page = render_template("external/module_form.html", form=form, tool=tool, module=None)
    return (page, 422) if form.errors else page


@bp.route("/admin/modules/<int:module_id>/external", methods=["GET", "POST"])
@requires(Role.ADMIN)
def module(module_id: int) -> str | Response | tuple[str, int]:
    """A module that a tool plays: its title, where it opens, when it is passed."""
    session, organization_id = read_session(), me().organization_id
    found = module_queries.module_of(session, organization_id, module_id)
    if found.kind is not ModuleKind.LTI or found.current_version_id is None:
        abort(404)
    link = queries.link_of_version(session, found.current_version_id)
    share = found.pass_share
    form = ModuleForm(
        data={
            "title": found.title,
            "target_url": link.target_url,
            "custom": "\n".join(f"{name}={value}" for name, value in link.custom.items()),
            "pass_mark": None if share is None else Decimal(f"{share * PERCENT:.10g}"),
        }
    )
    if form.validate_on_submit():
        with transaction() as tx:
            linking.change_module(
                tx,
                module_queries.module_of(tx.session, organization_id, module_id),
                title=form.title.data,
                target_url=form.target_url.data,
                custom=form.parameters,
                pass_share=form.pass_share,
                by=me().person_id,
                now=clock.now(),
            )
        flash(_("Saved."))
        if words := pages.namesakes(organization_id, module_id):
            flash(words, "warning")
        return redirect(url_for("tools.show", tool_id=link.tool_id), 303)
    tool = queries.tool_of(session, organization_id, link.tool_id)
    page = render_template(
        "external/module_form.html",
        form=form,
        tool=tool,
        module=found,
        about=pages.about(found),
    )
    return (page, 422) if form.errors else page
