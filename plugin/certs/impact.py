"""What a publish will do, counted before it is done (domain §6.1): the numbers that then happen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import CTE, ColumnElement, and_, exists, func, literal, not_, or_, select, true
from sqlalchemy.orm import Session, aliased

from plugin.assign import replaced_sql
from plugin.assign.actions import NextVersion
from plugin.assign.calendar_sql import FOR_EVER
from plugin.assign.effects import Question, outcomes
from plugin.assign.facts import CertificateStart
from plugin.assign.models import Configuration
from plugin.assign.validity import local_date
from plugin.certs.models import Certificate, CertificateEvent, Edition
from plugin.certs.rules import EventKind
from plugin.core.base import UTCDateTime
from plugin.notify.gate import has_dead_address
from plugin.notify.letterhead import Letterhead, letterhead
from plugin.notify.models import MessageKind
from plugin.org.models import Person

MOMENT = UTCDateTime()
ByKind = Mapping[MessageKind, ColumnElement[bool]]
"""Who is sent a mail of this kind, were nothing in the way."""


class Group(StrEnum):
    """People a publish does the same thing to; the counts and the names are of these."""

    COVERED = "covered"
    NEWLY_OBLIGED = "newly_obliged"
    TRAINING_MAILS = "training_mails"
    TURN_INVALID = "turn_invalid"
    END = "end"
    AT_RISK = "at_risk"
    ISSUED = "issued"
    RESTORED = "restored"
    RENEWED = "renewed"
    CERTIFICATE_MAILS = "certificate_mails"
    WITHOUT_ADDRESS = "without_address"
    SWITCHED_OFF = "switched_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """How many people each thing happens to, and the first dates it touches.

    `first_due`: the first day new training is due. `first_end`: the first day on which a
    certificate ends earlier than it does now.
    """

    at: datetime
    counts: Mapping[Group, int]
    first_due: date | None
    first_end: date | None

    @property
    def mails(self) -> int:
        """All mails that will go."""
        return self.counts[Group.TRAINING_MAILS] + self.counts[Group.CERTIFICATE_MAILS]


def impact(session: Session, configuration: Configuration, coming: NextVersion) -> Impact:
    """The counts for everybody covered, in one statement; and one for what is mailed at all."""
    lines, groups = _lines(session, configuration, coming)
    columns: list[ColumnElement[Any]] = [
        func.count().filter(condition).label(group.value) for group, condition in groups.items()
    ]
    earlier = and_(
        lines.stays_valid,
        lines.through < func.coalesce(lines.was_through, FOR_EVER),
        lines.was_valid,
    )
    found = session.execute(
        select(*columns, func.min(lines.through).filter(earlier).label("first_end")).select_from(
            lines.source
        )
    ).one()
    return Impact(
        at=coming.effective_at,
        counts={group: getattr(found, group.value) for group in Group},
        first_due=_first_due(coming) if found.newly_obliged else None,
        first_end=found.first_end,
    )


def names(
    session: Session,
    configuration: Configuration,
    coming: NextVersion,
    group: Group,
    *,
    offset: int,
    limit: int,
) -> Sequence[tuple[int, str]]:
    """The people of one group by name: their ids and names."""
    lines, groups = _lines(session, configuration, coming)
    rows = session.execute(
        select(Person.id, Person.full_name)
        .select_from(lines.source)
        .where(groups[group])
        .order_by(Person.full_name, Person.id)
        .offset(offset)
        .limit(limit)
    )
    return [(row.id, row.full_name) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lines:
    source: Any
    through: ColumnElement[Any]
    was_through: ColumnElement[Any]
    was_valid: ColumnElement[bool]
    stays_valid: ColumnElement[bool]


def _lines(
    session: Session, configuration: Configuration, coming: NextVersion
) -> tuple[_Lines, dict[Group, ColumnElement[bool]]]:
    """Everybody covered with their certificate, and the condition of each group."""
    question = Question(
        configuration=configuration,
        rows=coming.rows,
        zone=coming.zone,
        at=coming.effective_at,
        retrainings=replaced_sql.asking(
            session,
            configuration.organization_id,
            [row.module_id for row in coming.rows],
            at=coming.effective_at,
        ),
    )
    outcome = outcomes(question)
    last, withheld = _last_edition(configuration), _withheld(configuration)
    source = (
        outcome.join(Person.__table__, Person.id == outcome.c.person_id)
        .outerjoin(
            Certificate.__table__,
            and_(
                Certificate.person_id == outcome.c.person_id,
                Certificate.configuration_id == configuration.id,
            ),
        )
        .outerjoin(last, last.certificate_id == Certificate.id)
        .outerjoin(withheld, withheld.c.certificate_id == Certificate.id)
    )
    head = letterhead(session, configuration.organization_id)
    is_free = withheld.c.certificate_id.is_(None)
    groups = _groups(coming, question, outcome.c, last, is_free, head)
    lines = _Lines(
        source=source,
        through=outcome.c.through,
        was_through=outcome.c.was_through,
        was_valid=and_(outcome.c.was_valid, outcome.c.promised),
        stays_valid=outcome.c.valid,
    )
    return lines, groups


def _last_edition(configuration: Configuration) -> Any:
    """Each certificate's newest edition."""
    numbers = (
        select(Edition.certificate_id, func.max(Edition.number).label("number"))
        .join(Certificate, Certificate.id == Edition.certificate_id)
        .where(Certificate.configuration_id == configuration.id)
        .group_by(Edition.certificate_id)
        .subquery()
    )
    newest = (
        select(Edition)
        .join(
            numbers,
            and_(
                numbers.c.certificate_id == Edition.certificate_id,
                numbers.c.number == Edition.number,
            ),
        )
        .subquery("last_edition")
    )
    return aliased(Edition, newest)


def _groups(
    coming: NextVersion,
    question: Question,
    line: Any,
    last: Any,
    is_free: ColumnElement[bool],
    head: Letterhead,
) -> dict[Group, ColumnElement[bool]]:
    holds = and_(Certificate.id.is_not(None), Certificate.erased_at.is_(None), is_free)
    had = and_(line.was_valid, line.promised, holds)
    gives = and_(line.valid, true() if coming.certificate_on else literal(False))
    editions = _editions(coming, line, last, holds=holds, gives=gives)
    first, restored, renewed = editions.values()
    told = and_(first, _is_mailed(line, coming.certificate_start))
    proves = bool(coming.certificate_on and question.required)
    grace = [row.grace.last_day for row in question.required if row.grace and not row.grace.terms]
    return {
        Group.COVERED: true(),
        Group.NEWLY_OBLIGED: line.has_news,
        Group.TURN_INVALID: and_(had, ~line.valid) if proves else literal(False),
        Group.END: literal(False) if proves else had,
        Group.AT_RISK: and_(had, gives, line.through.in_(grace)) if grace else literal(False),
        Group.ISSUED: first,
        Group.RESTORED: restored,
        Group.RENEWED: renewed,
        **_mails(
            _training_mails(line, proves=proves),
            {**editions, MessageKind.CERTIFICATE_ISSUED: told},
            head,
        ),
    }


def _editions(
    coming: NextVersion,
    line: Any,
    last: Any,
    *,
    holds: ColumnElement[bool],
    gives: ColumnElement[bool],
) -> ByKind:
    """Who is given which edition, by the mail that brings it."""
    may_have = or_(Certificate.id.is_(None), holds)
    first = and_(gives, may_have, last.id.is_(None), _is_issued(line, coming.certificate_start))
    again = and_(gives, holds, last.id.is_not(None))
    restored = and_(again, or_(~line.was_valid, line.continuous_since_at > last.issued_at))
    renewed = and_(
        again,
        not_(func.coalesce(restored, False)),
        last.valid_through.is_not(None),
        line.through > last.valid_through,
    )
    return {
        MessageKind.CERTIFICATE_ISSUED: first,
        MessageKind.CERTIFICATE_RESTORED: restored,
        MessageKind.CERTIFICATE_RENEWED: renewed,
    }


def _training_mails(line: Any, *, proves: bool) -> ByKind:
    """Who is told of duties or of a certificate they took; the same as `duties.mail_about`."""
    took = and_(line.was_valid, line.promised, ~line.valid)
    news = and_(line.has_news, not_(and_(~line.was_known, line.silent)))
    lost = and_(took, ~line.has_news) if proves else literal(False)
    return {
        MessageKind.NEW_TRAINING: and_(news, ~took),
        MessageKind.NEW_REQUIREMENT: or_(and_(news, took), and_(lost, ~line.complete)),
        MessageKind.EXPIRED: and_(lost, line.complete),
    }


def _mails(
    training: ByKind, certificates: ByKind, head: Letterhead
) -> dict[Group, ColumnElement[bool]]:
    """Which mails go and which do not, as `gate.hindrance` decides when they are about to leave."""
    has_address = Person.email.is_not(None)
    reached = and_(has_address, ~has_dead_address(Person))
    both = {**training, **certificates}
    goes = _any(both, head.mails)
    return {
        Group.TRAINING_MAILS: and_(_any(training, head.mails), reached),
        Group.CERTIFICATE_MAILS: and_(_any(certificates, head.mails), reached),
        Group.WITHOUT_ADDRESS: or_(
            and_(goes, ~reached), and_(_any(both, lambda _kind: True), ~has_address)
        ),
        Group.SWITCHED_OFF: and_(_any(both, lambda kind: not head.mails(kind)), has_address),
    }


def _any(asked: ByKind, chosen: Callable[[MessageKind], bool]) -> ColumnElement[bool]:
    """A mail of one of the chosen kinds is asked for."""
    return or_(literal(False), *(each for kind, each in asked.items() if chosen(kind)))


def _is_issued(line: Any, start: CertificateStart) -> ColumnElement[bool]:
    if start.issue_from is None:
        return true()
    condition: ColumnElement[bool] = line.proved_at >= literal(start.issue_from, MOMENT)
    return condition


def _is_mailed(line: Any, start: CertificateStart) -> ColumnElement[bool]:
    if start.mail_from is None:
        return true()
    condition: ColumnElement[bool] = line.proved_at >= literal(start.mail_from, MOMENT)
    return condition


def _withheld(configuration: Configuration) -> CTE:
    """The certificates that are revoked, or suspended and not lifted since."""
    later = aliased(CertificateEvent)
    lifted = exists().where(
        later.certificate_id == CertificateEvent.certificate_id,
        later.kind == EventKind.LIFTED,
        later.id > CertificateEvent.id,
    )
    return (
        select(CertificateEvent.certificate_id)
        .join(Certificate, Certificate.id == CertificateEvent.certificate_id)
        .where(
            Certificate.configuration_id == configuration.id,
            or_(
                CertificateEvent.kind == EventKind.REVOKED,
                and_(CertificateEvent.kind == EventKind.SUSPENDED, ~lifted),
            ),
        )
        .distinct()
        .cte("withheld")
    )


def _first_due(coming: NextVersion) -> date | None:
    """The first day something newly required is due, for those who are covered already."""
    today = local_date(coming.effective_at, coming.zone)
    days = [
        day
        for row in coming.rows
        if row.required_since == coming.effective_at
        for day in (
            today + timedelta(days=row.due_days) if row.due_days else None,
            row.grace.last_day if row.grace and not row.grace.terms else None,
        )
        if day is not None
    ]
    return min(days, default=None)
