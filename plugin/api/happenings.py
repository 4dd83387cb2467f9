"""What happened since a webhook was last told: read from the facts, each once per cause."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from plugin.api.models import EventName
from plugin.api.moments import day_of, text_of
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

    def page(self, statement: Any, table: Any, moment: Any, after: int) -> Any:
        """The statement's rows of this table and this window, in order, `LIMIT` at most."""
        return (
            statement.where(
                table.organization_id == self.organization_id,
                moment > self.since,
                moment <= self.until,
                table.id > after,
            )
            .order_by(table.id)
            .limit(LIMIT)
        )


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
    statement = (
        select(Completion, Module.title, Person.employee_id)
        .join(Module, Module.id == Completion.module_id)
        .join(Person, Person.id == Completion.person_id)
    )
    rows = session.execute(window.page(statement, Completion, Completion.learned_at, after))
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
            "valid_until_on": day_of(completion.valid_until_on),
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
            body={
                **_about(row),
                "edition": row.Edition.number,
                "valid_through": day_of(row.Edition.valid_through),
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
    standing = StoredStanding
    statement = (
        _certificates()
        .join(
            standing,
            and_(
                standing.person_id == Certificate.person_id,
                standing.configuration_id == Certificate.configuration_id,
            ),
        )
        .add_columns(standing)
        .where(standing.covered, standing.complete)
    )
    rows = session.execute(window.page(statement, standing, standing.ends_at, after))
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
        .where(or_(Message.kind == MessageKind.NEW_REQUIREMENT, says_so))
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
