"""Pages of a unit's members: who is in it, adding and removing."""

from collections.abc import Iterator

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from plugin.core import clock
from plugin.core.db import read_session, transaction
from plugin.org import as_of, member_queries, membership_actions, people_queries, queries
from plugin.org.as_of import AsOf
from plugin.org.forms import SOURCES, PasteForm
from plugin.org.models import MembershipSource, Unit
from plugin.org.reach import Reach, reach_of, unit_in_reach
from plugin.org.unit_views import bp, in_reach
from plugin.web.export import Cell, Format, dated
from plugin.web.identity import me, requires
from plugin.web.listing import Asked, Slice, asked
from plugin.web.roles import Role

__all__ = ["Blueprint", "bp"]
OFFERED = 20


def _asked() -> Asked:
    return asked(
        sorts=member_queries.SORTS,
        filters={"source": [source.value for source in MembershipSource], **as_of.FIELDS},
    )


def _moment(unit: Unit, wanted: Asked) -> AsOf:
    """The moment asked for, by the days of the unit."""
    return as_of.asked_for(wanted.filters, unit.time_zone or me().time_zone, now=clock.now())


@bp.get("/admin/units/<int:unit_id>/members")
@requires(Role.MANAGER)
def members(unit_id: int) -> str:
    return _members_page(unit_id, PasteForm(formdata=None))


def _members_page(
    unit_id: int,
    paste: PasteForm,
    pasted: membership_actions.Pasted | None = None,
    added: int = 0,
) -> str:
    session = read_session()
    unit = in_reach(session, unit_id)
    wanted = _asked()
    moment = _moment(unit, wanted)
    found, total = member_queries.members(session, unit, wanted, moment.at, past=moment.is_past)
    words = request.args.get("find", "").strip()
    return render_template(
        "org/members.html",
        unit=unit,
        moment=moment,
        slice=Slice(items=found, total=total, asked=wanted),
        sources=SOURCES,
        filters=[
            {
                "name": "source",
                "label": _("Source"),
                "choices": [(source.value, label) for source, label in SOURCES.items()],
            }
        ],
        find=words,
        offered=_offered(session, unit, words) if words else [],
        paste=paste,
        pasted=pasted,
        added=added,
    )


def _offered(session: Session, unit: Unit, words: str) -> list[tuple[int, str, str | None]]:
    """People to add: admins look through everybody, managers name somebody exactly."""
    if reach_of(session, me()).is_whole:
        people = queries.candidates(session, unit, words, limit=OFFERED)
        return [(each.id, each.full_name, each.email) for each in people]
    named = membership_actions.read_pasted(session, unit.organization_id, words).people
    return [
        (person.id, person.full_name, person.email)
        for person in queries.people_by_id(session, unit.organization_id, named)
    ]


@bp.get("/admin/units/<int:unit_id>/members.<file_format>")
@requires(Role.MANAGER)
def export_members(unit_id: int, file_format: str) -> Response:
    if file_format not in list(Format):
        abort(404)
    session = read_session()
    unit = in_reach(session, unit_id)
    header = [_("Name"), _("Email"), _("Employee ID"), _("Source"), _("Since"), _("Directly")]
    wanted = _asked()
    moment = _moment(unit, wanted)
    rows = member_queries.member_rows(session, unit, wanted, moment.at, past=moment.is_past)
    return dated(
        Format(file_format), f"members-{unit.id}", header, _cells(rows),
        moment=moment, zone=unit.time_zone or me().time_zone,
    )  # fmt: skip


def _cells(lines: Iterator[member_queries.MemberLine]) -> Iterator[list[Cell]]:
    for each in lines:
        sources = ", ".join(str(SOURCES[source]) for source in each.sources)
        yield [each.name, each.email, each.employee_id, sources, each.since_at, each.is_own]


@bp.post("/admin/units/<int:unit_id>/members/add")
@requires(Role.MANAGER)
def add_member(unit_id: int) -> AnyResponse:
    """One person, found before by words."""
    person_id = request.form.get("person_id", 0, type=int)
    with transaction() as tx:
        unit = unit_in_reach(tx.session, reach_of(tx.session, me()), unit_id)
        person = queries.person_of(tx.session, unit.organization_id, person_id)
        only = people_queries.chosen(_everybody(unit), [person.id], clock.now())
        added = membership_actions.add_many(tx, unit, only, by=me().person_id, now=clock.now())
    flash(_("Added.") if added else _("This person is in the unit already."))
    return redirect(url_for("units.members", unit_id=unit_id))


def _everybody(unit: Unit) -> Reach:
    """A manager may add somebody from outside their reach whom they can name exactly."""
    return Reach(organization_id=unit.organization_id, unit_ids=None)


@bp.post("/admin/units/<int:unit_id>/members/paste")
@requires(Role.MANAGER)
def paste_members(unit_id: int) -> str | AnyResponse | tuple[str, int]:
    """Everybody named in the list is added; lines that name nobody or several are shown."""
    form = PasteForm()
    if not form.validate():
        return _members_page(unit_id, form), 422
    with transaction() as tx:
        unit = unit_in_reach(tx.session, reach_of(tx.session, me()), unit_id)
        pasted = membership_actions.read_pasted(tx.session, unit.organization_id, form.lines.data)
        named = people_queries.chosen(_everybody(unit), pasted.people, clock.now())
        added = membership_actions.add_many(tx, unit, named, by=me().person_id, now=clock.now())
    if not pasted.unknown and not pasted.ambiguous:
        flash(ngettext("%(num)d person added.", "%(num)d people added.", added))
        return redirect(url_for("units.members", unit_id=unit_id))
    wrong = sorted((*pasted.unknown, *pasted.ambiguous))
    form.lines.data = "\n".join(line for _number, line in wrong)
    return _members_page(unit_id, form, pasted, added), 422


@bp.post("/admin/units/<int:unit_id>/members/remove")
@requires(Role.MANAGER)
def remove_members(unit_id: int) -> str | AnyResponse:
    """One at once; several, or all that match, after a question with their number."""
    now, wanted = clock.now(), _asked()
    ids = request.form.getlist("id", type=int)
    is_all = "everything" in request.form
    with transaction() as tx:
        unit = unit_in_reach(tx.session, reach_of(tx.session, me()), unit_id)
        who = (
            member_queries.member_ids(unit, wanted, now, own=True)
            if is_all
            else people_queries.chosen(_everybody(unit), ids, now)
        )
        if (is_all or len(ids) > 1) and "sure" not in request.form:
            number = people_queries.count(tx.session, who)
            return render_template(
                "org/members_sure.html", unit=unit, number=number, ids=ids, is_all=is_all,
                query=wanted.query_string(page=""),
            )  # fmt: skip
        ended = membership_actions.end_many(tx, unit, who, by=me().person_id, now=now)
    flash(ngettext("%(num)d person removed.", "%(num)d people removed.", ended))
    return redirect(url_for("units.members", unit_id=unit_id))
