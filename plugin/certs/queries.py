"""Reads of certificates. By address or passcode they belong to anybody who holds it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.assign import queries as assign_queries
from plugin.assign.queries import ConfigurationLine, Facts, ModuleLine
from plugin.assign.standing import Standing
from plugin.certs.errors import CertificateNotFoundError, EditionNotReadyError
from plugin.certs.facts import CertificateFacts
from plugin.certs.models import Certificate, CertificateEvent, Edition
from plugin.certs.rules import CertificateState, EditionFacts, EventFacts, state, withheld_since
from plugin.org.models import Organization, Person


def certificate_for(session: Session, person_id: int, configuration_id: int) -> Certificate | None:
    """The person's one certificate under the configuration, if there ever was one."""
    return session.scalar(
        select(Certificate).where(
            Certificate.person_id == person_id, Certificate.configuration_id == configuration_id
        )
    )


def certificate_by_credential(
    session: Session, organization_id: int, credential_id: str
) -> Certificate:
    """The organization's certificate with this printed ID."""
    found = session.scalar(
        select(Certificate).where(
            Certificate.organization_id == organization_id,
            Certificate.credential_id == credential_id.strip().upper(),
        )
    )
    if found is None:
        raise CertificateNotFoundError
    return found


def last_edition(session: Session, certificate: Certificate) -> Edition | None:
    return session.scalar(
        select(Edition)
        .where(Edition.certificate_id == certificate.id)
        .order_by(Edition.number.desc())
        .limit(1)
    )


def edition_facts(edition: Edition | None) -> EditionFacts | None:
    """The edition as the rules see it."""
    if edition is None:
        return None
    return EditionFacts(issued_at=edition.issued_at, valid_through=edition.valid_through)


def events_of(session: Session, certificate: Certificate) -> Sequence[EventFacts]:
    """What admins did to the certificate, oldest first."""
    return _events(session, [certificate.id])[certificate.id]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What anybody may know of a certificate: no address, no score, no free text."""

    state: CertificateState
    state_since: datetime | None
    person: str
    organization: str
    configuration: ConfigurationLine
    standing: Standing
    modules: dict[int, ModuleLine]
    credential_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """There was a certificate, and the person's data is gone."""

    at: datetime


def answer(
    session: Session, token: str, *, at: datetime, past: bool = False
) -> Answer | Erased | None:
    """What the address `token` says at `at`, from the facts themselves; None: unknown.

    `past`: what it said then, from the facts as they stood.
    """
    row = session.execute(
        select(Certificate, Person.full_name, Organization.name)
        .join(Person, Person.id == Certificate.person_id)
        .join(Organization, Organization.id == Certificate.organization_id)
        .where(Certificate.token == token)
    ).one_or_none()
    if row is None:
        return None
    certificate, person, organization = row
    if certificate.erased_at is not None:
        return Erased(at=certificate.erased_at)
    found = assign_queries.facts(
        session,
        certificate.organization_id,
        person_ids=[certificate.person_id],
        configuration_ids=[certificate.configuration_id],
        at=at,
        past=past,
    )
    standing = found.standing(certificate.person_id, certificate.configuration_id)
    events = events_of(session, certificate)
    return Answer(
        state=state(events, standing, at=at),
        state_since=withheld_since(events, at=at),
        person=person,
        organization=organization,
        configuration=found.lines[certificate.configuration_id],
        standing=standing,
        modules=found.modules,
        credential_id=certificate.credential_id,
        at=at,
    )


def token_of_passcode(session: Session, passcode: str) -> str | None:
    """The address of the certificate with this passcode, or None."""
    return session.scalar(select(Certificate.token).where(Certificate.passcode == passcode))


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnEdition:
    """An edition in its owner's list."""

    number: int
    issued_at: datetime
    is_ready: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCertificate:
    """A certificate as its owner sees it; editions newest first."""

    id: int
    configuration_id: int
    credential_id: str
    token: str
    passcode: str
    state: CertificateState
    standing: Standing
    configuration: ConfigurationLine
    editions: tuple[OwnEdition, ...]


def certificates_of(
    session: Session, organization_id: int, person_id: int, *, at: datetime, past: bool = False
) -> list[OwnCertificate]:
    """The person's certificates with their state at `at`, in at most four statements.

    `past`: those there were then, with the editions of then, as the facts stood.
    """
    certificates = session.scalars(
        select(Certificate)
        .where(
            Certificate.organization_id == organization_id,
            Certificate.person_id == person_id,
            Certificate.erased_at.is_(None),
            Certificate.created_at <= at,
        )
        .order_by(Certificate.id)
    ).all()
    if not certificates:
        return []
    ids = [certificate.id for certificate in certificates]
    events, editions = _events(session, ids), _editions(session, ids, at)
    found = assign_queries.facts(
        session,
        organization_id,
        person_ids=[person_id],
        configuration_ids=[each.configuration_id for each in certificates],
        at=at,
        history=past,
        past=past,
    )
    return [_own(each, found, events[each.id], editions[each.id], at=at) for each in certificates]


def _own(
    certificate: Certificate,
    found: Facts,
    events: Sequence[EventFacts],
    editions: Sequence[OwnEdition],
    *,
    at: datetime,
) -> OwnCertificate:
    standing = found.standing(certificate.person_id, certificate.configuration_id)
    return OwnCertificate(
        id=certificate.id,
        configuration_id=certificate.configuration_id,
        credential_id=certificate.credential_id,
        token=certificate.token,
        passcode=certificate.passcode,
        state=state(events, standing, at=at),
        standing=standing,
        configuration=found.lines[certificate.configuration_id],
        editions=tuple(editions),
    )


def _events(session: Session, certificate_ids: Sequence[int]) -> dict[int, list[EventFacts]]:
    events: dict[int, list[EventFacts]] = defaultdict(list)
    for row in session.scalars(
        select(CertificateEvent)
        .where(CertificateEvent.certificate_id.in_(certificate_ids))
        .order_by(CertificateEvent.id)
    ):
        events[row.certificate_id].append(EventFacts(kind=row.kind, at=row.at))
    return events


def _editions(
    session: Session, certificate_ids: Sequence[int], at: datetime
) -> dict[int, list[OwnEdition]]:
    editions: dict[int, list[OwnEdition]] = defaultdict(list)
    for row in session.execute(
        select(Edition.certificate_id, Edition.number, Edition.issued_at, Edition.rendered_at)
        .where(Edition.certificate_id.in_(certificate_ids), Edition.issued_at <= at)
        .order_by(Edition.number.desc())
    ):
        editions[row.certificate_id].append(
            OwnEdition(
                number=row.number, issued_at=row.issued_at, is_ready=row.rendered_at is not None
            )
        )
    return editions


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Where an edition's PDF lies, and what it is called when it is saved."""

    key: str
    filename: str


def own_document(
    session: Session, organization_id: int, person_id: int, certificate_id: int, number: int
) -> Document:
    """The PDF of an edition of the person's own certificate."""
    row = session.execute(
        select(Certificate.credential_id, Edition.pdf_key)
        .join(Edition, Edition.certificate_id == Certificate.id)
        .where(
            Certificate.organization_id == organization_id,
            Certificate.person_id == person_id,
            Certificate.id == certificate_id,
            Certificate.erased_at.is_(None),
            Edition.number == number,
        )
    ).one_or_none()
    if row is None:
        raise CertificateNotFoundError(certificate_id)
    if row.pdf_key is None:
        raise EditionNotReadyError(certificate_id)
    return Document(key=row.pdf_key, filename=filename(row.credential_id, number))


def filename(credential_id: str, number: int) -> str:
    """What an edition's document is called; it names no person."""
    return f"certificate-{credential_id}-{number}.pdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unprinted:
    """An edition that has no document yet, and where its document belongs."""

    facts: CertificateFacts
    key: str


def unprinted(session: Session, edition_id: int) -> Unprinted | None:
    """What is to be printed; None when that is done, or nothing may be printed any more."""
    row = session.execute(
        select(Edition, Certificate.erased_at)
        .join(Certificate, Certificate.id == Edition.certificate_id)
        .where(Edition.id == edition_id)
    ).one_or_none()
    if row is None or row.erased_at is not None or row.Edition.rendered_at is not None:
        return None
    edition: Edition = row.Edition
    folder = pdf_folder(edition.organization_id, edition.certificate_id)
    return Unprinted(
        facts=CertificateFacts.from_json(edition.facts), key=f"{folder}/{edition.number}.pdf"
    )


def pdf_folder(organization_id: int, certificate_id: int) -> str:
    """The storage folder with every edition of a certificate."""
    return f"editions/{organization_id}/{certificate_id}"
