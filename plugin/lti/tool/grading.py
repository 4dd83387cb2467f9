"""What an LMS's gradebook should say of a person: decided here, delivered by `scores`."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from plugin.assign.facts import RowStatus
from plugin.assign.fetch import facts
from plugin.assign.models import StoredStanding
from plugin.assign.standing import Standing
from plugin.assign.statement import configurations_of_people
from plugin.core import audit
from plugin.core.db import Tx, chunks
from plugin.core.outbox import JobName
from plugin.lti.tool.service_models import (
    CourseMember,
    Grade,
    GradeState,
    LineItem,
)
from plugin.modules.models import Completion, Module, ModuleKind

DIGITS = 6
NOT_TAKEN = frozenset({GradeState.REFUSED, GradeState.FAILED})
AT_ONCE = 1000
LAPSES_SEEN = timedelta(hours=3)
"""How far back the hourly look goes; the nightly one finds what it missed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One column and the person's id in its LMS."""

    line_item_id: int
    module_id: int | None
    configuration_id: int | None
    subject: str


def update_grades(tx: Tx, person_id: int, *, again: bool = False, now: datetime) -> None:
    """Every column that is about the person says, soon, what is true now. Safe to call again.

    With `again` also what was refused is sent once more: who launches is in the course.

    Nothing is written before there is something to say, and nothing is ever cleared: an LMS takes
    anything but a full grade for the end of the grade before (checklist 4.6).
    """
    session = tx.session
    owed = _owed(session, person_id)
    if not owed:
        return
    standings = _standings(session, person_id, owed, now)
    scores = _module_scores(session, person_id, [each.module_id for each in owed if each.module_id])
    known = {
        grade.line_item_id: grade
        for grade in session.scalars(
            select(Grade).where(Grade.person_id == person_id).with_for_update()
        )
    }
    for each in owed:
        if each.module_id is not None:
            wanted = scores.get(each.module_id)
        else:
            wanted = share_valid(standings, each.configuration_id)
        if wanted is not None:
            grade = known.get(each.line_item_id)
            _want(tx, each, person_id, grade, wanted, again=again, now=now)


def _owed(session: Session, person_id: int) -> Sequence[Owed]:
    rows = session.execute(
        select(LineItem.id, LineItem.module_id, LineItem.configuration_id, CourseMember.subject)
        .join(CourseMember, CourseMember.course_id == LineItem.course_id)
        .outerjoin(Module, Module.id == LineItem.module_id)
        .where(
            CourseMember.person_id == person_id,
            CourseMember.learns.is_(True),
            LineItem.ended_at.is_(None),
            or_(Module.id.is_(None), Module.kind != ModuleKind.LMS_GRADE),
        )
        .order_by(LineItem.id)
    )
    return [
        Owed(
            line_item_id=row.id,
            module_id=row.module_id,
            configuration_id=row.configuration_id,
            subject=row.subject,
        )
        for row in rows
    ]


def _standings(
    session: Session, person_id: int, owed: Sequence[Owed], now: datetime
) -> list[Standing]:
    """How the person stands now under what covers them, if a column asks for it."""
    if all(each.module_id is not None for each in owed):
        return []
    organization_id = _organization(session, owed[0].line_item_id)
    return standings_of(session, organization_id, person_id, now)[0]


def standings_of(
    session: Session, organization_id: int, person_id: int, now: datetime
) -> tuple[list[Standing], dict[int, str]]:
    """How the person stands now under what covers them, and the titles of its modules."""
    ids = session.scalars(configurations_of_people(organization_id, [person_id])).all()
    found = facts(session, organization_id, person_ids=[person_id], configuration_ids=ids, at=now)
    standings = [found.standing(person_id, each) for each in sorted(found.configurations)]
    titles = {each.id: each.title for each in found.modules.values()}
    return [each for each in standings if each.covered and not each.archived], titles


def wanted_now(session: Session, person_id: int, item: LineItem, now: datetime) -> float | None:
    """What the column should say of the person, or None while there is nothing to say."""
    if item.module_id is not None:
        return _module_scores(session, person_id, [item.module_id]).get(item.module_id)
    standings, _titles = standings_of(session, item.organization_id, person_id, now)
    return share_valid(standings, item.configuration_id)


def share_valid(standings: Iterable[Standing], configuration_id: int | None) -> float | None:
    """The share of required modules that are valid now, of one configuration or of all; None when
    nothing is required."""
    required = satisfied = 0
    for standing in standings:
        if configuration_id in {None, standing.configuration_id}:
            rows = [row for row in standing.rows if row.status is RowStatus.REQUIRED]
            required += len(rows)
            satisfied += sum(row.is_satisfied for row in rows)
    return round(satisfied / required, DIGITS) if required else None


def _module_scores(session: Session, person_id: int, module_ids: Sequence[int]) -> dict[int, float]:
    """Each module's grade: of the newest pass, else of the newest attempt; a pass without a score
    is a full one."""
    if not module_ids:
        return {}
    superseded = select(Completion.supersedes_id).where(
        Completion.person_id == person_id, Completion.supersedes_id.is_not(None)
    )
    rows = session.scalars(
        select(Completion)
        .where(
            Completion.person_id == person_id,
            Completion.module_id.in_(module_ids),
            Completion.id.not_in(superseded),
        )
        .order_by(Completion.happened_at, Completion.id)
    )
    attempts: dict[int, list[Completion]] = defaultdict(list)
    for row in rows:
        attempts[row.module_id].append(row)
    found = {}
    for module_id, made in attempts.items():
        best = max(made, key=lambda each: (each.passed, each.happened_at, each.id))
        score = best.score if best.score is not None else float(best.passed)
        found[module_id] = round(score, DIGITS)
    return found


def _want(
    tx: Tx,
    owed: Owed,
    person_id: int,
    grade: Grade | None,
    wanted: float,
    *,
    again: bool,
    now: datetime,
) -> None:
    if grade is None:
        grade = Grade(
            organization_id=_organization(tx.session, owed.line_item_id),
            line_item_id=owed.line_item_id,
            person_id=person_id,
            subject=owed.subject,
            wanted=wanted,
            wanted_at=now,
            state=GradeState.WAITING,
            attempts=0,
            due_at=now,
        )
        tx.session.add(grade)
        tx.session.flush()
    elif (
        grade.wanted == wanted
        and grade.subject == owed.subject
        and not (again and grade.state in NOT_TAKEN)
    ):
        return
    else:
        grade.wanted, grade.wanted_at, grade.subject = wanted, now, owed.subject
        if grade.state is GradeState.OVERRIDDEN:
            return  # a teacher's word stands until an admin says otherwise
        grade.state, grade.words, grade.attempts, grade.due_at = GradeState.WAITING, None, 0, now
    tx.then(JobName.SEND_GRADE, grade.id)


def _organization(session: Session, line_item_id: int) -> int:
    return session.get_one(LineItem, line_item_id).organization_id


def ask_for(tx: Tx, person_ids: Sequence[int]) -> None:
    """Those of these people whom some column is about get theirs looked at, one by one."""
    about = (
        select(CourseMember.person_id)
        .join(LineItem, LineItem.course_id == CourseMember.course_id)
        .where(
            CourseMember.person_id.in_(person_ids),
            CourseMember.learns.is_(True),
            LineItem.ended_at.is_(None),
        )
        .distinct()
    )
    found = tx.session.scalars(about).all() if person_ids else ()
    tx.then_many(JobName.UPDATE_GRADES, [(each,) for each in found])


def resend(tx: Tx, grade: Grade, *, by: int, now: datetime) -> None:
    """An admin wants the grade sent, also over what a teacher wrote."""
    audit.record(
        tx.session,
        "grade.resent",
        about=grade,
        by=by,
        now=now,
        before={"state": grade.state.value},
    )
    grade.state, grade.words, grade.attempts = GradeState.WAITING, None, 0
    grade.due_at, grade.forced = now, True
    tx.then(JobName.SEND_GRADE, grade.id)


def ask_for_lapsed(tx: Tx, *, now: datetime) -> None:
    """Standings that ended lately: their columns go down. Done twice, nothing happens."""
    ended = (
        select(StoredStanding.person_id)
        .where(StoredStanding.ends_at > now - LAPSES_SEEN, StoredStanding.ends_at <= now)
        .distinct()
    )
    for some in chunks(tx.session.scalars(ended).all(), AT_ONCE):
        ask_for(tx, some)


def ask_for_everybody(tx: Tx) -> int:
    """Whoever some column is about is looked at again, whatever was missed; returns how many."""
    found = tx.session.scalars(
        select(CourseMember.person_id)
        .join(LineItem, LineItem.course_id == CourseMember.course_id)
        .where(LineItem.ended_at.is_(None), CourseMember.learns.is_(True))
        .distinct()
    ).all()
    for some in chunks(found, AT_ONCE):
        tx.then_many(JobName.UPDATE_GRADES, [(each,) for each in some])
    return len(found)
