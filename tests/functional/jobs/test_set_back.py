"""A clock was ahead and is set back: what it put off into its own future is done now."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from plugin.core import clock
from plugin.core.db import db
from plugin.core.outbox import OutboxRow
from plugin.jobs import periodic, reconcile
from plugin.notify.mail_models import MailRate
from plugin.notify.models import Message, MessageKind, MessageState
from tests.conftest import NOW
from tests.functional.jobs.test_reconcile import inbox
from tests.support import smtp, story
from tests.support.work import work_off
from tests.support.world import World

AHEAD = NOW + timedelta(days=40)
__all__ = ["inbox"]


@pytest.fixture
def told(world: World, inbox: smtp.Inbox) -> story.Story:
    """Everything is done, and the mails so far are gone."""
    told = story.begin(world)
    work_off()
    inbox.mails.clear()
    return told


def set_back(minutes: int = 0) -> None:
    """What the dispatcher does first after the clock was set back."""
    db.session.rollback()
    with clock.at(NOW + timedelta(minutes=minutes)):
        reconcile.run(now=clock.now())
        work_off()


def issued() -> list[MessageState]:
    db.session.rollback()
    chosen = select(Message.state).where(Message.kind == MessageKind.CERTIFICATE_ISSUED)
    return list(db.session.scalars(chosen))


def left() -> int:
    return db.session.scalar(select(func.count()).where(OutboxRow.done_at.is_(None))) or 0


def test_a_step_that_was_handed_out_in_the_future_is_done(
    told: story.Story, inbox: smtp.Inbox
) -> None:
    story.complete(told.person, told.module)
    db.session.execute(
        update(OutboxRow).where(OutboxRow.done_at.is_(None)).values(dispatched_at=AHEAD)
    )
    db.session.commit()
    set_back()
    assert issued() == [MessageState.SENT]
    assert left() == 0


def test_steps_that_were_asked_for_in_the_future_are_done(
    told: story.Story, inbox: smtp.Inbox
) -> None:
    story.complete(told.person, told.module)
    db.session.execute(
        update(OutboxRow).where(OutboxRow.done_at.is_(None)).values(created_at=AHEAD, due_at=AHEAD)
    )
    db.session.commit()
    work_off()
    assert issued() == []
    set_back()
    assert issued() == [MessageState.SENT]


def test_a_step_that_failed_in_the_future_is_tried_now(
    told: story.Story, inbox: smtp.Inbox
) -> None:
    story.complete(told.person, told.module)
    db.session.execute(
        update(OutboxRow).where(OutboxRow.done_at.is_(None)).values(attempts=2, due_at=AHEAD)
    )
    db.session.commit()
    set_back()
    assert issued() == [MessageState.SENT]


def test_a_mail_claimed_in_the_future_leaves_when_its_claim_would_have_run_out(
    told: story.Story, inbox: smtp.Inbox
) -> None:
    story.complete(told.person, told.module)
    inbox.answers[:] = ["451 4.7.1 later"]
    with pytest.raises(Exception, match="451"):
        work_off()
    db.session.rollback()
    db.session.execute(
        update(Message)
        .where(Message.kind == MessageKind.CERTIFICATE_ISSUED)
        .values(state=MessageState.SENDING, claimed_at=AHEAD)
    )
    db.session.add(
        MailRate(
            scope="server",
            bulk_minute=0,
            bulk_used=0,
            single_minute=0,
            single_used=0,
            failures=3,
            paused_until=AHEAD,
        )
    )
    db.session.commit()
    set_back()
    assert issued() == [MessageState.SENDING], "its sender may be alive"
    set_back(minutes=6)
    assert issued() == [MessageState.SENT]
    assert len(inbox.mails) == 1


def test_what_waits_for_its_hour_goes_on_waiting(world: World, inbox: smtp.Inbox) -> None:
    early = NOW - timedelta(hours=4)
    with clock.at(early):
        story.begin(world)
        work_off()
        before = list(db.session.scalars(select(Message.not_before)))
        assert before
        assert all(each > early for each in before)
        reconcile.run(now=early)
        db.session.rollback()
        assert list(db.session.scalars(select(Message.not_before))) == before
        work_off()
    assert inbox.mails == []


def test_every_turn_comes_at_once_so_the_repair_does_too(
    told: story.Story, inbox: smtp.Inbox
) -> None:
    with clock.at(AHEAD):
        periodic.declare(AHEAD)
        db.session.execute(update(periodic.Periodic).values(fired_at=AHEAD))
        db.session.commit()
    assert "reconcile" in periodic.fire(NOW)
