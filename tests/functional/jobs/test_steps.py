"""A step runs at least once and takes effect once; what fails is tried again, then given up."""

import threading
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from plugin.core import clock
from plugin.core.db import Tx, db, transaction
from plugin.core.outbox import JobName, OutboxRow
from plugin.jobs import pipeline, step
from plugin.org.models import Person
from tests.support.work import work_off
from tests.support.world import World


class Effects:
    """Stands in the pipeline for one step, to see when and how often it takes effect."""

    def __init__(self) -> None:
        self.failures = 0
        self.runs = 0

    def __call__(self, tx: Tx, person_id: int) -> None:
        self.runs += 1
        tx.session.get_one(Person, person_id).family_name += "+"
        if self.failures:
            self.failures -= 1
            raise ConnectionError


@pytest.fixture
def effects(monkeypatch: pytest.MonkeyPatch) -> Effects:
    stand_in = Effects()
    monkeypatch.setattr(pipeline, "evaluate_person", stand_in)
    return stand_in


def ask(person_id: int) -> int:
    db.session.rollback()
    with transaction() as tx:
        tx.then(JobName.EVALUATE_PERSON, person_id)
    return db.session.scalars(select(OutboxRow.id).order_by(OutboxRow.id.desc())).first() or 0


def effect(person: Person) -> str:
    db.session.rollback()
    return person.family_name


def run(app: Flask, row_id: int) -> None:
    db.session.rollback()
    with app.app_context():
        step.run(row_id)


def test_a_step_that_is_delivered_twice_takes_effect_once(
    app: Flask, world: World, effects: Effects
) -> None:
    person = world.person("Ada Byron")
    row_id = ask(person.id)
    run(app, row_id)
    run(app, row_id)
    assert effect(person) == "Byron+"


def test_a_step_that_runs_in_many_threads_takes_effect_once(
    app: Flask, world: World, effects: Effects
) -> None:
    person = world.person("Ada Byron")
    row_id = ask(person.id)
    db.session.rollback()

    def one() -> None:
        with app.app_context():
            step.run(row_id)

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert effect(person) == "Byron+"


def test_a_step_another_worker_is_finishing_takes_no_second_effect(
    app: Flask, world: World, effects: Effects
) -> None:
    person = world.person("Ada Byron")
    row_id = ask(person.id)
    db.session.rollback()

    def other() -> None:
        with app.app_context():
            step.run(row_id)

    late = threading.Thread(target=other)
    with transaction() as tx:
        tx.session.get_one(OutboxRow, row_id).done_at = clock.now()
        tx.session.flush()
        late.start()
        late.join(timeout=0.5)
        assert late.is_alive(), "it has seen the step as still to do, and waits"
    late.join()
    assert effect(person) == "Byron"
    assert effects.runs == 0


def test_a_failed_step_leaves_no_effect_and_is_tried_again_later(
    app: Flask, world: World, effects: Effects
) -> None:
    effects.failures = 1
    person = world.person("Ada Byron")
    row_id = ask(person.id)
    with pytest.raises(ConnectionError):
        run(app, row_id)
    assert effect(person) == "Byron"
    row = db.session.get_one(OutboxRow, row_id)
    assert (row.attempts, row.error, row.dispatched_at) == (1, "ConnectionError", None)
    assert row.due_at > clock.now()
    assert work_off() == 0
    with clock.at(row.due_at):
        assert work_off() == 1
    assert effect(person) == "Byron+"


def test_a_step_that_always_fails_is_given_up_and_stays_visible(
    app: Flask, world: World, effects: Effects
) -> None:
    effects.failures = 100
    row_id = ask(world.person().id)
    now = clock.now()
    for day in range(step.MAX_ATTEMPTS):
        with clock.at(now + timedelta(days=day)), pytest.raises(ConnectionError):
            run(app, row_id)
    db.session.rollback()
    row = db.session.get_one(OutboxRow, row_id)
    assert row.failed_at is not None
    assert row.done_at is None
    with clock.at(now + timedelta(days=100)):
        assert work_off() == 0


def test_a_step_of_a_row_that_is_gone_does_nothing(app: Flask, effects: Effects) -> None:
    run(app, 12345)
    assert effects.runs == 0
    assert db.session.scalar(select(func.count(OutboxRow.id))) == 0
