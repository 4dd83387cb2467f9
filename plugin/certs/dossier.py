"""One issued certificate with its editions and all that happened to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.assign import why
from plugin.certs import queries
from plugin.certs.errors import (
    CertificateNotFoundError,
    EditionNotReadyError,
    NotYetIssuedError,
)
from plugin.certs.models import Certificate, CertificateEvent, Edition
from plugin.certs.queries import Answer, Document
from plugin.certs.rules import EditionKind, EventKind
from plugin.modules.models import Completion
from plugin.org.models import Person
from plugin.org.reach import Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedEdition:
    """One printing."""

    number: int
    kind: EditionKind
    issued_at: datetime
    valid_through: date | None
    is_ready: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What an admin did to the certificate, when and why; `by` is empty for the command line."""

    kind: EventKind
    at: datetime
    by: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate, what it is worth now, its editions and events, newest first."""

    certificate: Certificate
    answer: Answer
    behind: Mapping[int, Completion]
    editions: Sequence[IssuedEdition]
    happenings: Sequence[Happening]


def certificate_in_reach(
    session: Session, reach: Reach, certificate_id: int, *, at: datetime
) -> Certificate:
    """The certificate, or the refusal that also says nothing about those out of reach."""
    found = session.scalar(
        select(Certificate).where(
            Certificate.id == certificate_id,
            Certificate.organization_id == reach.organization_id,
            Certificate.erased_at.is_(None),
            reach.people(Certificate.person_id, at),
        )
    )
    if found is None:
        raise CertificateNotFoundError(certificate_id)
    return found


def issued(
    session: Session, certificate: Certificate, *, at: datetime, past: bool = False
) -> Issued:
    """Everything an admin sees of one certificate; the state is the rules' own answer.

    `past`: everything as it was then. Raises NotYetIssuedError for a moment before it existed.
    """
    if certificate.created_at > at:
        raise NotYetIssuedError(certificate.id)
    answer = queries.answer(session, certificate.token, at=at, past=past)
    if not isinstance(answer, Answer):
        raise CertificateNotFoundError(certificate.id)
    editions = session.scalars(
        select(Edition)
        .where(Edition.certificate_id == certificate.id, Edition.issued_at <= at)
        .order_by(Edition.number.desc())
    )
    happened = session.execute(
        select(CertificateEvent, Person.full_name)
        .outerjoin(Person, Person.id == CertificateEvent.by_person_id)
        .where(CertificateEvent.certificate_id == certificate.id, CertificateEvent.at <= at)
        .order_by(CertificateEvent.at.desc(), CertificateEvent.id.desc())
    )
    return Issued(
        certificate=certificate,
        answer=answer,
        behind=why.behind(session, answer.standing),
        editions=[
            IssuedEdition(
                number=each.number,
                kind=each.kind,
                issued_at=each.issued_at,
                valid_through=each.valid_through,
                is_ready=each.pdf_key is not None,
            )
            for each in editions
        ],
        happenings=[
            Happening(kind=event.kind, at=event.at, by=name, reason=event.reason)
            for event, name in happened
        ],
    )


def document(
    session: Session, reach: Reach, certificate_id: int, number: int, *, at: datetime
) -> Document:
    """The PDF of an edition of a certificate in reach."""
    certificate = certificate_in_reach(session, reach, certificate_id, at=at)
    edition = session.scalar(
        select(Edition).where(Edition.certificate_id == certificate.id, Edition.number == number)
    )
    if edition is None:
        raise CertificateNotFoundError(certificate_id)
    if edition.pdf_key is None:
        raise EditionNotReadyError(certificate_id)
    name = queries.filename(certificate.credential_id, number)
    return Document(key=edition.pdf_key, filename=name)
