"""Grades given in the LMS that complete modules: read whole, a column at a time."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import Tx, read_session, transaction
from plugin.core.http import OutgoingError
from plugin.core.log import log
from plugin.core.outbox import JobName
from plugin.lti.tool import services
from plugin.lti.tool.models import Registration
from plugin.lti.tool.results import Result, results
from plugin.lti.tool.service_models import CourseMember, LineItem, LmsCourse
from plugin.lti.tool.services import ServiceError
from plugin.modules.by_lms import Mark, read_marks
from plugin.modules.models import Module, ModuleKind


def read_grades(line_item_id: int) -> None:
    """What the LMS's gradebook says of the column's people are completions, as far as it is new.

    A column that cannot be read whole changes nothing.
    """
    session = read_session()
    item = session.get(LineItem, line_item_id)
    if item is None or item.ended_at is not None or not _is_graded_there(session, item):
        return
    course = session.get_one(LmsCourse, item.course_id)
    client = services.client_of(
        session, current_settings(), course.registration_id, course.deployment_id
    )
    url = item.url
    session.rollback()
    try:
        found = results(client, url)
    except (OutgoingError, ServiceError) as error:
        log.warning("grades.not_read", line_item_id=line_item_id, reason=type(error).__name__)
        return
    with transaction() as tx:
        made = _keep(tx, line_item_id, found)
    if made:
        log.info("grades.read", line_item_id=line_item_id, new=made)


def _is_graded_there(session: Session, item: LineItem) -> bool:
    if item.module_id is None:
        return False
    return session.get_one(Module, item.module_id).kind is ModuleKind.LMS_GRADE


def _keep(tx: Tx, line_item_id: int, found: Sequence[Result]) -> int:
    item = tx.session.get_one(LineItem, line_item_id, with_for_update=True)
    course = tx.session.get_one(LmsCourse, item.course_id)
    people = {
        row.subject: row.person_id
        for row in tx.session.execute(
            select(CourseMember.subject, CourseMember.person_id).where(
                CourseMember.course_id == course.id
            )
        )
    }
    marks = [
        Mark(person_id=people[each.subject], share=each.share, at=each.at)
        for each in found
        if each.subject in people
    ]
    return read_marks(
        tx,
        tx.session.get_one(Module, item.module_id or 0),
        f"column:{item.id}",
        marks,
        facts={
            "lms": tx.session.get_one(Registration, course.registration_id).name,
            "course": course.title,
        },
        now=clock.now(),
    )


def ask_all(tx: Tx) -> int:
    """Every column that is graded in its LMS is read; returns how many."""
    ids = tx.session.scalars(
        select(LineItem.id)
        .join(Module, Module.id == LineItem.module_id)
        .where(LineItem.ended_at.is_(None), Module.kind == ModuleKind.LMS_GRADE)
    ).all()
    tx.then_many(JobName.READ_GRADES, [(each,) for each in ids])
    return len(ids)


def ask_for(tx: Tx, item: LineItem) -> None:
    """The column somebody just opened is read, if it is graded in the LMS."""
    if _is_graded_there(tx.session, item):
        tx.then(JobName.READ_GRADES, item.id)
