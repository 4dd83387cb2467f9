"""Grades given in the LMS that complete modules: read whole, a column at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import Tx, read_session, transaction
from plugin.core.http import OutgoingError
from plugin.core.log import log
from plugin.core.outbox import JobName
from plugin.lti.tool import services
from plugin.lti.tool.course_members import EARLIEST
from plugin.lti.tool.models import Registration
from plugin.lti.tool.results import Listed, results
from plugin.lti.tool.service_models import CourseMember, LineItem, LmsCourse
from plugin.lti.tool.services import Client, ServiceError
from plugin.modules import by_lms, naming
from plugin.modules.by_lms import Mark
from plugin.modules.models import Module, ModuleKind
from plugin.org.belonging import is_held

MAX_SHOWN = 200
A_DAY = timedelta(hours=20)
"""Columns are read every hour, and not to the minute."""
FRESH = timedelta(minutes=1)
COUNTED = ("grades", "unknown", "superseding", "not_understood", "held")
"""What a reading counts, for admins to see."""


def read_grades(line_item_id: int) -> None:
    """What the LMS's gradebook says of the column's people are completions, as far as it is new.

    A column that cannot be read whole changes nothing; nor does what was read before a newer
    reading that others made meanwhile.
    """
    session = read_session()
    item = session.get(LineItem, line_item_id)
    if item is None or item.ended_at is not None or not _is_graded_there(session, item):
        return
    course = session.get_one(LmsCourse, item.course_id)
    client = services.client_of(
        session, current_settings(), course.registration_id, course.deployment_id
    )
    url, began_at = item.url, clock.now()
    session.rollback()
    try:
        _read(line_item_id, client, url, began_at)
    except Exception:
        _note(line_item_id, services.FAILED_HERE)
        raise


def _read(line_item_id: int, client: Client, url: str, began_at: datetime) -> None:
    try:
        listed = results(client, url)
    except (OutgoingError, ServiceError) as error:
        log.warning("grades.not_read", line_item_id=line_item_id, reason=type(error).__name__)
        _note(line_item_id, services.words_of_error(error))
        return
    with transaction() as tx:
        item = tx.session.get_one(LineItem, line_item_id, with_for_update=True)
        if item.read_at is None or item.read_at <= began_at:
            _keep(tx, item, listed)


def _note(line_item_id: int, words: str) -> None:
    with transaction() as tx:
        tx.session.get_one(LineItem, line_item_id).read_problem = words


def _is_graded_there(session: Session, item: LineItem) -> bool:
    if item.module_id is None:
        return False
    return session.get_one(Module, item.module_id).kind is ModuleKind.LMS_GRADE


def _keep(tx: Tx, item: LineItem, listed: Listed) -> None:
    """Grades of people nobody here knows in the course are left out, and counted. Of several
    grades of one person the newest counts."""
    course = tx.session.get_one(LmsCourse, item.course_id)
    people = {
        row.subject: row.person_id
        for row in tx.session.execute(
            select(CourseMember.subject, CourseMember.person_id)
            .where(CourseMember.course_id == course.id)
            .order_by(CourseMember.learns, CourseMember.seen_at)  # the newest of two counts
        )
    }
    marks = [
        Mark(person_id=people[each.subject], share=each.share, at=each.at)
        for each in sorted(listed.results, key=lambda each: each.at or EARLIEST)
        if each.subject in people
    ]
    module, place = tx.session.get_one(Module, item.module_id or 0), f"column:{item.id}"
    unclear = {people[each] for each in listed.unclear if each in people}
    before = by_lms.graded(tx.session, module, place)
    lost = before - {each.person_id for each in marks}
    since = _doubted_since(item, ends=len(lost - unclear), of=len(before))
    is_doubted = listed.nameless > 0 or since is not None
    made = by_lms.read_marks(
        tx,
        module,
        place,
        marks,
        spared=lost if is_doubted else unclear,
        facts={
            "lms": tx.session.get_one(Registration, course.registration_id).name,
            "course": course.title,
        },
        now=clock.now(),
    )
    item.read_at = clock.now()
    item.read_problem = None
    item.read_outcome = {
        "grades": len(listed.results),
        "unknown": len(listed.results) - len(marks),
        "new": made.new,
        "superseding": made.superseding,
        "not_understood": listed.not_understood,
        "held": len(lost) if since is not None else 0,
        "doubted_since": since and since.isoformat(),
    }


def _doubted_since(item: LineItem, *, ends: int, of: int) -> datetime | None:
    """Since when the LMS says that more grades are gone than we believe at once: after a day of
    saying so it is believed. None: there is nothing to doubt."""
    if not is_held(ends=ends, memberships=of):
        return None
    said = (item.read_outcome or {}).get("doubted_since")
    since = datetime.fromisoformat(said) if said else clock.now()
    return None if since <= clock.now() - A_DAY else since


def ask_all(tx: Tx) -> int:
    """Every column that is graded in its LMS is read; returns how many."""
    ids = tx.session.scalars(
        select(LineItem.id)
        .join(Module, Module.id == LineItem.module_id)
        .where(LineItem.ended_at.is_(None), Module.kind == ModuleKind.LMS_GRADE)
    ).all()
    tx.then_many(JobName.READ_GRADES, [(each,) for each in ids])
    return len(ids)


def ask_after_launch(tx: Tx, course: LmsCourse, *, now: datetime) -> None:
    """Columns that are graded in the course somebody launched from are read: who was graded
    sees it at the next visit. A class that comes at once asks twice: for the first of them, and
    a little later for all the others."""
    just_asked = LineItem.asked_at > now - FRESH
    not_yet = or_(LineItem.asked_at.is_(None), LineItem.asked_at <= now - FRESH)
    _ask(tx, course, (just_asked, LineItem.asked_at <= now), due_at=now + FRESH)
    _ask(tx, course, (not_yet,), due_at=now)


def _ask(
    tx: Tx, course: LmsCourse, which: Sequence[ColumnElement[bool]], *, due_at: datetime
) -> None:
    graded = select(Module.id).where(Module.kind == ModuleKind.LMS_GRADE)
    asked = tx.session.scalars(
        update(LineItem)
        .where(
            LineItem.course_id == course.id,
            LineItem.ended_at.is_(None),
            LineItem.module_id.in_(graded),
            *which,
        )
        .values(asked_at=due_at)
        .returning(LineItem.id)
        .execution_options(synchronize_session=False)
    ).all()
    tx.then_many(JobName.READ_GRADES, [(each,) for each in sorted(asked)], due_at=due_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLine:
    """A column that is graded in the LMS, and what reading it last found."""

    module: str
    course: str
    read_at: datetime | None
    problem: str | None
    grades: int
    unknown: int
    superseding: int
    not_understood: int
    """Lines that say something that is no grade: nobody loses one by that."""
    held: int
    """Grades that were gone at once, and are not taken for gone yet."""


def read_lines(session: Session, registration: Registration) -> list[ReadLine]:
    """The columns of an LMS that are graded there, in one statement."""
    rows = session.execute(
        select(LineItem, naming.column(registration.organization_id), LmsCourse.title)
        .join(Module, Module.id == LineItem.module_id)
        .join(LmsCourse, LmsCourse.id == LineItem.course_id)
        .where(
            LmsCourse.registration_id == registration.id,
            LineItem.ended_at.is_(None),
            Module.kind == ModuleKind.LMS_GRADE,
        )
        .order_by(Module.title, LineItem.id)
        .limit(MAX_SHOWN)
    )
    return [
        ReadLine(
            module=module,
            course=course,
            read_at=item.read_at,
            problem=item.read_problem,
            **{each: (item.read_outcome or {}).get(each, 0) for each in COUNTED},
        )
        for item, module, course in rows
    ]
