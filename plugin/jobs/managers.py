"""The managers' round: every Monday what is new in their units, and any day what has become urgent.

It begins at 09:00 of the organization, once a day however many look for it.
"""

from datetime import date, datetime, timedelta

from babel.dates import format_date
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from plugin.assign.validity import local_date, nine
from plugin.core.base import JsonDict
from plugin.core.db import Tx
from plugin.core.outbox import JobName, PostponedError
from plugin.core.upsert import insert_absent
from plugin.notify.actions import NewMessage, queue_messages
from plugin.notify.models import ManagerRound, MessageKind
from plugin.org.models import Organization, Person
from plugin.reports.manager_news import Matter, News, news

WEEK = timedelta(days=7)
MONDAY = 0
REACH_BACK = timedelta(days=31)
"""After a long outage no more than this is caught up with."""


def begin_rounds(tx: Tx, *, now: datetime) -> int:
    """Each organization whose 09:00 has passed has its round of today; returns how many began.

    None begins while one waits to be told: it will be told of the day on which that is done.
    """
    last_weekly = func.max(ManagerRound.day).filter(ManagerRound.weekly).label("weekly")
    lines = tx.session.execute(
        select(
            Organization.id,
            Organization.time_zone,
            func.max(ManagerRound.day).label("day"),
            last_weekly,
            func.count(ManagerRound.id).filter(ManagerRound.told_at.is_(None)).label("untold"),
        )
        .outerjoin(ManagerRound, ManagerRound.organization_id == Organization.id)
        .group_by(Organization.id, Organization.time_zone)
    ).all()
    due = []
    for line in lines:
        if line.untold:
            continue
        today = local_date(now, line.time_zone)
        if now >= nine(today, line.time_zone) and (line.day is None or line.day < today):
            is_late = line.weekly is not None and today - line.weekly >= WEEK
            due.append(
                {
                    "organization_id": line.id,
                    "day": today,
                    "weekly": today.weekday() == MONDAY or is_late,
                    "at": now,
                    "told_at": None,
                }
            )
    if not due:
        return 0
    key = ("organization_id", "day")
    statement = insert_absent(tx.session, ManagerRound, due, key=key).returning(ManagerRound.id)
    begun = list(tx.session.scalars(statement))
    tx.then_many(JobName.TELL_MANAGERS, [(each,) for each in begun])
    return len(begun)


def tell(tx: Tx, round_id: int, *, now: datetime) -> int:
    """Every manager with something to hear has one mail; returns how many. Safe to call again."""
    session = tx.session
    this = session.get_one(ManagerRound, round_id, with_for_update=True, populate_existing=True)
    organization = session.get_one(Organization, this.organization_id)
    if _has_newer(session, this):
        this.told_at = now
        return 0
    _catch_up(this, organization.time_zone, now)
    told = news(
        session, organization.id, weekly=this.weekly, since=_since(session, this), at=this.at
    )
    people = session.scalars(
        select(Person).where(Person.id.in_(list(told)), Person.deactivated_at.is_(None))
    )
    number = queue_messages(
        tx,
        organization.id,
        [
            NewMessage(
                person_id=person.id,
                kind=MessageKind.MANAGER_DIGEST,
                key=f"manager_digest:{person.id}:{this.day.isoformat()}",
                facts=_facts(told[person.id], person.locale or organization.locale),
                cause=f"manager_round:{this.id}",
            )
            for person in people
        ],
        now=now,
    )
    this.told_at = now
    return number


def _has_newer(session: Session, this: ManagerRound) -> bool:
    newer = (ManagerRound.organization_id == this.organization_id) & (ManagerRound.day > this.day)
    return bool(session.scalar(select(exists().where(newer))))


def _catch_up(this: ManagerRound, zone: str, now: datetime) -> None:
    """Nobody worked for days: the round is of today, from 09:00 on, and brings a missed Monday."""
    today = local_date(now, zone)
    missed = (today - this.day).days
    if this.told_at is not None or missed < 1:
        return
    if now < nine(today, zone):
        raise PostponedError(nine(today, zone))
    this.weekly = this.weekly or missed > today.weekday()
    this.day, this.at = today, now


def _since(session: Session, this: ManagerRound) -> datetime:
    """The moment of the round before; a day before when there was none."""
    last = session.scalar(
        select(func.max(ManagerRound.at)).where(
            ManagerRound.organization_id == this.organization_id, ManagerRound.day < this.day
        )
    )
    return max(last or this.at - timedelta(days=1), this.at - REACH_BACK)


def _facts(told: News, locale: str) -> JsonDict:
    return {
        "matters": {
            matter.value: {
                "total": told.totals[matter],
                "more": told.totals[matter] - len(told.lines[matter]),
                "lines": [
                    {
                        "person": line.person,
                        "training": line.training,
                        "unit": line.unit,
                        "day": _spelled(line.last_day, locale),
                    }
                    for line in told.lines[matter]
                ],
            }
            for matter in Matter
            if matter in told.totals
        },
        "unreachable": told.unreachable,
    }


def _spelled(day: date | None, locale: str) -> str | None:
    return format_date(day, "medium", locale=locale.replace("-", "_")) if day else None
