"""A person's assigned training: each standing with its why, the records behind it, waivers."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from plugin.assign import queries, reminders, waivers, why, withheld
from plugin.assign.fetch import Facts, facts
from plugin.assign.models import Waiver
from plugin.assign.person_forms import WaiverForm
from plugin.assign.standing import Standing
from plugin.assign.statement import configurations_of_people
from plugin.core import clock
from plugin.core.db import read_session, transaction
from plugin.modules import naming, sittings
from plugin.modules import queries as module_queries
from plugin.modules.models import Completion
from plugin.modules.wording import REASONS, evidence_lines
from plugin.org import as_of
from plugin.org.as_of import AsOf
from plugin.org.errors import FieldError, PersonNotFoundError
from plugin.org.models import Person
from plugin.org.reach import person_in_reach, reach_of
from plugin.web.identity import me, requires
from plugin.web.roles import Role

bp = Blueprint("person_training", __name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One configuration on the page."""

    configuration_id: int
    name: str
    unit_id: int
    unit: str
    standing: Standing
    is_valid: bool
    is_withheld: bool
    why: why.Derivation
    waivers: dict[int, Waiver]


def _load(session: Session, person_id: int) -> Person:
    return person_in_reach(session, reach_of(session, me()), person_id, clock.now())


@bp.get("/admin/people/<int:person_id>/training")
@requires(Role.MANAGER)
def show(person_id: int) -> str:
    session, now = read_session(), clock.now()
    person = _load(session, person_id)
    moment = as_of.asked_for(request.args, me().time_zone, now=now)
    found = _facts(session, person, moment)
    given = waivers.in_force(session, person_id, moment.at)
    reach = reach_of(session, me())
    behind = _completions(session, found, person_id)
    zones = {each: line.zone for each, line in found.lines.items()}
    decided = withheld.decisions(current_app.extensions)(
        session, person.organization_id, person_id, zones, moment.at
    )
    records = module_queries.records_of(
        session,
        person.organization_id,
        person_id,
        at=moment.at if moment.is_past else None,
    )
    under_way = (
        () if moment.is_past else sittings.under_way(session, person.organization_id, person_id)
    )
    named = {
        *found.modules,
        *(each.module_id for each in records),
        *(each.module_id for each in under_way),
    }
    names = naming.names(session, person.organization_id, sorted(named))
    cards = [
        _card(found, names, person_id, each, given, behind, decided.get(each, ""))
        for each in sorted(found.configurations)
        if reach.has_unit(found.lines[each].unit_id)
    ]
    return render_template(
        "assign/person.html",
        person=person,
        records=records,
        names=names,
        moment=moment,
        sources=why.source_words,
        reasons=REASONS,
        evidence_lines=evidence_lines,
        cards=sorted(cards, key=lambda card: (not card.standing.covered, card.unit, card.name)),
        under_way=under_way,
        is_me=person_id == me().person_id,
        now=now,
    )


def _facts(session: Session, person: Person, moment: AsOf) -> Facts:
    ids = session.scalars(configurations_of_people(person.organization_id, [person.id])).all()
    return facts(
        session,
        person.organization_id,
        person_ids=[person.id],
        configuration_ids=ids or [0],
        at=moment.at,
        past=moment.is_past,
    )


def _card(
    found: Facts,
    names: Mapping[int, str],
    person_id: int,
    configuration_id: int,
    given: dict[tuple[int, int], Waiver],
    behind: dict[int, Completion],
    decided: str,
) -> Card:
    standing, line = found.standing(person_id, configuration_id), found.lines[configuration_id]
    return Card(
        configuration_id=configuration_id,
        name=line.name,
        unit_id=line.unit_id,
        unit=line.unit_name,
        standing=standing,
        is_valid=standing.is_valid(found.at),
        is_withheld=bool(decided),
        why=why.derivation(standing, line, names, behind, withheld=decided),
        waivers={
            module_id: waiver for (which, module_id), waiver in given.items()
            if which == configuration_id
        },
    )  # fmt: skip


def _completions(session: Session, found: Facts, person_id: int) -> dict[int, Completion]:
    """The rows behind the facts of the person."""
    ids = [fact.id for fact in found.completions.get(person_id, [])]
    rows = session.scalars(select(Completion).where(Completion.id.in_(ids)))
    return {row.id: row for row in rows}


@bp.route(
    "/admin/people/<int:person_id>/waive/<int:configuration_id>/<int:module_id>",
    methods=["GET", "POST"],
)
@requires(Role.MANAGER)
def waive(
    person_id: int, configuration_id: int, module_id: int
) -> str | Response | tuple[str, int]:
    """A row is set aside for the person until a day."""
    session = read_session()
    person = _load(session, person_id)
    found = _facts(session, person, AsOf(at=clock.now(), zone=me().time_zone))
    reach = reach_of(session, me())
    line = found.lines.get(configuration_id)
    if line is None or not reach.has_unit(line.unit_id) or module_id not in found.modules:
        raise PersonNotFoundError(person_id)
    title, zone = _called(session, person.organization_id, module_id), line.zone
    form = WaiverForm()
    if form.validate_on_submit():
        try:
            with transaction() as tx:
                configuration = queries.configuration_of(
                    tx.session, me().organization_id, configuration_id
                )
                waivers.waive(
                    tx,
                    configuration,
                    module_id,
                    _load(tx.session, person_id),
                    until_on=form.until_on.data,
                    reason=form.reason.data,
                    approved_by=me().person_id,
                    zone=zone,
                    now=clock.now(),
                )
        except FieldError as error:
            form[error.field].errors = [error.message]
        else:
            flash(_("Waived."))
            return redirect(url_for("person_training.show", person_id=person_id))
    page = render_template(
        "assign/person_waive.html",
        person=_load(read_session(), person_id),
        form=form,
        title=title,
        line=line,
    )
    return page, (422 if form.is_submitted() else 200)


def _called(session: Session, organization_id: int, module_id: int) -> str:
    return naming.names(session, organization_id, [module_id])[module_id]


@bp.post("/admin/people/<int:person_id>/remind")
@requires(Role.MANAGER)
def remind(person_id: int) -> Response:
    """One mail with what the person has to do; once a day."""
    try:
        with transaction() as tx:
            person = _load(tx.session, person_id)
            reach = reach_of(tx.session, me())
            is_new = reminders.remind(tx, person, reach, by=me().person_id, now=clock.now())
    except FieldError as error:
        flash(error.message, "error")
    else:
        flash(
            _("The reminder is on its way.")
            if is_new
            else _("A reminder was sent today already; one a day is enough.")
        )
    return redirect(url_for("person_training.show", person_id=person_id))


@bp.post("/admin/people/<int:person_id>/waivers/<int:waiver_id>/end")
@requires(Role.MANAGER)
def end_waiver(person_id: int, waiver_id: int) -> Response:
    with transaction() as tx:
        person = _load(tx.session, person_id)
        found = waivers.waiver_of(tx.session, person.organization_id, person_id, waiver_id)
        configuration = queries.configuration_of(
            tx.session, person.organization_id, found.configuration_id
        )
        if not reach_of(tx.session, me()).has_unit(configuration.unit_id):
            raise PersonNotFoundError(person_id)
        waivers.end(
            tx, found, by=me().person_id, reason=_("ended on the person's page"), now=clock.now()
        )
    flash(_("The waiver has ended."))
    return redirect(url_for("person_training.show", person_id=person_id))
