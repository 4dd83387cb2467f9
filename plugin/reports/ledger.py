"""The ledger of mail: every message, to whom and why, and what became of it when; read only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, null, or_, select, true
from sqlalchemy.orm import Session

from plugin.notify.errors import MessageNotFoundError
from plugin.notify.mail_models import AddressEvent, SentMail
from plugin.notify.models import Message, MessageKind, MessageState
from plugin.notify.watch import due_at, is_stuck
from plugin.org.models import Membership, Person, Unit
from plugin.org.reach import Reach
from plugin.org.search import has_words
from plugin.reports.causes import Cause, causes
from plugin.web.listing import Asked, Slice

BATCH = 500
SORTS = ("queued", "person")
STUCK = "stuck"
STATES = (STUCK, *(state.value for state in MessageState))
PERIODS: Mapping[str, timedelta] = {
    "1": timedelta(days=1),
    "7": timedelta(days=7),
    "30": timedelta(days=30),
    "365": timedelta(days=365),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message. `due_at`: when it may leave; `address`: where it went, or would go now.

    How often it was tried and when it was to leave is known of today only: None of the past.
    """

    id: int
    person_id: int
    person: str
    employee_id: str | None
    address: str | None
    kind: MessageKind
    locale: str | None
    state: MessageState
    error: str | None
    attempts: int | None
    created_at: datetime
    due_at: datetime | None
    sent_at: datetime | None
    ended_at: datetime | None
    cause: Cause | None
    stuck_for: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message with the mail that brought it, its very words, and what was said of it later."""

    line: Line
    mail: SentMail | None
    together: Sequence[Line]
    events: Sequence[AddressEvent]


def ledger(
    session: Session, reach: Reach, asked: Asked, *, at: datetime, past: bool = False
) -> Slice[Line]:
    """One page of the messages to people in reach, the newest first, in three statements.

    With `past` as they stood at that moment.
    """
    found = _narrowed(reach, asked, at, past=past)
    total = session.scalar(select(func.count()).select_from(found.subquery()))
    page = session.execute(_ordered(found, asked).limit(asked.size).offset(asked.offset)).all()
    return Slice(items=_lines(session, reach, page, at), total=total or 0, asked=asked)


def all_lines(
    session: Session, reach: Reach, asked: Asked, *, at: datetime, past: bool = False
) -> Iterator[Line]:
    """The whole ledger as it is narrowed now, read a batch at a time."""
    statement = _ordered(_narrowed(reach, asked, at, past=past), asked)
    rows = iter(session.execute(statement.execution_options(yield_per=BATCH)))
    while batch := list(islice(rows, BATCH)):
        yield from _lines(session, reach, batch, at)


def letter(session: Session, reach: Reach, message_id: int, *, at: datetime) -> Letter:
    """One message in reach; raises MessageNotFoundError for any other."""
    statement = _messages(reach, at).where(Message.id == message_id)
    row = session.execute(statement).one_or_none()
    if row is None:
        raise MessageNotFoundError(message_id)
    (line,) = _lines(session, reach, [row], at)
    mail_id = row.mail_id
    if mail_id is None:
        return Letter(line=line, mail=None, together=(), events=())
    others = session.execute(
        _messages(reach, at).where(Message.mail_id == mail_id, Message.id != message_id)
    ).all()
    return Letter(
        line=line,
        mail=session.get_one(SentMail, mail_id),
        together=_lines(session, reach, others, at),
        events=session.scalars(
            select(AddressEvent).where(AddressEvent.mail_id == mail_id).order_by(AddressEvent.id)
        ).all(),
    )


def count_stuck(reach: Reach, at: datetime) -> Any:
    """How many messages to people in reach should have left long ago: part of a statement."""
    return (
        select(func.count())
        .select_from(Message)
        .where(
            Message.organization_id == reach.organization_id,
            is_stuck(at),
            _is_open_to(reach, at),
        )
        .scalar_subquery()
    )


def _messages(reach: Reach, at: datetime, *, past: bool = False) -> Select[Any]:
    columns: list[Any] = [
        Message.id,
        Message.person_id,
        Person.full_name,
        Person.employee_id,
        func.coalesce(SentMail.address, Person.email).label("address"),
        Message.kind,
        Message.locale,
        *(_then(at) if past else _today()),
        Message.created_at,
        Message.cause,
        Message.mail_id,
    ]
    return (
        select(*columns)
        .join(Person, Person.id == Message.person_id)
        .outerjoin(SentMail, SentMail.id == Message.mail_id)
        .where(
            Message.organization_id == reach.organization_id,
            _is_open_to(reach, at),
        )
    )


def _today() -> list[Any]:
    return [
        *(Message.state, Message.error, Message.attempts, due_at().label("due_at")),
        *(Message.sent_at, Message.ended_at),
    ]


def _then(at: datetime) -> list[Any]:
    """What had become of it by that moment: what was not over yet waited."""
    over = _is_over(at)
    return [
        _state_then(at).label("state"),
        case((over, Message.error)).label("error"),
        null().label("attempts"),
        null().label("due_at"),
        case((Message.sent_at <= at, Message.sent_at)).label("sent_at"),
        case((over, Message.ended_at)).label("ended_at"),
    ]


def _is_over(at: datetime) -> ColumnElement[bool]:
    """It had ended by then; what never waited, for want of an address, has no end of its own."""
    open_states = [MessageState.QUEUED, MessageState.SENDING, MessageState.SENT]
    return or_(
        Message.ended_at <= at,
        and_(Message.ended_at.is_(None), Message.state.not_in(open_states)),
    )


def _state_then(at: datetime) -> ColumnElement[Any]:
    as_state = Message.state.type
    return case(
        (_is_over(at), Message.state),
        (Message.sent_at <= at, literal(MessageState.SENT, as_state)),
        else_=literal(MessageState.QUEUED, as_state),
    )


def _is_open_to(reach: Reach, at: datetime) -> ColumnElement[bool]:
    """The message is to somebody in reach; what a manager is told names people of other units."""
    if reach.is_whole:
        return true()
    return and_(reach.people(Message.person_id, at), Message.kind != MessageKind.MANAGER_DIGEST)


def _narrowed(reach: Reach, asked: Asked, at: datetime, *, past: bool) -> Select[Any]:
    filters = asked.filters
    return _messages(reach, at, past=past).where(
        has_words(asked.q),
        Message.created_at <= at if past else true(),
        _has_state(filters.get("state"), at, past=past),
        Message.kind == MessageKind(filters["kind"]) if "kind" in filters else true(),
        Message.created_at > at - PERIODS[filters["period"]] if "period" in filters else true(),
        Message.person_id == int(filters["person"]) if "person" in filters else true(),
        _is_in(reach, int(filters["unit"]), at) if "unit" in filters else true(),
    )


def _has_state(state: str | None, at: datetime, *, past: bool) -> ColumnElement[bool]:
    if past and state:  # what was stuck then was waiting; since when is not kept
        return _state_then(at) == (MessageState.QUEUED if state == STUCK else MessageState(state))
    if state == STUCK:
        return is_stuck(at)
    return Message.state == MessageState(state) if state else true()


def _is_in(reach: Reach, unit_id: int, at: datetime) -> ColumnElement[bool]:
    """The person is a member of the unit, or of a site of the region, now."""
    units = select(Unit.id).where(reach.units(), or_(Unit.id == unit_id, Unit.region_id == unit_id))
    members = select(Membership.person_id).where(
        and_(
            Membership.unit_id.in_(units),
            Membership.since_at <= at,
            or_(Membership.until_at.is_(None), Membership.until_at > at),
        )
    )
    return Message.person_id.in_(members)


def _ordered(statement: Select[Any], asked: Asked) -> Select[Any]:
    if asked.sort == "person":
        name = Person.full_name.desc() if asked.descending else Person.full_name
        return statement.order_by(name, Message.created_at.desc(), Message.id.desc())
    keys = (Message.created_at, Message.id)
    return statement.order_by(*(key.desc() if asked.descending else key for key in keys))


def _lines(session: Session, reach: Reach, rows: Sequence[Any], at: datetime) -> list[Line]:
    known = causes(session, reach.organization_id, [row.cause for row in rows])
    return [_line(row, known, at) for row in rows]


def _line(row: Any, known: Mapping[str, Cause], at: datetime) -> Line:
    waits = row.state in {MessageState.QUEUED, MessageState.SENDING}
    return Line(
        id=row.id,
        person_id=row.person_id,
        person=row.full_name,
        employee_id=row.employee_id,
        address=row.address,
        kind=row.kind,
        locale=row.locale,
        state=row.state,
        error=row.error,
        attempts=row.attempts,
        created_at=row.created_at,
        due_at=row.due_at,
        sent_at=row.sent_at,
        ended_at=row.ended_at,
        cause=known.get(row.cause or ""),
        stuck_for=at - row.due_at if waits and row.due_at and row.due_at < at else None,
    )
