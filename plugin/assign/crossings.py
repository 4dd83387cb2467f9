"""The expiry pass: standings whose next day has come are looked at, and only those."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, exists, select, true, update
from sqlalchemy.orm import Session

from plugin.assign import notices
from plugin.assign.fetch import Facts, facts
from plugin.assign.models import StoredStanding
from plugin.assign.news import notice_message
from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.notify.actions import NewMessage, queue_messages
from plugin.org.models import Person

CHUNK = 500
Due = Row[Any]


def any_due(session: Session, now: datetime) -> bool:
    """Whether the day of a standing has come."""
    return bool(session.scalar(select(exists().where(StoredStanding.notice_at <= now))))


def note_crossings(tx: Tx, *, now: datetime, limit: int = CHUNK) -> int:
    """The next standings whose day has come: what there is to say is queued, once, and the day
    after is known. Returns how many; the step after these is under way if there may be more.

    Safe to run twice, late and in many places at once: a standing in another's hands is passed by,
    and the message's key makes it happen once.
    """
    due = _due(tx.session, now, limit)
    _look_at(tx, due, now=now)
    if len(due) == limit:
        tx.then(JobName.NOTE_CROSSINGS)
    return len(due)


def note_person(tx: Tx, person_id: int, *, now: datetime) -> None:
    """The same for one person, about to be no longer covered; waits for who looks already."""
    _look_at(tx, _due(tx.session, now, CHUNK, person_id), now=now)


def _look_at(tx: Tx, due: Sequence[Due], *, now: datetime) -> None:
    by_organization: dict[int, list[Due]] = defaultdict(list)
    for line in due:
        by_organization[line.organization_id].append(line)
    for organization_id, lines in by_organization.items():
        _look(tx, organization_id, lines, now=now)


def _due(
    session: Session, now: datetime, limit: int, person_id: int | None = None
) -> Sequence[Due]:
    standing, is_one = StoredStanding, person_id is not None
    found: Sequence[Any] = session.execute(
        select(
            standing.id,
            standing.organization_id,
            standing.person_id,
            standing.configuration_id,
            standing.notice_on,
            Person.locale,
        )
        .join(Person, Person.id == standing.person_id)
        .where(standing.notice_at <= now, standing.person_id == person_id if is_one else true())
        .order_by(standing.notice_at, standing.id)
        .limit(limit)
        .with_for_update(of=standing, skip_locked=not is_one)
    ).all()
    return found


def _look(tx: Tx, organization_id: int, lines: Sequence[Due], *, now: datetime) -> None:
    """One organization's standings: what each has to say, and when next."""
    found = facts(
        tx.session,
        organization_id,
        person_ids=sorted({line.person_id for line in lines}),
        configuration_ids=sorted({line.configuration_id for line in lines}),
        at=now,
        history=False,
    )
    at = max(now, found.recorded_at or now)  # facts we can read have been learned by now
    messages: list[NewMessage] = []
    alarms = []
    for line in lines:
        message, alarm = _judge(found, line, at)
        messages += [message] if message else []
        alarms.append({"standing_id": line.id, "on": alarm and alarm[0], "at": alarm and alarm[1]})
    queue_messages(tx, organization_id, messages, now=now)
    _set_alarms(tx.session, alarms)


def _judge(found: Facts, line: Due, at: datetime) -> tuple[NewMessage | None, Any]:
    standing = found.standing(line.person_id, line.configuration_id, at)
    notice = notices.due(standing, since=line.notice_on, now=at)
    alarm = notices.alarm(standing, pending=None, now=at)
    if notice is None:
        return None, alarm
    locale = line.locale or found.lines[line.configuration_id].locale
    return notice_message(found, line.person_id, standing, notice, locale, now=at), alarm


def _set_alarms(session: Session, alarms: Sequence[dict[str, Any]]) -> None:
    table: Any = StoredStanding.__table__
    session.connection().execute(
        update(table)
        .where(table.c.id == bindparam("standing_id"))
        .values(notice_on=bindparam("on"), notice_at=bindparam("at")),
        list(alarms),
    )
