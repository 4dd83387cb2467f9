"""What the managers of an organization should know of their units: all of them in one reading."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from plugin.assign import listed
from plugin.assign.listed import Duties
from plugin.assign.models import Configuration
from plugin.assign.statement import is_active
from plugin.notify.models import Message, MessageKind, MessageState
from plugin.org.models import Grant, Membership, Person, Unit
from plugin.org.reach import Reach
from plugin.reports.unreachable import is_unreachable
from plugin.web.roles import Role

SHOWN = 10
EXPIRING_DAYS = 30
WEEK_DAYS = 7
ESCALATED = timedelta(days=8)
"""The last day is in seven days: it ends at the midnight after."""
REMINDED_SINCE = timedelta(days=45)


class Matter(StrEnum):
    """Why a line is there."""

    ESCALATED = "escalated"
    NEWLY_INVALID = "newly_invalid"
    EXPIRING = "expiring"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One person under one training."""

    person: str
    training: str
    unit: str
    last_day: date | None


@dataclass(slots=True)
class News:
    """What one manager is told: the first lines of each matter, and how many there are."""

    lines: dict[Matter, list[Line]] = field(default_factory=lambda: defaultdict(list))
    totals: dict[Matter, int] = field(default_factory=dict)
    unreachable: int = 0


def news(
    session: Session, organization_id: int, *, weekly: bool, since: datetime, at: datetime
) -> Mapping[int, News]:
    """By manager: what is new since the last round. Weekly all matters, else only those whose last
    day has come within a week. In three statements, however many managers and people there are;
    whom a version that has just taken effect has yet to judge is judged here, as for lists."""
    reach = Reach(organization_id=organization_id, unit_ids=None)
    duties = listed.answering(session, reach, at)
    matters = _weekly(duties) if weekly else [(Matter.ESCALATED, _escalated(duties, since))]
    found: dict[int, News] = defaultdict(News)
    for row in session.execute(_lines(organization_id, duties, matters, at)):
        told = found[row.manager_id]
        matter = Matter(row.matter)
        told.totals[matter] = row.total
        told.lines[matter].append(
            Line(
                person=row.full_name,
                training=row.configuration,
                unit=row.unit,
                last_day=row.valid_through,
            )
        )
    if weekly:
        for manager_id, number in session.execute(_unreachable(organization_id, at)):
            found[manager_id].unreachable = number
    return found


def _weekly(duties: Duties) -> list[tuple[Matter, ColumnElement[bool]]]:
    pressing = _escalated(duties, duties.at - ESCALATED)
    soon = listed.ends_within(duties, EXPIRING_DAYS)
    return [
        (Matter.ESCALATED, pressing),
        (Matter.NEWLY_INVALID, listed.is_newly_invalid(duties, WEEK_DAYS)),
        (Matter.EXPIRING, and_(soon, ~pressing)),
    ]


def _escalated(duties: Duties, since: datetime) -> ColumnElement[bool]:
    """The last day came within a week since then, and the person has been reminded."""
    standing, at = duties.standing, duties.at
    reminded = exists().where(
        Message.person_id == standing.person_id,
        Message.kind == MessageKind.REMINDER,
        Message.cause == literal("configuration:") + cast(standing.configuration_id, Text),
        Message.state != MessageState.CANCELLED,
        Message.created_at > at - REMINDED_SINCE,
    )
    return and_(
        standing.complete.is_(True),
        standing.ends_at > at,
        standing.ends_at > since + ESCALATED,
        standing.ends_at <= at + ESCALATED,
        reminded,
    )


def _managed(organization_id: int) -> Select[Any]:
    """Each manager's units; a region's are also its sites."""
    found: Any = (
        select(Grant.person_id.label("manager_id"), Unit.id.label("unit_id"))
        .join(Unit, or_(Unit.id == Grant.unit_id, Unit.region_id == Grant.unit_id))
        .where(
            Grant.organization_id == organization_id,
            Grant.role == Role.MANAGER,
            Grant.revoked_at.is_(None),
        )
        .distinct()
    )
    managed: Select[Any] = found
    return managed


def _lines(
    organization_id: int,
    duties: Duties,
    matters: list[tuple[Matter, ColumnElement[bool]]],
    at: datetime,
) -> Select[Any]:
    managed = _managed(organization_id).cte("managed")
    standing = duties.standing
    found = union_all(
        *(
            select(
                literal(matter.value).label("matter"),
                standing.id,
                standing.person_id,
                standing.configuration_id,
                standing.valid_through,
            ).where(
                standing.organization_id == organization_id,
                listed.is_obliged(duties),
                condition,
            )
            for matter, condition in matters
        )
    ).cte("found")
    told = (
        select(
            managed.c.manager_id,
            found.c.matter,
            found.c.id,
            found.c.valid_through,
            Person.full_name,
            found.c.configuration_id,
        )
        .join(Membership, Membership.person_id == found.c.person_id)
        .join(Person, Person.id == found.c.person_id)
        .join(Unit, Unit.id == Membership.unit_id)
        .join(managed, managed.c.unit_id == Membership.unit_id)
        .where(is_active(at))
        .distinct()
        .cte("told")
    )
    group = [told.c.manager_id, told.c.matter]
    order = [told.c.valid_through, told.c.full_name, told.c.id]
    ranked = select(
        told,
        func.row_number().over(partition_by=group, order_by=order).label("rank"),
        func.count().over(partition_by=group).label("total"),
    ).cte("ranked")
    return (
        select(ranked, Configuration.name.label("configuration"), Unit.name.label("unit"))
        .join(Configuration, Configuration.id == ranked.c.configuration_id)
        .join(Unit, Unit.id == Configuration.unit_id)
        .where(ranked.c.rank <= SHOWN)
        .order_by(ranked.c.manager_id, ranked.c.matter, ranked.c.rank)
    )


def _unreachable(organization_id: int, at: datetime) -> Select[Any]:
    """How many people of each manager mail does not reach."""
    managed = _managed(organization_id).cte("managed")
    everybody = Reach(organization_id=organization_id, unit_ids=None)
    return (
        select(managed.c.manager_id, func.count(Person.id.distinct()))
        .select_from(Person)
        .join(Membership, Membership.person_id == Person.id)
        .join(Unit, Unit.id == Membership.unit_id)
        .join(managed, managed.c.unit_id == Membership.unit_id)
        .where(is_unreachable(everybody, at), is_active(at))
        .group_by(managed.c.manager_id)
    )
