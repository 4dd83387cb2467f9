"""Grades are compared with the gradebooks at night: what was lost, overridden or never kept."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select, update

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import Tx, read_session, transaction
from plugin.core.http import OutgoingError
from plugin.core.log import log
from plugin.core.outbox import JobName
from plugin.lti.tool import services
from plugin.lti.tool.results import Listed, results
from plugin.lti.tool.score_rows import CLAIM_LIFE, ask_to_send
from plugin.lti.tool.score_rules import LONGEST_PAUSE, MAX_ATTEMPTS, SPACING, is_same
from plugin.lti.tool.service_models import Grade, GradeState, LineItem, LmsCourse
from plugin.lti.tool.services import RESULTS, Client, ServiceError

FORGOTTEN = timedelta(minutes=30)
MAX_UNSEEN = 2
NOT_KEPT = "The LMS says that it takes the grade, but its gradebook does not show it."
COMPARED = (GradeState.SENT, GradeState.OVERRIDDEN)


def ask_again(tx: Tx, *, now: datetime) -> int:
    """Every grade that failed but not for good is tried once more, by the nightly check; an admin
    goes on seeing that it failed if it does again."""
    rows = tx.session.execute(
        update(Grade)
        .where(
            or_(
                Grade.state == GradeState.FAILED,
                (Grade.state == GradeState.WAITING) & (Grade.due_at <= now - LONGEST_PAUSE),
            ),
            _is_free(now),
            Grade.line_item_id.in_(select(LineItem.id).where(LineItem.ended_at.is_(None))),
        )
        .values(state=GradeState.WAITING, attempts=MAX_ATTEMPTS - 1, due_at=now)
        .returning(Grade.line_item_id, Grade.id)
        .execution_options(synchronize_session=False)
    ).all()
    ask_to_send(tx, [(row.line_item_id, row.id) for row in rows])
    return len(rows)


def ask_for_forgotten(tx: Tx, *, now: datetime) -> int:
    """Grades that have been due for long and that nobody is sending are asked for, every hour."""
    rows = tx.session.execute(
        select(Grade.line_item_id, Grade.id)
        .where(
            Grade.state == GradeState.WAITING,
            Grade.due_at <= now - FORGOTTEN,
            _is_free(now),
        )
        .order_by(Grade.id)
    ).all()
    ask_to_send(tx, [(row.line_item_id, row.id) for row in rows])
    return len(rows)


def _is_free(now: datetime) -> ColumnElement[bool]:
    """Nobody is sending the grade, or who did has died."""
    return or_(Grade.claimed_at.is_(None), Grade.claimed_at <= now - CLAIM_LIFE)


def ask_to_compare(tx: Tx) -> int:
    """Every column of ours that was told something is compared, by the nightly turn."""
    ids = tx.session.scalars(
        select(Grade.line_item_id)
        .join(LineItem, LineItem.id == Grade.line_item_id)
        .where(LineItem.ended_at.is_(None), Grade.state.in_(COMPARED))
        .distinct()
    ).all()
    tx.then_many(JobName.COMPARE_COLUMN, [(each,) for each in ids])
    return len(ids)


def compare_column(line_item_id: int) -> None:
    """What the gradebook says of a column is what it was told: else a teacher spoke, a grade was
    lost and is sent again, or an override was taken back. A column that cannot be read changes
    nothing."""
    place = _place(line_item_id)
    if place is None:
        return
    client, url = place
    began_at = clock.now()
    try:
        listed = results(client, url)
    except (OutgoingError, ServiceError) as error:
        log.warning("column.not_compared", line_item_id=line_item_id, reason=type(error).__name__)
        return
    with transaction() as tx:
        _compare_all(tx, line_item_id, listed, began_at=began_at, now=clock.now())


def _place(line_item_id: int) -> tuple[Client, str] | None:
    session = read_session()
    found = session.execute(
        select(LineItem, LmsCourse)
        .join(LmsCourse, LmsCourse.id == LineItem.course_id)
        .where(LineItem.id == line_item_id, LineItem.ended_at.is_(None))
    ).one_or_none()
    if found is None or RESULTS not in found[1].scopes:
        return None
    client = services.client_of(
        session, current_settings(), found[1].registration_id, found[1].deployment_id
    )
    url = found[0].url
    session.rollback()
    return client, url


def _compare_all(
    tx: Tx,
    line_item_id: int,
    listed: Listed,
    *,
    began_at: datetime,
    now: datetime,
) -> None:
    """Grades that were settled since reading began are not what was read: the next night sees. Nor
    is anybody without a grade of whom, or of whose name, nothing was understood."""
    theirs = {each.subject: each.share for each in listed.results}
    rows = tx.session.scalars(
        select(Grade)
        .where(
            Grade.line_item_id == line_item_id,
            Grade.state.in_(COMPARED),
            Grade.due_at <= began_at + SPACING,  # settled grades are due again after SPACING
        )
        .order_by(Grade.id)
        .with_for_update()
    ).all()
    for grade in rows:
        is_unclear = listed.nameless > 0 or grade.subject in listed.unclear
        if grade.subject in theirs or not is_unclear:
            _compare(grade, theirs.get(grade.subject), now)
    waiting = [(line_item_id, each.id) for each in rows if each.state is GradeState.WAITING]
    ask_to_send(tx, waiting)


def _compare(grade: Grade, theirs: float | None, now: datetime) -> None:
    grade.seen, grade.seen_at = theirs, now
    told = grade.sent or 0.0
    is_told = theirs is not None and is_same(theirs, told)
    if grade.state is GradeState.OVERRIDDEN:
        if is_told and grade.sent is not None:  # the teacher took it back
            _send_again(grade, now)
    elif theirs is None and told:
        grade.unseen += 1
        if grade.unseen > MAX_UNSEEN:
            grade.state, grade.words = GradeState.REFUSED, NOT_KEPT
        else:
            grade.sent = grade.tried = None
            _send_again(grade, now)
    elif theirs is not None and not is_told:
        grade.state = GradeState.OVERRIDDEN
    else:
        grade.unseen = 0


def _send_again(grade: Grade, now: datetime) -> None:
    grade.state, grade.attempts, grade.due_at = GradeState.WAITING, 0, now
