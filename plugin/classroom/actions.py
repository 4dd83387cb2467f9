"""Seats and presence: signed up, withdrawn, there, confirmed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from plugin.classroom import queries, rules
from plugin.classroom.errors import (
    CodeOverError,
    NotRunningError,
    SessionFullError,
    SessionOverError,
    SignUpOverError,
)
from plugin.classroom.models import Attendance, ClassSession, How, SessionState
from plugin.core import audit
from plugin.core.db import Tx
from plugin.core.errors import PluginError
from plugin.core.upsert import insert_absent
from plugin.modules import actions as module_actions
from plugin.modules.models import CompletionSource, Module, Run
from plugin.modules.rules import Report
from plugin.org.errors import FieldError


def sign_up(tx: Tx, found: ClassSession, person_id: int, *, now: datetime) -> None:
    """The person has a seat. Safe to call again; refused when the last one is gone."""
    if found.state is not SessionState.OPEN or found.starts_at <= now:
        raise SignUpOverError(found.id)
    attendance = _attendance(tx.session, found, person_id)
    if attendance.signed_up_at is not None:
        return
    has_room = or_(ClassSession.capacity.is_(None), ClassSession.taken < ClassSession.capacity)
    is_open = ClassSession.state == SessionState.OPEN  # also if it was cancelled meanwhile
    if not _count(tx.session, found, +1, and_(is_open, has_room)):
        raise _why_not(tx.session, found)
    attendance.signed_up_at = now


def _why_not(session: Session, found: ClassSession) -> PluginError:
    session.refresh(found)
    if found.state is SessionState.OPEN:
        return SessionFullError(found.id)
    return SignUpOverError(found.id)


def withdraw(tx: Tx, found: ClassSession, person_id: int, *, now: datetime) -> None:
    """The seat is free for others. Safe to call again."""
    if found.starts_at <= now:
        raise SignUpOverError(found.id)
    attendance = _attendance(tx.session, found, person_id)
    if attendance.signed_up_at is not None:
        attendance.signed_up_at = None
        _count(tx.session, found, -1, ClassSession.taken > 0)


def _count(session: Session, found: ClassSession, step: int, condition: Any) -> bool:
    """One seat more or less is taken, unless the condition no longer holds."""
    changed = session.execute(
        update(ClassSession)
        .where(ClassSession.id == found.id, condition)
        .values(taken=ClassSession.taken + step)
        .returning(ClassSession.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    session.expire(found, ["taken"])
    return changed is not None


def _attendance(session: Session, found: ClassSession, person_id: int) -> Attendance:
    """The person's row of the session, locked; made the first time."""
    key = ("session_id", "person_id")
    row = {
        "organization_id": found.organization_id,
        "session_id": found.id,
        "person_id": person_id,
    }
    session.execute(insert_absent(session, Attendance, [row], key=key))
    return session.scalars(
        select(Attendance)
        .where(Attendance.session_id == found.id, Attendance.person_id == person_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def come_by_code(
    tx: Tx, found: ClassSession, person_id: int, code: str, *, leads: bool, now: datetime
) -> None:
    """The person says the code shown in the room: they are there. Safe to say again."""
    require_running(found, now=now)
    if not rules.is_shown(code, found.secret, now):
        raise CodeOverError(found.id)
    come(tx, found, person_id, leads=leads, now=now)


def come(tx: Tx, found: ClassSession, person_id: int, *, leads: bool, now: datetime) -> None:
    """The person said the code of the room; with it the module is completed where that is enough.

    To who `leads` the session the code proves nothing, wherever they are: it is on a page of
    theirs. Somebody else confirms them.
    """
    require_running(found, now=now)
    attendance = _attendance(tx.session, found, person_id)
    if attendance.present_at is None:
        attendance.present_at, attendance.present_how = now, How.CODE
    is_enough = not leads and not queries.confirms(tx.session, found.module_id)
    if is_enough and attendance.completion_id is None:
        _complete(tx, found, attendance, at=attendance.present_at, by=None, now=now)


def require_running(found: ClassSession, *, now: datetime) -> None:
    """Raises NotRunningError unless the session takes presence now."""
    if found.state not in queries.SHOWN:
        raise NotRunningError(found.id)
    if not rules.takes_presence(found.starts_at, found.ends_at, now=now):
        raise NotRunningError(found.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What whoever leads the session says of one person; of presence nothing, if None."""

    attendance_id: int
    present: bool | None
    passed: bool | None = None
    score: float | None = None


def mark(tx: Tx, found: ClassSession, marks: Collection[Mark], *, by: int, now: datetime) -> None:
    """The list is as said. What was recorded already, and the one who says it, stay as they are.

    Raises FieldError that names the score of the attendance that is none.
    """
    _require_begun(found, now=now)
    said = {each.attendance_id: each for each in marks}
    rows = tx.session.scalars(
        select(Attendance)
        .where(
            Attendance.session_id == found.id,
            Attendance.id.in_(said),
            Attendance.completion_id.is_(None),
            Attendance.person_id != by,
        )
        .order_by(Attendance.id)
        .with_for_update()
    )
    for row in rows:
        told = said[row.id]
        if told.score is not None and not 0 <= told.score <= 1:
            raise FieldError(f"score-{row.id}", _("Use 0 to 100 percent, or leave it empty."))
        if told.present is False:
            row.present_at = row.present_how = row.present_by = None
        elif told.present and row.present_at is None:
            row.present_at, row.present_how, row.present_by = now, How.LIST, by
        row.passed, row.score = told.passed, told.score


def add(tx: Tx, found: ClassSession, person_id: int, *, by: int, now: datetime) -> None:
    """Somebody who came without a seat is on the list, present."""
    _require_begun(found, now=now)
    if person_id == by:
        raise FieldError("who", _("Nobody records training for themselves. Ask somebody else."))
    attendance = _attendance(tx.session, found, person_id)
    if attendance.present_at is None:
        attendance.present_at, attendance.present_how = now, How.LIST
        attendance.present_by = by


def confirm(
    tx: Tx, found: ClassSession, attendance_ids: Collection[int], *, by: int, now: datetime
) -> int:
    """Those of the list who are present have completed the module; returns how many now did.

    Safe to call again. Nobody confirms themselves.
    """
    _require_begun(found, now=now)
    rows = tx.session.scalars(
        select(Attendance)
        .where(
            Attendance.session_id == found.id,
            Attendance.id.in_(attendance_ids),
            Attendance.present_at.is_not(None),
            Attendance.completion_id.is_(None),
            Attendance.person_id != by,
        )
        .order_by(Attendance.id)
        .with_for_update()
    ).all()
    for row in rows:
        _complete(tx, found, row, at=min(found.ends_at, now), by=by, now=now)
    if rows:
        audit.record(
            tx.session,
            "session.confirmed",
            about=found,
            by=by,
            now=now,
            after={"people": len(rows)},
        )
    return len(rows)


def _require_begun(found: ClassSession, *, now: datetime) -> None:
    if found.state not in queries.SHOWN:
        raise SessionOverError(found.id)
    if now < found.starts_at - rules.BEFORE:
        raise NotRunningError(found.id)


def _complete(
    tx: Tx,
    found: ClassSession,
    attendance: Attendance,
    *,
    at: datetime,
    by: int | None,
    now: datetime,
) -> None:
    module = tx.session.get_one(Module, found.module_id)
    run = module_actions.start_run(tx.session, module, attendance.person_id, now=now)
    tx.session.flush()
    run = tx.session.scalars(select(Run).where(Run.id == run.id).with_for_update()).one()
    report = Report(
        is_completed=True, is_passed=attendance.passed, is_finished=True, score=attendance.score
    )
    completion = module_actions.record_completion(
        tx,
        run,
        report,
        source=CompletionSource.SESSION,
        evidence={
            "session": {
                "id": found.id,
                "place": found.place,
                "starts_at": found.starts_at.isoformat(),
                "zone": found.zone,
                "how": str(attendance.present_how),
                "present_at": attendance.present_at and attendance.present_at.isoformat(),
                "noted_by": attendance.present_by,
                "confirmed_by": by,
            }
        },
        happened_at=min(at, now),
        now=now,
    )
    tx.session.flush()
    attendance.completion_id = completion.id if completion else None
