"""Who cannot be reached by mail: no address, a dead one, or the last mail failed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    func,
    not_,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.orm import Session, aliased

from plugin.core.base import UTCDateTime
from plugin.notify.gate import has_dead_address
from plugin.notify.mail_models import AddressEvent, AddressFact
from plugin.notify.models import Message, MessageState
from plugin.org.history import was
from plugin.org.models import Person
from plugin.org.reach import Reach
from plugin.org.search import has_words
from plugin.reports.standings import BATCH
from plugin.web.listing import Asked, Slice

SORTS = ("person", "failed")
CAUSES = ("no_address", "dead", "failed")
TRIED = (MessageState.SENT, MessageState.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    """A person mail does not reach: when and with which words their mail failed or came back."""

    person_id: int
    person: str
    employee_id: str | None
    email: str | None
    is_dead: bool
    failed_at: datetime | None
    words: str | None


def is_unreachable(reach: Reach, at: datetime, *, past: bool = False) -> ColumnElement[bool]:
    """The person is active and in reach, and mail does not get to them.

    `past`: as it was then, by the address of then and what was known of it.
    """
    deactivated_at = was(Person, "deactivated_at", at, past=past)
    return and_(
        Person.organization_id == reach.organization_id,
        or_(deactivated_at.is_(None), deactivated_at > at),
        Person.created_at <= at if past else true(),
        reach.people(Person.id, at),
        or_(
            _has_no_address(at, past=past),
            _is_dead(at, past=past),
            Person.id.in_(_failures(reach, at, Message.person_id, past=past)),
        ),
    )


def unreachable(
    session: Session, reach: Reach, asked: Asked, *, at: datetime, past: bool = False
) -> Slice[Unreachable]:
    """One page of the people in reach whom mail does not reach, in two statements."""
    found = _narrowed(reach, asked, at, past=past)
    total = session.scalar(found.with_only_columns(func.count(), maintain_column_froms=True))
    page = _ordered(found, asked).limit(asked.size).offset(asked.offset)
    return Slice(items=[_line(row) for row in session.execute(page)], total=total or 0, asked=asked)


def all_unreachable(
    session: Session, reach: Reach, asked: Asked, *, at: datetime, past: bool = False
) -> Iterator[Unreachable]:
    """The whole list as it is narrowed, read a batch at a time."""
    statement = _ordered(_narrowed(reach, asked, at, past=past), asked)
    for row in session.execute(statement.execution_options(yield_per=BATCH)):
        yield _line(row)


def _address(at: datetime, *, past: bool) -> Any:
    return was(Person, "email", at, past=past)


def _has_no_address(at: datetime, *, past: bool) -> ColumnElement[bool]:
    address = _address(at, past=past)
    return or_(address.is_(None), address == "")


def _is_dead(at: datetime, *, past: bool) -> ColumnElement[bool]:
    """The newest word about the person's address, by then, is that it is dead."""
    if not past:
        return has_dead_address(Person)
    return has_dead_address(Person, address=_address(at, past=True), at=at)


def _failures(reach: Reach, at: datetime, *columns: Any, past: bool) -> Select[Any]:
    """Each person's mail that failed for good with none sent after it."""
    later = aliased(Message)
    return select(*columns).where(
        Message.organization_id == reach.organization_id,
        Message.state == MessageState.FAILED,
        Message.ended_at <= at if past else true(),
        ~exists(
            select(later.id).where(
                later.person_id == Message.person_id,
                later.id > Message.id,
                _was_tried(later, at) if past else later.state.in_(TRIED),
            )
        ),
    )


def _was_tried(message: Any, at: datetime) -> ColumnElement[bool]:
    """By then the server had taken or refused it, and it had not come back."""
    returned = and_(message.state == MessageState.BOUNCED, message.ended_at <= at)
    return or_(
        and_(message.sent_at <= at, not_(returned)),
        and_(message.state == MessageState.FAILED, message.ended_at <= at),
    )


def _last_words(column: Any, at: datetime, *, past: bool) -> Any:
    """What was said last when the person's address died."""
    return (
        select(column)
        .where(
            AddressEvent.person_id == Person.id,
            AddressEvent.address == func.lower(_address(at, past=past)),
            AddressEvent.fact == AddressFact.HARD,
            AddressEvent.at <= at if past else true(),
        )
        .order_by(AddressEvent.id.desc())
        .limit(1)
        .correlate(Person)
        .scalar_subquery()
    )


def _narrowed(reach: Reach, asked: Asked, at: datetime, *, past: bool) -> Select[Any]:
    columns = (Message.person_id, Message.claimed_at, Message.error)
    failure = _failures(reach, at, *columns, past=past).subquery()
    cause = asked.filters.get("cause")
    has_none, is_dead = _has_no_address(at, past=past), _is_dead(at, past=past)
    conditions = {"no_address": has_none, "dead": is_dead, "failed": ~has_none & ~is_dead}
    last_words = _last_words(AddressEvent.words, at, past=past)
    last_at = type_coerce(_last_words(AddressEvent.at, at, past=past), UTCDateTime())
    return (
        select(
            Person.id,
            Person.full_name,
            Person.employee_id,
            _address(at, past=past).label("email"),
            is_dead.label("is_dead"),
            case((has_none, None), (is_dead, last_at), else_=failure.c.claimed_at).label(
                "failed_at"
            ),
            case((has_none, None), (is_dead, last_words), else_=failure.c.error).label("words"),
        )
        .outerjoin(failure, failure.c.person_id == Person.id)
        .where(
            is_unreachable(reach, at, past=past),
            has_words(asked.q),
            conditions[cause] if cause else true(),
        )
    )


def _ordered(statement: Select[Any], asked: Asked) -> Select[Any]:
    keys: list[Any] = [Person.full_name, Person.id]
    if asked.sort == "failed":
        failed_at = statement.selected_columns.failed_at
        keys = [failed_at.is_(None), failed_at, *keys]
    return statement.order_by(*(key.desc() if asked.descending else key for key in keys))


def _line(row: Any) -> Unreachable:
    return Unreachable(
        person_id=row.id,
        person=row.full_name,
        employee_id=row.employee_id,
        email=row.email or None,
        is_dead=bool(row.is_dead),
        failed_at=row.failed_at,
        words=row.words,
    )
