"""Grades leave: one row, one sender at a time, stamped when sent (A8 to A12; checklist 4.6).

A score is only ever a full one, so nothing is erased; what a teacher wrote over ours is left.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import Tx, read_session, transaction
from plugin.core.http import OutgoingError, Reply
from plugin.core.log import log
from plugin.core.outbox import JobName
from plugin.lti.tool import services
from plugin.lti.tool.configuration import words_of
from plugin.lti.tool.results import Result, result_of, results
from plugin.lti.tool.service_models import Grade, GradeState, LineItem, LmsCourse
from plugin.lti.tool.services import OK, RESULTS, SCORE, SCORE_JSON, Client, ServiceError

MAXIMUM = 100.0
SPACING = timedelta(seconds=2)
"""Between two scores of one row: some LMSs compare whole seconds, by their own clock."""
CLAIM_LIFE = timedelta(minutes=2)
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=6)
MAX_ATTEMPTS = 12
MAX_AHEAD = timedelta(days=1)
"""A clock that differs by more is not one to follow."""
CONFLICT = 409
TERMINAL = frozenset({400, 403, 404, 405, 410, 422})
GONE = frozenset({404, 410})
NOT_GIVEN = frozenset({400, 401, 403})
STALE = ("timestamp", "stale", "newer", "out of date", "earlier")
CANVAS_SUBMISSION = "https://canvas.instructure.com/lti/submission"
NOT_OFFERED = "The LMS has not offered to take grades."
NO_ACCESS = "The LMS gives no access to its gradebook."


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One grade on its way: what is said to whom, and what was said before."""

    grade_id: int
    client: Client
    url: str
    subject: str
    value: float
    sent: float | None
    tried: float | None
    forced: bool
    stamp: datetime
    reads_results: bool


def send_grade(grade_id: int) -> None:
    """The row's newest value reaches the gradebook, or the row says why not. Safe to run again."""
    parcel = _claim(grade_id)
    if parcel is None:
        return
    try:
        _deliver(parcel)
    except (OutgoingError, ServiceError) as error:
        _later(parcel, _words(error), pause=_asked_pause(error), is_final=_is_final(error))
    except BaseException:
        _later(parcel, "failed here", pause=None, is_final=False)
        raise


def _claim(grade_id: int) -> Parcel | None:
    """The row is ours for a while; None when there is nothing to do, or somebody else has it."""
    now = clock.now()
    with transaction() as tx:
        session = tx.session
        grade = session.get(Grade, grade_id, with_for_update=True)
        if grade is None or grade.state is not GradeState.WAITING:
            return None
        ready_at = _ready_at(grade, now)
        if ready_at > now:
            tx.then(JobName.SEND_GRADE, grade_id, due_at=ready_at)
            return None
        item = session.get_one(LineItem, grade.line_item_id)
        if item.ended_at is not None:
            grade.state, grade.words = GradeState.REFUSED, item.end_words
            return None
        course = session.get_one(LmsCourse, item.course_id)
        if SCORE not in course.scopes:  # only what the launch's claim lists (A1)
            grade.state, grade.words = GradeState.FAILED, NOT_OFFERED
            return None
        grade.claimed_at = now
        grade.stamped_at = stamp = _stamp(grade, now)
        tried, grade.tried = grade.tried, grade.wanted
        return Parcel(
            grade_id=grade.id,
            client=services.client_of(
                session, current_settings(), course.registration_id, course.deployment_id
            ),
            url=item.url,
            subject=grade.subject,
            value=grade.wanted,
            sent=grade.sent,
            tried=tried,
            forced=grade.forced,
            stamp=stamp,
            reads_results=RESULTS in course.scopes,
        )


def _ready_at(grade: Grade, now: datetime) -> datetime:
    moments = [grade.due_at]
    if grade.claimed_at is not None:
        moments.append(grade.claimed_at + CLAIM_LIFE)
    if grade.stamped_at is not None:
        moments.append(min(grade.stamped_at, now) + SPACING)
    return max(moments)


def _stamp(grade: Grade, now: datetime) -> datetime:
    """Strictly later than every stamp before, whatever our clock did in between (A9)."""
    if grade.stamped_at is None:
        return now
    return max(now, grade.stamped_at + timedelta(milliseconds=1))


def _deliver(parcel: Parcel) -> None:
    if not parcel.forced and _is_decided(parcel):
        return
    reply = parcel.client.call(
        "POST",
        services.below(parcel.url, "scores"),
        scopes=[SCORE],
        content_type=SCORE_JSON,
        body=score_of(parcel),
    )
    words = words_of(reply.body)
    if reply.status in OK:
        _arrived(parcel)
    elif reply.status == CONFLICT or (reply.status in TERMINAL and _is_stale(words)):
        _reconcile(parcel, reply)
    elif reply.status in TERMINAL:
        _end(parcel, GradeState.REFUSED, f"{reply.status} {words}".strip())
        if reply.status in GONE and "user" not in words.lower():
            _end_column(parcel, words)
    else:
        raise ServiceError("score", reply.status, words, reply)


def _is_decided(parcel: Parcel) -> bool:
    """Whether the gradebook needs nothing from us: it says it already, or a teacher spoke.

    What it says is ours if it is what we last told it, or what we tried to tell it when the answer
    got lost.
    """
    if parcel.sent is None and parcel.tried is None:
        return False
    theirs = _theirs(parcel)
    if theirs is None:
        return False
    if _is_same(theirs.share, parcel.value):
        _arrived(parcel)
        return True
    if parcel.tried is not None and _is_same(theirs.share, parcel.tried):
        _learn(parcel, parcel.tried)
        return False
    if parcel.sent is not None and not _is_same(theirs.share, parcel.sent):
        _end(parcel, GradeState.OVERRIDDEN, "")
        return True
    return False


def _learn(parcel: Parcel, value: float) -> None:
    """An earlier score did arrive."""
    with transaction() as tx:
        grade = _held(tx.session, parcel)
        if grade is not None:
            grade.sent = value


def _theirs(parcel: Parcel) -> Result | None:
    """What the gradebook says now; None when it does not let us look."""
    if not parcel.reads_results:
        return None
    try:
        return result_of(parcel.client, parcel.url, parcel.subject)
    except ServiceError as error:
        if error.status in TERMINAL:
            return None
        raise


def score_of(parcel: Parcel) -> dict[str, Any]:
    """The score as it is posted: always a full grade, in true numerator and denominator."""
    said: dict[str, Any] = {
        "userId": parcel.subject,
        "scoreGiven": round(parcel.value * MAXIMUM, 4),
        "scoreMaximum": MAXIMUM,
        "activityProgress": "Completed" if parcel.value >= 1 else "InProgress",
        "gradingProgress": "FullyGraded",
        "timestamp": parcel.stamp.isoformat(timespec="milliseconds"),
    }
    if parcel.client.product == "canvas":
        said[CANVAS_SUBMISSION] = {"new_submission": False}
    return said


def _is_stale(words: str) -> bool:
    return any(each in words.lower() for each in STALE)


def _reconcile(parcel: Parcel, reply: Reply) -> None:
    """The LMS has something as new as ours: look what, and say ours again later if it differs.

    A 409 is neither success nor the end (moodle 4.3).
    """
    theirs = _theirs(parcel)
    if theirs is not None and _is_same(theirs.share, parcel.value):
        _arrived(parcel)
        return
    now = clock.now()
    said = [services.date_of(reply), theirs.at if theirs else None]
    believable = [each for each in said if each is not None and each < now + MAX_AHEAD]
    later = max([now, *believable]) + SPACING
    with transaction() as tx:
        grade = _held(tx.session, parcel)
        if grade is None:
            return
        grade.attempts += 1
        grade.claimed_at, grade.stamped_at = None, _stamp_after(grade, later)
        grade.words = f"{reply.status} {words_of(reply.body)}".strip()
        if grade.attempts >= MAX_ATTEMPTS:
            grade.state = GradeState.FAILED
            return
        grade.due_at = clock.now() + SPACING * (1 + grade.attempts)
        tx.then(JobName.SEND_GRADE, grade.id, due_at=grade.due_at)


def _stamp_after(grade: Grade, moment: datetime) -> datetime:
    return moment if grade.stamped_at is None else max(moment, grade.stamped_at)


def _arrived(parcel: Parcel) -> None:
    with transaction() as tx:
        grade = _held(tx.session, parcel)
        if grade is None:
            return
        grade.sent, grade.claimed_at, grade.words = parcel.value, None, None
        grade.attempts, grade.forced = 0, False
        if grade.wanted == parcel.value:
            grade.state = GradeState.SENT
        else:  # it changed while this one was on its way
            tx.then(JobName.SEND_GRADE, grade.id, due_at=parcel.stamp + SPACING)


def _end(parcel: Parcel, state: GradeState, words: str) -> None:
    with transaction() as tx:
        grade = _held(tx.session, parcel)
        if grade is not None:
            grade.state, grade.words, grade.claimed_at = state, words or None, None
            grade.forced = False
    log.info("grade.not_taken", grade_id=parcel.grade_id, state=state.value)


def _end_column(parcel: Parcel, words: str) -> None:
    """The LMS no longer knows the column; what waits for it waits for nothing."""
    with transaction() as tx:
        tx.session.execute(
            update(LineItem)
            .where(LineItem.url == parcel.url, LineItem.ended_at.is_(None))
            .where(
                LineItem.id
                == select(Grade.line_item_id).where(Grade.id == parcel.grade_id).scalar_subquery()
            )
            .values(ended_at=clock.now(), end_words=words[:300] or None)
            .execution_options(synchronize_session=False)
        )


def _later(parcel: Parcel, words: str, *, pause: timedelta | None, is_final: bool) -> None:
    """Tried again with growing pauses; after many, an admin and the nightly check see it."""
    with transaction() as tx:
        grade = _held(tx.session, parcel)
        if grade is None:
            return
        grade.attempts += 1
        grade.words, grade.claimed_at = words[:300], None
        if is_final or grade.attempts >= MAX_ATTEMPTS:
            grade.state = GradeState.FAILED
            return
        back_off = min(FIRST_PAUSE * 2 ** (grade.attempts - 1), LONGEST_PAUSE)
        grade.due_at = clock.now() + max(back_off, pause or timedelta(0))
        tx.then(JobName.SEND_GRADE, grade.id, due_at=grade.due_at)


def _held(session: Session, parcel: Parcel) -> Grade | None:
    """The row, if this sender still has it: a slower one may not write over a newer one's end."""
    grade = session.get(Grade, parcel.grade_id, with_for_update=True, populate_existing=True)
    if grade is None or grade.claimed_at is None or grade.stamped_at != parcel.stamp:
        return None
    return grade


def _words(error: OutgoingError | ServiceError) -> str:
    if isinstance(error, OutgoingError):
        return str(error) or "no answer"
    if error.step == "token":
        return f"{NO_ACCESS} {error.status} {error.words}".strip()
    return f"{error.status} {error.words}".strip()


def _asked_pause(error: OutgoingError | ServiceError) -> timedelta | None:
    if isinstance(error, ServiceError) and error.reply is not None:
        return services.pause_of(error.reply)
    return None


def _is_final(error: OutgoingError | ServiceError) -> bool:
    """A token refused with a reason is not given for asking again soon."""
    is_token = isinstance(error, ServiceError) and error.step == "token"
    return is_token and getattr(error, "status", 0) in NOT_GIVEN


def _is_same(share: float, other: float) -> bool:
    """Gradebooks round; half a percent is the same grade."""
    return abs(share - other) <= 0.00501  # noqa: PLR2004 - half a percent, and a float's error


def ask_again(tx: Tx, *, now: datetime) -> int:
    """Every grade that failed but not for good is tried again, by the nightly check."""
    rows = tx.session.execute(
        update(Grade)
        .where(
            or_(
                Grade.state == GradeState.FAILED,
                (Grade.state == GradeState.WAITING) & (Grade.due_at <= now - LONGEST_PAUSE),
            )
        )
        .values(state=GradeState.WAITING, attempts=0, due_at=now)
        .returning(Grade.id)
        .execution_options(synchronize_session=False)
    ).all()
    tx.then_many(JobName.SEND_GRADE, [(row.id,) for row in rows])
    return len(rows)


def compare_column(line_item_id: int) -> None:
    """What the column says of everybody is compared with what it was told.

    Who is missing lost the grade (by leaving the course and coming back, for example) and gets it
    again; who has another one got it from a teacher. A column that cannot be read changes nothing.
    """
    session = read_session()
    item = session.get(LineItem, line_item_id)
    if item is None or item.ended_at is not None:
        return
    course = session.get_one(LmsCourse, item.course_id)
    if RESULTS not in course.scopes:
        return
    client = services.client_of(
        session, current_settings(), course.registration_id, course.deployment_id
    )
    url = item.url
    session.rollback()
    try:
        theirs = {each.subject: each.share for each in results(client, url)}
    except (OutgoingError, ServiceError) as error:
        log.warning("column.not_compared", line_item_id=line_item_id, reason=type(error).__name__)
        return
    with transaction() as tx:
        rows = tx.session.scalars(
            select(Grade)
            .where(Grade.line_item_id == line_item_id, Grade.state == GradeState.SENT)
            .with_for_update()
        )
        for grade in rows:
            _compare(tx, grade, theirs.get(grade.subject))


def _compare(tx: Tx, grade: Grade, theirs: float | None) -> None:
    told = grade.sent or 0.0
    if theirs is None and told:
        grade.state, grade.attempts, grade.due_at = GradeState.WAITING, 0, clock.now()
        grade.sent = grade.tried = None
        tx.then(JobName.SEND_GRADE, grade.id)
    elif theirs is not None and not _is_same(theirs, told):
        grade.state = GradeState.OVERRIDDEN


def ask_to_compare(tx: Tx) -> int:
    """Every column of ours that was told something is compared, by the nightly turn."""
    ids = tx.session.scalars(
        select(Grade.line_item_id)
        .join(LineItem, LineItem.id == Grade.line_item_id)
        .where(LineItem.ended_at.is_(None), Grade.state == GradeState.SENT)
        .distinct()
    ).all()
    tx.then_many(JobName.COMPARE_COLUMN, [(each,) for each in ids])
    return len(ids)
