"""Grades on their way, as rows: each is claimed by one sender at a time."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import Tx, read_session, transaction
from plugin.core.outbox import JobName
from plugin.lti.tool import services
from plugin.lti.tool.profiles import code_of
from plugin.lti.tool.score_rules import TICK, Parcel
from plugin.lti.tool.service_models import Grade, GradeState, LineItem, LmsCourse
from plugin.lti.tool.services import Client

BATCH = 50
"""Grades of one column that one job takes at once."""
CLAIM_LIFE = timedelta(minutes=3)
SENDING = timedelta(seconds=90)
"""How long a sender goes on; what is on its way then has ended when the claim does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Grades of one column, claimed by this sender."""

    line_item_id: int
    claimed_at: datetime
    client: Client
    url: str
    scopes: Sequence[str]
    parcels: Sequence[Parcel]
    is_full: bool


def claim(grade_id: int) -> Batch | None:
    """The grade, and whatever else of its column is due, is ours for a while; None when there is
    nothing to do, or others have it."""
    now = clock.now()
    with transaction() as tx:
        place = _place(tx.session, grade_id)
        if place is None:
            return None
        item, course = place
        if item.ended_at is not None:
            end_all(tx.session, item.id, item.end_words)
            return None
        rows = _due(tx.session, item.id, first=grade_id, now=now)
        if not rows:
            _ask_again_for(tx, grade_id, now)
            return None
        client = services.client_of(
            tx.session, current_settings(), course.registration_id, course.deployment_id
        )
        tx.session.execute(
            update(Grade)
            .where(Grade.id.in_([row.id for row in rows]))
            .values(claimed_at=now)
            .execution_options(synchronize_session=False)
        )
        return Batch(
            line_item_id=item.id,
            claimed_at=now,
            client=client,
            url=item.url,
            scopes=list(course.scopes),
            parcels=[_parcel(row, item, client, now) for row in rows],
            is_full=len(rows) == BATCH,
        )


def _place(session: Session, grade_id: int) -> tuple[LineItem, LmsCourse] | None:
    found = session.execute(
        select(LineItem, LmsCourse)
        .join(Grade, Grade.line_item_id == LineItem.id)
        .join(LmsCourse, LmsCourse.id == LineItem.course_id)
        .where(Grade.id == grade_id)
    ).one_or_none()
    return None if found is None else (found[0], found[1])


def _due(session: Session, line_item_id: int, *, first: int, now: datetime) -> Sequence[Grade]:
    return session.scalars(
        select(Grade)
        .where(
            Grade.line_item_id == line_item_id,
            Grade.state == GradeState.WAITING,
            Grade.due_at <= now,
            or_(Grade.claimed_at.is_(None), Grade.claimed_at <= now - CLAIM_LIFE),
        )
        .order_by(Grade.id != first, Grade.due_at, Grade.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()


def _parcel(row: Grade, item: LineItem, client: Client, now: datetime) -> Parcel:
    floors = [now]
    if row.stamped_at is not None:
        floors.append(row.stamped_at + TICK)
    if row.claimed_at is not None:  # of a sender that died: it stamped nothing later than this
        floors.append(row.claimed_at + CLAIM_LIFE)
    return Parcel(
        grade_id=row.id,
        subject=row.subject,
        value=row.wanted,
        is_completed=row.is_completed,
        told_completed=row.told_completed,
        sent=row.sent,
        tried=row.tried,
        forced=row.forced,
        is_module=item.module_id is not None,
        product=code_of(client.product),
        not_before=max(floors),
        begun_at=row.begun_at,
        reached_at=row.reached_at,
    )


def _ask_again_for(tx: Tx, grade_id: int, now: datetime) -> None:
    """The job's own grade is not due yet, or somebody has it who may have died."""
    row = tx.session.execute(
        select(Grade.due_at, Grade.claimed_at).where(
            Grade.id == grade_id, Grade.state == GradeState.WAITING
        )
    ).one_or_none()
    if row is None:
        return
    free_at = row.due_at if row.claimed_at is None else row.claimed_at + CLAIM_LIFE
    if max(row.due_at, free_at) > now:
        tx.then(JobName.SEND_GRADE, grade_id, due_at=max(row.due_at, free_at))


def end_all(session: Session, line_item_id: int, words: str | None) -> None:
    """What waits for a column that is gone waits for nothing."""
    session.execute(
        update(Grade)
        .where(Grade.line_item_id == line_item_id, Grade.state == GradeState.WAITING)
        .values(state=GradeState.REFUSED, words=words, claimed_at=None, forced=False)
        .execution_options(synchronize_session=False)
    )


def told_before(line_item_id: int, grade_ids: Sequence[int]) -> Mapping[int, list[float]]:
    """What columns that this one replaced were told of these people: an LMS that restores a column
    restores its grades."""
    session = read_session()
    item = session.get_one(LineItem, line_item_id)
    mine = select(Grade.id, Grade.person_id).where(Grade.id.in_(grade_ids)).subquery()
    found: dict[int, list[float]] = defaultdict(list)
    for row in session.execute(
        select(mine.c.id, Grade.sent, Grade.tried)
        .join(Grade, Grade.person_id == mine.c.person_id)
        .join(LineItem, LineItem.id == Grade.line_item_id)
        .where(
            LineItem.course_id == item.course_id,
            LineItem.id != item.id,
            LineItem.module_id.is_not_distinct_from(item.module_id),
            LineItem.configuration_id.is_not_distinct_from(item.configuration_id),
        )
    ):
        found[row.id] += [each for each in (row.sent, row.tried) if each is not None]
    session.rollback()
    return found


def note_tries(batch: Batch, learned: Mapping[int, float | None]) -> Sequence[Parcel]:
    """These grades may reach the LMS from now on; the same parcels as they are wanted now, in
    order.

    `learned` says of each what the gradebook is known to hold. Who is not in the answer was taken
    over by another sender.
    """
    with transaction() as tx:
        for grade_id, sent in learned.items():
            if sent is not None:
                tx.session.execute(
                    update(Grade)
                    .where(Grade.id == grade_id, Grade.claimed_at == batch.claimed_at)
                    .values(sent=sent)
                    .execution_options(synchronize_session=False)
                )
        rows = tx.session.execute(
            update(Grade)
            .where(Grade.id.in_(list(learned)), Grade.claimed_at == batch.claimed_at)
            .values(tried=Grade.wanted)
            .returning(Grade.id, Grade.wanted, Grade.is_completed, Grade.begun_at, Grade.reached_at)
            .execution_options(synchronize_session=False)
        ).all()
    newest = {row.id: row for row in rows}
    return [
        replace(
            each,
            value=newest[each.grade_id].wanted,
            is_completed=newest[each.grade_id].is_completed,
            begun_at=newest[each.grade_id].begun_at,
            reached_at=newest[each.grade_id].reached_at,
        )
        for each in batch.parcels
        if each.grade_id in newest
    ]


def ask_to_send(tx: Tx, grades: Sequence[tuple[int, int]]) -> None:
    """Each of these grades (column, id) leaves soon: a job takes many of its column at once."""
    of_column: dict[int, list[int]] = defaultdict(list)
    for line_item_id, grade_id in grades:
        of_column[line_item_id].append(grade_id)
    firsts = [ids[start] for ids in of_column.values() for start in range(0, len(ids), BATCH)]
    tx.then_many(JobName.SEND_GRADE, [(each,) for each in firsts])
