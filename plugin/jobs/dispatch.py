"""The dispatcher: due outbox rows go to the workers. Any number may run; none leads."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import redis
from flask import Flask
from sqlalchemy import Select, Update, case, literal, null, select, union_all, update

from plugin.core import clock, queue
from plugin.core.base import UTCDateTime
from plugin.core.db import db, transaction
from plugin.core.log import log
from plugin.core.outbox import OutboxRow, QueueName
from plugin.core.settings import Settings
from plugin.jobs import periodic, step

BATCH = 500
REAP_BATCH = 5000
PAUSE_SECONDS = 0.2
LOST = "lost"
LOST_AFTER = timedelta(minutes=15)
"""A step that was handed out this long ago and that Redis does not know is handed out again."""
REAP_EVERY = timedelta(minutes=1)


@dataclass(slots=True)
class Dispatcher:
    """One loop: periodic work, due steps, lost steps. Without Redis it does the steps itself."""

    app: Flask
    settings: Settings
    stop: threading.Event = field(default_factory=threading.Event)
    connection: Any = None
    _reaped_at: datetime | None = None
    _redis_down: bool = False

    def run(self) -> None:
        """Go round until `stop` is set; a failing round is logged and the next one tries again."""
        with self.app.app_context():
            periodic.declare(clock.now())
            if not self.settings.redis_url:
                take_back()
        while not self.stop.is_set():
            try:
                busy = self.round()
            except Exception as error:
                log.error("dispatcher.round_failed", exc_info=error)
                busy = False
            if not busy:
                self.stop.wait(PAUSE_SECONDS)

    def round(self) -> bool:
        """One turn; whether there may be more to do at once."""
        with self.app.app_context():
            now = clock.now()
            periodic.fire(now)
            if not self.settings.redis_url:
                return self._work_one(now)
            return self._hand_out(now)

    def _hand_out(self, now: datetime) -> bool:
        self.connection = self.connection or queue.connect(self.settings)
        try:
            if self._reaped_at is None or abs(now - self._reaped_at) >= REAP_EVERY:
                reap(self.connection, now=now)
                self._reaped_at = now
            handed = dispatch(self.connection, now=now)
        except redis.RedisError as error:
            if not self._redis_down:
                log.warning("dispatcher.queue_unreachable", reason=type(error).__name__)
            self._redis_down = True
            return False
        if self._redis_down:
            log.info("dispatcher.queue_back")
        self._redis_down = False
        return handed == BATCH

    def _work_one(self, now: datetime) -> bool:
        row_id = _first_due(now)
        if row_id is None:
            return False
        _begin(row_id, now)
        try:
            step.run(row_id)
        except Exception:
            log.info("dispatcher.step_put_back", outbox_id=row_id)
        return True


def _waiting(now: datetime, name: QueueName, *, limit: int) -> Select[int]:
    return (
        select(OutboxRow.id)
        .where(
            OutboxRow.queue == name,
            OutboxRow.dispatched_at.is_(None),
            OutboxRow.done_at.is_(None),
            OutboxRow.failed_at.is_(None),
            OutboxRow.due_at <= now,
        )
        .order_by(OutboxRow.due_at, OutboxRow.id)
        .limit(limit)
    )


def _first_due(now: datetime) -> int | None:
    """The most urgent due step, seen without a lock: an idle dispatcher is in nobody's way."""
    firsts = []
    for rank, name in enumerate(QueueName):
        first = _waiting(now, name, limit=1).subquery()
        firsts.append(select(first.c.id, literal(rank).label("rank")))
    each = union_all(*firsts).subquery()
    row_id: int | None = db.session.scalar(select(each.c.id).order_by(each.c.rank).limit(1))
    db.session.rollback()
    return row_id


def _begin(row_id: int, now: datetime) -> None:
    """The step is under way here; should it take this process down, the next one knows."""
    with transaction() as tx:
        tx.session.execute(
            update(OutboxRow).where(OutboxRow.id == row_id).values(dispatched_at=now)
        )


def dispatch(connection: Any, *, now: datetime, batch: int = BATCH) -> int:
    """Hand a batch of due steps to the workers and remember it, or neither; returns how many.

    The most urgent first: a hundred thousand older steps of a bulk delay no learner's.
    A crash between Redis and the commit hands them out twice, which `step` makes harmless.
    """
    if _first_due(now) is None:
        return 0
    with transaction() as tx:
        ids: list[int] = []
        for name in QueueName:
            if room := batch - len(ids):
                due = _waiting(now, name, limit=room).with_for_update(skip_locked=True)
                ids += tx.session.scalars(due)
        if not ids:
            return 0
        rows = tx.session.execute(
            update(OutboxRow)
            .where(OutboxRow.id.in_(ids))
            .values(dispatched_at=now)
            .returning(OutboxRow.id, OutboxRow.queue)
        ).all()
        by_queue: dict[QueueName, list[int]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: row.id):
            by_queue[row.queue].append(row.id)
        for name, row_ids in by_queue.items():
            queue.enqueue(connection, name, row_ids)
    return len(ids)


def reap(connection: Any, *, now: datetime, lost_after: timedelta = LOST_AFTER) -> int:
    """Steps that were handed out long ago and that Redis has lost wait again; returns how many.

    Raises redis.RedisError when Redis cannot be asked: then nothing counts as lost.
    """
    released, after = 0, 0
    while found := _handed_out(now - lost_after, after=after):
        released += release(queue.lost_of(connection, found))
        after = found[-1]
    return released


def _handed_out(before: datetime, *, after: int) -> Sequence[int]:
    """Steps under way since before that moment: the next ones by id."""
    found = db.session.scalars(
        select(OutboxRow.id)
        .where(
            OutboxRow.dispatched_at <= before,
            OutboxRow.done_at.is_(None),
            OutboxRow.failed_at.is_(None),
            OutboxRow.id > after,
        )
        .order_by(OutboxRow.id)
        .limit(REAP_BATCH)
    ).all()
    db.session.rollback()
    return found


def take_back() -> None:
    """Whatever was under way when this process, or a Redis of before, went away waits again."""
    with transaction() as tx:
        tx.session.execute(_lost().where(OutboxRow.dispatched_at.is_not(None)))


def release(row_ids: Sequence[int]) -> int:
    """These steps wait again."""
    if not row_ids:
        return 0
    with transaction() as tx:
        tx.session.execute(_lost().where(OutboxRow.id.in_(row_ids)))
    return len(row_ids)


def _lost() -> Update:
    """A step that was lost waits again; one that is lost each time is given up.

    It may be the step itself that kills its worker, and nobody would be left to say so.
    """
    attempts = OutboxRow.attempts + 1
    return (
        update(OutboxRow)
        .where(OutboxRow.done_at.is_(None), OutboxRow.failed_at.is_(None))
        .values(
            dispatched_at=None,
            attempts=attempts,
            error=LOST,
            failed_at=case(
                (attempts >= step.MAX_ATTEMPTS, literal(clock.now(), UTCDateTime())),
                else_=null(),
            ),
        )
        .execution_options(synchronize_session=False)
    )
