"""Pages for admins: rules that fill units from launches, and syncs that wait for a decision."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from plugin.core import clock
from plugin.core.db import Tx, read_session, transaction
from plugin.org import queries, roster, rule_actions, rule_queries
from plugin.org.errors import FieldError, HeldSyncOverError
from plugin.org.forms import KINDS
from plugin.org.models import UnitKind
from plugin.org.rule_forms import FIXED, FORMS, ROLES, SOURCES, SwitchOffForm, unit_choices
from plugin.org.rule_models import HeldState, RuleSource
from plugin.web.identity import me, requires
from plugin.web.listing import asked
from plugin.web.roles import Role

bp = Blueprint("launch_rules", __name__)


@bp.get("/admin/rules")
@requires(Role.ADMIN)
def listing() -> str:
    session, organization_id = read_session(), me().organization_id
    wanted = asked(
        sorts=rule_queries.SORTS, filters={"source": list(RuleSource), "state": ("on", "off")}
    )
    return render_template(
        "org/rules.html",
        found=rule_queries.rules(session, organization_id, wanted),
        unknown=rule_queries.unknown_codes(session, organization_id),
        held=rule_queries.held_syncs(session, organization_id),
        courses=dict(rule_queries.courses_seen(session, organization_id)),
        sources=SOURCES,
        source_choices=[(each.value, label) for each, label in SOURCES.items()],
        roles=ROLES,
        kinds=KINDS,
    )


@bp.route("/admin/rules/new/<any(custom,role,course):source>", methods=["GET", "POST"])
@requires(Role.ADMIN)
def new(source: str) -> str | Response | tuple[str, int]:
    form = _form(RuleSource(source))
    if form.validate_on_submit():
        try:
            _create(RuleSource(source), form)
        except FieldError as error:
            form[error.field].errors = [error.message]
        else:
            flash(_("The rule is in use: each person's next launch follows it."))
            return redirect(url_for("launch_rules.listing"), 303)
    page = render_template(
        "org/rule_new.html", form=form, source=RuleSource(source), sources=SOURCES
    )
    return (page, 422) if form.errors else page


def _form(source: RuleSource) -> FlaskForm:
    session, organization_id = read_session(), me().organization_id
    form = FORMS[source]()
    form.unit_id.choices = unit_choices(rule_queries.units(session, organization_id))
    if source is RuleSource.COURSE:
        seen = rule_queries.courses_seen(session, organization_id)
        form.name.choices = [SelectChoice(key, title) for key, title in seen]
    return form


def _create(source: RuleSource, form: FlaskForm) -> None:
    is_custom = source is RuleSource.CUSTOM
    is_fixed = not is_custom or form.mode.data == FIXED
    unit_id = form.unit_id.data if is_fixed else 0
    with transaction() as tx:
        unit = queries.unit_of(tx.session, me().organization_id, unit_id) if unit_id else None
        if is_fixed and unit is None:
            raise FieldError("unit_id", _("Choose the unit."))
        rule_actions.create_rule(
            tx,
            me().organization_id,
            source=source,
            name=form.name.data,
            value=form.value.data if is_custom else None,
            unit_kind=UnitKind(form.unit_kind.data) if is_custom else None,
            unit=unit,
            by=me().person_id,
            now=clock.now(),
        )


@bp.route("/admin/rules/<int:rule_id>/off", methods=["GET", "POST"])
@requires(Role.ADMIN)
def switch_off(rule_id: int) -> str | Response:
    session, form = read_session(), SwitchOffForm()
    rule = rule_queries.rule_of(session, me().organization_id, rule_id)
    if not form.validate_on_submit():
        given = rule_queries.given_by(session, rule)
        return render_template("org/rule_off.html", form=form, rule=rule, given=given)
    with transaction() as tx:
        ended = rule_actions.switch_off(
            tx,
            rule_queries.rule_of(tx.session, me().organization_id, rule_id),
            ends_memberships=form.ends_memberships.data,
            by=me().person_id,
            now=clock.now(),
        )
    _say_ended(_("The rule is off."), ended)
    return redirect(url_for("launch_rules.listing"), 303)


@bp.post("/admin/rules/<int:rule_id>/on")
@requires(Role.ADMIN)
def switch_on(rule_id: int) -> Response:
    with transaction() as tx:
        rule = rule_queries.rule_of(tx.session, me().organization_id, rule_id)
        rule_actions.switch_on(tx, rule, by=me().person_id, now=clock.now())
    flash(_("The rule is in use: each person's next launch follows it."))
    return redirect(url_for("launch_rules.listing"), 303)


@bp.get("/admin/rules/held/<int:held_id>")
@requires(Role.ADMIN)
def held(held_id: int) -> str:
    return _held_page(held_id)


@bp.post("/admin/rules/held/<int:held_id>/confirm")
@requires(Role.ADMIN)
def confirm(held_id: int) -> Response | tuple[str, int]:
    def do(tx: Tx, line: Any) -> None:
        ended = roster.confirm(tx, line.held, by=me().person_id, now=clock.now())
        _say_ended(_("The sync is confirmed."), ended)

    return _decide(held_id, do)


@bp.post("/admin/rules/held/<int:held_id>/dismiss")
@requires(Role.ADMIN)
def dismiss(held_id: int) -> Response | tuple[str, int]:
    def do(tx: Tx, line: Any) -> None:
        roster.dismiss(tx, line.held, by=me().person_id, now=clock.now())
        flash(_("Nobody leaves the unit."))

    return _decide(held_id, do)


def _decide(held_id: int, do: Any) -> Response | tuple[str, int]:
    try:
        with transaction() as tx:
            do(tx, rule_queries.held_of(tx.session, me().organization_id, held_id))
    except HeldSyncOverError as error:
        return _held_page(held_id, error.message), error.http_status
    return redirect(url_for("launch_rules.listing"), 303)


def _held_page(held_id: int, error: str = "") -> str:
    session = read_session()
    line = rule_queries.held_of(session, me().organization_id, held_id)
    wanted = asked(sorts=["name"])
    return render_template(
        "org/held_sync.html",
        line=line,
        error=error,
        is_open=line.held.state is HeldState.HELD,
        found=rule_queries.leaving(session, line.held, wanted),
    )


def _say_ended(sentence: str, ended: int) -> None:
    more = ngettext("%(num)d membership has ended.", "%(num)d memberships have ended.", ended)
    flash(f"{sentence} {more}" if ended else sentence)
