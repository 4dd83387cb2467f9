"""Memberships of many people begin and end at once, for the sources that are not by hand."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from plugin.core import outbox
from plugin.core.audit import AuditEntry
from plugin.core.base import JsonDict
from plugin.core.db import chunks
from plugin.org.models import Membership, MembershipSource, Unit

CHUNK = 1000


def begin(
    session: Session,
    unit: Unit,
    person_ids: Sequence[int],
    *,
    source: MembershipSource,
    reason: str,
    now: datetime,
) -> int:
    """These people are in the unit by this source; audited and judged again. How many were not."""
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    build: Any = postgresql.insert if is_postgresql else sqlite.insert
    statement = build(Membership).on_conflict_do_nothing().returning(Membership.person_id)
    begun: list[int] = []
    for some in chunks(person_ids, CHUNK):
        rows = [
            {
                "organization_id": unit.organization_id,
                "unit_id": unit.id,
                "person_id": person_id,
                "source": source,
                "since_at": now,
                "created_at": now,
                "silent": False,
            }
            for person_id in some
        ]
        begun += list(session.scalars(statement, rows))
    after = {"unit_id": unit.id, "source": source.value}
    _audit(
        session,
        [
            _entry(unit.organization_id, "membership.started", who, now=now, reason=reason)
            | {"after": after}
            for who in begun
        ],
    )
    outbox.evaluate_people(session, begun)
    return len(begun)


def end(
    session: Session,
    organization_id: int,
    which: ColumnElement[bool],
    *,
    source: MembershipSource,
    by: int | None,
    reason: str,
    now: datetime,
) -> int:
    """These memberships of this source are over; audited and judged again. Returns how many."""
    ended = session.execute(
        update(Membership)
        .where(
            Membership.organization_id == organization_id,
            Membership.source == source,
            Membership.until_at.is_(None),
            which,
        )
        .values(until_at=now)
        .returning(Membership.person_id, Membership.unit_id, Membership.since_at)
        .execution_options(synchronize_session=False)
    ).all()
    _audit(
        session,
        [
            _entry(organization_id, "membership.ended", row[0], now=now, reason=reason, by=by)
            | {"before": {"unit_id": row[1], "since": row[2].isoformat(), "source": source.value}}
            for row in ended
        ],
    )
    outbox.evaluate_people(session, [row[0] for row in ended])
    return len(ended)


def _audit(session: Session, entries: Sequence[JsonDict]) -> None:
    if entries:
        session.execute(insert(AuditEntry), list(entries))


def _entry(
    organization_id: int,
    action: str,
    person_id: int,
    *,
    now: datetime,
    reason: str,
    by: int | None = None,
) -> JsonDict:
    return {
        "organization_id": organization_id,
        "at": now,
        "action": action,
        "about_kind": "person",
        "about_id": person_id,
        "by_person_id": by,
        "before": None,
        "after": None,
        "reason": reason,
    }
