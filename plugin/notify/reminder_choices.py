"""A person's own word on reminders by mail: no, and yes again; certificates always come."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.core.secrets import new_token
from plugin.core.upsert import insert_absent
from plugin.notify import gate
from plugin.notify.errors import ReminderLinkError
from plugin.notify.mail_models import ChoicePlace, ReminderChoice, ReminderLink
from plugin.org.models import Person


def token_for(session: Session, organization_id: int, person_id: int, *, now: datetime) -> str:
    """The person's address part for switching reminders off; it stays, and says nothing."""
    known = select(ReminderLink.token).where(ReminderLink.person_id == person_id)
    token = session.scalar(known)
    if token is None:
        row = {
            "organization_id": organization_id,
            "person_id": person_id,
            "token": new_token(),
            "created_at": now,
        }
        session.execute(insert_absent(session, ReminderLink, [row], key=("person_id",)))
        token = session.scalars(known).one()
    return token


def person_of(session: Session, token: str) -> Person:
    """Whose link this is; who was merged into somebody else is that person now."""
    person = session.scalar(
        select(Person)
        .join(ReminderLink, ReminderLink.person_id == Person.id)
        .where(ReminderLink.token == token)
    )
    if person is None:
        raise ReminderLinkError
    if person.merged_into_id is not None:
        return session.get_one(Person, person.merged_into_id)
    return person


def choose(
    session: Session, person: Person, *, wanted: bool, place: ChoicePlace, now: datetime
) -> bool:
    """From now on the person gets reminders by mail or does not; False when it was so already."""
    session.refresh(person, with_for_update=True)
    if gate.addressee(session, person.id).wants_reminders is wanted:
        return False
    session.add(
        ReminderChoice(
            organization_id=person.organization_id,
            person_id=person.id,
            wanted=wanted,
            place=place,
            at=now,
        )
    )
    return True
