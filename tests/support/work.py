"""Do what the workers would do, here and now."""

from flask import Flask, current_app
from sqlalchemy import select

from plugin.core import clock
from plugin.core.db import db
from plugin.core.outbox import OutboxRow
from plugin.jobs import step

MANY = 1000


def work_off(limit: int = MANY, *, patient: bool = False) -> int:
    """Run every due step, and the steps those cause, in order; the number of steps done."""
    app: Flask = current_app._get_current_object()
    done = 0
    while done < limit:
        db.session.rollback()
        row_id = db.session.scalar(
            select(OutboxRow.id)
            .where(
                OutboxRow.done_at.is_(None),
                OutboxRow.failed_at.is_(None),
                OutboxRow.due_at <= clock.now(),
            )
            .order_by(OutboxRow.due_at, OutboxRow.id)
            .limit(1)
        )
        db.session.rollback()
        if row_id is None:
            return done
        with app.app_context():
            step.run(row_id)
        done += 1
    if patient:
        return done
    raise AssertionError(f"more than {limit} steps: does one of them cause itself?")
