"""A worker is killed between any two steps and the whole queue is lost: nothing else is."""

import signal
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from plugin.certs.models import Certificate, Edition
from plugin.core import clock, queue
from plugin.core.db import db
from plugin.core.outbox import OutboxRow
from plugin.jobs import reconcile
from plugin.notify.models import Message, MessageKind, MessageState
from tests.processes.conftest import Machinery
from tests.support import smtp, story
from tests.support.world import World

pytestmark = pytest.mark.processes

STEPS = ["evaluate_person", "issue_certificate", "render_edition", "deliver_message"]
POINTS = ["before", "inside", "after"]


def work_off(machinery: Machinery, *how: str) -> int:
    """Dispatch and work until nothing is due, or until the worker is killed; its exit code."""
    db.session.rollback()
    return machinery.worker(*how)


def repair(machinery: Machinery) -> None:
    """What `plugin reconcile` does, late enough that nobody still holds a message."""
    db.session.rollback()
    later = clock.now() + timedelta(minutes=6)
    with clock.at(later):
        reconcile.run(now=later, lost_at_once=True)
    db.session.rollback()


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("name", STEPS)
def test_a_worker_killed_anywhere_and_a_lost_queue_leave_one_of_everything(
    machinery: Machinery, name: str, point: str
) -> None:
    told = story.begin(World())
    assert work_off(machinery) == 0
    machinery.inbox.mails.clear()
    story.complete(told.person, told.module)

    assert work_off(machinery, name, point) == -signal.SIGKILL
    queue.connect(machinery.settings).flushall()
    repair(machinery)
    assert work_off(machinery) == 0

    assert_one_of_everything()
    assert len(machinery.inbox.mails) == 1


def test_a_worker_killed_after_the_server_took_the_mail_sends_it_under_the_same_name(
    machinery: Machinery,
) -> None:
    """No sender can know more: mailboxes drop the second by its Message-ID."""
    told = story.begin(World())
    assert work_off(machinery) == 0
    machinery.inbox.mails.clear()
    story.complete(told.person, told.module)

    assert work_off(machinery, "mail") == -signal.SIGKILL
    queue.connect(machinery.settings).flushall()
    long_ago = clock.now() - timedelta(minutes=6)
    db.session.execute(update(Message).values(claimed_at=long_ago))
    db.session.commit()
    repair(machinery)
    assert work_off(machinery) == 0

    assert_one_of_everything()
    first, second = machinery.inbox.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert smtp.text_of(first) == smtp.text_of(second)


@pytest.mark.parametrize("is_redis_lost", [False, True])
def test_a_dispatcher_killed_between_redis_and_its_commit_loses_and_doubles_nothing(
    machinery: Machinery, is_redis_lost: bool
) -> None:
    told = story.begin(World())
    assert work_off(machinery) == 0
    machinery.inbox.mails.clear()
    story.complete(told.person, told.module)

    assert work_off(machinery, "dispatcher") == -signal.SIGKILL
    if is_redis_lost:
        queue.connect(machinery.settings).flushall()
    assert work_off(machinery) == 0

    assert_one_of_everything()
    assert len(machinery.inbox.mails) == 1


def assert_one_of_everything() -> None:
    """One certificate, one edition, one message, and nothing left to do."""
    db.session.rollback()
    assert db.session.scalar(select(func.count(Certificate.id))) == 1
    assert db.session.scalars(select(Edition.number)).all() == [1]
    issued = select(Message.state).where(Message.kind == MessageKind.CERTIFICATE_ISSUED)
    assert db.session.scalars(issued).all() == [MessageState.SENT]
    left = select(func.count(OutboxRow.id)).where(
        OutboxRow.done_at.is_(None), OutboxRow.due_at <= clock.now()
    )
    assert db.session.scalar(left) == 0
