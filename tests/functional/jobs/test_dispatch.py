"""The dispatcher hands each due step out once, whatever runs beside it and whatever Redis loses."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import redis
from click.testing import CliRunner
from flask import Flask
from rq import Callback, Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy import select, update
from structlog.testing import capture_logs

from plugin.cli import plugin
from plugin.core import clock, queue
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName, OutboxRow, QueueName
from plugin.core.settings import Settings
from plugin.jobs import dispatch, pipeline, step
from plugin.jobs.dispatch import Dispatcher
from plugin.org.models import Person
from tests.support import services
from tests.support.queries import counted
from tests.support.smtp import free_port
from tests.support.world import World


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with services.redis_server() as url:
        yield url


@pytest.fixture
def with_redis(settings: Settings, redis_url: str) -> Iterator[Settings]:
    mine = replace(settings, redis_url=redis_url)
    queue.connect(mine).flushdb()
    yield mine
    queue.connect(mine).flushdb()


def ask(*person_ids: int, job: JobName = JobName.EVALUATE_PERSON) -> None:
    db.session.rollback()
    with transaction() as tx:
        tx.then_many(job, [(each,) for each in person_ids])


def waiting(connection: Any, name: QueueName = QueueName.HIGH) -> list[str]:
    return [str(each) for each in Queue(name, connection=connection).job_ids]


def test_due_steps_are_handed_out_once_to_the_queue_of_their_urgency(
    app: Flask, with_redis: Settings
) -> None:
    ask(1, 2)
    ask(3, job=JobName.APPLY_VERSION)
    connection = queue.connect(with_redis)
    assert dispatch.dispatch(connection, now=clock.now()) == 3
    assert dispatch.dispatch(connection, now=clock.now()) == 0
    assert len(waiting(connection)) == 2
    assert len(waiting(connection, QueueName.BULK)) == 1


called: list[str] = []


def call_back(*_: object) -> None:
    called.append("a function of somebody else")


@pytest.mark.parametrize("function", [queue.STEP, f"{__name__}.call_back"])
def test_whoever_writes_to_redis_can_have_nothing_run_but_a_step(
    world: World, with_redis: Settings, function: str
) -> None:
    ask(world.person().id)
    row_id = db.session.scalars(select(OutboxRow.id)).one()
    db.session.rollback()
    connection = queue.connect(with_redis)
    Queue(QueueName.HIGH, connection=connection, serializer=JSONSerializer).enqueue_call(
        function, (row_id,), on_success=Callback(call_back), on_failure=Callback(call_back)
    )
    queue.work(with_redis, list(QueueName), burst=True, max_jobs=10)
    assert called == []
    done = db.session.scalars(select(OutboxRow.done_at)).one() is not None
    assert done == (function == queue.STEP)


def test_a_worker_for_a_queue_that_does_not_exist_says_which_there_are(app: Flask) -> None:
    answer = CliRunner().invoke(plugin, ["worker", "--queues", "high,low"], obj=app)
    assert answer.exit_code == 2
    assert "known are high, mail, bulk_mail, bulk." in answer.output


def test_a_step_is_not_handed_out_before_it_is_due(app: Flask, with_redis: Settings) -> None:
    db.session.rollback()
    with transaction() as tx:
        tx.then(JobName.EVALUATE_PERSON, 1, due_at=clock.now() + timedelta(hours=1))
    connection = queue.connect(with_redis)
    assert dispatch.dispatch(connection, now=clock.now()) == 0
    assert dispatch.dispatch(connection, now=clock.now() + timedelta(hours=1)) == 1


def test_many_dispatchers_hand_each_step_out_once(app: Flask, with_redis: Settings) -> None:
    ask(*range(1, 101))
    now, handed = clock.now(), list[int]()

    def one() -> None:
        with app.app_context():
            connection = queue.connect(with_redis)
            while number := dispatch.dispatch(connection, now=now, batch=7):
                handed.append(number)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(handed) == 100
    ids = waiting(queue.connect(with_redis))
    assert len(ids) == len(set(ids)) == 100


def test_without_redis_the_work_is_kept_and_goes_on_later(
    app: Flask, settings: Settings, with_redis: Settings
) -> None:
    ask(1)
    nowhere = replace(settings, redis_url=f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(redis.RedisError):
        dispatch.dispatch(queue.connect(nowhere), now=clock.now())
    db.session.rollback()
    assert db.session.scalars(select(OutboxRow.dispatched_at)).all() == [None]
    assert not Dispatcher(app=app, settings=nowhere).round()
    assert dispatch.dispatch(queue.connect(with_redis), now=clock.now()) == 1


def test_what_redis_lost_is_handed_out_again(app: Flask, with_redis: Settings) -> None:
    ask(1, 2)
    connection = queue.connect(with_redis)
    dispatch.dispatch(connection, now=clock.now())
    assert dispatch.reap(connection, now=clock.now(), lost_after=timedelta(0)) == 0
    connection.flushdb()
    assert dispatch.reap(connection, now=clock.now()) == 0, "it may only be slow"
    assert dispatch.reap(connection, now=clock.now() + dispatch.LOST_AFTER) == 2
    assert dispatch.dispatch(connection, now=clock.now()) == 2


def test_what_is_lost_is_found_behind_many_that_only_wait(
    app: Flask, with_redis: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "REAP_BATCH", 3)
    ask(*range(1, 11))
    connection = queue.connect(with_redis)
    dispatch.dispatch(connection, now=clock.now())
    lost = [waiting(connection)[place] for place in (0, 5, 9)]
    for each in lost:
        Job.fetch(each, connection=connection, serializer=JSONSerializer).delete()
    assert dispatch.reap(connection, now=clock.now() + dispatch.LOST_AFTER) == 3
    assert dispatch.dispatch(connection, now=clock.now()) == 3
    assert len(set(waiting(connection))) == 10


@pytest.mark.parametrize("is_alive", [True, False])
def test_a_step_in_a_workers_hands_is_lost_only_with_the_worker(
    app: Flask, with_redis: Settings, is_alive: bool
) -> None:
    ask(1)
    connection = queue.connect(with_redis)
    dispatch.dispatch(connection, now=clock.now())
    (job_id,) = waiting(connection)
    job = Job.fetch(job_id, connection=connection, serializer=JSONSerializer)
    Queue(QueueName.HIGH, connection=connection).remove(job_id)
    connection.hset(job.key, mapping={"status": "started", "worker_name": "somebody"})
    if is_alive:
        connection.set("rq:worker:somebody", "here")
    lost = dispatch.reap(connection, now=clock.now() + dispatch.LOST_AFTER)
    assert lost == (0 if is_alive else 1)


def test_a_step_that_is_lost_every_time_is_given_up(app: Flask, with_redis: Settings) -> None:
    ask(1)
    connection = queue.connect(with_redis)
    now = clock.now()
    for _ in range(step.MAX_ATTEMPTS):
        assert dispatch.dispatch(connection, now=now) == 1
        connection.flushdb()
        now += dispatch.LOST_AFTER
        assert dispatch.reap(connection, now=now) == 1
    assert dispatch.dispatch(connection, now=now) == 0
    db.session.rollback()
    row = db.session.scalars(select(OutboxRow)).one()
    assert (row.attempts, row.error) == (step.MAX_ATTEMPTS, "lost")
    assert row.failed_at is not None


def test_without_redis_a_step_that_kills_its_process_each_time_is_given_up(
    app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt  # nothing after it runs, as when the process is killed

    monkeypatch.setattr(dispatch.step, "run", die)
    ask(1)
    lonely = Dispatcher(app=app, settings=replace(settings, redis_url=""))
    for _ in range(step.MAX_ATTEMPTS):
        with pytest.raises(KeyboardInterrupt):
            lonely.round()
        assert not lonely.round(), "it is under way as far as anybody knows"
        dispatch.take_back()
    assert not lonely.round()
    db.session.rollback()
    assert db.session.scalars(select(OutboxRow.failed_at)).one() is not None


def test_an_outage_of_redis_is_said_once_and_so_is_its_end(
    app: Flask, settings: Settings, with_redis: Settings
) -> None:
    ask(1)
    nowhere = replace(settings, redis_url=f"redis://127.0.0.1:{free_port()}/0")
    loop = Dispatcher(app=app, settings=nowhere)
    with capture_logs() as lines:
        for _ in range(3):
            loop.round()
        loop.settings, loop.connection = with_redis, None
        for _ in range(3):
            loop.round()
    events = [line["event"] for line in lines]
    assert events == ["dispatcher.queue_unreachable", "dispatcher.queue_back"]
    assert len(waiting(queue.connect(with_redis))) == 1


def test_a_dispatcher_with_nothing_to_do_takes_no_lock(app: Flask, with_redis: Settings) -> None:
    loop = Dispatcher(app=app, settings=with_redis)
    loop.round()
    with counted() as statements:
        loop.round()
    assert len(statements) == 2
    assert not [each for each in statements if "UPDATE" in each or "INSERT" in each]


def test_a_worker_does_the_steps_and_leaves_nothing_in_redis(
    app: Flask, world: World, with_redis: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename(tx: Any, person_id: int) -> None:
        tx.session.execute(update(Person).where(Person.id == person_id).values(family_name="Done"))

    monkeypatch.setattr(pipeline, "evaluate_person", rename)
    person = world.person()
    ask(person.id)
    connection = queue.connect(with_redis)
    dispatch.dispatch(connection, now=clock.now())
    with app.app_context():
        queue.work(with_redis, list(QueueName), burst=True, max_jobs=10)
    db.session.rollback()
    assert person.family_name == "Done"
    assert db.session.scalars(select(OutboxRow.done_at)).one() == clock.now()
    assert connection.keys("rq:job:*") == []


def test_a_function_that_is_not_ours_does_not_run_whoever_put_it_into_redis(
    app: Flask, with_redis: Settings, tmp_path: Any
) -> None:
    connection = queue.connect(with_redis)
    mark = tmp_path / "mark"
    Queue(QueueName.HIGH, connection=connection, serializer=JSONSerializer).enqueue(
        "os.system", f"touch {mark}"
    )
    with app.app_context():
        queue.work(with_redis, list(QueueName), burst=True, max_jobs=10)
    assert not mark.exists()


def test_without_a_redis_address_the_dispatcher_does_the_steps_itself(
    app: Flask, world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = list[int]()
    monkeypatch.setattr(pipeline, "evaluate_person", lambda _tx, person_id: seen.append(person_id))
    ask(4, 5)
    loop = Dispatcher(app=app, settings=replace(settings, redis_url=""))
    while loop.round():
        pass
    assert seen == [4, 5]


def test_without_a_redis_address_what_an_earlier_redis_was_handed_is_done_here(
    app: Flask,
    world: World,
    settings: Settings,
    with_redis: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = list[int]()
    loop = Dispatcher(app=app, settings=replace(settings, redis_url=""))

    def evaluate(_tx: Any, person_id: int) -> None:
        seen.append(person_id)
        if len(seen) == 2:
            loop.stop.set()

    monkeypatch.setattr(pipeline, "evaluate_person", evaluate)
    ask(6, 7)
    assert dispatch.dispatch(queue.connect(with_redis), now=clock.now()) == 2
    giving_up = threading.Timer(10, loop.stop.set)
    giving_up.start()
    loop.run()
    giving_up.cancel()
    assert seen == [6, 7]


def test_the_readiness_page_says_when_the_queue_is_gone(settings: Settings, app: Flask) -> None:
    gone = replace(settings, redis_url=f"redis://127.0.0.1:{free_port()}/0")
    assert not queue.is_reachable(gone)
