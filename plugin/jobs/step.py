"""Run one outbox row: its effect and the mark that it is done are one transaction."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from plugin.core import clock, log
from plugin.core.db import Tx, db, read_session, transaction
from plugin.core.outbox import OutboxRow, PostponedError, QueueName, as_urgent_as
from plugin.jobs import pipeline

MAX_ATTEMPTS = 8
FIRST_DELAY = timedelta(seconds=20)
SHORTEST_WAIT = timedelta(seconds=2)
"""A step is handed out again only after its job has surely left Redis."""


def run(row_id: int) -> None:
    """Do the step of this row once, however often it is asked for; a failure is kept."""
    log.bind(outbox_id=row_id)
    found = _waiting(row_id)
    if found is None:
        return
    job, args, urgency = found
    try:
        with as_urgent_as(urgency):
            _do(row_id, getattr(pipeline, job), args)
    except PostponedError as later:
        db.session.rollback()
        _postpone(row_id, later.until)
    except Exception as error:
        db.session.rollback()
        _remember_failure(row_id, error)
        log.log.error("step.failed", job=job, exc_info=error)
        raise
    finally:
        db.session.remove()
        log.unbind()


def _do(row_id: int, function: pipeline.Step, args: list[Any]) -> None:
    if getattr(function, "is_long", False):
        function(*args)
        with transaction() as tx:
            _claim(tx, row_id)
        return
    with transaction() as tx:
        if _claim(tx, row_id):
            function(tx, *args)


def _waiting(row_id: int) -> tuple[str, list[Any], QueueName] | None:
    session = read_session()
    row = session.execute(
        select(OutboxRow.job, OutboxRow.args, OutboxRow.queue).where(
            OutboxRow.id == row_id, OutboxRow.done_at.is_(None)
        )
    ).one_or_none()
    session.rollback()
    return None if row is None else (str(row.job), list(row.args), row.queue)


def _claim(tx: Tx, row_id: int) -> bool:
    claimed = tx.session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == row_id, OutboxRow.done_at.is_(None))
        .values(done_at=clock.now())
        .returning(OutboxRow.id)
    )
    return claimed.one_or_none() is not None


def _postpone(row_id: int, until: datetime) -> None:
    """The step waits until then; it has not failed."""
    with transaction() as tx:
        tx.session.execute(
            update(OutboxRow)
            .where(OutboxRow.id == row_id, OutboxRow.done_at.is_(None))
            .values(dispatched_at=None, due_at=max(until, clock.now() + SHORTEST_WAIT))
        )


def _remember_failure(row_id: int, error: Exception) -> None:
    now = clock.now()
    with transaction() as tx:
        row = tx.session.get(OutboxRow, row_id)
        if row is None or row.done_at is not None:
            return
        row.attempts += 1
        row.error = type(error).__name__
        row.dispatched_at = None
        row.due_at = now + FIRST_DELAY * 2 ** (row.attempts - 1)
        if row.attempts >= MAX_ATTEMPTS:
            row.failed_at = now
