"""Copies of courses: heard of by history or notice, looked at by an admin, then taken over.

Columns that carry our ids are used at once, since no grade may be lost; what a copy would do
beyond that, filling units, waits for an admin.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from plugin.assign.models import Configuration
from plugin.core import audit
from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.core.upsert import insert_absent
from plugin.lti.tool import rosters
from plugin.lti.tool.errors import CopyDecidedError, CopyUnknownError
from plugin.lti.tool.models import Registration
from plugin.lti.tool.notice_models import CopyState, CourseCopy
from plugin.lti.tool.service_models import LineItem, LmsCourse
from plugin.modules import naming
from plugin.modules.models import Module
from plugin.org import roster
from plugin.org.models import Unit
from plugin.org.rule_models import RosterTie

MAX_ORIGINS = 20


def hear_of(
    tx: Tx,
    registration: Registration,
    deployment_id: str,
    *,
    context_id: str,
    title: str | None,
    origins: Sequence[str],
    now: datetime,
) -> None:
    """The LMS said that a course was copied, maybe before anybody opened it. Its services are
    known from its first launch on; its columns are read then. Safe to call again."""
    session = tx.session
    key = {
        "registration_id": registration.id,
        "deployment_id": deployment_id,
        "context_id": context_id,
    }
    row = {
        **key,
        "organization_id": registration.organization_id,
        "title": title or context_id,
        "scopes": [],
        "copied_from": [],
        "seen_at": now,
    }
    session.execute(insert_absent(session, LmsCourse, [row], key=tuple(key)))
    course = session.scalars(select(LmsCourse).filter_by(**key).with_for_update()).one()
    note_origins(session, course, origins, now=now)
    if course.line_items_url:
        tx.then(JobName.READ_COLUMNS, course.id)


def note_origins(
    session: Session, course: LmsCourse, origins: Sequence[str], *, now: datetime
) -> None:
    """The course was copied from these, newest first; if one is known here, an admin is asked.

    What was heard before stays: an LMS that is silent later takes nothing back.
    """
    heard = [*origins, *course.copied_from]
    named = [each for each in dict.fromkeys(heard) if each != course.context_id][:MAX_ORIGINS]
    if named != course.copied_from:
        course.copied_from = named
    if not named:
        return
    known = {
        each.context_id: each.id
        for each in session.scalars(
            select(LmsCourse).where(
                LmsCourse.registration_id == course.registration_id,
                LmsCourse.deployment_id == course.deployment_id,
                LmsCourse.context_id.in_(named),
            )
        )
    }
    origin_id = next((known[each] for each in named if each in known), None)
    if origin_id is None:
        return
    row = {
        "organization_id": course.organization_id,
        "course_id": course.id,
        "origin_id": origin_id,
        "state": CopyState.PROPOSED,
        "found_at": now,
    }
    session.execute(insert_absent(session, CourseCopy, [row], key=("course_id",)))


def copy_of(
    session: Session, organization_id: int, copy_id: int, *, lock: bool = False
) -> CourseCopy:
    """The copy, if it is of the organization's courses."""
    wanted = select(CourseCopy).where(
        CourseCopy.id == copy_id, CourseCopy.organization_id == organization_id
    )
    found = session.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise CopyUnknownError
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnLine:
    """A gradebook column of the copy, and what it is about here."""

    label: str
    link_id: str | None
    about: str | None
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TieOffer:
    """A unit that the original course fills, and whether the copy does already."""

    tie_id: int
    unit: str
    is_tied: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a copy takes over, and what it could."""

    title: str
    context_id: str
    origin_title: str
    origin_context_id: str
    registration_id: int
    state: CopyState
    columns: Sequence[ColumnLine]
    missing: Sequence[ColumnLine]
    """Columns of the original about things that the copy has no column for, as far as known."""
    ties: Sequence[TieOffer]


def preview(session: Session, copy: CourseCopy) -> Preview:
    """What an admin decides about, in a few statements."""
    course = session.get_one(LmsCourse, copy.course_id)
    origin = session.get_one(LmsCourse, copy.origin_id)
    here, there = _columns(session, course), _columns(session, origin)
    known = {(each.kind, each.about) for each in here}
    return Preview(
        title=course.title,
        context_id=course.context_id,
        origin_title=origin.title,
        origin_context_id=origin.context_id,
        registration_id=course.registration_id,
        state=copy.state,
        columns=here,
        missing=[each for each in there if (each.kind, each.about) not in known],
        ties=_offers(session, course, origin),
    )


def _columns(session: Session, course: LmsCourse) -> list[ColumnLine]:
    rows = session.execute(
        select(LineItem, naming.column(course.organization_id), Configuration.name)
        .outerjoin(Module, Module.id == LineItem.module_id)
        .outerjoin(Configuration, Configuration.id == LineItem.configuration_id)
        .where(LineItem.course_id == course.id, LineItem.ended_at.is_(None))
        .order_by(LineItem.id)
    )
    return [
        ColumnLine(
            label=item.label,
            link_id=item.resource_link_id,
            about=title or name,
            kind="module" if title else "configuration" if name else "dashboard",
        )
        for item, title, name in rows
    ]


def _offers(session: Session, course: LmsCourse, origin: LmsCourse) -> list[TieOffer]:
    mine = aliased(RosterTie)
    rows = session.execute(
        select(RosterTie.id, Unit.name, mine.id)
        .join(Unit, Unit.id == RosterTie.unit_id)
        .outerjoin(
            mine,
            (mine.unit_id == RosterTie.unit_id)
            & (mine.registration_id == course.registration_id)
            & (mine.deployment_id == course.deployment_id)
            & (mine.context_id == course.context_id)
            & mine.until_at.is_(None),
        )
        .where(
            RosterTie.registration_id == origin.registration_id,
            RosterTie.deployment_id == origin.deployment_id,
            RosterTie.context_id == origin.context_id,
            RosterTie.until_at.is_(None),
            Unit.archived_at.is_(None),
        )
        .order_by(Unit.name, RosterTie.id)
    )
    return [TieOffer(tie_id=row[0], unit=row[1], is_tied=row[2] is not None) for row in rows]


def confirm(
    tx: Tx, copy: CourseCopy, tie_ids: Sequence[int], *, by: int | None, now: datetime
) -> int:
    """It is a copy: it fills the chosen ones of the units its original fills. How many it newly
    fills; each is read at once. Raises CopyDecidedError when somebody decided before."""
    session = tx.session
    _decide(session, copy, CopyState.CONFIRMED, by=by, now=now)
    course = session.get_one(LmsCourse, copy.course_id)
    origin = session.get_one(LmsCourse, copy.origin_id)
    offered = [each.tie_id for each in _offers(session, course, origin) if not each.is_tied]
    chosen = session.execute(
        select(RosterTie, Unit)
        .join(Unit, Unit.id == RosterTie.unit_id)
        .where(RosterTie.id.in_(set(offered) & set(tie_ids)))
        .order_by(RosterTie.id)
    ).all()
    made = [
        roster.tie_course(
            session,
            unit,
            registration_id=course.registration_id,
            deployment_id=course.deployment_id,
            context_id=course.context_id,
            title=course.title,
            by=by,
            now=now,
        )
        for _tie, unit in chosen
    ]
    session.flush()
    rosters.ask(tx, made, now=now)
    after = {"origin": copy.origin_id, "ties": [tie.id for tie in made]}
    audit.record(session, "course_copy.confirmed", about=copy, by=by, now=now, after=after)
    return len(made)


def decline(session: Session, copy: CourseCopy, *, by: int | None, now: datetime) -> None:
    """It is a course of its own: nobody is asked about it again. Its columns stay in use, since
    the links in it carry our ids all the same."""
    _decide(session, copy, CopyState.DECLINED, by=by, now=now)
    audit.record(session, "course_copy.declined", about=copy, by=by, now=now)


def _decide(
    session: Session, copy: CourseCopy, state: CopyState, *, by: int | None, now: datetime
) -> None:
    if copy.state is not CopyState.PROPOSED:
        raise CopyDecidedError(copy_id=copy.id)
    copy.state, copy.decided_at, copy.decided_by = state, now, by
    session.flush()


def proposed(session: Session, registration_id: int) -> dict[int, CourseCopy]:
    """The copies of an LMS, by course."""
    rows = session.scalars(
        select(CourseCopy)
        .join(LmsCourse, LmsCourse.id == CourseCopy.course_id)
        .where(LmsCourse.registration_id == registration_id)
    )
    return {each.course_id: each for each in rows}
