"""A worker is killed between any two steps and the whole queue is lost: nothing else is."""

import signal
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from plugin.certs.models import Certificate, Edition
from plugin.core import clock, queue
from plugin.core.db import db
from plugin.core.outbox import OutboxRow
from plugin.jobs import dispatch, reconcile
from plugin.notify.models import Message, MessageKind
from tests.processes.conftest import Machinery
from tests.support import story
from tests.support.world import World

pytestmark = pytest.mark.processes

STEPS = ["evaluate_person", "issue_certificate", "render_edition", "deliver_message"]
POINTS = ["before", "inside", "after"]


def hand_out(machinery: Machinery) -> int:
    db.session.rollback()
    return dispatch.dispatch(queue.connect(machinery.settings), now=clock.now())


def work_off(machinery: Machinery, *how: str) -> int:
    """Dispatch and work until nothing is due, or until the worker is killed; its exit code."""
    while hand_out(machinery):
        code = machinery.worker(*how)
        if code:
            return code
    return 0


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

    assert db.session.scalar(select(func.count(Certificate.id))) == 1
    assert db.session.scalars(select(Edition.number)).all() == [1]
    issued = select(func.count(Message.id)).where(Message.kind == MessageKind.CERTIFICATE_ISSUED)
    assert db.session.scalar(issued) == 1
    ids = [mail["Message-ID"] for mail in machinery.inbox.mails]
    assert len(ids) == 1
    assert (
        db.session.scalar(select(func.count(OutboxRow.id)).where(OutboxRow.done_at.is_(None))) == 0
    )
