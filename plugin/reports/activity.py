"""Everything that happened to one person until a moment, from every part, newest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from plugin.assign.models import Configuration
from plugin.certs.models import Certificate, CertificateEvent, Edition
from plugin.core.audit import AuditEntry
from plugin.modules.models import Completion, Module, Run, RunState
from plugin.modules.queries import is_withdrawal
from plugin.notify.models import Message, MessageKind, MessageState
from plugin.org.models import Membership, Person, SignIn, Unit
from plugin.org.reach import Reach
from plugin.web.listing import Asked

BATCH = 500
ABOUT_PERSON = (
    "person.created",
    "person.edited",
    "person.deactivated",
    "person.reactivated",
    "person.merged",
    "person.reminded",
    "person.unmerged",
    "grant.given",
    "grant.revoked",
    "waiver.given",
    "waiver.ended",
    "submission.approved",
    "submission.rejected",
)


class Kind(StrEnum):
    """What sort of thing happened."""

    VISIT = "visit"
    SITTING = "sitting"
    COMPLETION = "completion"
    MEMBERSHIP = "membership"
    CERTIFICATE = "certificate"
    MAIL = "mail"
    CHANGE = "change"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One line: what it was, about what, by whom, and a detail in the product's own codes."""

    at: datetime
    kind: Kind
    what: str
    about: str | None
    detail: str | None
    who: str | None


def activity(
    session: Session, reach: Reach, person_id: int, asked: Asked, *, at: datetime
) -> tuple[list[Happening], int]:
    """One page of it, and how much there is; two statements."""
    everything = _everything(reach, person_id, asked.filters.get("kind"), at).subquery()
    total = session.scalar(select(func.count()).select_from(everything)) or 0
    lines = session.execute(
        select(everything)
        .order_by(everything.c.at.desc(), everything.c.kind, everything.c.about)
        .offset(asked.offset)
        .limit(asked.size)
    )
    return [_line(line) for line in lines], total


def rows(
    session: Session, reach: Reach, person_id: int, asked: Asked, *, at: datetime
) -> Iterator[Happening]:
    """All of it, for a file."""
    everything = _everything(reach, person_id, asked.filters.get("kind"), at).subquery()
    statement = select(everything).order_by(everything.c.at.desc(), everything.c.kind)
    for line in session.execute(statement.execution_options(yield_per=BATCH)):
        yield _line(line)


def _line(line: Any) -> Happening:
    return Happening(
        at=line.at,
        kind=Kind(line.kind),
        what=line.what,
        about=line.about,
        detail=line.detail,
        who=line.who,
    )


def _everything(
    reach: Reach, person_id: int, kind: str | None, at: datetime
) -> CompoundSelect[Any]:
    of_kinds = {
        Kind.VISIT: [_visits(person_id, at)],
        Kind.SITTING: [_sittings(person_id, at)],
        Kind.COMPLETION: [_completions(person_id, at)],
        Kind.MEMBERSHIP: [
            _memberships(reach, person_id, "started", Membership.since_at, at),
            _memberships(reach, person_id, "ended", Membership.until_at, at),
        ],
        Kind.CERTIFICATE: [_editions(reach, person_id, at), _events(reach, person_id, at)],
        Kind.MAIL: [_mails(reach, person_id, at)],
        Kind.CHANGE: [_changes(reach, person_id, at)],
    }
    wanted = [Kind(kind)] if kind else list(Kind)
    return union_all(*(each for name in wanted for each in of_kinds[name]))


def _select(
    at: Any, kind: Kind, what: Any, about: Any = None, detail: Any = None, who: Any = None
) -> Select[Any]:
    def text(value: Any) -> Any:
        return cast(null() if value is None else value, Text)

    columns: list[Any] = [
        at.label("at"),
        literal(kind.value, Text).label("kind"),
        text(what).label("what"),
        text(about).label("about"),
        text(detail).label("detail"),
        text(who).label("who"),
    ]
    return select(*columns)


def _visits(person_id: int, at: datetime) -> Select[Any]:
    return _select(SignIn.created_at, Kind.VISIT, literal("visited")).where(
        SignIn.person_id == person_id, SignIn.created_at <= at
    )


def _sittings(person_id: int, at: datetime) -> Select[Any]:
    state = case((Run.ended_at > at, RunState.OPEN.value), else_=cast(Run.state, Text))
    return (
        _select(Run.started_at, Kind.SITTING, state, Module.title)
        .join(Module, Module.id == Run.module_id)
        .where(Run.person_id == person_id, Run.started_at <= at)
    )


def _completions(person_id: int, at: datetime) -> Select[Any]:
    passed = case(
        (is_withdrawal(Completion), "withdrawn"), (Completion.passed, "passed"), else_="failed"
    )
    return (
        _select(Completion.learned_at, Kind.COMPLETION, Completion.source, Module.title, passed)
        .join(Module, Module.id == Completion.module_id)
        .where(Completion.person_id == person_id, Completion.learned_at <= at)
    )


def _memberships(reach: Reach, person_id: int, what: str, moment: Any, at: datetime) -> Select[Any]:
    return (
        _select(moment, Kind.MEMBERSHIP, literal(what), Unit.name, Membership.source)
        .select_from(Membership)
        .join(Unit, Unit.id == Membership.unit_id)
        .where(
            Membership.person_id == person_id,
            moment.is_not(None),
            moment <= at,
            Membership.created_at <= at,
            reach.units(),
        )
    )


def _editions(reach: Reach, person_id: int, at: datetime) -> Select[Any]:
    return (
        _select(
            Edition.issued_at,
            Kind.CERTIFICATE,
            Edition.kind,
            Configuration.name,
            cast(Edition.number, Text),
        )
        .join(Certificate, Certificate.id == Edition.certificate_id)
        .join(Configuration, Configuration.id == Certificate.configuration_id)
        .join(Unit, Unit.id == Configuration.unit_id)
        .where(Certificate.person_id == person_id, Edition.issued_at <= at, reach.units())
    )


def _events(reach: Reach, person_id: int, at: datetime) -> Select[Any]:
    by = aliased(Person)
    return (
        _select(
            CertificateEvent.at,
            Kind.CERTIFICATE,
            CertificateEvent.kind,
            Configuration.name,
            CertificateEvent.reason,
            by.full_name,
        )
        .join(Certificate, Certificate.id == CertificateEvent.certificate_id)
        .join(Configuration, Configuration.id == Certificate.configuration_id)
        .join(Unit, Unit.id == Configuration.unit_id)
        .outerjoin(by, by.id == CertificateEvent.by_person_id)
        .where(Certificate.person_id == person_id, CertificateEvent.at <= at, reach.units())
    )


def _mails(reach: Reach, person_id: int, at: datetime) -> Select[Any]:
    """What the person was told, at the moment it became so. What a manager is told names people
    of other units than theirs."""
    state = case(
        (and_(Message.sent_at <= at, Message.ended_at > at), MessageState.SENT.value),
        (or_(Message.sent_at > at, Message.ended_at > at), MessageState.QUEUED.value),
        else_=cast(Message.state, Text),
    )
    became_at = case(
        (Message.ended_at <= at, Message.ended_at),
        (Message.sent_at <= at, Message.sent_at),
        else_=Message.created_at,
    )
    everything = Message.kind != MessageKind.MANAGER_DIGEST
    return _select(became_at, Kind.MAIL, Message.kind, None, state).where(
        Message.person_id == person_id,
        Message.created_at <= at,
        true() if reach.is_whole else everything,
    )


def _changes(reach: Reach, person_id: int, at: datetime) -> Select[Any]:
    by = aliased(Person)
    return (
        _select(
            AuditEntry.at, Kind.CHANGE, AuditEntry.action, None, AuditEntry.reason, by.full_name
        )
        .outerjoin(by, by.id == AuditEntry.by_person_id)
        .where(
            AuditEntry.organization_id == reach.organization_id,
            AuditEntry.about_kind == "person",
            AuditEntry.about_id == person_id,
            AuditEntry.at <= at,
            AuditEntry.action.in_(ABOUT_PERSON),
        )
    )
