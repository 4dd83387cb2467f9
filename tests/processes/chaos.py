"""Processes that are killed at random while work is done, and what must be true all the same."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from sqlalchemy import func, select

from plugin.assign import queries
from plugin.assign.judgement import stored_values
from plugin.assign.models import StoredStanding
from plugin.core import queue
from plugin.core.db import db
from plugin.core.outbox import JobName, OutboxRow
from plugin.notify.models import Message, MessageState
from plugin.org.models import Person
from tests.processes.conftest import ROOT, Machinery, environment
from tests.processes.nursery import STEPS, Order
from tests.support.smtp import free_port

TURN = timedelta(minutes=7)
AWHILE = timedelta(seconds=10)
HOUR = timedelta(hours=1)
DOOMED = 0.75
LONGEST_FUSE = 24
POINTS = ("mail", "enqueue", "commit: before", "commit: after", "file", *STEPS)
JUDGING = (JobName.EVALUATE_PERSON, JobName.EVALUATE_PEOPLE, JobName.APPLY_VERSION)


class Nursery:
    """The process that bears the others; see `nursery.py`."""

    def __init__(self, machinery: Machinery) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.processes.nursery"],
            env=environment(machinery.settings),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, line: str) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def start(self, order: Order) -> int:
        return int(self.ask(order.line()))

    def wait(self, *pids: int) -> list[int]:
        """How each has ended: 0, or less than 0 for a signal."""
        found: list[int] = self.ask(json.dumps({"wait": pids}))
        assert set(found) <= {0, -signal.SIGKILL}, f"not killed, but broken: {found}"
        return found


@contextmanager
def nursery(machinery: Machinery) -> Iterator[Nursery]:
    found = Nursery(machinery)
    try:
        yield found
    finally:
        assert found.process.stdin is not None
        found.process.stdin.close()
        found.process.wait(timeout=10)


@dataclass
class Chaos:
    """Dice that decide who dies when; without dice nobody dies (`seed` None)."""

    machinery: Machinery
    nursery: Nursery
    journal: Path
    seed: int | None
    kills: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.journal.write_text("")

    @property
    def is_calm(self) -> bool:
        return self.seed is None

    # - processes ----------------------------------------------------------------------------

    def order(self, role: str, at: datetime, *, deadly: bool, **more: Any) -> Order:
        is_doomed = deadly and not self.is_calm and self.dice.random() < DOOMED
        only = self.dice.choice(("", *POINTS)) if role != "web" else ""
        fuse = self.dice.randint(1, 3 if only else LONGEST_FUSE) if is_doomed else 0
        return Order(
            role=role,
            at=at.isoformat(),
            fuse=fuse,
            only=only,
            seed=self.dice.randint(0, 9999),
            journal=str(self.journal),
            mail_port=more.pop("mail_port", self.machinery.inbox.port),
            **more,
        )

    def together(self, role: str, at: datetime, *, deadly: bool, **more: Any) -> None:
        """One process of this role, or two by mistake, until they end."""
        number = 1 if self.is_calm or not deadly else self.dice.choice((1, 1, 2))
        orders = [self.order(role, at, deadly=deadly, **more) for _ in range(number)]
        self.nursery.wait(*[self.nursery.start(order) for order in orders])
        self.forget_the_dead()

    def forget_the_dead(self) -> None:
        """What Redis does by itself some minutes after a worker's last sign of life."""
        connection = queue.connect(self.machinery.settings)
        for key in connection.keys("rq:worker:*"):
            connection.delete(key)

    def work(self, at: datetime, *, deadly: bool, **more: Any) -> None:
        """Hand out and work off, in turns, until nothing is due."""
        for _ in range(12):
            self.together("dispatcher", at, deadly=deadly)
            self.together("worker", at, deadly=deadly, **more)
            at += AWHILE  # what the steps caused is due by now
            self.watch(at)
            if not due_steps(at):
                return

    def section(self, at: datetime, *, rounds: int = 2) -> datetime:
        """Some rounds in which everything goes wrong, then peace; the moment all is done."""
        inbox = self.machinery.inbox
        moment = at
        for _ in range(0 if self.is_calm else rounds):
            mood = self.dice.choice(("well", "down", "slow", "later", "well"))
            more: dict[str, Any] = {}
            if mood == "down":
                more["mail_port"] = free_port()
            if mood == "slow":
                inbox.delay, more["mail_patience"] = 0.6, 0.2
            if mood == "later":
                inbox.answers[:] = ["451 4.7.1 come back later", "250"] * 6
            self.work(moment, deadly=True, **more)
            inbox.delay = 0.0
            inbox.answers.clear()
            if self.dice.random() < 0.4:
                queue.connect(self.machinery.settings).flushall()
            moment += TURN
        for _ in range(12):
            self.work(moment, deadly=False)
            if not waiting(moment):
                break
            moment += timedelta(minutes=25)
        assert not waiting(moment), "something waits that nobody will ever do"
        return moment

    # - the web ------------------------------------------------------------------------------

    @contextmanager
    def served(self, at: datetime) -> Iterator["Wire"]:
        """A web server that dies, and is started again, and dies."""
        wire = Wire(self, at)
        try:
            yield wire
        finally:
            wire.stop()

    # - what is always true ------------------------------------------------------------------

    def watch(self, at: datetime) -> None:
        """Whatever a stored standing says is what the facts say, or the step that will make it
        so is still to do."""
        for person, configuration, stored, said in differences(at):
            assert is_owed(person, configuration), (
                f"{person}/{configuration}: stored {stored}, the facts say {said}, and no step"
            )

    def doubles(self) -> set[str]:
        """The mails that may have come twice: killed after the server's 250, or not heard."""
        told = [json.loads(line) for line in self.journal.read_text().splitlines()]
        self.kills = Counter(point for point, _mail in told)
        return {mail for _point, mail in told if mail} | self.machinery.inbox.unheard


class Wire:
    """A client that speaks HTTP to a server that may die; what it did not hear it asks again."""

    def __init__(self, chaos: Chaos, at: datetime) -> None:
        self.chaos = chaos
        self.at = at
        self.cookies: dict[str, str] = {}
        self.pid = 0
        self.deaths = 0

    def begin(self) -> None:
        self.port = free_port()
        deadly = self.deaths < 6
        order = self.chaos.order("web", self.at, deadly=deadly, port=self.port)
        self.pid = self.chaos.nursery.start(order)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=5)
            except requests.ConnectionError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError("the web server did not start")

    def stop(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            self.chaos.nursery.wait(self.pid)
            self.pid = 0

    def send(self, method: str, address: str, **what: Any) -> Any:
        """One answer; LostError when the server died on the way."""
        if not self.pid:
            self.begin()
        base = urlsplit(what.pop("base_url", self.chaos.machinery.settings.tool_url))
        try:
            answer = requests.request(
                method,
                f"http://127.0.0.1:{self.port}{address}",
                headers={"Host": base.netloc, "Origin": f"{base.scheme}://{base.netloc}"},
                cookies=self.cookies,
                allow_redirects=False,
                timeout=20,
                **what,
            )
        except requests.ConnectionError:
            self.chaos.nursery.wait(self.pid)
            self.pid, self.deaths = 0, self.deaths + 1
            raise LostError from None
        return answer

    def get(self, address: str, **what: Any) -> Any:
        return self.send("GET", address, **what)

    def post(self, address: str, **what: Any) -> Any:
        return self.send("POST", address, **what)


class LostError(Exception):
    """The server died before it answered: whoever asked does not know what it had done."""


def until_heard(do: Callable[[], Any]) -> Any:
    """Ask again until there is an answer, as a browser or a player does."""
    while True:
        try:
            return do()
        except LostError:
            continue


def due_steps(at: datetime) -> int:
    db.session.rollback()
    counted = select(func.count(OutboxRow.id)).where(
        OutboxRow.done_at.is_(None),
        OutboxRow.failed_at.is_(None),
        OutboxRow.dispatched_at.is_(None),
        OutboxRow.due_at <= at,
    )
    return db.session.scalar(counted) or 0


def waiting(at: datetime) -> int:
    """Steps and messages that are due and neither done nor given up."""
    db.session.rollback()
    steps = select(func.count(OutboxRow.id)).where(
        OutboxRow.done_at.is_(None),
        OutboxRow.failed_at.is_(None),
        OutboxRow.created_at <= at + HOUR,
    )
    messages = select(func.count(Message.id)).where(
        Message.state.in_((MessageState.QUEUED, MessageState.SENDING)), Message.not_before <= at
    )
    return (db.session.scalar(steps) or 0) + (db.session.scalar(messages) or 0)


def differences(at: datetime) -> Iterator[tuple[int, int, Any, Any]]:
    """Standings that are stored otherwise than the facts have them."""
    db.session.rollback()
    stored = db.session.scalars(select(StoredStanding)).all()
    people = db.session.execute(select(Person.id, Person.organization_id)).all()
    if not people:
        return
    found = queries.facts(
        db.session(), people[0].organization_id, person_ids=[each.id for each in people], at=at
    )
    rows = {(each.person_id, each.configuration_id): each for each in stored}
    for person in people:
        for configuration_id in found.configurations:
            row = rows.get((person.id, configuration_id))
            standing = found.standing(person.id, configuration_id)
            if row is None and not standing.covered:
                continue
            names = ("covered", "complete", "valid_through", "ends_at")
            said = {name: stored_values(standing)[name] for name in names}
            kept = {name: getattr(row, name) for name in names} if row else None
            if kept != said:
                yield person.id, configuration_id, kept, said


def is_owed(person_id: int, configuration_id: int) -> bool:
    """Whether a step is still to do that judges this person."""
    live = db.session.scalars(
        select(OutboxRow).where(OutboxRow.done_at.is_(None), OutboxRow.job.in_(JUDGING))
    )
    return any(each.job is JobName.APPLY_VERSION or person_id in each.args for each in live)
