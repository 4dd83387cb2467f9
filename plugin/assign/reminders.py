"""A reminder an admin or manager sends now: what one person has to do, in one mail."""

from collections.abc import Mapping
from datetime import datetime

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.assign.fetch import facts
from plugin.assign.models import Configuration
from plugin.assign.news import SOON, item, pressing
from plugin.assign.statement import configurations_of_people
from plugin.assign.validity import local_date
from plugin.core import audit
from plugin.core.base import JsonDict
from plugin.core.db import Tx
from plugin.notify import gate
from plugin.notify.actions import queue_message
from plugin.notify.models import Hindrance, MessageKind
from plugin.org.errors import FieldError
from plugin.org.models import Organization, Person
from plugin.org.reach import Reach

WHY_NOT: Mapping[Hindrance, LazyString] = {
    Hindrance.DEACTIVATED: _l("This person is deactivated."),
    Hindrance.NO_ADDRESS: _l("This person has no email address."),
    Hindrance.DEAD_ADDRESS: _l("Mail to this person’s address comes back."),
    Hindrance.UNSUBSCRIBED: _l("This person has switched reminders by mail off."),
    Hindrance.SWITCHED_OFF: _l("Your organization has switched reminders by mail off."),
}


def remind(tx: Tx, person: Person, reach: Reach, *, by: int, now: datetime) -> bool:
    """One mail names what is to be done in the units in reach; False when it went today already.

    Refuses when there is no address to send to, or nothing to say.
    """
    _check_reachable(tx.session, person)
    organization = tx.session.get_one(Organization, person.organization_id)
    locale = (person.locale or organization.locale).replace("-", "_")
    items = _items(tx.session, person, reach, locale, now)
    if not items:
        raise FieldError("person", _("There is nothing to remind of: everything is done."))
    today = local_date(now, organization.time_zone)
    sent = queue_message(
        tx,
        organization_id=person.organization_id,
        person_id=person.id,
        kind=MessageKind.REMINDER,
        key=f"reminder:by-hand:{person.id}:{today.isoformat()}",
        facts={"items": items},
        cause=f"person:{by}",
        now=now,
    )
    if sent:
        audit.record(tx.session, "person.reminded", about=person, by=by, now=now)
    return sent


def _check_reachable(session: Session, person: Person) -> None:
    """Refuses, saying why, where the reminder would be held back."""
    door = gate.of(session, person.organization_id, person.id)
    why = gate.hindrance(MessageKind.REMINDER, door.to, door.head)
    if why is not None:
        raise FieldError("person", str(WHY_NOT[why]))


def _items(
    session: Session, person: Person, reach: Reach, locale: str, now: datetime
) -> list[JsonDict]:
    ids = session.scalars(configurations_of_people(person.organization_id, [person.id])).all()
    if not reach.is_whole:
        inside = Configuration.unit_id.in_(reach.unit_ids or [])
        ids = session.scalars(
            select(Configuration.id).where(Configuration.id.in_(ids), inside)
        ).all()
    found = facts(
        session,
        person.organization_id,
        person_ids=[person.id],
        configuration_ids=ids or [0],
        at=now,
    )
    return [
        item(found, configuration_id, row, locale)
        for configuration_id in sorted(found.configurations)
        for row in pressing(found.standing(person.id, configuration_id), now + SOON)
    ]
