"""Periodic work fires once per turn, however many dispatchers run and however long they slept."""

import threading
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName, OutboxRow, Periodic
from plugin.jobs import periodic
from plugin.jobs.periodic import Turn
from plugin.org.models import SignIn
from tests.support.world import World


@pytest.fixture
def fired(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen = list[str]()
    turns = {"hourly": Turn(every=timedelta(hours=1), work=lambda: seen.append("hourly"))}
    monkeypatch.setattr(periodic, "TURNS", turns)
    periodic.declare(clock.now())
    return seen


def test_a_turn_fires_when_it_is_due_and_not_before(fired: list[str]) -> None:
    now = clock.now()
    assert periodic.fire(now) == []
    assert periodic.fire(now + timedelta(hours=1)) == ["hourly"]
    assert periodic.fire(now + timedelta(hours=1, minutes=59)) == []
    assert periodic.fire(now + timedelta(hours=2)) == ["hourly"]
    assert fired == ["hourly", "hourly"]


def test_turns_missed_in_an_outage_fire_once(fired: list[str]) -> None:
    assert periodic.fire(clock.now() + timedelta(days=10)) == ["hourly"]
    assert fired == ["hourly"]


def test_turns_come_again_after_a_clock_was_set_back(fired: list[str]) -> None:
    now = clock.now()
    assert periodic.fire(now + timedelta(days=365)) == ["hourly"]
    assert periodic.fire(now) == ["hourly"]
    assert periodic.fire(now + timedelta(minutes=59)) == []
    assert periodic.fire(now + timedelta(minutes=60)) == ["hourly"]


def test_many_dispatchers_fire_a_turn_once(app: Flask, fired: list[str]) -> None:
    due = clock.now() + timedelta(hours=1)

    def one() -> None:
        with app.app_context():
            periodic.fire(due)

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fired == ["hourly"]


def test_a_turn_that_fails_keeps_no_other_from_its_time(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ConnectionError

    seen = list[str]()
    hour = timedelta(hours=1)
    monkeypatch.setattr(
        periodic,
        "TURNS",
        {
            "broken": Turn(every=hour, work=fail),
            "sound": Turn(every=hour, work=lambda: seen.append("sound")),
        },
    )
    periodic.declare(clock.now())
    due = clock.now() + hour
    with pytest.raises(ConnectionError):
        periodic.fire(due)
    assert periodic.fire(due) == seen == ["sound"]
    assert periodic.fire(due) == []


def test_declaring_again_keeps_when_a_turn_is_due(fired: list[str]) -> None:
    due = db.session.scalars(select(Periodic.due_at)).one()
    db.session.rollback()
    periodic.declare(clock.now() + timedelta(minutes=30))
    assert db.session.scalars(select(Periodic.due_at)).one() == due


def test_tidying_removes_old_visits_and_done_steps_and_keeps_what_is_to_do(
    world: World, app: Flask
) -> None:
    person = world.person()
    now = clock.now()
    world.add(
        SignIn(
            organization_id=person.organization_id,
            person_id=person.id,
            token_hash="old",
            frame_ancestors="",
            launch={},
            created_at=now - timedelta(days=60),
            expires_at=now - timedelta(days=31),
        )
    )
    with transaction() as tx:
        tx.then(JobName.EVALUATE_PERSON, 1)
        tx.then(JobName.EVALUATE_PERSON, 2)
    done = db.session.scalars(select(OutboxRow).order_by(OutboxRow.id)).first()
    assert done is not None
    done.done_at = now - timedelta(days=8)
    db.session.commit()
    periodic.tidy()
    assert db.session.scalar(select(func.count(SignIn.id))) == 0
    assert db.session.scalars(select(OutboxRow.args)).all() == [[2]]
