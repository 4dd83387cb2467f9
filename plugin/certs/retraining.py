"""What it will do that a version has to be learned anew from a day on, counted before it is
decided: by person and by certificate (domain §6.1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, distinct, func, literal, or_, select
from sqlalchemy.orm import Session

from plugin.assign import replaced_sql
from plugin.assign.concerned import Prospect, concerned
from plugin.assign.facts import RetrainingFacts
from plugin.assign.models import Configuration, StoredStanding
from plugin.certs.models import Certificate
from plugin.certs.withheld import is_withheld
from plugin.modules.models import ModuleVersion
from plugin.modules.retraining import zones_of
from plugin.notify.gate import has_dead_address
from plugin.notify.letterhead import letterhead
from plugin.notify.models import MessageKind
from plugin.org.models import Person, Unit

NEXT = 2**62
"""The id of a decision that is not made yet: every other one was made before."""


class Concern(StrEnum):
    """People the decision does the same thing to; the counts and the names are of these."""

    PEOPLE = "people"
    TURN_INVALID = "turn_invalid"
    MAILS = "mails"
    WITHOUT_ADDRESS = "without_address"
    SWITCHED_OFF = "switched_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """How many people each thing happens to, how many certificates read INVALID from `from_on` on
    if nothing is done until then, and the trainings that ask for the module with their people."""

    from_on: date
    counts: Mapping[Concern, int]
    certificates: int
    trainings: Sequence[tuple[str, str, int]]


def impact(session: Session, version: ModuleVersion, from_on: date, *, now: datetime) -> Impact:
    """The counts over everybody who is covered now, in one statement for the counts, one for the
    trainings, and those that say what stands."""
    lines, groups = _lines(session, version, from_on, now=now)
    people = [
        func.count(distinct(Person.id)).filter(condition).label(group.value)
        for group, condition in groups.items()
    ]
    ends = func.count(distinct(Certificate.id)).filter(groups[Concern.TURN_INVALID])
    found = session.execute(
        select(*people, ends.label("certificates")).select_from(lines.source)
    ).one()
    return Impact(
        from_on=from_on,
        counts={group: getattr(found, group.value) for group in Concern},
        certificates=found.certificates,
        trainings=_trainings(session, lines),
    )


def names(
    session: Session,
    version: ModuleVersion,
    from_on: date,
    group: Concern,
    *,
    now: datetime,
    offset: int,
    limit: int,
) -> Sequence[tuple[int, str]]:
    """The people of one group by name: their ids and names."""
    lines, groups = _lines(session, version, from_on, now=now)
    rows = session.execute(
        select(Person.id, Person.full_name)
        .select_from(lines.source)
        .where(groups[group])
        .distinct()
        .order_by(Person.full_name, Person.id)
        .offset(offset)
        .limit(limit)
    )
    return [(row.id, row.full_name) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lines:
    source: Any
    configuration_id: ColumnElement[int]


def _lines(
    session: Session, version: ModuleVersion, from_on: date, *, now: datetime
) -> tuple[_Lines, dict[Concern, ColumnElement[bool]]]:
    """Everybody concerned with what they hold, and the condition of each group."""
    organization_id = version.organization_id
    standing = replaced_sql.asking(session, organization_id, [version.module_id], at=now)
    prospect = Prospect(
        organization_id=organization_id,
        retraining=RetrainingFacts(
            id=NEXT,
            module_id=version.module_id,
            number=version.number,
            came_at=version.created_at,
            from_on=from_on,
            decided_at=now,
        ),
        others=tuple(each for each in standing if each.number != version.number),
        zones=zones_of(session, organization_id),
    )
    line = concerned(prospect)
    same = (line.c.person_id, line.c.configuration_id)
    held = and_(Certificate.person_id == same[0], Certificate.configuration_id == same[1])
    stored = and_(StoredStanding.person_id == same[0], StoredStanding.configuration_id == same[1])
    source = (
        line.join(Person, Person.id == line.c.person_id)
        .outerjoin(Certificate, held)
        .outerjoin(StoredStanding, stored)
    )
    lasts = or_(StoredStanding.valid_through.is_(None), StoredStanding.valid_through >= from_on)
    ends = and_(
        line.c.promised == 1,
        StoredStanding.covered,
        StoredStanding.complete,
        lasts,
        Certificate.id.is_not(None),
        Certificate.erased_at.is_(None),
        ~is_withheld(Certificate.id),
    )
    groups = {
        Concern.PEOPLE: literal(True),
        Concern.TURN_INVALID: ends,
        **_mails(letterhead(session, organization_id).mails(MessageKind.NEW_TRAINING)),
    }
    return _Lines(source=source, configuration_id=line.c.configuration_id), groups


def _mails(is_sent: bool) -> dict[Concern, ColumnElement[bool]]:
    """Which mails go and which do not, as `gate.hindrance` decides when they are about to leave."""
    has_address = Person.email.is_not(None)
    reached = and_(has_address, ~has_dead_address(Person))
    goes = literal(is_sent)
    return {
        Concern.MAILS: and_(goes, reached),
        Concern.WITHOUT_ADDRESS: or_(and_(goes, ~reached), ~has_address),
        Concern.SWITCHED_OFF: and_(~goes, has_address),
    }


def _trainings(session: Session, lines: _Lines) -> Sequence[tuple[str, str, int]]:
    """Each training concerned: its name, its unit's, and how many people of it."""
    rows = session.execute(
        select(Configuration.name, Unit.name.label("unit"), func.count().label("people"))
        .select_from(
            lines.source.join(Configuration, Configuration.id == lines.configuration_id).join(
                Unit, Unit.id == Configuration.unit_id
            )
        )
        .group_by(Configuration.id, Configuration.name, Unit.name)
        .order_by(Configuration.name, Unit.name, Configuration.id)
    )
    return [(row.name, row.unit, row.people) for row in rows]
