"""Who cannot be reached by mail: without an address, with a dead one, or whose last mail failed."""

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
from plugin.org.models import Person
from plugin.org.reach import Reach
from plugin.org.search import has_words
from plugin.reports.standings import BATCH
from plugin.web.listing import Asked, Slice

SORTS = ("person", "failed")
CAUSES = ("no_address", "dead", "failed")


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


def is_unreachable(reach: Reach, at: datetime) -> ColumnElement[bool]:
    """The person is active and in reach, and mail does not get to them."""
    return and_(
        Person.organization_id == reach.organization_id,
        or_(Person.deactivated_at.is_(None), Person.deactivated_at > at),
        reach.people(Person.id, at),
        or_(
            _has_no_address(),
            has_dead_address(Person),
            Person.id.in_(_failures(reach, Message.person_id)),
        ),
    )


def unreachable(
    session: Session, reach: Reach, asked: Asked, *, at: datetime
) -> Slice[Unreachable]:
    """One page of the people in reach whom mail does not reach, in two statements."""
    found = _narrowed(reach, asked, at)
    total = session.scalar(found.with_only_columns(func.count(), maintain_column_froms=True))
    page = _ordered(found, asked).limit(asked.size).offset(asked.offset)
    return Slice(items=[_line(row) for row in session.execute(page)], total=total or 0, asked=asked)


def all_unreachable(
    session: Session, reach: Reach, asked: Asked, *, at: datetime
) -> Iterator[Unreachable]:
    """The whole list as it is narrowed now, read a batch at a time."""
    statement = _ordered(_narrowed(reach, asked, at), asked)
    for row in session.execute(statement.execution_options(yield_per=BATCH)):
        yield _line(row)


def _has_no_address() -> ColumnElement[bool]:
    return or_(Person.email.is_(None), Person.email == "")


def _failures(reach: Reach, *columns: Any) -> Select[Any]:
    """Each person's mail that failed for good with none sent after it."""
    later = aliased(Message)
    ended = [MessageState.SENT, MessageState.FAILED]
    return select(*columns).where(
        Message.organization_id == reach.organization_id,
        Message.state == MessageState.FAILED,
        ~exists(
            select(later.id).where(
                later.person_id == Message.person_id,
                later.id > Message.id,
                later.state.in_(ended),
            )
        ),
    )


def _last_words(column: Any) -> Any:
    """What was said last when the person's address died."""
    return (
        select(column)
        .where(
            AddressEvent.person_id == Person.id,
            AddressEvent.address == func.lower(Person.email),
            AddressEvent.fact == AddressFact.HARD,
        )
        .order_by(AddressEvent.id.desc())
        .limit(1)
        .correlate(Person)
        .scalar_subquery()
    )


def _narrowed(reach: Reach, asked: Asked, at: datetime) -> Select[Any]:
    columns = (Message.person_id, Message.claimed_at, Message.error)
    failure = _failures(reach, *columns).subquery()
    cause = asked.filters.get("cause")
    is_dead = has_dead_address(Person)
    conditions = {
        "no_address": _has_no_address(),
        "dead": is_dead,
        "failed": ~_has_no_address() & ~is_dead,
    }
    last_words = _last_words(AddressEvent.words)
    last_at = type_coerce(_last_words(AddressEvent.at), UTCDateTime())
    return (
        select(
            Person.id,
            Person.full_name,
            Person.employee_id,
            Person.email,
            is_dead.label("is_dead"),
            case((_has_no_address(), None), (is_dead, last_at), else_=failure.c.claimed_at).label(
                "failed_at"
            ),
            case((_has_no_address(), None), (is_dead, last_words), else_=failure.c.error).label(
                "words"
            ),
        )
        .outerjoin(failure, failure.c.person_id == Person.id)
        .where(
            is_unreachable(reach, at),
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
