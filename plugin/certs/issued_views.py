"""The certificates issued: the list, one of them, and what an admin may do to it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from flask import (
    Blueprint,
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from plugin.assign import queries as assign_queries
from plugin.assign.choices import Choices, choices
from plugin.assign.why import derivation
from plugin.certs import actions, dossier
from plugin.certs import issued as queries
from plugin.certs.dossier import Issued
from plugin.certs.errors import CertificateRevokedError
from plugin.certs.issued_forms import ReasonForm
from plugin.certs.models import Certificate
from plugin.certs.rules import CertificateState, EditionKind, EventKind
from plugin.certs.verdict import verdict
from plugin.core import clock
from plugin.core.context import storage
from plugin.core.db import Tx, read_session, transaction
from plugin.org import as_of
from plugin.org.as_of import AsOf
from plugin.org.reach import reach_of
from plugin.web.export import Format, dated
from plugin.web.identity import holds, me, requires
from plugin.web.listing import Asked, asked
from plugin.web.roles import Role

bp = Blueprint("issued", __name__)


class Act(Protocol):
    """What is done to a certificate, by whom and why."""

    def __call__(
        self, tx: Tx, certificate: Certificate, *, by: int | None, reason: str, now: datetime
    ) -> None: ...


STATES: Mapping[CertificateState, tuple[str, LazyString]] = {
    CertificateState.VALID: ("valid", _l("Valid")),
    CertificateState.INVALID: ("invalid", _l("Invalid")),
    CertificateState.ENDED: ("plain", _l("Ended")),
    CertificateState.SUSPENDED: ("invalid", _l("Suspended")),
    CertificateState.REVOKED: ("invalid", _l("Revoked")),
}
ABOVE_THE_FACTS = {CertificateState.REVOKED, CertificateState.SUSPENDED, CertificateState.ENDED}
"""States that hold whatever was completed."""
EDITIONS: Mapping[EditionKind, LazyString] = {
    EditionKind.FIRST: _l("First edition"),
    EditionKind.RENEWAL: _l("Renewal"),
    EditionKind.RESTORATION: _l("Restoration"),
}
EVENTS: Mapping[EventKind, LazyString] = {
    EventKind.SUSPENDED: _l("Suspended"),
    EventKind.LIFTED: _l("Restored"),
    EventKind.REVOKED: _l("Revoked"),
}


@bp.get("/admin/certificates")
@requires(Role.MANAGER)
def listing() -> str:
    """Every certificate of the people in reach with what it is worth now."""
    session = read_session()
    reach = reach_of(session, me())
    offered = choices(session, reach)
    labels = [(state.value, label) for state, (_tone, label) in STATES.items()]
    wanted = _asked(offered)
    moment = _moment_of(wanted)
    return render_template(
        "certs/issued.html",
        found=queries.certificates(session, reach, wanted, at=moment.at, past=moment.is_past),
        moment=moment,
        filters=[
            {"name": "state", "label": _("State"), "choices": labels},
            {"name": "unit", "label": _("Unit"), "choices": offered.units},
            {"name": "configuration", "label": _("Training"), "choices": offered.configurations},
        ],
        states=STATES,
    )


@bp.get("/admin/certificates.<any(csv, xlsx):file_format>")
@requires(Role.MANAGER)
def export(file_format: str) -> Response:
    """The list as it is narrowed now."""
    session = read_session()
    reach = reach_of(session, me())
    wanted = _asked(choices(session, reach))
    moment = _moment_of(wanted)
    found = queries.all_certificates(session, reach, wanted, at=moment.at, past=moment.is_past)
    header = [_("Credential ID"), _("Name"), _("Email"), _("Employee ID"), _("Unit")]
    rows = (
        [
            line.credential_id,
            line.person,
            line.email,
            line.employee_id,
            line.unit,
            line.configuration,
            str(STATES[line.state][1]),
            line.valid_through,
            line.issued_at,
        ]
        for line in found
    )
    header += [_("Training"), _("State"), _("Valid through"), _("First issued")]
    return dated(Format(file_format), "certificates", header, rows, moment=moment, zone=moment.zone)


@bp.get("/admin/certificates/<int:certificate_id>")
@requires(Role.MANAGER)
def details(certificate_id: int) -> str:
    """What the certificate is worth now and why, its editions, and what happened to it."""
    return _details(certificate_id, ReasonForm(formdata=None))


@bp.get("/admin/certificates/<int:certificate_id>/<int:number>.pdf")
@requires(Role.MANAGER)
def document(certificate_id: int, number: int) -> Response:
    """An edition as it was issued."""
    session = read_session()
    found = dossier.document(
        session, reach_of(session, me()), certificate_id, number, at=clock.now()
    )
    response = make_response(storage().read(found.key))
    response.mimetype = "application/pdf"
    response.headers.set("Content-Disposition", "attachment", filename=found.filename)
    return response


@bp.post("/admin/certificates/<int:certificate_id>/suspend")
@requires(Role.ADMIN)
def suspend(certificate_id: int) -> AnyResponse:
    """Worth nothing until restored."""
    return _change(certificate_id, actions.suspend, _("The certificate is suspended."))


@bp.post("/admin/certificates/<int:certificate_id>/restore")
@requires(Role.ADMIN)
def restore(certificate_id: int) -> AnyResponse:
    """The suspension is over; the facts decide again."""
    return _change(certificate_id, actions.lift, _("The suspension is lifted."))


@bp.get("/admin/certificates/<int:certificate_id>/revoke")
@requires(Role.ADMIN)
def confirm_revoke(certificate_id: int) -> str:
    """Asks once more: revoking is final."""
    return _confirmation(certificate_id, ReasonForm(formdata=None))


@bp.post("/admin/certificates/<int:certificate_id>/revoke")
@requires(Role.ADMIN)
def revoke(certificate_id: int) -> AnyResponse:
    """Worth nothing any more, for good."""
    form = ReasonForm()
    if not form.validate_on_submit():
        return make_response(_confirmation(certificate_id, form), 422)
    return _changed(certificate_id, actions.revoke, form, _("The certificate is revoked."))


def _change(certificate_id: int, act: Act, done: str) -> AnyResponse:
    form = ReasonForm()
    if not form.validate_on_submit():
        return make_response(_details(certificate_id, form), 422)
    return _changed(certificate_id, act, form, done)


def _changed(certificate_id: int, act: Act, form: ReasonForm, done: str) -> AnyResponse:
    asking, now = me(), clock.now()
    with transaction() as tx:
        reach = reach_of(tx.session, asking)
        found = dossier.certificate_in_reach(tx.session, reach, certificate_id, at=now)
        act(tx, found, by=asking.person_id, reason=form.reason.data.strip(), now=now)
    flash(done)
    return redirect(url_for("issued.details", certificate_id=certificate_id), 303)


def _details(certificate_id: int, form: ReasonForm) -> str:
    session = read_session()
    certificate = dossier.certificate_in_reach(
        session, reach_of(session, me()), certificate_id, at=clock.now()
    )
    moment = _moment(session, certificate)
    found = dossier.issued(session, certificate, at=moment.at, past=moment.is_past)
    answer, said = found.answer, verdict(found.answer)
    state = answer.state
    return render_template(
        "certs/issued_one.html",
        found=found,
        moment=moment,
        verdict=said,
        why=derivation(
            answer.standing,
            answer.configuration,
            {each.id: each.title for each in answer.modules.values()},
            found.behind,
            withheld=said.reason if state in ABOVE_THE_FACTS else "",
        ),
        tone=STATES[state][0],
        word=STATES[state][1],
        editions=EDITIONS,
        events=EVENTS,
        form=form,
        is_suspended=state is CertificateState.SUSPENDED,
        may_change=holds(me(), Role.ADMIN)
        and state is not CertificateState.REVOKED
        and not moment.is_past,
    )


def _confirmation(certificate_id: int, form: ReasonForm) -> str:
    found = _issued(certificate_id)
    if found.answer.state is CertificateState.REVOKED:
        raise CertificateRevokedError(certificate_id)
    return render_template("certs/revoke.html", found=found, form=form)


def _issued(certificate_id: int) -> Issued:
    session, now = read_session(), clock.now()
    reach = reach_of(session, me())
    certificate = dossier.certificate_in_reach(session, reach, certificate_id, at=now)
    return dossier.issued(session, certificate, at=now)


def _moment(session: Session, certificate: Certificate) -> AsOf:
    """The moment the address asks for, by the days of the certificate's unit."""
    configuration = assign_queries.configuration_of(
        session, certificate.organization_id, certificate.configuration_id
    )
    zone = assign_queries.zone_of(session, configuration)
    return as_of.asked_for(request.args, zone, now=clock.now())


def _asked(offered: Choices) -> Asked:
    filters = {"state": queries.STATES, **offered.filters(), **as_of.FIELDS}
    return asked(sorts=queries.SORTS, filters=filters)


def _moment_of(wanted: Asked) -> AsOf:
    """The moment asked for, by the days of the unit the list is narrowed to."""
    return as_of.asked_of_list(
        read_session(), me().organization_id, wanted.filters, me().time_zone, now=clock.now()
    )
