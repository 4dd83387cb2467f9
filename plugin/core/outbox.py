"""The queue of record: a step to do is a row, written with the facts that cause it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, insert, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from plugin.core import clock
from plugin.core.base import Base, EnumText, IntKey, JsonList


class JobName(StrEnum):
    """Every step the product can do later; each is a function of `jobs.pipeline`."""

    EVALUATE_PERSON = "evaluate_person"
    EVALUATE_PEOPLE = "evaluate_people"
    APPLY_VERSION = "apply_version"
    APPLY_RETRAINING = "apply_retraining"
    ISSUE_CERTIFICATE = "issue_certificate"
    RENDER_EDITION = "render_edition"
    DELIVER_MESSAGE = "deliver_message"
    NOTE_CROSSINGS = "note_crossings"
    TELL_MANAGERS = "tell_managers"
    IMPORT_PACKAGE = "import_package"
    CHECK_IMPORT = "check_import"
    APPLY_IMPORT = "apply_import"
    NOTE_LAUNCH = "note_launch"
    UPDATE_GRADES = "update_grades"
    SEND_GRADE = "send_grade"
    SYNC_ROSTER = "sync_roster"
    CHECK_LMS = "check_lms"
    READ_GRADES = "read_grades"
    READ_COLUMNS = "read_columns"
    COMPARE_COLUMN = "compare_column"
    SUBSCRIBE_NOTICES = "subscribe_notices"
    APPLY_NOTICE = "apply_notice"
    SEND_WEBHOOK = "send_webhook"
    READ_TOPIC = "read_topic"


class QueueName(StrEnum):
    """Urgency, most urgent first: a learner who passes now never waits behind a bulk.

    Mail of a bulk goes before more of the bulk is done: what is nearly ready is finished first.
    """

    HIGH = "high"
    MAIL = "mail"
    BULK_MAIL = "bulk_mail"
    BULK = "bulk"


IN_BULK = {QueueName.HIGH: QueueName.BULK, QueueName.MAIL: QueueName.BULK_MAIL}
"""Where a step goes that a bulk causes."""


PEOPLE_PER_STEP = 200

QUEUE_OF = {
    JobName.EVALUATE_PERSON: QueueName.HIGH,
    JobName.EVALUATE_PEOPLE: QueueName.BULK,
    JobName.APPLY_VERSION: QueueName.BULK,
    JobName.APPLY_RETRAINING: QueueName.BULK,
    JobName.ISSUE_CERTIFICATE: QueueName.HIGH,
    JobName.RENDER_EDITION: QueueName.HIGH,
    JobName.DELIVER_MESSAGE: QueueName.MAIL,
    JobName.NOTE_CROSSINGS: QueueName.BULK,
    JobName.TELL_MANAGERS: QueueName.BULK,
    JobName.IMPORT_PACKAGE: QueueName.BULK,
    JobName.CHECK_IMPORT: QueueName.BULK,
    JobName.APPLY_IMPORT: QueueName.BULK,
    JobName.NOTE_LAUNCH: QueueName.BULK,
    JobName.UPDATE_GRADES: QueueName.BULK,
    JobName.SEND_GRADE: QueueName.BULK,
    JobName.SYNC_ROSTER: QueueName.BULK,
    JobName.CHECK_LMS: QueueName.HIGH,
    JobName.READ_GRADES: QueueName.BULK,
    JobName.READ_COLUMNS: QueueName.BULK,
    JobName.COMPARE_COLUMN: QueueName.BULK,
    JobName.SUBSCRIBE_NOTICES: QueueName.BULK,
    JobName.APPLY_NOTICE: QueueName.BULK,
    JobName.SEND_WEBHOOK: QueueName.BULK,
    JobName.READ_TOPIC: QueueName.MAIL,
}


_is_bulk: ContextVar[bool] = ContextVar("is_bulk", default=False)


@contextmanager
def as_urgent_as(cause: QueueName) -> Iterator[None]:
    """Steps asked for in this block are as urgent as what causes them: a bulk causes only bulk."""
    token = _is_bulk.set(cause in IN_BULK.values())
    try:
        yield
    finally:
        _is_bulk.reset(token)


def is_in_bulk() -> bool:
    """Whether what happens here and now is part of a bulk."""
    return _is_bulk.get()


def queue_of(job: JobName) -> QueueName:
    """The queue a step asked for here and now belongs to."""
    own = QUEUE_OF[job]
    return IN_BULK.get(own, own) if is_in_bulk() else own


class PostponedError(Exception):
    """Raised by a step that cannot be done yet, though nothing failed: it waits until then."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


class OutboxRow(Base):
    """One step to do: waiting, under way (dispatched), done, or given up (failed)."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_waiting",
            "queue",
            "due_at",
            "id",
            sqlite_where=text("dispatched_at IS NULL AND done_at IS NULL AND failed_at IS NULL"),
            postgresql_where=text(
                "dispatched_at IS NULL AND done_at IS NULL AND failed_at IS NULL"
            ),
        ),
        Index(
            "ix_outbox_under_way",
            "dispatched_at",
            sqlite_where=text(
                "dispatched_at IS NOT NULL AND done_at IS NULL AND failed_at IS NULL"
            ),
            postgresql_where=text(
                "dispatched_at IS NOT NULL AND done_at IS NULL AND failed_at IS NULL"
            ),
        ),
    )

    id: Mapped[IntKey]
    job: Mapped[JobName] = mapped_column(EnumText(JobName))
    args: Mapped[JsonList]
    queue: Mapped[QueueName] = mapped_column(EnumText(QueueName))
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    dispatched_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]


class Periodic(Base):
    """One piece of periodic work and when it is due next; the row decides, not a scheduler."""

    __tablename__ = "periodic"

    id: Mapped[IntKey]
    name: Mapped[str] = mapped_column(unique=True)
    due_at: Mapped[datetime]
    fired_at: Mapped[datetime | None]


def add_many(
    session: Session,
    job: JobName,
    many: Sequence[Sequence[int]],
    *,
    due_at: datetime | None = None,
) -> None:
    """Remember that `job` is to run once for each of these argument lists, in one statement."""
    if not many:
        return
    now = clock.now()
    session.execute(
        insert(OutboxRow),
        [
            {
                "job": job,
                "args": list(args),
                "queue": queue_of(job),
                "created_at": now,
                "due_at": due_at or now,
                "attempts": 0,
            }
            for args in many
        ],
    )


def add(
    session: Session, job: JobName, args: Sequence[int], *, due_at: datetime | None = None
) -> None:
    """Remember that `job` is to run with `args`; it exists once the session commits."""
    now = clock.now()
    session.add(
        OutboxRow(
            job=job, args=list(args), queue=queue_of(job), created_at=now, due_at=due_at or now
        )
    )


def evaluate_people(session: Session, person_ids: Sequence[int]) -> None:
    """A fact about each of these people changed: they are judged again, in bulk, by chunks."""
    ids = sorted(set(person_ids))
    add_many(
        session,
        JobName.EVALUATE_PEOPLE,
        [ids[start : start + PEOPLE_PER_STEP] for start in range(0, len(ids), PEOPLE_PER_STEP)],
    )


def waiting_in_bulk(
    session: Session, job: JobName, among: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Which of these steps a bulk asked for and nobody has done yet."""
    if not among:
        return []
    rows = session.scalars(
        select(OutboxRow.args).where(
            OutboxRow.job == job,
            OutboxRow.queue == QueueName.BULK,
            OutboxRow.done_at.is_(None),
            OutboxRow.failed_at.is_(None),
            OutboxRow.args.in_([list(each) for each in among]),
        )
    )
    return [(args[0], args[1]) for args in rows]
