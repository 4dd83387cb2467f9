"""`plugin worker`, `plugin dispatcher` and `plugin reconcile` as somebody starts them."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import delete, func, select, update

from plugin.certs.models import Certificate
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.outbox import OutboxRow
from plugin.notify.actions import NewMessage, queue_messages
from plugin.notify.models import Message, MessageKind, MessageState
from tests.processes.conftest import Machinery
from tests.support import services, story
from tests.support.smtp import free_port
from tests.support.world import World

pytestmark = pytest.mark.processes

PATIENCE_SECONDS = 180


@contextmanager
def running(machinery: Machinery, *commands: str) -> "Iterator[list[subprocess.Popen[str]]]":
    """`plugin COMMAND` for each, killed at the end if the test has not stopped it."""
    started = [machinery.start("-m", "plugin.cli", *command.split()) for command in commands]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def eventually(holds: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def stop(process: "subprocess.Popen[str]", how: signal.Signals) -> tuple[int, str]:
    """The exit code and everything it said."""
    process.send_signal(how)
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, output


def says(process: "subprocess.Popen[str]", words: str) -> None:
    """Read until the process has said this; one that stays silent is killed."""
    assert process.stdout is not None
    patience = threading.Timer(PATIENCE_SECONDS, process.kill)
    patience.start()
    try:
        assert any(words in line for line in process.stdout), f"it ended without {words}"
    finally:
        patience.cancel()


def tell_many(number: int) -> None:
    """So many messages to send now."""
    world = World()
    people = [world.person(f"Person {n}", email=f"p{n}@example.test") for n in range(number)]
    messages = [
        NewMessage(
            person_id=person.id,
            kind=MessageKind.NEW_TRAINING,
            key=f"cause {person.id}",
            facts={"unit_name": "North Quay", "modules": []},
        )
        for person in people
    ]
    organization_id = world.organization.id
    db.session.rollback()
    with transaction() as tx:
        queue_messages(tx, organization_id, messages, now=clock.now())


def sent() -> int:
    db.session.rollback()
    counted = select(func.count(Message.id)).where(Message.state == MessageState.SENT)
    return db.session.scalar(counted) or 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_completion_becomes_a_mailed_certificate_and_the_processes_stop_cleanly(
    machinery: Machinery, how: signal.Signals
) -> None:
    with running(machinery, "dispatcher", "worker") as processes:
        told = story.begin(World())
        story.complete(told.person, told.module)
        eventually(lambda: [m for m in machinery.inbox.mails if list(m.iter_attachments())])
        for process in processes:
            code, output = stop(process, how)
            assert code == 0, output
            assert "Traceback" not in output
    (mail,) = (m for m in machinery.inbox.mails if list(m.iter_attachments()))
    (paper,) = mail.iter_attachments()
    assert paper.get_content_type() == "application/pdf"


def test_two_of_each_do_every_step_once(machinery: Machinery) -> None:
    with running(machinery, "dispatcher", "dispatcher", "worker", "worker"):
        tell_many(60)
        eventually(lambda: sent() == 60)
    assert len(machinery.inbox.mails) == 60
    assert len({mail["Message-ID"] for mail in machinery.inbox.mails}) == 60


def test_a_worker_starts_afresh_after_so_many_jobs(machinery: Machinery) -> None:
    tell_many(5)
    with running(machinery, "dispatcher", "worker --max-jobs 3") as (_, worker):
        output, _ = worker.communicate(timeout=PATIENCE_SECONDS)
        assert worker.returncode == 0, output
        assert sent() == 3


def test_with_redis_gone_the_work_is_kept_and_goes_on_when_it_is_back(
    machinery: Machinery,
) -> None:
    port = free_port()
    apart = replace(
        machinery, settings=replace(machinery.settings, redis_url=f"redis://127.0.0.1:{port}/0")
    )
    with running(apart, "dispatcher") as (dispatcher,):
        tell_many(3)
        says(dispatcher, "dispatcher.queue_unreachable")
        assert sent() == 0
        for _ in range(2):  # the second time Redis comes back empty
            with services.redis_on(port), running(apart, "worker"):
                eventually(lambda: sent() == 3)
            db.session.execute(update(Message).values(state=MessageState.QUEUED))
            db.session.execute(update(OutboxRow).values(done_at=None, dispatched_at=None))
            db.session.commit()
    assert len(machinery.inbox.mails) == 6


def test_without_a_redis_address_the_dispatcher_does_the_work(machinery: Machinery) -> None:
    alone = replace(machinery, settings=replace(machinery.settings, redis_url=""))
    with running(alone, "dispatcher", "worker") as (dispatcher, worker):
        tell_many(3)
        eventually(lambda: sent() == 3)
        output, _ = worker.communicate(timeout=PATIENCE_SECONDS)
        assert worker.returncode == 1
        assert "PLUGIN_REDIS_URL is not set: the dispatcher does the work." in output
        code, output = stop(dispatcher, signal.SIGTERM)
        assert code == 0, output


def test_reconcile_prints_what_it_asks_for(machinery: Machinery) -> None:
    told = story.begin(World())
    story.complete(told.person, told.module)
    db.session.execute(delete(OutboxRow))
    db.session.commit()

    def reconcile() -> dict[str, int]:
        process = machinery.start("-m", "plugin.cli", "reconcile")
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, output
        lines = (line.split(maxsplit=1) for line in output.splitlines())
        return {name: int(number) for number, name in lines}

    assert reconcile() == {
        "lost": 0,
        "evaluate_person": 1,
        "apply_version": 1,
        "issue_certificate": 0,
        "render_edition": 0,
        "deliver_message": 0,
        "import_package": 0,
        "read_topic": 0,
        "check_import": 0,
        "apply_import": 0,
        "tell_managers": 0,
        "apply_retraining": 0,
    }
    with running(machinery, "dispatcher", "worker"):
        eventually(lambda: certificates() == 1 and due() == 0)
    assert set(reconcile().values()) == {0}


def certificates() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count(Certificate.id))) or 0


def due() -> int:
    left = select(func.count(OutboxRow.id)).where(
        OutboxRow.done_at.is_(None), OutboxRow.due_at <= clock.now()
    )
    return db.session.scalar(left) or 0
