"""Many memberships at once: begun and ended in a few statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, insert, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from plugin.core import outbox
from plugin.core.audit import AuditEntry
from plugin.core.base import EnumText, UTCDateTime
from plugin.core.db import Tx
from plugin.org.models import Membership, MembershipSource, Person, Unit

MAX_PASTED = 5000


def add_many(
    tx: Tx,
    unit: Unit,
    people: Select[Any],
    *,
    source: MembershipSource = MembershipSource.MANUAL,
    by: int,
    now: datetime,
) -> int:
    """The people are in the unit from now on; returns how many were not in it by this source.

    `people` selects ids of persons of the unit's organization. Safe to repeat.
    """
    session = tx.session
    moment = UTCDateTime()
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    begin: Any = (postgresql.insert if is_postgresql else sqlite.insert)(Membership)
    wanted = select(
        Person.organization_id,
        literal(unit.id),
        Person.id,
        literal(source, EnumText(MembershipSource)),
        literal(now, moment),
        literal(now, moment),
        literal(False),
    ).where(
        Person.organization_id == unit.organization_id,
        Person.deactivated_at.is_(None),
        Person.id.in_(people),
    )
    names = ["organization_id", "unit_id", "person_id", "source", "since_at", "created_at"]
    new = sorted(
        session.scalars(
            begin.from_select([*names, "silent"], wanted)
            .on_conflict_do_nothing()
            .returning(Membership.person_id)
        )
    )
    if new:
        _record(session, "membership.started", unit, new, by=by, now=now, is_after=True)
        outbox.evaluate_people(session, new)
    return len(new)


def end_many(tx: Tx, unit: Unit, people: Select[Any], *, by: int, now: datetime) -> int:
    """The people are no longer in the unit, by any source; returns how many were."""
    session = tx.session
    ended = sorted(
        set(
            session.scalars(
                update(Membership)
                .where(
                    Membership.unit_id == unit.id,
                    Membership.until_at.is_(None),
                    Membership.person_id.in_(people),
                )
                .values(until_at=now)
                .returning(Membership.person_id)
                .execution_options(synchronize_session=False)
            )
        )
    )
    if ended:
        _record(session, "membership.ended", unit, ended, by=by, now=now, is_after=False)
        outbox.evaluate_people(session, ended)
    return len(ended)


def _record(
    session: Session,
    action: str,
    unit: Unit,
    people: Sequence[int],
    *,
    by: int,
    now: datetime,
    is_after: bool,
) -> None:
    facts = {"unit_id": unit.id}
    session.execute(
        insert(AuditEntry),
        [
            {
                "organization_id": unit.organization_id,
                "at": now,
                "action": action,
                "about_kind": "person",
                "about_id": person_id,
                "by_person_id": by,
                "before": None if is_after else facts,
                "after": facts if is_after else None,
                "reason": None,
            }
            for person_id in people
        ],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pasted:
    """What a pasted list comes to: ids of people, and the lines that name nobody or several."""

    people: tuple[int, ...]
    unknown: tuple[tuple[int, str], ...]
    ambiguous: tuple[tuple[int, str], ...]


def read_pasted(session: Session, organization_id: int, text: str) -> Pasted:
    """Find people by lines with an email or an employee ID each; the numbers are of lines."""
    lines = [
        (number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()
    ][:MAX_PASTED]
    words = {line.lower() for _, line in lines}
    found: dict[str, set[int]] = {}
    rows = session.execute(
        select(Person.id, Person.email, Person.employee_id).where(
            Person.organization_id == organization_id,
            Person.deactivated_at.is_(None),
            or_(
                func.lower(Person.email).in_(words),
                func.lower(Person.employee_id).in_(words),
            ),
        )
    )
    for row in rows:
        for word in (row.email, row.employee_id):
            if word:
                found.setdefault(word.lower(), set()).add(row.id)
    matches = [(number, line, found.get(line.lower(), set())) for number, line in lines]
    return Pasted(
        people=tuple(sorted({next(iter(ids)) for _, _, ids in matches if len(ids) == 1})),
        unknown=tuple((number, line) for number, line, ids in matches if not ids),
        ambiguous=tuple((number, line) for number, line, ids in matches if len(ids) > 1),
    )
