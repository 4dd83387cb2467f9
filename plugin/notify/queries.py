"""Reads of messages."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.core.base import JsonDict, JsonList
from plugin.notify.models import Message, MessageKind
from plugin.org.models import Organization, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A message and whom it goes to, as things stand when it is sent."""

    organization_id: int
    person_id: int
    key: str
    kind: MessageKind
    template: str
    facts: JsonDict
    attachments: JsonList
    locale: str
    person_name: str


def envelope(session: Session, message_id: int) -> Envelope:
    """Everything a sender needs of a message, in one statement."""
    message, person, organization = session.execute(
        select(Message, Person, Organization)
        .join(Person, Person.id == Message.person_id)
        .join(Organization, Organization.id == Message.organization_id)
        .where(Message.id == message_id)
    ).one()
    return Envelope(
        organization_id=message.organization_id,
        person_id=person.id,
        key=f"{message.organization_id}:{message.key}",
        kind=message.kind,
        template=message.facts.get("sample_of", message.kind.value),
        facts=message.facts,
        attachments=message.attachments,
        locale=message.locale or person.locale or organization.locale,
        person_name=person.full_name,
    )
