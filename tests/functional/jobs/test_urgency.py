"""Bulk never starves the single learner: what they cause is done first, all the way to the mail."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from plugin.assign import judgement
from plugin.core import clock, outbox, queue
from plugin.core.db import db, transaction
from plugin.core.outbox import IN_BULK, QUEUE_OF, JobName, OutboxRow, QueueName
from plugin.core.settings import Settings
from plugin.jobs import dispatch, periodic
from plugin.jobs.dispatch import Dispatcher
from plugin.modules.models import Module
from plugin.org.models import Person
from tests.functional.assign.places import evaluate_later, row, training
from tests.support import services, smtp
from tests.support.work import work_off
from tests.support.world import World

pytestmark = pytest.mark.once

CROWD = 14
PATH = [
    JobName.EVALUATE_PERSON,
    JobName.ISSUE_CERTIFICATE,
    JobName.RENDER_EDITION,
    JobName.DELIVER_MESSAGE,
]


@pytest.fixture
def inbox(app: Flask) -> Iterator[smtp.Inbox]:
    with smtp.server() as server:
        app.extensions["mail"].port = server.port
        app.extensions["mail"].use_tls = False
        yield server


@pytest.fixture
def learner(world: World) -> Person:
    """Somebody with one module to pass, told of it long ago."""
    yard, module = world.unit("Yard"), world.module("Diving")
    person = world.person("Zoe Late", email="zoe@example.test")
    world.member(person, yard)
    training(yard, row(module), name="Diving at the yard")
    work_off()
    return person


@pytest.fixture
def bulk(world: World, learner: Person) -> int:
    """A training begins for many who have all passed it: a certificate for each of them."""
    quay, module = world.unit("Quay"), world.module("Lifting")
    for number in range(CROWD):
        person = world.person(f"Person {number}", email=f"p{number}@example.test")
        world.member(person, quay)
        world.completion(person, module)
    return training(quay, row(module))


@pytest.fixture
def embedded(app: Flask, settings: Settings) -> Dispatcher:
    return Dispatcher(app=app, settings=replace(settings, redis_url=""))


def addresses(inbox: smtp.Inbox) -> list[str]:
    return [str(mail["To"]).rpartition("<")[2].rstrip(">") for mail in inbox.mails]


def steps() -> list[tuple[JobName, QueueName]]:
    """Every step that is done, in the order it was asked for."""
    db.session.rollback()
    found = db.session.execute(
        select(OutboxRow.job, OutboxRow.queue)
        .where(OutboxRow.done_at.is_not(None))
        .order_by(OutboxRow.id)
    )
    return [(line.job, line.queue) for line in found]


def waiting() -> int:
    db.session.rollback()
    found = select(func.count()).where(OutboxRow.done_at.is_(None))
    return db.session.scalar(found) or 0


def passes(world: World, person: Person) -> None:
    """What the end of a run leaves: the completion, and the step it asks for."""
    module = db.session.scalars(select(Module).where(Module.title == "Diving")).one()
    world.completion(person, module)
    evaluate_later(person)


@pytest.mark.parametrize("done_before", [1, 3, CROWD + 1, CROWD + CROWD // 2, 2 * CROWD + 9])
def test_who_passes_while_many_certificates_are_made_has_the_mail_before_more_of_those(
    inbox: smtp.Inbox,
    world: World,
    learner: Person,
    bulk: int,
    embedded: Dispatcher,
    done_before: int,
) -> None:
    inbox.mails.clear()
    for _ in range(done_before):
        embedded.round()
    of_the_bulk = len(inbox.mails)
    assert waiting() > 0, "the bulk is under way"
    passes(world, learner)
    for _ in PATH:
        assert "zoe@example.test" not in addresses(inbox)
        embedded.round()
    assert addresses(inbox)[of_the_bulk:] == ["zoe@example.test"], "no step of the bulk between"
    while embedded.round():
        pass
    assert len(set(addresses(inbox))) == CROWD + 1, "and nobody of the bulk is forgotten"


def test_every_step_a_bulk_causes_is_bulk_and_every_step_of_one_learner_is_not(
    inbox: smtp.Inbox, world: World, learner: Person, bulk: int, embedded: Dispatcher
) -> None:
    first = steps()
    assert {queue for _job, queue in first if queue in IN_BULK.values()} == set(QueueName) - {
        QueueName.HIGH,
        QueueName.MAIL,
    }
    passes(world, learner)
    while embedded.round():
        pass
    counts = Counter(steps()) - Counter(first)
    high = {(job, queue) for job, queue in counts if queue not in IN_BULK.values()}
    assert high == {(job, QUEUE_OF[job]) for job in PATH}
    assert all(counts[each] == 1 for each in high)
    assert counts[JobName.RENDER_EDITION, QueueName.BULK] == CROWD
    assert counts[JobName.DELIVER_MESSAGE, QueueName.BULK_MAIL] == CROWD


def test_with_redis_the_learners_steps_are_handed_out_before_older_ones_of_a_bulk(
    app: Flask,
    inbox: smtp.Inbox,
    world: World,
    learner: Person,
    bulk: int,
    settings: Settings,
    embedded: Dispatcher,
) -> None:
    inbox.mails.clear()
    embedded.round()  # judged: everybody's certificate waits to be issued
    with services.redis_server() as url, clock.at(clock.now() + timedelta(minutes=1)):
        mine = replace(settings, redis_url=url)
        connection = queue.connect(mine)
        passes(world, learner)
        for job in PATH:
            assert dispatch.dispatch(connection, now=clock.now(), batch=1) == 1
            db.session.rollback()
            last = select(OutboxRow.job).where(
                OutboxRow.dispatched_at == clock.now(), OutboxRow.done_at.is_(None)
            )
            assert db.session.scalars(last).all() == [job]
            queue.work(mine, list(QueueName), burst=True, max_jobs=10)
    assert addresses(inbox) == ["zoe@example.test"]


def test_a_worker_takes_the_learners_step_before_all_of_the_bulk_that_redis_holds(
    app: Flask,
    inbox: smtp.Inbox,
    world: World,
    learner: Person,
    bulk: int,
    settings: Settings,
    embedded: Dispatcher,
) -> None:
    inbox.mails.clear()
    embedded.round()
    with services.redis_server() as url:
        mine = replace(settings, redis_url=url)
        connection = queue.connect(mine)
        assert dispatch.dispatch(connection, now=clock.now()) == CROWD
        passes(world, learner)
        for _ in PATH:
            dispatch.dispatch(connection, now=clock.now())
            queue.work(mine, list(QueueName), burst=True, max_jobs=1)
    assert addresses(inbox) == ["zoe@example.test"]


def test_periodic_work_and_repairs_are_a_bulk(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person_id = world.person().id

    def work() -> None:
        with transaction() as tx:
            tx.then(JobName.EVALUATE_PERSON, person_id)

    monkeypatch.setitem(periodic.TURNS, "tidy", periodic.Turn(every=timedelta(1), work=work))
    db.session.rollback()
    periodic.declare(clock.now())
    periodic.fire(clock.now() + timedelta(days=1))
    db.session.rollback()
    asked = db.session.execute(select(OutboxRow.job, OutboxRow.queue)).all()
    assert (JobName.EVALUATE_PERSON, QueueName.BULK) in asked
    assert {row.queue for row in asked} <= set(IN_BULK.values())


def test_what_an_admin_does_to_one_person_is_urgent_again_after_a_bulk(app: Flask) -> None:
    with outbox.as_urgent_as(QueueName.BULK_MAIL):
        assert outbox.queue_of(JobName.DELIVER_MESSAGE) is QueueName.BULK_MAIL
        with outbox.as_urgent_as(QueueName.HIGH):
            assert outbox.queue_of(JobName.ISSUE_CERTIFICATE) is QueueName.HIGH
    assert outbox.queue_of(JobName.DELIVER_MESSAGE) is QueueName.MAIL


def test_whom_a_bulk_judged_first_does_not_wait_with_its_certificates(
    world: World, inbox: smtp.Inbox, learner: Person
) -> None:
    inbox.mails.clear()
    module = db.session.query(Module).filter_by(title="Diving").one()
    world.completion(learner, module)
    with outbox.as_urgent_as(QueueName.BULK), transaction() as tx:
        judgement.evaluate_people(tx, [learner.id], now=clock.now())
    assert issuing() == [QueueName.BULK]
    with transaction() as tx:
        judgement.evaluate_person(tx, learner.id, now=clock.now())
    assert issuing() == [QueueName.BULK, QueueName.HIGH]
    work_off()
    assert len(inbox.mails) == 1
    with transaction() as tx:
        judgement.evaluate_person(tx, learner.id, now=clock.now())
    assert issuing() == []


def issuing() -> list[QueueName]:
    """The queues of the certificates' steps that nobody has done yet."""
    db.session.rollback()
    return list(
        db.session.scalars(
            select(OutboxRow.queue)
            .where(OutboxRow.job == JobName.ISSUE_CERTIFICATE, OutboxRow.done_at.is_(None))
            .order_by(OutboxRow.id)
        )
    )
