"""One learner passes while 20,000 certificates are made: the seconds until their mail is there.

PostgreSQL, Redis, an SMTP server, one dispatcher and one worker, each a process of its own.

Run: python -m benchmarks.urgency [people]
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import psycopg

from plugin.app import create_app
from plugin.core import migrate
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName
from plugin.core.settings import Environment, Settings
from plugin.modules.models import Module
from plugin.org.models import Person
from tests.functional.assign.places import row, training
from tests.support import databases, services, smtp
from tests.support.world import World

LEARNERS = 5
PAUSE_SECONDS = 8
PATIENCE_SECONDS = 600
BULK = (
    """INSERT INTO person (organization_id, given_name, family_name, full_name, email, created_at)
    SELECT 1, 'Person', n::text, 'Person ' || n, 'p' || n || '@example.test', now()
    FROM generate_series(1, {people}) n""",
    """INSERT INTO membership (organization_id, unit_id, person_id, source, since_at, created_at,
        silent)
    SELECT 1, {unit}, id, 'csv', now() - interval '9 days', now() - interval '9 days', false
    FROM person WHERE given_name = 'Person'""",
    """INSERT INTO completion (organization_id, person_id, module_id, module_version_id, passed,
        happened_at, learned_at, source, evidence, silent)
    SELECT 1, id, {module}, {version}, true, now() - interval '8 days', now() - interval '8 days',
        'manual', '{{}}', false
    FROM person WHERE given_name = 'Person'""",
)


def main() -> None:
    """Print each learner's seconds, and how far the bulk was."""
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    print(f"{platform.machine()}, Python {platform.python_version()}, {people:,} certificates")
    with (
        tempfile.TemporaryDirectory() as folder,
        services.both() as found,
        smtp.server() as inbox,
    ):
        os.environ.update(found)
        with databases.fresh(Path(folder)) as url:
            settings = _settings(url, found["TEST_REDIS_URL"], folder, inbox.port)
            _measure(settings, inbox, people)


def _settings(url: str, redis_url: str, folder: str, port: int) -> Settings:
    return Settings(
        env=Environment.TEST,
        tool_url="https://tool.example.test",
        content_url="https://content.example.test",
        database_url=url,
        redis_url=redis_url,
        secret_key="a secret only benchmarks know, long",
        encryption_key="another secret only benchmarks know",
        storage_dir=folder,
        mail_sender="training@example.test",
        mail_host="127.0.0.1",
        mail_port=port,
        mail_tls="none",
        log_level="ERROR",
    ).checked()


def _measure(settings: Settings, inbox: smtp.Inbox, people: int) -> None:
    migrate.upgrade(settings.sqlalchemy_url)
    app = create_app(settings)
    with app.app_context():
        world = World()
        learners, module = _learners(world)
        with _processes(settings):
            _until(lambda: not _left("%"))  # or the bulk that brings their training judges them
            _bulk(world, settings, people)
            took = [_pass(world, learner, module, inbox) for learner in learners]
        left = _left("%")
        db.session.remove()
    arrived = len(inbox.mails) - LEARNERS
    print(f"after the last of them: {arrived:,} mails of the bulk had gone, {left:,} steps waited")
    print(f"median {statistics.median(took):.1f} s, worst {max(took):.1f} s")


def _learners(world: World) -> tuple[list[Person], Module]:
    """People with one module to do; told of it, so far as mail is concerned, by nobody."""
    unit, module = world.unit("Yard"), world.module("Diving")
    learners = [
        world.person(f"Learner {number}", email=f"learner{number}@example.test")
        for number in range(LEARNERS)
    ]
    training(unit, row(module), name="Diving")
    for learner in learners:
        membership = world.member(learner, unit)
        membership.silent = True
        world.add(membership)
    return learners, module


def _bulk(world: World, settings: Settings, people: int) -> None:
    """A training begins for many who have all passed it."""
    unit, module = world.unit("Quay"), world.module("Lifting")
    names = {"people": people, "unit": unit.id, "module": module.id}
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        for statement in BULK:
            words = statement.format(**names, version=module.current_version_id)
            connection.execute(words.encode())
        connection.execute("ANALYZE")
    training(unit, row(module))


def _pass(world: World, learner: Person, module: Module, inbox: smtp.Inbox) -> float:
    """The seconds from the completion to the mail, in the midst of the bulk."""
    time.sleep(PAUSE_SECONDS)
    db.session.rollback()
    address, before = learner.email, len(inbox.mails)
    world.completion(learner, module)
    learner_id = learner.id
    db.session.rollback()
    start = time.perf_counter()
    with transaction() as tx:
        tx.then(JobName.EVALUATE_PERSON, learner_id)
    _until(lambda: any(str(address) in str(mail["To"]) for mail in inbox.mails[before:]))
    seconds = time.perf_counter() - start
    print(f"{address}: {seconds:5.1f} s ({_left('bulk%'):,} steps of the bulk waited)")
    return seconds


def _left(name: str) -> int:
    db.session.rollback()
    words = "SELECT count(*) FROM outbox WHERE done_at IS NULL AND queue LIKE :name"
    number: int = db.session.execute(db.text(words), {"name": name}).scalar_one()
    db.session.rollback()
    return number


def _until(happened: Any) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.05)


@contextmanager
def _processes(settings: Settings) -> Iterator[None]:
    """A dispatcher and a worker, each a process; the worker starts afresh as in production."""
    environ = os.environ | {
        f"PLUGIN_{each.name.upper()}": _spelled(getattr(settings, each.name))
        for each in fields(settings)
    }
    here = [sys.executable, "-m", "plugin.cli"]
    running = [
        subprocess.Popen([*here, *command], env=environ)
        for command in (["dispatcher"], ["worker", "--max-jobs", "1000000"])
    ]
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(timeout=60)


def _spelled(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    main()
