"""Ten thousand scores, an LMS that answers everything there is, workers that are killed.

Real processes, PostgreSQL and Redis. Nobody waits for a pause: whenever nothing is left to do, the
clock that all processes share moves on to the next moment at which something is due.
"""

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from rq import Worker
from rq.worker import WorkerStatus
from sqlalchemy import func, insert, select, text

from plugin.app import create_app, tables
from plugin.core import clock, demo_clock, queue
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName, OutboxRow, QueueName
from plugin.core.settings import Environment, Settings
from plugin.jobs.dispatch import LOST_AFTER
from plugin.lti.tool import actions
from plugin.lti.tool.score_rows import ask_to_send
from plugin.lti.tool.score_rules import SPACING
from plugin.lti.tool.service_models import Grade, GradeState, LineItem, LmsCourse
from plugin.lti.tool.services import RESULTS, SCORE
from plugin.org.models import Person
from tests.processes import hard_lms
from tests.processes.conftest import ROOT, environment
from tests.processes.hard_lms import HardLms
from tests.support.smtp import free_port
from tests.support.world import World

pytestmark = pytest.mark.processes

COLUMNS, PEOPLE = 20, 500
WORKERS = 3
CHANGED, CHANGED_AT = 1000, 3000
KILLED_AT = (2000, 6000)
"""Of the scores that reach the LMS: at these, their sender's processes are killed."""
LOOK_SECONDS = 0.1
MOST_LOOKS = 6000
AT_ONCE = timedelta(seconds=20)
"""What is due within so much is done in one go."""


@dataclass
class Crew:
    """Processes of the product with one clock; workers that are killed are replaced."""

    app: Flask
    settings: Settings
    folder: Path
    dispatcher: "subprocess.Popen[bytes] | None" = None
    workers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    killed: int = 0

    def start(self) -> None:
        self.dispatcher = self._process("dispatcher")
        self.workers = [self._worker() for _each in range(WORKERS)]

    def _worker(self) -> "subprocess.Popen[bytes]":
        return self._process("worker", "--max-jobs", "1000000")

    def _process(self, *words: str) -> "subprocess.Popen[bytes]":
        with (self.folder / "log").open("ab") as out:
            return subprocess.Popen(
                [sys.executable, "-m", "plugin.cli", *words],
                env=environment(self.settings),
                cwd=ROOT,
                stdout=out,
                stderr=out,
            )

    def kill_one(self) -> None:
        """A worker is gone in the middle of whatever it does; another one takes its place."""
        victim = self.workers[self.killed % len(self.workers)]
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        self.killed += 1

    def replace_the_dead(self) -> None:
        self.workers = [each if each.poll() is None else self._worker() for each in self.workers]

    def stop(self) -> None:
        for each in [*self.workers, *([self.dispatcher] if self.dispatcher else [])]:
            each.kill()
            each.wait()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def crew(real_settings: Settings, tmp_path: Path, port: int) -> Iterator[Crew]:
    settings = replace(
        real_settings,
        env=Environment.DEMO,
        demo_clock=str(tmp_path / "clock.json"),
        outgoing_allow=f"127.0.0.1:{port}",
        log_level="WARNING",
    )
    app = create_app(settings)
    queue.connect(settings).flushall()
    crew = Crew(app, settings, tmp_path)
    try:
        with app.app_context():
            yield crew
    finally:
        crew.stop()
        clock.set_source(None)
        with app.app_context():
            db.session.remove()
            names = ", ".join(f'"{table.name}"' for table in tables().sorted_tables)
            with db.engine.begin() as connection:
                connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
            db.engine.dispose()


def campus(world: World, settings: Settings, url: str) -> None:
    """A registered LMS whose courses have columns of ours, and people who are to get grades."""
    organization_id, now = world.organization.id, clock.now()
    with transaction() as tx:
        registration = actions.register(
            tx.session,
            organization_id,
            name="Campus",
            issuer=url,
            client_id="client-1",
            auth_url=f"{url}/auth",
            token_url=f"{url}/token",
            jwks_url=f"{url}/jwks",
            deployment_ids=["1"],
            admins_by_role=False,
            encryption_key=settings.encryption_key,
            by=None,
            now=now,
        )
        course = LmsCourse(
            organization_id=organization_id,
            registration_id=registration.id,
            deployment_id="1",
            context_id="2",
            title="Safety 101",
            scopes=[SCORE, RESULTS],
            copied_from=[],
            seen_at=now,
        )
        tx.session.add(course)
        tx.session.flush()
        for number in range(1, COLUMNS + 1):
            tx.session.add(
                LineItem(
                    id=number,
                    organization_id=organization_id,
                    course_id=course.id,
                    url=f"{url}/{number}",
                    label=str(number),
                    created_at=now,
                )
            )
    first = world.person("Learner", email=None)
    facts = {
        column.key: getattr(first, column.key)
        for column in Person.__table__.columns
        if column.key != "id"
    }
    with transaction() as tx:
        tx.session.execute(insert(Person), [facts] * (PEOPLE - 1))


def owe(shares: dict[tuple[int, int], float]) -> None:
    """These columns (by column, person) are to say this; nothing was said before."""
    now = clock.now()
    with transaction() as tx:
        facts = {
            "organization_id": tx.session.scalar(select(LineItem.organization_id).limit(1)),
            "wanted_at": now,
            "due_at": now,
            "state": GradeState.WAITING,
            "attempts": 0,
            "unseen": 0,
            "forced": False,
        }
        rows = [
            {
                **facts,
                "line_item_id": item,
                "person_id": person,
                "subject": str(person),
                "wanted": share,
            }
            for (item, person), share in shares.items()
        ]
        tx.session.execute(insert(Grade), rows)
        owed = tx.session.execute(select(Grade.line_item_id, Grade.id).order_by(Grade.id)).all()
        ask_to_send(tx, [(row.line_item_id, row.id) for row in owed])


def change(shares: dict[tuple[int, int], float]) -> None:
    """Facts changed: these columns are to say something else, whatever is on its way."""
    now = clock.now()
    people = {person for _item, person in shares}
    with transaction() as tx:
        grades = tx.session.scalars(
            select(Grade).where(Grade.person_id.in_(people)).order_by(Grade.id).with_for_update()
        ).all()
        changed = [each for each in grades if (each.line_item_id, each.person_id) in shares]
        for grade in changed:
            grade.wanted = shares[grade.line_item_id, grade.person_id]
            if grade.state is not GradeState.WAITING:
                grade.state = GradeState.WAITING
                grade.due_at = max(now, min(grade.due_at, now + SPACING))
        tx.session.flush()
        soon = max(each.due_at for each in changed)
        firsts = {each.line_item_id: each.id for each in changed}
        tx.then_many(JobName.SEND_GRADE, [(each,) for each in firsts.values()], due_at=soon)


def changed_when(moment: threading.Event, app: Flask, shares: dict[tuple[int, int], float]) -> None:
    """Facts change while scores are on their way."""
    assert moment.wait(timeout=600)
    with app.app_context():
        change(shares)


@dataclass
class Play:
    """The run: the crew works, and the clock moves on when there is nothing to do."""

    crew: Crew
    path: Path
    looks: int = 0

    def work(self) -> None:
        """Until no grade waits; what needs a pause gets it at once."""
        connection = queue.connect(self.crew.settings)
        while self._waiting():
            self.crew.replace_the_dead()
            if self._is_idle(connection):
                self._move_on(connection)
            time.sleep(LOOK_SECONDS)
            self.looks += 1
            assert self.looks < MOST_LOOKS, self._state()

    def _waiting(self) -> int:
        db.session.rollback()
        waiting = select(func.count()).where(Grade.state == GradeState.WAITING)
        return db.session.scalar(waiting) or 0

    def _state(self) -> str:
        db.session.rollback()
        by_state = select(Grade.state, Grade.words, func.count()).group_by(Grade.state, Grade.words)
        return str(db.session.execute(by_state).all())

    def _is_idle(self, connection: Any) -> bool:
        """Nothing is due, and no living worker has anything in hand."""
        db.session.rollback()
        due = select(func.count()).where(
            OutboxRow.done_at.is_(None),
            OutboxRow.dispatched_at.is_(None),
            OutboxRow.due_at <= clock.now(),
        )
        if db.session.scalar(due) or any(connection.llen(f"rq:queue:{name}") for name in QueueName):
            return False
        alive = {each.pid for each in self.crew.workers if each.poll() is None}
        known = [each for each in Worker.all(connection=connection) if each.pid in alive]
        return len(known) == len(alive) and all(
            each.get_state() == WorkerStatus.IDLE for each in known
        )

    def _move_on(self, connection: Any) -> None:
        """To the next moment at which a step is due; what a dead worker had is lost by then."""
        next_due = db.session.scalar(
            select(func.min(OutboxRow.due_at)).where(
                OutboxRow.done_at.is_(None), OutboxRow.dispatched_at.is_(None)
            )
        )
        ahead = demo_clock.ahead(self.path)
        if next_due is not None:
            ahead += max(timedelta(0), next_due - clock.now()) + AT_ONCE
        else:
            ahead += LOST_AFTER + AT_ONCE
            for each in Worker.all(connection=connection):
                if each.pid not in {worker.pid for worker in self.crew.workers}:
                    connection.delete(each.key)  # as its time to live would have ended
        demo_clock.set_ahead(self.path, ahead)


def test_ten_thousand_scores_arrive_whatever_the_lms_answers_and_whoever_is_killed(
    crew: Crew, port: int
) -> None:
    url, path = f"http://127.0.0.1:{port}", Path(crew.settings.demo_clock)
    campus(World(), crew.settings, url)
    lms = HardLms(now=lambda: clock.now().timestamp())
    chance = random.Random(7)
    db.session.rollback()
    items = db.session.scalars(select(LineItem.id).order_by(LineItem.id)).all()
    people = db.session.scalars(select(Person.id).order_by(Person.id)).all()
    shares = {(item, person): round(chance.random(), 4) for item in items for person in people}
    again = {key: round(chance.random(), 4) for key in chance.sample(sorted(shares), CHANGED)}
    changes = threading.Event()
    lms.at_score = {CHANGED_AT: changes.set, **dict.fromkeys(KILLED_AT, crew.kill_one)}
    with hard_lms.running(lms, port):
        owe(shares)
        crew.start()
        changer = threading.Thread(target=changed_when, args=(changes, crew.app, again))
        changer.start()
        Play(crew, path).work()
        changer.join()
        Play(crew, path).work()

    wanted = {**shares, **again}
    db.session.rollback()
    rows = db.session.execute(select(Grade.line_item_id, Grade.person_id, Grade.state, Grade.sent))
    assert {(row.line_item_id, row.person_id): row.sent for row in rows if row.state} == wanted
    kept = {key: lms.cells[str(key[0]), str(key[1])].share for key in wanted}
    assert kept == pytest.approx(wanted)
    assert (len(wanted), crew.killed) == (10_000, len(KILLED_AT))
    assert set(lms.answers) == {"200", "409", "429", "500", "html", "nothing", "hang"}
    assert lms.overlaps == [], "never two of a row at once"
    for arrivals in lms.arrivals.values():
        for one, next_one in pairwise(arrivals):
            assert next_one.stamp > one.stamp
            assert next_one.came - one.answered >= SPACING.total_seconds()
    assert lms.tokens < 20, "one worker asks, the others wait"
