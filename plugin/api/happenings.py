"""What happened since a webhook was last told: read from the facts, each once per cause."""

from collections.abc import Callable, Iterator, Sequence
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
"""How many rows are read at once."""
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
    row_id: int
    """Of the row it was read from: the next ones are read after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What was recorded after `since`, up to and including `until`."""

    organization_id: int
    since: datetime
    until: datetime

    def holds(self, moment: Any, row_id: Any, after: int) -> Any:
        return and_(moment > self.since, moment <= self.until, row_id > after)


Read = Callable[[Session, Window, Sequence[EventName], int], list[Happening]]
"""(session, window, events, after which row): at most `LIMIT` rows' worth, by row."""


def happened(
    session: Session, window: Window, events: Sequence[EventName]
) -> Iterator[list[Happening]]:
    """What there is to tell, some at a time."""
    for read in (_completions, _editions, _expired, _taken, _stopped):
        after = 0
        while some := read(session, window, events, after):
            yield some
            after = some[-1].row_id


def _completions(
    session: Session, window: Window, events: Sequence[EventName], after: int
) -> list[Happening]:
    if EventName.COMPLETION_RECORDED not in events:
        return []
    rows = session.execute(
        select(Completion, Module.title, Person.employee_id)
        .join(Module, Module.id == Completion.module_id)
        .join(Person, Person.id == Completion.person_id)
        .where(
            Completion.organization_id == window.organization_id,
            window.holds(Completion.learned_at, Completion.id, after),
        )
        .order_by(Completion.id)
        .limit(LIMIT)
    )
    return [_completion(row.Completion, row.title, row.employee_id) for row in rows]


def _completion(completion: Completion, title: str, employee_id: str | None) -> Happening:
    return Happening(
        event=EventName.COMPLETION_RECORDED,
        cause=f"completion:{completion.id}",
        at=completion.learned_at,
        row_id=completion.id,
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


def _editions(
    session: Session, window: Window, events: Sequence[EventName], after: int
) -> list[Happening]:
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
            window.holds(Edition.issued_at, Edition.id, after),
        )
        .order_by(Edition.id)
        .limit(LIMIT)
    )
    return [
        Happening(
            event=named[row.Edition.kind],
            cause=f"edition:{row.Edition.id}",
            at=row.Edition.issued_at,
            row_id=row.Edition.id,
            body={
                **_about(row),
                "edition": row.Edition.number,
                "valid_through": _day(row.Edition.valid_through),
            },
        )
        for row in rows
    ]


def _expired(
    session: Session, window: Window, events: Sequence[EventName], after: int
) -> list[Happening]:
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
        .add_columns(StoredStanding)
        .where(
            StoredStanding.organization_id == window.organization_id,
            StoredStanding.covered,
            StoredStanding.complete,
            window.holds(StoredStanding.ends_at, StoredStanding.id, after),
        )
        .order_by(StoredStanding.id)
        .limit(LIMIT)
    )
    return [
        _invalid(
            row,
            "expired",
            f"{row.StoredStanding.valid_through}",
            row.StoredStanding.ends_at,
            row.StoredStanding.id,
            _day(row.StoredStanding.valid_through),
        )
        for row in rows
    ]


def _taken(
    session: Session, window: Window, events: Sequence[EventName], after: int
) -> list[Happening]:
    """Certificates that a new requirement or another fact took: the mails say which."""
    if EventName.CERTIFICATE_INVALID not in events:
        return []
    rows = session.execute(
        _certificates()
        .join(
            Message,
            and_(
                Message.person_id == Certificate.person_id,
                Message.facts["configuration_id"].as_integer() == Certificate.configuration_id,
            ),
        )
        .add_columns(Message)
        .where(
            Message.organization_id == window.organization_id,
            or_(
                Message.kind == MessageKind.NEW_REQUIREMENT,
                Message.key.startswith(LOST, autoescape=True),
            ),
            window.holds(Message.created_at, Message.id, after),
        )
        .order_by(Message.id)
        .limit(LIMIT)
    )
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


def _stopped(
    session: Session, window: Window, events: Sequence[EventName], after: int
) -> list[Happening]:
    if EventName.CERTIFICATE_INVALID not in events:
        return []
    rows = session.execute(
        _certificates()
        .join(CertificateEvent, CertificateEvent.certificate_id == Certificate.id)
        .add_columns(CertificateEvent)
        .where(
            CertificateEvent.organization_id == window.organization_id,
            CertificateEvent.kind.in_([EventKind.REVOKED, EventKind.SUSPENDED]),
            window.holds(CertificateEvent.at, CertificateEvent.id, after),
        )
        .order_by(CertificateEvent.id)
        .limit(LIMIT)
    )
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


def text_of(moment: datetime) -> str:
    """A moment as the API writes it."""
    return moment.isoformat().replace("+00:00", "Z")


def _day(day: Any) -> str | None:
    return None if day is None else day.isoformat()
