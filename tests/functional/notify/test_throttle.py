"""So many mails a minute and no more, whatever runs; and a server that is away is left alone."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from plugin.core import clock
from plugin.core.db import db
from plugin.core.outbox import JobName, OutboxRow, QueueName, as_urgent_as
from plugin.notify.mailer import UnavailableError
from plugin.notify.models import Message, MessageState
from tests.functional.notify.conftest import Wish
from tests.functional.notify.test_delivery import tell
from tests.support import smtp
from tests.support.work import work_off
from tests.support.world import World

MINUTE = timedelta(minutes=1)


@pytest.fixture
def limit(app: Flask) -> Iterator[Callable[[int], None]]:
    """The installation's limit."""
    before = app.extensions["plugin_settings"]

    def use(per_minute: int) -> None:
        app.extensions["plugin_settings"] = replace(before, mail_per_minute=per_minute)

    yield use
    app.extensions["plugin_settings"] = before


def bulk(world: World, number: int) -> None:
    for each in range(number):
        person = world.person(f"Person {each}", email=f"p{each}@example.test")
        with as_urgent_as(QueueName.BULK):
            tell(person, key=f"cause {each}")


def states() -> dict[str, int]:
    db.session.rollback()
    found = db.session.execute(select(Message.state, func.count()).group_by(Message.state))
    return {state.value: number for state, number in found}


def each_minute(inbox: smtp.Inbox, start: datetime, minutes: int) -> list[int]:
    """How many mails arrive in each of the next minutes."""
    arrived, before = [], len(inbox.mails)
    for number in range(minutes):
        for second in (0, 30, 59):
            with clock.at(start + number * MINUTE + timedelta(seconds=second)):
                work_off()
        arrived.append(len(inbox.mails) - before)
        before = len(inbox.mails)
    return arrived


def test_an_organizations_limit_holds_minute_by_minute_and_nothing_is_lost(
    world: World, inbox: smtp.Inbox, wish: Wish
) -> None:
    wish(per_minute=8)
    bulk(world, 20)
    assert each_minute(inbox, clock.now(), 5) == [6, 6, 6, 2, 0], "a quarter is kept for others"
    assert states() == {"sent": 20}


def test_a_single_mail_goes_at_once_while_a_bulk_waits_for_its_minutes(
    world: World, inbox: smtp.Inbox, wish: Wish
) -> None:
    wish(per_minute=8)
    bulk(world, 30)
    work_off()
    assert len(inbox.mails) == 6
    tell(world.person("Zoe Late", email="zoe@example.test"), key="certificate")
    work_off()
    assert inbox.mails[-1]["To"] == "Zoe Late <zoe@example.test>"
    assert sum(each_minute(inbox, clock.now(), 7)) == 24


def test_the_servers_limit_is_shared_by_organizations_fairly(
    world: World, inbox: smtp.Inbox, wish: Wish, limit: Callable[[int], None]
) -> None:
    limit(8)
    wish(per_minute=4)
    bulk(world, 12)
    other = world.new_organization("Elsewhere")
    for number in range(3):
        person = world.person(f"Far {number}", email=f"f{number}@x.test", organization=other)
        with as_urgent_as(QueueName.BULK):
            tell(person, key=f"far {number}")
    work_off()
    arrived = [str(mail["To"]) for mail in inbox.mails]
    assert len([each for each in arrived if "x.test" in each]) == 3, "not behind the other's hours"
    assert len(arrived) == 6


def test_waiting_for_a_minute_is_no_attempt_and_makes_no_more_steps(
    world: World, inbox: smtp.Inbox, wish: Wish
) -> None:
    wish(per_minute=4)
    bulk(world, 7)
    work_off()
    db.session.rollback()
    waiting = db.session.scalars(select(Message).where(Message.state == MessageState.QUEUED)).all()
    assert [message.attempts for message in waiting] == [0] * 4
    assert db.session.scalar(select(func.count()).select_from(OutboxRow)) == 7
    assert db.session.scalars(select(OutboxRow.attempts).distinct()).all() == [0]


def test_a_minute_that_was_missed_is_asked_for_anew(
    world: World, inbox: smtp.Inbox, wish: Wish
) -> None:
    wish(per_minute=4)
    bulk(world, 12)
    work_off()
    assert len(inbox.mails) == 3
    later = clock.now() + timedelta(hours=2)
    assert each_minute(inbox, later, 4) == [3, 3, 3, 0], "no flood after everything stood still"


def test_a_server_that_cannot_be_reached_is_asked_once_and_then_left_alone(
    app: Flask, world: World, inbox: smtp.Inbox
) -> None:
    app.extensions["mail"].port = smtp.free_port()
    bulk(world, 5)
    with pytest.raises(Exception, match="ConnectionRefused"):
        work_off()
    work_off()
    db.session.rollback()
    tried = db.session.scalars(select(Message.attempts).order_by(Message.id)).all()
    assert tried == [1, 0, 0, 0, 0]
    app.extensions["mail"].port = inbox.port
    with clock.at(clock.now() + timedelta(seconds=14)):
        work_off()
        assert inbox.mails == []
    with clock.at(clock.now() + MINUTE):
        work_off()
    assert len(inbox.mails) == 5
    assert states() == {"sent": 5}


def test_the_pauses_grow_and_end_with_the_first_mail_that_is_taken(
    app: Flask, world: World, inbox: smtp.Inbox
) -> None:
    port, now, waits = inbox.port, clock.now(), list[float]()
    app.extensions["mail"].port = smtp.free_port()
    for number in range(8):
        person = world.person(f"Person {number}", email=f"p{number}@example.test")
        with clock.at(now):
            tell(person, key=f"cause {number}")
            with pytest.raises(Exception, match="ConnectionRefused"):
                work_off()
            row = select(OutboxRow.due_at).where(OutboxRow.done_at.is_(None))
            work_off()
            db.session.rollback()
            until = min(db.session.scalars(row))
        waits.append((until - now).total_seconds())
        now += timedelta(minutes=30)
    assert waits[0] <= 20
    app.extensions["mail"].port = port
    with clock.at(now + timedelta(hours=1)):
        work_off()
    assert len(inbox.mails) == 8


def test_451_and_550_in_turn_are_about_one_mail_each_and_hold_up_no_other(
    world: World, inbox: smtp.Inbox
) -> None:
    inbox.answers = ["451 4.7.1 come back later", "550 5.1.1 unknown", "250"] * 2
    for number in range(6):
        tell(world.person(f"Person {number}", email=f"p{number}@example.test"), key=f"c{number}")
    for _ in range(2):
        with pytest.raises(UnavailableError, match="451"):
            work_off()
    work_off()
    assert states() == {"queued": 2, "failed": 2, "sent": 2}
    with clock.at(clock.now() + MINUTE):
        work_off()
    assert states() == {"failed": 2, "sent": 4}
    words = set(db.session.scalars(select(Message.error).where(Message.error.is_not(None))))
    assert words == {"550 5.1.1 unknown"}


def test_a_postponed_step_is_handed_out_again_only_later(
    world: World, inbox: smtp.Inbox, wish: Wish
) -> None:
    wish(per_minute=4)
    bulk(world, 4)
    work_off()
    db.session.rollback()
    row = db.session.scalars(select(OutboxRow).where(OutboxRow.done_at.is_(None))).one()
    assert row.job is JobName.DELIVER_MESSAGE
    assert row.dispatched_at is None
    assert row.due_at == clock.now().replace(second=0, microsecond=0) + MINUTE
