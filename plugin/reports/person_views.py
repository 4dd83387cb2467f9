"""A person's activity log: a page and the same as a file."""

from collections.abc import Iterator

from flask import Blueprint, Response, abort, render_template
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from plugin.core import clock
from plugin.core.db import read_session
from plugin.notify.models import MessageKind, MessageState
from plugin.notify.wording import KINDS as MAIL_KINDS
from plugin.notify.wording import STATES as MAIL_STATES
from plugin.org import as_of
from plugin.org.as_of import AsOf
from plugin.org.models import Person
from plugin.org.reach import Reach, person_in_reach, reach_of
from plugin.reports import activity
from plugin.reports.activity import Happening, Kind
from plugin.web.export import Cell, Format, dated
from plugin.web.identity import me, requires
from plugin.web.listing import Asked, Slice, asked
from plugin.web.roles import Role

bp = Blueprint("person_activity", __name__)
KINDS = {
    Kind.VISIT: _l("Visits"),
    Kind.SITTING: _l("Sittings"),
    Kind.COMPLETION: _l("Completions"),
    Kind.MEMBERSHIP: _l("Units"),
    Kind.CERTIFICATE: _l("Certificates"),
    Kind.MAIL: _l("Mails"),
    Kind.CHANGE: _l("Changes"),
}
WHAT: dict[tuple[Kind, str], LazyString] = {
    (Kind.VISIT, "visited"): _l("Came from the LMS"),
    (Kind.SITTING, "open"): _l("Began"),
    (Kind.SITTING, "completed"): _l("Began and completed"),
    (Kind.SITTING, "failed"): _l("Began and did not pass"),
    (Kind.SITTING, "abandoned"): _l("Began and gave up"),
    (Kind.MEMBERSHIP, "started"): _l("Came into the unit"),
    (Kind.MEMBERSHIP, "ended"): _l("Left the unit"),
    (Kind.CERTIFICATE, "first"): _l("Certificate issued"),
    (Kind.CERTIFICATE, "renewal"): _l("Certificate renewed"),
    (Kind.CERTIFICATE, "restoration"): _l("Certificate restored"),
    (Kind.CERTIFICATE, "revoked"): _l("Certificate revoked"),
    (Kind.CERTIFICATE, "suspended"): _l("Certificate suspended"),
    (Kind.CERTIFICATE, "lifted"): _l("Suspension lifted"),
    (Kind.CHANGE, "person.created"): _l("Known for the first time"),
    (Kind.CHANGE, "person.edited"): _l("Details edited"),
    (Kind.CHANGE, "person.deactivated"): _l("Deactivated"),
    (Kind.CHANGE, "person.reactivated"): _l("Reactivated"),
    (Kind.CHANGE, "person.merged"): _l("Merged with another entry"),
    (Kind.CHANGE, "person.unmerged"): _l("Merge undone"),
    (Kind.CHANGE, "grant.given"): _l("Right given"),
    (Kind.CHANGE, "grant.revoked"): _l("Right taken back"),
    (Kind.CHANGE, "person.reminded"): _l("Reminded"),
    (Kind.CHANGE, "waiver.given"): _l("Waiver given"),
    (Kind.CHANGE, "submission.approved"): _l("External certificate approved"),
    (Kind.CHANGE, "submission.rejected"): _l("External certificate rejected"),
    (Kind.CHANGE, "waiver.ended"): _l("Waiver ended"),
}
OUTCOMES = {
    "passed": _l("Completed"),
    "failed": _l("Not passed"),
    "withdrawn": _l("No longer counts: a merge was undone"),
}


@bp.get("/admin/people/<int:person_id>/activity")
@requires(Role.MANAGER)
def show(person_id: int) -> str:
    session = read_session()
    person, reach = _load(session, person_id)
    wanted = _asked()
    moment = _moment(wanted)
    found, total = activity.activity(session, reach, person_id, wanted, at=moment.at)
    return render_template(
        "reports/person_activity.html",
        person=person,
        moment=moment,
        slice=Slice(items=found, total=total, asked=wanted),
        words=words,
        details=details,
        filters=[
            {
                "name": "kind",
                "label": _("Kind"),
                "choices": [(kind.value, label) for kind, label in KINDS.items()],
            }
        ],
    )


@bp.get("/admin/people/<int:person_id>/activity.<file_format>")
@requires(Role.MANAGER)
def export(person_id: int, file_format: str) -> Response:
    if file_format not in list(Format):
        abort(404)
    session = read_session()
    person, reach = _load(session, person_id)
    header = [_("When"), _("What"), _("About"), _("Detail"), _("Who")]
    wanted = _asked()
    moment = _moment(wanted)
    rows = activity.rows(session, reach, person_id, wanted, at=moment.at)
    return dated(
        Format(file_format), f"activity-{person.id}", header, _cells(rows),
        moment=moment, zone=me().time_zone,
    )  # fmt: skip


def _moment(wanted: Asked) -> AsOf:
    return as_of.asked_for(wanted.filters, me().time_zone, now=clock.now())


def _cells(lines: Iterator[Happening]) -> Iterator[list[Cell]]:
    for each in lines:
        yield [each.at, words(each), each.about, details(each), each.who]


def _load(session: Session, person_id: int) -> tuple[Person, Reach]:
    reach = reach_of(session, me())
    return person_in_reach(session, reach, person_id, clock.now()), reach


def _asked() -> Asked:
    return asked(sorts=["at"], filters={"kind": [kind.value for kind in Kind], **as_of.FIELDS})


def words(each: Happening) -> str:
    """What happened, in the reader's language."""
    if each.kind is Kind.COMPLETION:
        return str(OUTCOMES[each.detail or ""])
    if each.kind is Kind.MAIL:
        return str(_("Mail: %(kind)s", kind=MAIL_KINDS[MessageKind(each.what)]))
    known = WHAT.get((each.kind, each.what))
    return str(known) if known else each.what


def details(each: Happening) -> str:
    """What else there is to say of it."""
    if each.kind is Kind.MAIL:
        return str(MAIL_STATES[MessageState(each.detail or "")][1])
    if each.kind is Kind.CERTIFICATE and each.what in {"first", "renewal", "restoration"}:
        return str(_("edition %(number)s", number=each.detail))
    if each.kind in {Kind.COMPLETION, Kind.MEMBERSHIP}:
        return ""
    return each.detail or ""
