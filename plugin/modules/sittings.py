"""Sittings under way as whoever looks after people sees them, and ending one that got stuck."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.core import audit
from plugin.modules.errors import RunNotFoundError
from plugin.modules.models import Module, ModuleKind, Run, RunState
from plugin.org.errors import FieldError

MAX_REASON = 1000


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A course somebody is in the middle of."""

    run_id: int
    module_id: int
    title: str
    started_at: datetime
    last_activity_at: datetime


def under_way(session: Session, organization_id: int, person_id: int) -> Sequence[UnderWay]:
    """The person's open sittings of courses, the last one they were in first."""
    rows = session.execute(
        select(Run.id, Module.id, Module.title, Run.started_at, Run.last_activity_at)
        .join(Module, Module.id == Run.module_id)
        .where(
            Run.organization_id == organization_id,
            Run.person_id == person_id,
            Run.state == RunState.OPEN,
            Module.kind == ModuleKind.SCORM,
        )
        .order_by(Run.last_activity_at.desc(), Run.id)
    )
    return [UnderWay(*row) for row in rows]


def one(session: Session, organization_id: int, person_id: int, run_id: int) -> UnderWay:
    """That open sitting; raises RunNotFoundError also for one that has ended."""
    found = under_way(session, organization_id, person_id)
    for each in found:
        if each.run_id == run_id:
            return each
    raise RunNotFoundError(run_id)


def end(session: Session, run_id: int, reason: str, *, by: int, now: datetime) -> None:
    """The sitting is over without a result: the next one begins anew. Safe to call again."""
    if not reason.strip() or len(reason.strip()) > MAX_REASON:
        raise FieldError("reason", _("Say why, in at most %(most)d characters.", most=MAX_REASON))
    run = session.scalars(select(Run).where(Run.id == run_id).with_for_update()).one()
    if run.state is not RunState.OPEN:
        return
    run.state, run.ended_at = RunState.ABANDONED, now
    audit.record(
        session,
        "run.ended",
        about=run,
        by=by,
        now=now,
        before={"state": str(RunState.OPEN)},
        after={"state": str(RunState.ABANDONED), "module_id": run.module_id},
        reason=reason.strip(),
    )
