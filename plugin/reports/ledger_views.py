"""The ledger of mail: a list, a file, one mail as it was sent, and a person's mails."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, make_response, render_template, url_for
from flask_babel import format_date, format_timedelta
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from plugin.assign.choices import Choices, choices
from plugin.core import clock
from plugin.core.db import read_session
from plugin.notify.errors import MessageNotFoundError
from plugin.notify.models import MessageKind
from plugin.notify.wording import KINDS, STATES, reason
from plugin.org import as_of
from plugin.org.as_of import AsOf
from plugin.org.reach import Reach, person_in_reach, reach_of
from plugin.reports import ledger
from plugin.reports.causes import Cause
from plugin.web import headers
from plugin.web.export import Cell, Format, dated
from plugin.web.identity import me, requires
from plugin.web.listing import Asked, asked
from plugin.web.navigation import may_open, stand_at
from plugin.web.roles import Role

bp = Blueprint("ledger", __name__)
FILE = "<any(csv, xlsx):file_format>"
PERIODS = {
    "1": _l("The last day"),
    "7": _l("The last 7 days"),
    "30": _l("The last 30 days"),
    "365": _l("The last year"),
}
PAGES = {
    "configuration": ("versions.listing", "configuration_id"),
    "configuration_version": ("versions.show", "configuration_id"),
    "certificate": ("issued.details", "certificate_id"),
    "person": ("person_training.show", "person_id"),
    "retraining": ("retraining.decide", "module_id"),
    "session": ("teaching.attendance", "session_id"),
    "submission": ("submissions.show", "submission_id"),
    "manager_round": ("reports.overview", "as_of"),
}
NUMBERED = {"configuration_version", "retraining"}


@bp.get("/admin/mail")
@requires(Role.MANAGER)
def listing() -> str:
    """Every message to people in reach, as it is narrowed."""
    session = read_session()
    reach = reach_of(session, me())
    offered = choices(session, reach)
    wanted = _asked(offered)
    moment = _moment(session, wanted)
    return render_template(
        "reports/ledger.html",
        found=ledger.ledger(session, reach, wanted, at=moment.at, past=moment.is_past),
        moment=moment,
        filters=_filters(offered),
        **_words(),
    )


@bp.get(f"/admin/mail.{FILE}")
@requires(Role.MANAGER)
def export(file_format: str) -> Response:
    """The whole ledger as it is narrowed now."""
    session = read_session()
    reach = reach_of(session, me())
    wanted = _asked(choices(session, reach))
    return _file(session, reach, wanted, file_format, _moment(session, wanted))


@bp.get("/admin/mail/<int:message_id>")
@requires(Role.MANAGER)
def details(message_id: int) -> str:
    """One message: what it said, to whom, why, and what became of it."""
    session, now = read_session(), clock.now()
    found = ledger.letter(session, reach_of(session, me()), message_id, at=now)
    headers.frame_src("'self'")
    return render_template("reports/letter.html", found=found, **_words())


@bp.get("/admin/mail/<int:message_id>/html")
@requires(Role.MANAGER)
def as_html(message_id: int) -> Response:
    """The HTML as it was handed over, for a sandboxed frame: it shows itself and loads nothing."""
    session = read_session()
    found = ledger.letter(session, reach_of(session, me()), message_id, at=clock.now())
    if found.mail is None or found.mail.html is None:
        raise MessageNotFoundError(message_id)
    response = make_response(found.mail.html)
    response.headers["Content-Security-Policy"] = (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; "
        f"frame-ancestors 'self' {me().frame_ancestors}"
    )
    return response


@bp.get("/admin/people/<int:person_id>/mail")
@requires(Role.MANAGER)
def of_person(person_id: int) -> str:
    """One person's messages."""
    session = read_session()
    reach = reach_of(session, me())
    person = person_in_reach(session, reach, person_id, clock.now())
    wanted = _asked_of(person_id)
    moment = _moment(session, wanted)
    stand_at("people.listing")
    return render_template(
        "reports/person_mail.html",
        person=person,
        moment=moment,
        found=ledger.ledger(session, reach, wanted, at=moment.at, past=moment.is_past),
        **_words(),
    )


@bp.get(f"/admin/people/<int:person_id>/mail.{FILE}")
@requires(Role.MANAGER)
def person_export(person_id: int, file_format: str) -> Response:
    """One person's messages as a file."""
    session = read_session()
    reach = reach_of(session, me())
    person_in_reach(session, reach, person_id, clock.now())
    wanted = _asked_of(person_id)
    return _file(session, reach, wanted, file_format, _moment(session, wanted))


def _asked(offered: Choices) -> Asked:
    return asked(
        sorts=ledger.SORTS,
        descending=True,
        filters={
            "state": ledger.STATES,
            "kind": [kind.value for kind in MessageKind],
            "unit": [value for value, _name in offered.units],
            "period": list(ledger.PERIODS),
            **as_of.FIELDS,
        },
    )


def _asked_of(person_id: int) -> Asked:
    wanted = asked(sorts=ledger.SORTS[:1], descending=True, filters=as_of.FIELDS)
    return Asked(
        filters={**wanted.filters, "person": str(person_id)},
        sort=wanted.sort,
        descending=wanted.descending,
        page=wanted.page,
    )


def _moment(session: Session, wanted: Asked) -> AsOf:
    """The moment asked for, by the days of the unit the list is narrowed to."""
    return as_of.asked_of_list(
        session, me().organization_id, wanted.filters, me().time_zone, now=clock.now()
    )


def _filters(offered: Choices) -> list[dict[str, object]]:
    states = [(state.value, text) for state, (_tone, text) in STATES.items()]
    kinds = [(kind.value, text) for kind, text in KINDS.items()]
    return [
        {
            "name": "state",
            "label": _("State"),
            "choices": [(ledger.STUCK, _("Stuck for half an hour or more")), *states],
        },
        {"name": "kind", "label": _("Kind"), "choices": kinds},
        {"name": "unit", "label": _("Unit"), "choices": offered.units},
        {"name": "period", "label": _("Period"), "choices": PERIODS.items()},
    ]


def _words() -> dict[str, object]:
    return {
        "kinds": KINDS,
        "states": STATES,
        "reason": reason,
        "cause_url": _cause_url,
        "cause_words": _cause_words,
        "age": _age,
    }


def _cause_url(cause: Cause) -> str | None:
    """The page that shows the cause, for those who may open it."""
    endpoint, name = PAGES[cause.kind]
    if not may_open(endpoint):
        return None
    values: dict[str, Any] = {name: cause.target_id}
    if cause.kind in NUMBERED:
        values["number"] = cause.number
    if cause.kind == "manager_round":
        values[name] = cause.name
    return url_for(endpoint, **values)


def _cause_words(cause: Cause | None) -> str:
    if cause is None:
        return ""
    if cause.kind in NUMBERED:
        return str(_("%(name)s, version %(number)s", name=cause.name, number=cause.number))
    if cause.kind == "certificate" and cause.number is not None:
        return str(_("%(name)s, edition %(number)s", name=cause.name, number=cause.number))
    if cause.kind == "person":
        return str(_("Sent by hand by %(name)s", name=cause.name))
    if cause.kind == "manager_round":
        return str(format_date(date.fromisoformat(cause.name), "medium"))
    return cause.name


def _age(span: timedelta) -> str:
    return str(format_timedelta(span, granularity="minute"))


def _file(
    session: Session, reach: Reach, wanted: Asked, file_format: str, moment: AsOf
) -> Response:
    header = [
        *(_("Queued"), _("Name"), _("Employee ID"), _("Address"), _("Kind"), _("Cause")),
        *(_("Language"), _("State"), _("To leave at"), _("Sent"), _("Ended"), _("Attempts")),
        _("Server’s words or reason"),
    ]
    rows = _cells(session, reach, wanted, moment)
    zone = me().time_zone
    return dated(Format(file_format), "mail", header, rows, moment=moment, zone=zone)


def _cells(session: Session, reach: Reach, wanted: Asked, moment: AsOf) -> Iterator[list[Cell]]:
    for line in ledger.all_lines(session, reach, wanted, at=moment.at, past=moment.is_past):
        yield [
            *(line.created_at, line.person, line.employee_id, line.address),
            *(str(KINDS[line.kind]), _cause_words(line.cause), line.locale),
            *(str(STATES[line.state][1]), line.due_at, line.sent_at, line.ended_at),
            *(line.attempts, reason(line.state, line.error)),
        ]
