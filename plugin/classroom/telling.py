"""Who has a seat in a session is told by mail what became of it."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.classroom.models import Attendance, ClassSession
from plugin.classroom.wording import when
from plugin.core.db import Tx
from plugin.modules.models import Module
from plugin.notify.actions import NewMessage, queue_messages
from plugin.notify.models import MessageKind
from plugin.org.models import Organization, Person

Places = Mapping[int, tuple[str, str]]
"""Of each person with a seat: time and place, in words of their own language."""


def as_told(session: Session, found: ClassSession) -> Places:
    """When and where the session is, as those with a seat read it."""
    usual = session.get_one(Organization, found.organization_id).locale
    people = session.execute(
        select(Person.id, Person.locale)
        .join(Attendance, Attendance.person_id == Person.id)
        .where(Attendance.session_id == found.id, Attendance.signed_up_at.is_not(None))
        .order_by(Person.id)
    )
    words = {usual: when(found, usual)}
    told = {}
    for person_id, locale in people:
        language = locale or usual
        words.setdefault(language, when(found, language))
        told[person_id] = (words[language], found.place)
    return told


def moved(tx: Tx, found: ClassSession, before: Places, *, now: datetime) -> int:
    """The session takes place at another time or place than `before`; once for each move."""
    facts = {
        person_id: {"before_when": before[person_id][0], "before_place": before[person_id][1]}
        for person_id in before
    }
    return _tell(tx, found, MessageKind.SESSION_CHANGED, f"moved:{found.moves}", facts, now=now)


def cancelled(tx: Tx, found: ClassSession, *, now: datetime) -> int:
    """The session does not take place; once."""
    facts = {each: {"reason": found.cancel_reason} for each in as_told(tx.session, found)}
    return _tell(tx, found, MessageKind.SESSION_CANCELLED, "cancelled", facts, now=now)


def _tell(
    tx: Tx,
    found: ClassSession,
    kind: MessageKind,
    what: str,
    facts: Mapping[int, Mapping[str, str]],
    *,
    now: datetime,
) -> int:
    title = tx.session.get_one(Module, found.module_id).title
    messages = [
        NewMessage(
            person_id=person_id,
            kind=kind,
            key=f"session:{found.id}:{what}:{person_id}",
            cause=f"session:{found.id}",
            facts={"module": title, "when": moment, "place": place, **facts[person_id]},
        )
        for person_id, (moment, place) in as_told(tx.session, found).items()
    ]
    return queue_messages(tx, found.organization_id, messages, now=now)
