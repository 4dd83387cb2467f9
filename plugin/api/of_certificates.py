"""What happened to certificates that other systems are told of."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from plugin.api.models import EventName
from plugin.api.moments import day_of
from plugin.api.windows import Happening, Window
from plugin.assign.models import Configuration, ConfigurationVersion, StoredStanding
from plugin.certs.models import Certificate, CertificateEvent, Edition
from plugin.certs.rules import EditionKind, EventKind
from plugin.certs.withheld import is_withheld
from plugin.core.base import JsonDict
from plugin.notify.models import Message, MessageKind
from plugin.org.models import Person

LOST = "lost:"
"""How the keys of mails begin that say a fact took a certificate (docs/decisions/0092)."""
_EDITIONS = {
    EventName.CERTIFICATE_ISSUED: EditionKind.FIRST,
    EventName.CERTIFICATE_RENEWED: EditionKind.RENEWAL,
    EventName.CERTIFICATE_RESTORED: EditionKind.RESTORATION,
}


def _certificates() -> Any:
    """Certificates with whom and what they are about."""
    return (
        select(Certificate, Configuration.name, Person.employee_id)
        .join(Configuration, Configuration.id == Certificate.configuration_id)
        .join(Person, Person.id == Certificate.person_id)
    )


def _judged() -> Any:
    """Certificates that nobody set aside and that are still given, with how the person stands."""
    standing = StoredStanding
    return (
        _certificates()
        .join(
            standing,
            and_(
                standing.person_id == Certificate.person_id,
                standing.configuration_id == Certificate.configuration_id,
            ),
        )
        .join(ConfigurationVersion, ConfigurationVersion.id == standing.version_id)
        .add_columns(standing)
        .where(
            standing.covered,
            standing.complete,
            ConfigurationVersion.certificate_on,
            Configuration.archived_at.is_(None),
            ~is_withheld(Certificate.id),
        )
    )


def _editions(
    session: Session, window: Window, events: Sequence[EventName], after: int
) -> list[Happening]:
    named = {_EDITIONS[event]: event for event in events if event in _EDITIONS}
    if not named:
        return []
    statement = (
        _certificates()
        .join(Edition, Edition.certificate_id == Certificate.id)
        .add_columns(Edition)
        .where(Edition.kind.in_(list(named)))
    )
    rows = session.execute(window.page(statement, Edition, Edition.issued_at, after))
    return [
        Happening(
            event=named[row.Edition.kind],
            cause=f"edition:{row.Edition.id}",
            at=row.Edition.issued_at,
            row_id=row.Edition.id,
            body=_as_printed(row),
        )
        for row in rows
    ]


def _expired(
    session: Session, window: Window, events: Sequence[EventName], after: int
) -> list[Happening]:
    """Certificates whose last day ended: read by the index of ends, whether or not a job ran."""
    if EventName.CERTIFICATE_INVALID not in events:
        return []
    standing = StoredStanding
    rows = session.execute(window.page(_judged(), standing, standing.ends_at, after))
    return [
        _invalid(
            row,
            "expired",
            f"{row.StoredStanding.valid_through}",
            row.StoredStanding.ends_at,
            row.StoredStanding.id,
            day_of(row.StoredStanding.valid_through),
        )
        for row in rows
    ]


def _taken(
    session: Session, window: Window, events: Sequence[EventName], after: int
) -> list[Happening]:
    """Certificates that a new requirement or another fact took: the mails say which."""
    if EventName.CERTIFICATE_INVALID not in events:
        return []
    about = Message.facts["configuration_id"].as_integer() == Certificate.configuration_id
    says_so = Message.key.startswith(LOST, autoescape=True)
    statement = (
        _certificates()
        .join(Message, and_(Message.person_id == Certificate.person_id, about))
        .add_columns(Message)
        .where(
            or_(Message.kind == MessageKind.NEW_REQUIREMENT, says_so),
            ~is_withheld(Certificate.id),
        )
    )
    rows = session.execute(window.page(statement, Message, Message.created_at, after))
    return [
        _invalid(
            row,
            "expired" if row.Message.kind is MessageKind.EXPIRED else "new_requirement",
            f"message:{row.Message.id}",
            row.Message.created_at,
            row.Message.id,
        )
        for row in rows
    ]


def _lifted(
    session: Session, window: Window, events: Sequence[EventName], after: int
) -> list[Happening]:
    """Suspensions that are over, of certificates that are valid again by that; one whose facts
    changed meanwhile gets an edition, which is told for itself."""
    if EventName.CERTIFICATE_RESTORED not in events:
        return []
    event, later = CertificateEvent, aliased(Edition)
    is_newest = ~exists().where(
        later.certificate_id == Certificate.id, later.number > Edition.number
    )
    statement = (
        _judged()
        .join(event, event.certificate_id == Certificate.id)
        .join(Edition, Edition.certificate_id == Certificate.id)
        .add_columns(event, Edition)
        .where(
            event.kind == EventKind.LIFTED,
            or_(StoredStanding.ends_at.is_(None), StoredStanding.ends_at > event.at),
            is_newest,
            Edition.issued_at >= StoredStanding.continuous_since_at,
            Edition.issued_at <= event.at,
        )
    )
    rows = session.execute(window.page(statement, event, event.at, after))
    return [
        Happening(
            event=EventName.CERTIFICATE_RESTORED,
            cause=f"lifted:{row.CertificateEvent.id}",
            at=row.CertificateEvent.at,
            row_id=row.CertificateEvent.id,
            body=_as_printed(row),
        )
        for row in rows
    ]


def _stopped(
    session: Session, window: Window, events: Sequence[EventName], after: int
) -> list[Happening]:
    if EventName.CERTIFICATE_INVALID not in events:
        return []
    event = CertificateEvent
    statement = (
        _certificates()
        .join(event, event.certificate_id == Certificate.id)
        .add_columns(event)
        .where(event.kind.in_([EventKind.REVOKED, EventKind.SUSPENDED]))
    )
    rows = session.execute(window.page(statement, event, event.at, after))
    return [
        _invalid(
            row,
            row.CertificateEvent.kind.value,
            f"event:{row.CertificateEvent.id}",
            row.CertificateEvent.at,
            row.CertificateEvent.id,
        )
        for row in rows
    ]


def _invalid(
    row: Any,
    reason: str,
    cause: str,
    at: datetime,
    row_id: int,
    valid_through: str | None = None,
) -> Happening:
    body = {**_about(row), "reason": reason}
    if valid_through:
        body["valid_through"] = valid_through
    return Happening(
        event=EventName.CERTIFICATE_INVALID,
        cause=f"invalid:{row.Certificate.id}:{cause}",
        at=at,
        body=body,
        row_id=row_id,
    )


def _about(row: Any) -> JsonDict:
    certificate: Certificate = row.Certificate
    return {
        "certificate_id": certificate.id,
        "credential_id": certificate.credential_id,
        "person_id": certificate.person_id,
        "employee_id": row.employee_id,
        "configuration_id": certificate.configuration_id,
        "configuration": row.name,
    }


def _as_printed(row: Any) -> JsonDict:
    return {
        **_about(row),
        "edition": row.Edition.number,
        "valid_through": day_of(row.Edition.valid_through),
    }


READS = (_editions, _expired, _taken, _stopped, _lifted)
