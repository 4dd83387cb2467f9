"""Many people at once: switched off and on again."""

from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, insert, select, update

from plugin.core import outbox
from plugin.core.audit import AuditEntry
from plugin.core.db import Tx
from plugin.org.errors import FieldError
from plugin.org.history import remember_many
from plugin.org.models import Grant, Person, SignIn
from plugin.web.roles import Role


def deactivate_many(
    tx: Tx, organization_id: int, people: Select[Any], *, by: int, reason: str, now: datetime
) -> int:
    """Their access is off, their visits are over and nothing covers them; returns how many.

    Who does it is left out, so that nobody locks themselves out; so is every admin, whose right is
    to be taken back first.
    """
    admins = select(Grant.person_id).where(Grant.role == Role.ADMIN, Grant.revoked_at.is_(None))
    changed = _switch(
        tx,
        organization_id,
        people.where(Person.id != by, Person.id.not_in(admins)),
        to=now,
        by=by,
        reason=reason,
        now=now,
    )
    if changed:
        tx.session.execute(
            update(SignIn)
            .where(SignIn.person_id.in_(changed), SignIn.ended_at.is_(None))
            .values(ended_at=now)
            .execution_options(synchronize_session=False)
        )
    return len(changed)


def reactivate_many(
    tx: Tx, organization_id: int, people: Select[Any], *, by: int, reason: str, now: datetime
) -> int:
    """They may come in again and their memberships count again; returns how many."""
    return len(_switch(tx, organization_id, people, to=None, by=by, reason=reason, now=now))


def _switch(
    tx: Tx,
    organization_id: int,
    people: Select[Any],
    *,
    to: datetime | None,
    by: int,
    reason: str,
    now: datetime,
) -> list[int]:
    if not reason.strip():
        raise FieldError("reason", _("Say why, in a few words."))
    is_on = Person.deactivated_at.is_(None)
    since = _switched_off(tx, organization_id, people) if to is None else {}
    changed = list(
        tx.session.scalars(
            update(Person)
            .where(
                Person.organization_id == organization_id,
                is_on if to else Person.deactivated_at.is_not(None),
                Person.merged_into_id.is_(None),
                Person.id.in_(people),
            )
            .values(deactivated_at=to)
            .returning(Person.id)
            .execution_options(synchronize_session=False)
        )
    )
    if changed:
        remember_many(
            tx.session,
            organization_id,
            Person.__tablename__,
            "deactivated_at",
            [(person_id, since[person_id]) for person_id in changed if person_id in since],
            now=now,
        )
        tx.session.execute(
            insert(AuditEntry),
            [
                {
                    "organization_id": organization_id,
                    "at": now,
                    "action": "person.deactivated" if to else "person.reactivated",
                    "about_kind": "person",
                    "about_id": person_id,
                    "by_person_id": by,
                    "before": None,
                    "after": None,
                    "reason": reason.strip(),
                }
                for person_id in sorted(changed)
            ],
        )
        outbox.evaluate_people(tx.session, changed)
    return changed


def _switched_off(tx: Tx, organization_id: int, people: Select[Any]) -> dict[int, datetime]:
    """Since when each of them is off; the rows are locked until it is written down."""
    found = tx.session.execute(
        select(Person.id, Person.deactivated_at)
        .where(
            Person.organization_id == organization_id,
            Person.deactivated_at.is_not(None),
            Person.id.in_(people),
        )
        .order_by(Person.id)
        .with_for_update()
    )
    return {row.id: row.deactivated_at for row in found}
