"""What came of grades on their way: each row says it, and when it is due again."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from plugin.core import clock
from plugin.core.db import Tx, transaction
from plugin.core.log import log
from plugin.core.outbox import JobName
from plugin.lti.tool.score_rows import Batch, end_all
from plugin.lti.tool.score_rules import MAX_ATTEMPTS, SPACING, Parcel, pause_after
from plugin.lti.tool.service_models import Grade, GradeState, LineItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one parcel. None of `state`: it waits on, and `pause` says how long."""

    parcel: Parcel
    state: GradeState | None
    words: str | None = None
    stamp: datetime | None = None
    later_stamp: datetime | None = None
    pause: timedelta | None = None
    is_attempt: bool = True
    is_unknown: bool = False
    """It may have reached the LMS although nothing was heard."""
    seen: float | None = None
    seen_at: datetime | None = None


def settle(batch: Batch, outcomes: Sequence[Outcome]) -> None:
    """Each grade says what came of it; those without an outcome are free at once."""
    now, came = clock.now(), {each.parcel.grade_id: each for each in outcomes}
    with transaction() as tx:
        rows = tx.session.scalars(
            select(Grade)
            .where(
                Grade.id.in_([each.grade_id for each in batch.parcels]),
                Grade.claimed_at == batch.claimed_at,  # a slower sender writes nothing
            )
            .order_by(Grade.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).all()
        for grade in rows:
            grade.claimed_at = None
            outcome = came.get(grade.id)
            if outcome is not None:
                _settled(grade, outcome, now)
        _ask_for_the_waiting(tx, rows, first=batch.parcels[0].grade_id if batch.is_full else None)
        _look_after_the_forced(tx, rows, came, now)
    for each in outcomes:
        if each.state not in {None, GradeState.SENT}:
            log.info("grade.not_taken", grade_id=each.parcel.grade_id, state=str(each.state))


def _look_after_the_forced(
    tx: Tx, rows: Sequence[Grade], came: Mapping[int, Outcome], now: datetime
) -> None:
    """What an admin sent again went without a look at the gradebook: a teacher's own grade may
    still stand there, and the page is to say so soon and not only after the night."""
    columns = {
        grade.line_item_id
        for grade in rows
        if grade.state is GradeState.SENT and grade.id in came and came[grade.id].parcel.forced
    }
    for line_item_id in sorted(columns):
        tx.then(JobName.COMPARE_COLUMN, line_item_id, due_at=now + SPACING)


def _settled(grade: Grade, outcome: Outcome, now: datetime) -> None:
    parcel = outcome.parcel
    _note_stamps(grade, outcome)
    if outcome.seen_at is not None:
        grade.seen, grade.seen_at = outcome.seen, outcome.seen_at
    if outcome.state is GradeState.SENT or (outcome.stamp and not outcome.is_unknown):
        grade.tried = None
    if outcome.state is GradeState.SENT:
        grade.sent, grade.attempts, grade.words = parcel.value, 0, None
        grade.told_completed = parcel.is_completed
        grade.due_at = now + SPACING
        grade.forced = grade.forced and not parcel.forced
        grade.state = GradeState.SENT
        wanted = (grade.wanted, grade.is_completed)
        if wanted != (parcel.value, parcel.is_completed) or grade.forced:  # changed meanwhile
            grade.state = GradeState.WAITING
    elif outcome.state is None:
        _wait(grade, outcome, now)
    else:
        grade.words, grade.due_at = outcome.words, now + SPACING
        if grade.forced and not parcel.forced:  # an admin asked for it in between
            return
        grade.state = outcome.state
        grade.forced = grade.forced and outcome.state is GradeState.FAILED


def _note_stamps(grade: Grade, outcome: Outcome) -> None:
    if outcome.stamp is not None:
        grade.stamped_at = outcome.stamp
        if outcome.state is GradeState.SENT:
            grade.sent_at = outcome.stamp
    if outcome.later_stamp is not None:
        grade.stamped_at = max(outcome.later_stamp, grade.stamped_at or outcome.later_stamp)


def _wait(grade: Grade, outcome: Outcome, now: datetime) -> None:
    """Tried again with growing pauses; after many, an admin and the nightly check see it."""
    if outcome.words is not None:
        grade.words = outcome.words[:300]
    if not outcome.is_attempt:
        grade.due_at = now + (outcome.pause or timedelta(0))
        return
    grade.attempts += 1
    if grade.attempts >= MAX_ATTEMPTS:
        grade.state = GradeState.FAILED
    elif outcome.later_stamp is not None:
        grade.due_at = now + SPACING * grade.attempts
    else:
        grade.due_at = now + pause_after(grade.attempts, outcome.pause)


def _ask_for_the_waiting(tx: Tx, rows: Sequence[Grade], *, first: int | None) -> None:
    """One job for each moment at which some of these are due; a full batch may have left more."""
    moments: dict[datetime, list[int]] = defaultdict(list)
    for grade in rows:
        if grade.state is GradeState.WAITING:
            moments[grade.due_at].append(grade.id)
    for due_at, ids in moments.items():
        tx.then(JobName.SEND_GRADE, ids[0], due_at=due_at)
    if first is not None:
        tx.then(JobName.SEND_GRADE, first)


def rest(batch: Batch, until: datetime) -> None:
    """The LMS asked for a pause: what waits for this column waits as long."""
    waiting = (
        select(Grade.id)
        .where(
            Grade.line_item_id == batch.line_item_id,
            Grade.state == GradeState.WAITING,
            Grade.claimed_at.is_(None),
            Grade.due_at < until,
        )
        .with_for_update(skip_locked=True)
    )
    with transaction() as tx:
        tx.session.execute(
            update(Grade)
            .where(Grade.id.in_(waiting))
            .values(due_at=until)
            .execution_options(synchronize_session=False)
        )


def end_column(batch: Batch, words: str) -> None:
    """The LMS no longer knows the column; a later launch brings a new one."""
    with transaction() as tx:
        tx.session.execute(
            update(LineItem)
            .where(LineItem.id == batch.line_item_id, LineItem.ended_at.is_(None))
            .values(ended_at=clock.now(), end_words=words[:300] or None)
            .execution_options(synchronize_session=False)
        )
        end_all(tx.session, batch.line_item_id, words[:300] or None)
