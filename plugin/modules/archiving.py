"""A module is archived, so that it cannot be newly chosen, and restored."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.core import audit
from plugin.core.audit import AuditEntry
from plugin.modules.models import Module, ModuleState
from plugin.org.errors import FieldError
from plugin.org.models import Person

ARCHIVED, RESTORED = "module.archived", "module.restored"
SHOWN = 20


def archive(session: Session, module: Module, *, by: int, reason: str, now: datetime) -> bool:
    """It cannot be newly chosen; where it is asked for it counts and is opened as before.

    Nobody is judged anew and nobody is told. Whether it was in use until now; safe to call again.
    """
    return _set_state(session, module, ModuleState.ARCHIVED, by=by, reason=reason, now=now)


def restore(session: Session, module: Module, *, by: int, reason: str, now: datetime) -> bool:
    """It can be chosen again. Whether it was archived until now; safe to call again."""
    return _set_state(session, module, ModuleState.PUBLISHED, by=by, reason=reason, now=now)


def _set_state(
    session: Session, module: Module, state: ModuleState, *, by: int, reason: str, now: datetime
) -> bool:
    if not reason.strip():
        raise FieldError("reason", _("Say why, in a few words."))
    session.refresh(module, with_for_update=True)
    before = module.state
    if (before is ModuleState.ARCHIVED) is (state is ModuleState.ARCHIVED):
        return False
    module.state = state
    audit.record(
        session,
        ARCHIVED if state is ModuleState.ARCHIVED else RESTORED,
        about=module,
        by=by,
        now=now,
        before={"state": before.value},
        after={"state": state.value},
        reason=reason.strip(),
    )
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """The module was archived, or restored."""

    at: datetime
    is_archiving: bool
    who: str | None
    reason: str | None


def acts(session: Session, module: Module) -> list[Act]:
    """When it was archived and restored, by whom and why; the newest first."""
    rows = session.execute(
        select(AuditEntry.at, AuditEntry.action, Person.full_name, AuditEntry.reason)
        .outerjoin(Person, Person.id == AuditEntry.by_person_id)
        .where(
            AuditEntry.organization_id == module.organization_id,
            AuditEntry.about_kind == Module.__tablename__,
            AuditEntry.about_id == module.id,
            AuditEntry.action.in_((ARCHIVED, RESTORED)),
        )
        .order_by(AuditEntry.id.desc())
        .limit(SHOWN)
    )
    return [
        Act(at=at, is_archiving=action == ARCHIVED, who=who, reason=reason)
        for at, action, who, reason in rows
    ]
