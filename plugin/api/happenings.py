"""What happened since a webhook was last told: read from the facts, each once per cause."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from plugin.api.models import EventName
from plugin.assign.models import Configuration, StoredStanding
from plugin.certs.models import Certificate, CertificateEvent, Edition
from plugin.certs.rules import EditionKind, EventKind
from plugin.core.base import JsonDict
from plugin.modules.models import Completion, Module
from plugin.notify.models import Message, MessageKind
from plugin.org.models import Person

LIMIT = 1000
"""How much is looked at in one step; what is more comes in the next."""
LOST = "lost:"
"""How the keys of mails begin that say a fact took a certificate (docs/decisions/0092)."""
_EDITIONS = {
    EventName.CERTIFICATE_ISSUED: EditionKind.FIRST,
    EventName.CERTIFICATE_RENEWED: EditionKind.RENEWAL,
    EventName.CERTIFICATE_RESTORED: EditionKind.RESTORATION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing to tell; `cause` makes it happen once."""

    event: EventName
    cause: str
    at: datetime
    body: JsonDict


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What was recorded after `since`, up to and including `until`."""

    organization_id: int
    since: datetime
    until: datetime

    def holds(self, column: Any) -> Any:
        return and_(column > self.since, column <= self.until)


def happened(
    session: Session, window: Window, events: Sequence[EventName]
) -> tuple[list[Happening], datetime]:
    """What to tell, and until when everything was looked at, which is earlier than asked where
    there is more than one step's worth."""
    found: list[Happening] = []
    until = window.until
    for read in (_completions, _editions, _expired, _taken, _stopped):
        some = read(session, window, events)
        if len(some) >= LIMIT:
            until = min(until, some[-1].at)
        found += some
    return found, until


Read = Callable[[Session, Window, Sequence[EventName]], list[Happening]]


def _completions(session: Session, window: Window, events: Sequence[EventName]) -> list[Happening]:
    if EventName.COMPLETION_RECORDED not in events:
        return []
    rows = session.execute(
        select(Completion, Module.title, Person.employee_id)
        .join(Module, Module.id == Completion.module_id)
        .join(Person, Person.id == Completion.person_id)
        .where(
            Completion.organization_id == window.organization_id,
            window.holds(Completion.learned_at),
        )
        .order_by(Completion.learned_at, Completion.id)
        .limit(LIMIT)
    )
    return [_completion(row.Completion, row.title, row.employee_id) for row in rows]


def _completion(completion: Completion, title: str, employee_id: str | None) -> Happening:
    return Happening(
        event=EventName.COMPLETION_RECORDED,
        cause=f"completion:{completion.id}",
        at=completion.learned_at,
        body={
            "completion_id": completion.id,
            "person_id": completion.person_id,
            "employee_id": employee_id,
            "module_id": completion.module_id,
            "module": title,
            "passed": completion.passed,
            "score": completion.score,
            "happened_at": text_of(completion.happened_at),
            "source": completion.source.value,
            "supersedes_id": completion.supersedes_id,
        },
    )


def _certificates() -> Any:
    """Certificates with whom and what they are about."""
    return (
        select(Certificate, Configuration.name, Person.employee_id)
        .join(Configuration, Configuration.id == Certificate.configuration_id)
        .join(Person, Person.id == Certificate.person_id)
    )


def _editions(session: Session, window: Window, events: Sequence[EventName]) -> list[Happening]:
    named = {_EDITIONS[event]: event for event in events if event in _EDITIONS}
    if not named:
        return []
    rows = session.execute(
        _certificates()
        .join(Edition, Edition.certificate_id == Certificate.id)
        .add_columns(Edition)
        .where(
            Edition.organization_id == window.organization_id,
            Edition.kind.in_(list(named)),
            window.holds(Edition.issued_at),
        )
        .order_by(Edition.issued_at, Edition.id)
        .limit(LIMIT)
    )
    return [
        Happening(
            event=named[row.Edition.kind],
            cause=f"edition:{row.Edition.id}",
            at=row.Edition.issued_at,
            body={
                **_about(row),
                "edition": row.Edition.number,
                "valid_through": _day(row.Edition.valid_through),
            },
        )
        for row in rows
    ]


def _expired(session: Session, window: Window, events: Sequence[EventName]) -> list[Happening]:
    """Certificates whose last day ended: read by the index of ends, whether or not a job ran."""
    if EventName.CERTIFICATE_INVALID not in events:
        return []
    rows = session.execute(
        _certificates()
        .join(
            StoredStanding,
            and_(
                StoredStanding.person_id == Certificate.person_id,
                StoredStanding.configuration_id == Certificate.configuration_id,
            ),
        )
        .add_columns(StoredStanding.ends_at, StoredStanding.valid_through)
        .where(
            StoredStanding.organization_id == window.organization_id,
            StoredStanding.covered,
            StoredStanding.complete,
            window.holds(StoredStanding.ends_at),
        )
        .order_by(StoredStanding.ends_at, StoredStanding.id)
        .limit(LIMIT)
    )
    return [
        _invalid(row, "expired", f"{row.valid_through}", row.ends_at, _day(row.valid_through))
        for row in rows
    ]


def _taken(session: Session, window: Window, events: Sequence[EventName]) -> list[Happening]:
    """Certificates that a new requirement or another fact took: the mails say which."""
    if EventName.CERTIFICATE_INVALID not in events:
        return []
    messages = session.scalars(
        select(Message)
        .where(
            Message.organization_id == window.organization_id,
            or_(
                Message.kind == MessageKind.NEW_REQUIREMENT,
                Message.key.startswith(LOST, autoescape=True),
            ),
            window.holds(Message.created_at),
        )
        .order_by(Message.created_at, Message.id)
        .limit(LIMIT)
    ).all()
    pairs = {(each.person_id, _configuration_of(each.key)): each for each in messages}
    rows = session.execute(
        _certificates().where(
            Certificate.person_id.in_({person for person, _ in pairs}),
            Certificate.configuration_id.in_({configuration for _, configuration in pairs}),
        )
    )
    found = []
    for row in rows:
        message = pairs.get((row.Certificate.person_id, row.Certificate.configuration_id))
        if message is not None:
            is_new = message.kind is MessageKind.NEW_REQUIREMENT
            reason = "new_requirement" if is_new else "expired"
            found.append(_invalid(row, reason, f"message:{message.id}", message.created_at))
    return sorted(found, key=lambda each: each.at)


def _configuration_of(key: str) -> int:
    """`kind:person:configuration:…`, as the keys of mails about training are made."""
    return int(key.split(":")[2])


def _stopped(session: Session, window: Window, events: Sequence[EventName]) -> list[Happening]:
    if EventName.CERTIFICATE_INVALID not in events:
        return []
    rows = session.execute(
        _certificates()
        .join(CertificateEvent, CertificateEvent.certificate_id == Certificate.id)
        .add_columns(CertificateEvent)
        .where(
            CertificateEvent.organization_id == window.organization_id,
            CertificateEvent.kind.in_([EventKind.REVOKED, EventKind.SUSPENDED]),
            window.holds(CertificateEvent.at),
        )
        .order_by(CertificateEvent.at, CertificateEvent.id)
        .limit(LIMIT)
    )
    return [
        _invalid(
            row,
            row.CertificateEvent.kind.value,
            f"event:{row.CertificateEvent.id}",
            row.CertificateEvent.at,
        )
        for row in rows
    ]


def _invalid(
    row: Any, reason: str, cause: str, at: datetime, valid_through: str | None = None
) -> Happening:
    body = {**_about(row), "reason": reason}
    if valid_through:
        body["valid_through"] = valid_through
    return Happening(
        event=EventName.CERTIFICATE_INVALID,
        cause=f"invalid:{row.Certificate.id}:{cause}",
        at=at,
        body=body,
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


def text_of(moment: datetime) -> str:
    """A moment as the API writes it."""
    return moment.isoformat().replace("+00:00", "Z")


def _day(day: Any) -> str | None:
    return None if day is None else day.isoformat()
