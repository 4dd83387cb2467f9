"""Everything that changes certificates: issue, render, revoke, suspend, lift, erase."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from plugin.assign import queries as assign_queries
from plugin.assign.models import Configuration, StoredStanding
from plugin.assign.validity import local_date, morning
from plugin.certs import credentials, queries
from plugin.certs.errors import CertificateRevokedError
from plugin.certs.facts import CertificateFacts
from plugin.certs.models import Certificate, CertificateEvent, Edition
from plugin.certs.printing import printed_facts
from plugin.certs.rules import (
    CertificateState,
    EditionKind,
    EventKind,
    next_edition,
    withheld_by,
)
from plugin.core import audit
from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.core.storage import Stored
from plugin.notify import actions as notify
from plugin.notify.models import MessageKind
from plugin.org.models import Organization, Person

ATTEMPTS = 5
MAIL_OF = {
    EditionKind.FIRST: MessageKind.CERTIFICATE_ISSUED,
    EditionKind.RENEWAL: MessageKind.CERTIFICATE_RENEWED,
    EditionKind.RESTORATION: MessageKind.CERTIFICATE_RESTORED,
}


def issue(
    tx: Tx, person_id: int, configuration_id: int, *, tool_url: str, now: datetime
) -> Edition | None:
    """The edition the person is owed now exists and will be rendered; None when none is owed.

    Safe to run twice and at the same time: the person's row is locked, and the database allows
    one certificate per person and configuration and one edition per number.
    """
    session = tx.session
    person = _locked(session, person_id)
    found = assign_queries.facts(
        session,
        person.organization_id,
        person_ids=[person_id],
        configuration_ids=[configuration_id],
        at=now,
    )
    if configuration_id not in found.configurations:
        return None
    at = max(now, found.recorded_at or now)  # facts we can read have been learned by now
    standing = found.standing(person_id, configuration_id, at)
    certificate = queries.certificate_for(session, person_id, configuration_id)
    if certificate and certificate.erased_at:
        return None
    last = queries.last_edition(session, certificate) if certificate else None
    events = queries.events_of(session, certificate) if certificate else ()
    owed = next_edition(
        queries.edition_facts(last),
        events,
        standing,
        at=at,
        joined_silently=found.began_silently(person_id, configuration_id, at),
    )
    if owed is None:
        return None
    if owed.due_at is not None:
        tx.then(JobName.ISSUE_CERTIFICATE, person_id, configuration_id, due_at=owed.due_at)
        return None
    organization = session.get_one(Organization, person.organization_id)
    certificate = certificate or _new_certificate(
        session, organization, person_id, configuration_id, now=now
    )
    number = last.number + 1 if last else 1
    facts = printed_facts(
        organization, person, certificate, found, standing, number, tool_url=tool_url, now=at
    )
    edition = Edition(
        organization_id=organization.id,
        certificate_id=certificate.id,
        number=number,
        kind=owed.kind,
        facts=facts.to_json(),
        valid_through=standing.valid_through,
        issued_at=at,
        silent=owed.silent,
    )
    session.add(edition)
    audit.record(session, "edition.issued", about=edition, by=None, now=now)
    tx.then(JobName.RENDER_EDITION, edition.id)
    return edition


def _locked(session: Session, person_id: int) -> Person:
    """The person's row, which nobody else can lock until this transaction ends."""
    return session.scalars(
        select(Person).where(Person.id == person_id).with_for_update(key_share=True)
    ).one()


def _new_certificate(
    session: Session,
    organization: Organization,
    person_id: int,
    configuration_id: int,
    *,
    now: datetime,
) -> Certificate:
    """A certificate with names nobody else has; a drawn name that is taken is drawn again."""
    for _ in range(ATTEMPTS):
        certificate = Certificate(
            organization_id=organization.id,
            person_id=person_id,
            configuration_id=configuration_id,
            credential_id=credentials.new_credential_id(organization.slug),
            token=credentials.new_address_token(),
            passcode=credentials.new_passcode(),
            created_at=now,
        )
        try:
            with session.begin_nested():
                session.add(certificate)
        except IntegrityError:
            continue
        return certificate
    raise RuntimeError("no free credential id")


def keep_pdf(tx: Tx, edition_id: int, stored: Stored, *, valid_through: str, now: datetime) -> None:
    """The edition has its document, and its mail is queued; both once, however often it is asked.

    A silent edition has no mail.
    `valid_through` is the last day in the words of the mail's language.
    """
    session = tx.session
    first = session.execute(
        update(Edition)
        .where(Edition.id == edition_id, Edition.rendered_at.is_(None))
        .values(pdf_key=stored.key, pdf_sha256=stored.sha256, rendered_at=now)
        .returning(Edition.id)
    ).one_or_none()
    if first is None:
        return
    edition = session.get_one(Edition, edition_id)
    if edition.silent:
        return
    certificate = session.get_one(Certificate, edition.certificate_id)
    facts = CertificateFacts.from_json(edition.facts)
    notify.queue_message(
        tx,
        organization_id=edition.organization_id,
        person_id=certificate.person_id,
        kind=MAIL_OF[edition.kind],
        key=f"certificate:{certificate.id}:edition:{edition.number}",
        facts={
            "person": facts.person,
            "organization": facts.organization,
            "configuration": facts.configuration,
            "unit": facts.unit,
            "credential_id": facts.credential_id,
            "verify_url": facts.verify_url,
            "passcode": facts.passcode,
            "passcode_url": facts.passcode_url,
            "valid_through": valid_through,
        },
        attachments=[
            notify.Attachment(
                key=stored.key,
                filename=queries.filename(certificate.credential_id, edition.number),
                sha256=stored.sha256,
            )
        ],
        cause=f"edition:{edition.id}",
        not_before=_may_go_at(session, certificate, edition, now),
        now=now,
    )


def _may_go_at(
    session: Session, certificate: Certificate, edition: Edition, now: datetime
) -> datetime:
    """At once: somebody has just passed and waits for it. A renewal that waited for the night
    wakes nobody up: its mail goes at 09:00 in the unit's zone."""
    if edition.kind is not EditionKind.RENEWAL:
        return now
    configuration = session.get_one(Configuration, certificate.configuration_id)
    zone = assign_queries.zone_of(session, configuration)
    proved_at = session.scalar(
        select(StoredStanding.proved_at).where(
            StoredStanding.person_id == certificate.person_id,
            StoredStanding.configuration_id == certificate.configuration_id,
        )
    )
    is_of_today = proved_at is None or local_date(proved_at, zone) == local_date(now, zone)
    return now if is_of_today else morning(now, zone)


def revoke(tx: Tx, certificate: Certificate, *, by: int | None, reason: str, now: datetime) -> None:
    """The certificate is worth nothing any more, for good; the person is told. Safe to call
    again."""
    if _withheld(tx.session, certificate, now) is CertificateState.REVOKED:
        return
    event = _add_event(tx.session, certificate, EventKind.REVOKED, by=by, reason=reason, now=now)
    _tell(tx, certificate, event, MessageKind.CERTIFICATE_REVOKED, now=now)


def suspend(
    tx: Tx, certificate: Certificate, *, by: int | None, reason: str, now: datetime
) -> None:
    """The certificate is worth nothing until the suspension is lifted; the person is told. Safe to
    call again."""
    withheld = _withheld(tx.session, certificate, now)
    if withheld is CertificateState.REVOKED:
        raise CertificateRevokedError(certificate.id)
    if withheld is None:
        event = _add_event(
            tx.session, certificate, EventKind.SUSPENDED, by=by, reason=reason, now=now
        )
        _tell(tx, certificate, event, MessageKind.CERTIFICATE_SUSPENDED, now=now)


def lift(tx: Tx, certificate: Certificate, *, by: int | None, reason: str, now: datetime) -> None:
    """The suspension is over and the facts decide again. Safe to call again."""
    withheld = _withheld(tx.session, certificate, now)
    if withheld is CertificateState.REVOKED:
        raise CertificateRevokedError(certificate.id)
    if withheld is CertificateState.SUSPENDED:
        _add_event(tx.session, certificate, EventKind.LIFTED, by=by, reason=reason, now=now)
        tx.then(JobName.ISSUE_CERTIFICATE, certificate.person_id, certificate.configuration_id)


def erase(session: Session, certificate: Certificate, *, by: int | None, now: datetime) -> None:
    """What was printed about the person is gone; the address says so. Safe to call again.

    The caller removes `queries.pdf_folder` from the storage once this is committed.
    """
    if certificate.erased_at is not None:
        return
    certificate.erased_at = now
    session.execute(
        update(Edition)
        .where(Edition.certificate_id == certificate.id)
        .values(facts={}, pdf_key=None, pdf_sha256=None)
    )
    audit.record(session, "certificate.erased", about=certificate, by=by, now=now)


def _withheld(session: Session, certificate: Certificate, now: datetime) -> CertificateState | None:
    """Read under a lock on the certificate, so that two admins cannot cross."""
    session.execute(
        select(Certificate.id)
        .where(Certificate.id == certificate.id)
        .with_for_update(key_share=True)
    )
    return withheld_by(queries.events_of(session, certificate), at=now)


def _add_event(
    session: Session,
    certificate: Certificate,
    kind: EventKind,
    *,
    by: int | None,
    reason: str,
    now: datetime,
) -> CertificateEvent:
    event = CertificateEvent(
        organization_id=certificate.organization_id,
        certificate_id=certificate.id,
        kind=kind,
        at=now,
        by_person_id=by,
        reason=reason,
    )
    session.add(event)
    audit.record(
        session, f"certificate.{kind.value}", about=certificate, by=by, now=now, reason=reason
    )
    return event


def _tell(
    tx: Tx, certificate: Certificate, event: CertificateEvent, kind: MessageKind, *, now: datetime
) -> None:
    """One mail per event; the admin's reason is not in it. What was erased names nobody to tell."""
    edition = queries.last_edition(tx.session, certificate)
    if edition is None or certificate.erased_at is not None:
        return
    facts = CertificateFacts.from_json(edition.facts)
    notify.queue_message(
        tx,
        organization_id=certificate.organization_id,
        person_id=certificate.person_id,
        kind=kind,
        key=f"certificate:{certificate.id}:event:{event.id}",
        facts={
            "configuration": facts.configuration,
            "unit": facts.unit,
            "credential_id": facts.credential_id,
            "verify_url": facts.verify_url,
        },
        cause=f"certificate_event:{event.id}",
        now=now,
    )
