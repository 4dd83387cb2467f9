"""Course rosters that fill units: the tie, a sync of it, and the guard for syncs that end much."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from plugin.core import audit
from plugin.core.db import Tx, chunks
from plugin.core.upsert import insert_open
from plugin.org import membership_sets, roster_claims
from plugin.org.belonging import is_held
from plugin.org.errors import HeldSyncOverError
from plugin.org.models import Membership, MembershipSource, Person, Unit
from plugin.org.rule_models import HeldState, HeldSync, RosterEntry, RosterTie

CHUNK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What a sync did: how many came, how many left, how many leave only if an admin says so."""

    joined: int = 0
    left: int = 0
    held: int = 0


def tie_course(
    session: Session,
    unit: Unit,
    *,
    registration_id: int,
    deployment_id: str,
    context_id: str,
    title: str,
    by: int | None,
    now: datetime,
) -> RosterTie:
    """The course's roster fills the unit from its next sync on. Safe to call again."""
    tie = RosterTie(
        organization_id=unit.organization_id,
        registration_id=registration_id,
        deployment_id=deployment_id,
        context_id=context_id,
        title=title,
        unit_id=unit.id,
        since_at=now,
        created_by=by,
    )
    try:
        with session.begin_nested():
            session.add(tie)
    except IntegrityError:
        return session.scalars(
            select(RosterTie).where(
                RosterTie.registration_id == registration_id,
                RosterTie.deployment_id == deployment_id,
                RosterTie.context_id == context_id,
                RosterTie.unit_id == unit.id,
                RosterTie.until_at.is_(None),
            )
        ).one()
    after = {"unit_id": unit.id, "context_id": context_id, "registration_id": registration_id}
    audit.record(session, "roster.tied", about=tie, by=by, now=now, after=after)
    return tie


def untie_course(tx: Tx, tie: RosterTie, *, by: int | None, now: datetime) -> int:
    """The course's roster fills the unit no more; returns how many memberships ended with it.
    Safe to call again."""
    session = tx.session
    session.refresh(tie, with_for_update=True)
    if tie.until_at is not None:
        return 0
    _supersede(session, tie, now=now)
    tie.until_at, tie.reading = now, None  # whoever reads its list stops there
    session.flush()
    ended = _leave(session, tie, session.scalars(listed_people(tie.id)).all(), by=by, now=now)
    roster_claims.end_absent(session, tie, now=now)
    audit.record(session, "roster.untied", about=tie, by=by, now=now, after={"ended": ended})
    return ended


def tie_of(session: Session, unit: Unit, tie_id: int) -> RosterTie | None:
    """The tie, if it is the unit's."""
    return session.scalar(
        select(RosterTie).where(RosterTie.id == tie_id, RosterTie.unit_id == unit.id)
    )


def listed_people(tie_id: int) -> Any:
    """A statement of the people on a course's roster, as last read."""
    return select(RosterEntry.person_id).where(
        RosterEntry.tie_id == tie_id, RosterEntry.until_at.is_(None)
    )


def apply_roster(
    tx: Tx,
    tie: RosterTie,
    person_ids: Collection[int],
    *,
    ends: bool = True,
    asks: bool = False,
    now: datetime,
) -> Synced:
    """The unit holds whom the course's roster names: others' memberships by roster end.

    Ends of more than a tenth of the unit's memberships, and at least five, wait for an admin; who
    came is let in all the same (domain §7.4). With `asks` every end waits. Without `ends` nobody
    leaves. Safe to call again.
    """
    session = tx.session
    session.refresh(tie, with_for_update=True)
    unit = session.get_one(Unit, tie.unit_id)
    if tie.until_at is not None or unit.archived_at is not None:
        return Synced()
    memberships = _memberships(session, unit)
    known = set(session.scalars(listed_people(tie.id)))
    here = _own(session, tie.organization_id, person_ids)
    joined, leaving = sorted(here - known), sorted(known - here) if ends else []
    tie.synced_at = now
    left = held = 0
    if (asks and leaving) or is_held(
        ends=_would_end(session, tie, leaving), memberships=memberships
    ):
        held = _hold(session, tie, leaving, memberships=memberships, now=now)
    elif ends:
        _supersede(session, tie, now=now)
        left = _leave(session, tie, leaving, by=None, now=now)
    _enter(session, tie, unit, joined, now=now)
    if left:
        roster_claims.end_absent(session, tie, now=now)
    return Synced(joined=len(joined), left=left, held=held)


def confirm(tx: Tx, held: HeldSync, *, by: int, now: datetime) -> int:
    """The people of a held sync leave; returns how many memberships ended."""
    tie = _decide(tx.session, held, HeldState.CONFIRMED, by=by, now=now)
    ended = _leave(tx.session, tie, held.leaving, by=by, now=now)
    roster_claims.end_absent(tx.session, tie, now=now)
    audit.record(tx.session, "roster.confirmed", about=held, by=by, now=now, after={"ended": ended})
    return ended


def dismiss(tx: Tx, held: HeldSync, *, by: int, now: datetime) -> None:
    """Nobody of a held sync leaves; later syncs that name the same people do not ask again."""
    _decide(tx.session, held, HeldState.DISMISSED, by=by, now=now)
    audit.record(tx.session, "roster.dismissed", about=held, by=by, now=now)


def _decide(
    session: Session, held: HeldSync, state: HeldState, *, by: int, now: datetime
) -> RosterTie:
    tie = session.get_one(RosterTie, held.tie_id, with_for_update=True)
    session.refresh(held, with_for_update=True)
    if held.state is not HeldState.HELD:
        raise HeldSyncOverError(held.id)
    held.state, held.decided_at, held.decided_by = state, now, by
    return tie


def _memberships(session: Session, unit: Unit) -> int:
    return (
        session.scalar(
            select(func.count())
            .select_from(Membership)
            .where(Membership.unit_id == unit.id, Membership.until_at.is_(None))
        )
        or 0
    )


def _own(session: Session, organization_id: int, person_ids: Collection[int]) -> set[int]:
    """Those of the organization who may be anywhere: a roster cannot bring anybody else."""
    found: set[int] = set()
    for some in chunks(sorted(set(person_ids)), CHUNK):
        found |= set(
            session.scalars(
                select(Person.id).where(
                    Person.organization_id == organization_id,
                    Person.id.in_(some),
                    Person.deactivated_at.is_(None),
                )
            )
        )
    return found


def _of_roster(tie: RosterTie, person_ids: Sequence[int]) -> ColumnElement[bool]:
    """Open memberships by roster of these people in the tie's unit."""
    return (
        (Membership.unit_id == tie.unit_id)
        & (Membership.source == MembershipSource.ROSTER)
        & Membership.until_at.is_(None)
        & Membership.person_id.in_(person_ids)
    )


def _is_listed(*, but: RosterTie | None = None) -> ColumnElement[bool]:
    """Some course tied to the unit (but this one) has the person on its roster."""
    conditions = [
        RosterEntry.tie_id == RosterTie.id,
        RosterEntry.person_id == Membership.person_id,
        RosterEntry.until_at.is_(None),
        RosterTie.unit_id == Membership.unit_id,
        RosterTie.until_at.is_(None),
    ]
    return exists().where(*conditions, *([RosterTie.id != but.id] if but else []))


def _would_end(session: Session, tie: RosterTie, leaving: Sequence[int]) -> int:
    ends = 0
    for some in chunks(leaving, CHUNK):
        counted = select(func.count()).select_from(Membership)
        ends += session.scalar(counted.where(_of_roster(tie, some), ~_is_listed(but=tie))) or 0
    return ends


def _leave(
    session: Session, tie: RosterTie, leaving: Sequence[int], *, by: int | None, now: datetime
) -> int:
    ended = 0
    for some in chunks(leaving, CHUNK):
        session.execute(
            update(RosterEntry)
            .where(
                RosterEntry.tie_id == tie.id,
                RosterEntry.until_at.is_(None),
                RosterEntry.person_id.in_(some),
            )
            .values(until_at=now)
            .execution_options(synchronize_session=False)
        )
        ended += membership_sets.end(
            session,
            tie.organization_id,
            _of_roster(tie, some) & ~_is_listed(),
            source=MembershipSource.ROSTER,
            by=by,
            reason=f"roster {tie.id}",
            now=now,
        )
    return ended


def _enter(
    session: Session, tie: RosterTie, unit: Unit, joined: Sequence[int], *, now: datetime
) -> None:
    for some in chunks(joined, CHUNK):
        rows = [
            {
                "organization_id": tie.organization_id,
                "tie_id": tie.id,
                "person_id": person_id,
                "since_at": now,
            }
            for person_id in some
        ]
        insert_open(session, RosterEntry, rows)
    membership_sets.begin(
        session,
        unit,
        joined,
        source=MembershipSource.ROSTER,
        reason=f"roster {tie.id}",
        now=now,
    )


def _hold(
    session: Session, tie: RosterTie, leaving: Sequence[int], *, memberships: int, now: datetime
) -> int:
    """The ends wait, once per course, with the newest list of names."""
    newest = session.scalars(
        select(HeldSync).where(HeldSync.tie_id == tie.id).order_by(HeldSync.id.desc()).limit(1)
    ).one_or_none()
    if newest is not None and newest.state is HeldState.DISMISSED:
        if set(leaving) <= set(newest.leaving):
            return 0
    elif newest is not None and newest.state is HeldState.HELD:
        newest.leaving, newest.memberships = list(leaving), memberships
        return len(leaving)
    held = HeldSync(
        organization_id=tie.organization_id,
        tie_id=tie.id,
        unit_id=tie.unit_id,
        state=HeldState.HELD,
        leaving=list(leaving),
        memberships=memberships,
        held_at=now,
    )
    session.add(held)
    after = {"leaving": len(leaving), "memberships": memberships}
    audit.record(session, "roster.held", about=held, by=None, now=now, after=after)
    return len(leaving)


def _supersede(session: Session, tie: RosterTie, *, now: datetime) -> None:
    session.execute(
        update(HeldSync)
        .where(HeldSync.tie_id == tie.id, HeldSync.state == HeldState.HELD)
        .values(state=HeldState.SUPERSEDED, decided_at=now)
        .execution_options(synchronize_session=False)
    )
