"""The one door to RQ and Redis. Redis is disposable: the outbox is the queue of record."""

from collections.abc import Sequence
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from rq.timeouts import JobTimeoutException

from plugin.core.outbox import QueueName
from plugin.core.settings import Settings

STEP = "plugin.jobs.step.run"
ALLOWED = frozenset({STEP})
JOB_TIMEOUT_SECONDS = 600
StepTookTooLongError: type[Exception] = JobTimeoutException


class ForbiddenJobError(PermissionError):
    """Something in Redis asked for a function that is not ours to run."""


class AllowListJob(Job):
    """Runs our one function and nothing else, whoever wrote to Redis."""

    @property
    def func(self) -> Any:
        if self.func_name not in ALLOWED:
            raise ForbiddenJobError(self.func_name)
        return super().func

    @property
    def success_callback(self) -> None:
        """Nothing of ours has callbacks, so what Redis names is not even imported."""
        return

    @property
    def failure_callback(self) -> None:
        return

    @property
    def stopped_callback(self) -> None:
        return


def connect(settings: Settings) -> Any:
    """A connection that fails at once instead of retrying (the outbox retries)."""
    return redis.Redis.from_url(
        settings.redis_url,
        socket_connect_timeout=1,
        socket_timeout=5,
        retry=Retry(NoBackoff(), 0),
    )


def is_reachable(settings: Settings) -> bool:
    """Whether the queue can take work; without Redis the dispatcher itself is the worker."""
    if not settings.redis_url:
        return True
    try:
        return bool(connect(settings).ping())
    except redis.RedisError:
        return False


def job_id(row_id: int) -> str:
    """The one job of an outbox row."""
    return f"outbox-{row_id}"


def enqueue(connection: Any, name: QueueName, row_ids: Sequence[int]) -> None:
    """Hand outbox rows to the workers; raises redis.RedisError when that is impossible."""
    queue = Queue(name, connection=connection, serializer=JSONSerializer, job_class=AllowListJob)
    queue.enqueue_many(
        [
            Queue.prepare_data(
                STEP,
                (row_id,),
                job_id=job_id(row_id),
                timeout=JOB_TIMEOUT_SECONDS,
                result_ttl=0,
                failure_ttl=3600,
            )
            for row_id in row_ids
        ]
    )


def lost_of(connection: Any, row_ids: Sequence[int]) -> list[int]:
    """Those of the rows whose job Redis will not run and no living worker is running."""
    waiting = {
        each
        for name in QueueName
        for each in Queue(name, connection=connection, serializer=JSONSerializer).job_ids
    }
    rest = [row_id for row_id in row_ids if job_id(row_id) not in waiting]
    if not rest:
        return []
    jobs = AllowListJob.fetch_many(
        [job_id(row_id) for row_id in rest], connection=connection, serializer=JSONSerializer
    )
    return [
        row_id
        for row_id, job in zip(rest, jobs, strict=True)
        if job is None or not _is_under_way(connection, job)
    ]


def _is_under_way(connection: Any, job: Job) -> bool:
    status = job.get_status(refresh=False)
    if status == JobStatus.STARTED:
        return bool(job.worker_name and connection.exists(f"rq:worker:{job.worker_name}"))
    return status in {JobStatus.QUEUED, JobStatus.DEFERRED, JobStatus.SCHEDULED}


def work(settings: Settings, names: Sequence[QueueName], *, burst: bool, max_jobs: int) -> None:
    """Work jobs off until told to stop, or until `max_jobs` (the supervisor starts anew)."""
    connection = redis.Redis.from_url(settings.redis_url)
    worker = SimpleWorker(
        [
            Queue(name, connection=connection, serializer=JSONSerializer, job_class=AllowListJob)
            for name in names
        ],
        connection=connection,
        serializer=JSONSerializer,
        job_class=AllowListJob,
    )
    worker.work(burst=burst, max_jobs=max_jobs, with_scheduler=False, logging_level="WARNING")
