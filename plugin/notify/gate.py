"""What leaves and what is held back, as things stand when a mail is about to go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, select, true
from sqlalchemy.orm import Session, aliased

from plugin.notify.letterhead import Letterhead, letterhead
from plugin.notify.mail_models import AddressEvent, AddressFact, ReminderChoice
from plugin.notify.models import Hindrance, Message, MessageKind, MessageState
from plugin.org.models import Person
from plugin.org.person_queries import is_deactivated

STATE_OF = {
    Hindrance.DEACTIVATED: MessageState.CANCELLED,
    Hindrance.NO_ADDRESS: MessageState.UNDELIVERABLE,
    Hindrance.DEAD_ADDRESS: MessageState.UNDELIVERABLE,
    Hindrance.SWITCHED_OFF: MessageState.SUPPRESSED,
    Hindrance.UNSUBSCRIBED: MessageState.SUPPRESSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """How a person can be reached, and what they want."""

    address: str | None
    is_dead: bool
    wants_reminders: bool
    is_deactivated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """An organization's wishes and a person's: what of a person's messages leaves now."""

    head: Letterhead
    to: Addressee

    def let_through(self, messages: Sequence[Message], *, now: datetime) -> list[Message]:
        """Those of the messages that go; the others end here, and say why."""
        left = []
        for message in messages:
            why = hindrance(message.kind, self.to, self.head)
            if why is None:
                left.append(message)
            else:
                message.state, message.error, message.ended_at = STATE_OF[why], why.value, now
        return left


def of(session: Session, organization_id: int, person_id: int) -> Gate:
    """The gate for this person, in two statements."""
    return Gate(head=letterhead(session, organization_id), to=addressee(session, person_id))


def addressee(session: Session, person_id: int) -> Addressee:
    """In one statement."""
    row = session.execute(_addressee(), {"person_id": person_id}).one()
    return Addressee(
        address=row.email or None,
        is_dead=bool(row.is_dead),
        wants_reminders=bool(row.wants),
        is_deactivated=bool(row.is_deactivated),
    )


@cache
def _addressee() -> Select[Any]:
    """Built once: to build it costs more than to run it."""
    columns: list[Any] = [
        Person.email,
        has_dead_address(Person).label("is_dead"),
        wants_reminders(Person.id).label("wants"),
        is_deactivated(Person).label("is_deactivated"),
    ]
    return select(*columns).where(Person.id == bindparam("person_id"))


def hindrance(kind: MessageKind, to: Addressee, head: Letterhead) -> Hindrance | None:
    """Why a message of this kind does not go to this person now; None: it does.

    Reminders alone can be refused by the person; what they must know always goes. Whose access was
    switched off hears one thing only: that a certificate in their hands is worth nothing any more.
    """
    if to.is_deactivated and kind is not MessageKind.CERTIFICATE_REVOKED:
        return Hindrance.DEACTIVATED
    if not head.mails(kind):
        return Hindrance.SWITCHED_OFF
    if kind is MessageKind.REMINDER and not to.wants_reminders:
        return Hindrance.UNSUBSCRIBED
    if to.address is None:
        return Hindrance.NO_ADDRESS
    if to.is_dead and kind is not MessageKind.TEST:
        return Hindrance.DEAD_ADDRESS
    return None


def has_dead_address(
    person: Any, *, address: Any = None, at: datetime | None = None
) -> ColumnElement[bool]:
    """The condition on a person: the newest word about their present address is that it is dead.

    `address` and `at`: about that address of a past moment, from what was known then.
    """
    later = aliased(AddressEvent)
    wanted = person.email if address is None else address
    cleared = exists().where(
        later.person_id == AddressEvent.person_id,
        later.address == AddressEvent.address,
        later.fact == AddressFact.CLEARED,
        later.id > AddressEvent.id,
        true() if at is None else later.at <= at,
    )
    return exists().where(
        AddressEvent.person_id == person.id,
        AddressEvent.address == func.lower(wanted),
        true() if at is None else AddressEvent.at <= at,
        AddressEvent.fact == AddressFact.HARD,
        ~cleared,
    )


def wants_reminders(person_id: Any) -> ColumnElement[bool]:
    """The condition on a person: their newest choice is not to go without reminders."""
    later = aliased(ReminderChoice)
    newer = exists().where(
        later.person_id == ReminderChoice.person_id, later.id > ReminderChoice.id
    )
    return ~exists().where(
        and_(
            ReminderChoice.person_id == person_id,
            ReminderChoice.wanted.is_(False),
            ~newer,
        )
    )
