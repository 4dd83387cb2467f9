"""Taking rights back: append-only, audited, and never the last admin's."""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.core import audit
from plugin.org.errors import FieldError
from plugin.org.models import Grant, Person
from plugin.web.roles import Role


def revoke(session: Session, grant: Grant, *, by: int, reason: str, now: datetime) -> None:
    """The person no longer has this right. Safe to repeat; refuses to take the last admin's."""
    if not reason.strip():
        raise FieldError("reason", _("Say why, in a few words."))
    session.refresh(grant, with_for_update=True)
    if grant.revoked_at is not None:
        return
    if grant.role is Role.ADMIN and _admins(session, grant.organization_id) < 2:  # noqa: PLR2004
        raise FieldError("reason", _("This is the last admin. Make somebody else an admin first."))
    grant.revoked_at, grant.revoked_by = now, by
    audit.record(
        session,
        "grant.revoked",
        about=session.get_one(Person, grant.person_id),
        by=by,
        now=now,
        before={"role": grant.role.value, "unit_id": grant.unit_id},
        reason=reason.strip(),
    )


def _admins(session: Session, organization_id: int) -> int:
    """How many active people are admins; their rows are locked until the transaction ends."""
    rows = session.scalars(
        select(Grant)
        .join(Person, Person.id == Grant.person_id)
        .where(
            Grant.organization_id == organization_id,
            Grant.role == Role.ADMIN,
            Grant.revoked_at.is_(None),
            Person.deactivated_at.is_(None),
        )
        .order_by(Grant.id)
        .with_for_update(of=Grant)
    ).all()
    return len(rows)
