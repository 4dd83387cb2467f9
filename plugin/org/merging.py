"""Two people are one: identities and memberships follow, reversibly; nothing is lost."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import Select, or_, select, update
from sqlalchemy.orm import Session

from plugin.core import audit
from plugin.core.base import JsonDict
from plugin.core.db import Tx
from plugin.org import history
from plugin.org.errors import FieldError
from plugin.org.launch_rules import has_claim
from plugin.org.merge_models import PersonMerge
from plugin.org.models import Grant, Identity, Membership, MembershipSource, Person, SignIn
from plugin.org.rule_models import LaunchClaim


def begin(
    tx: Tx, survivor: Person, absorbed: Person, *, by: int, reason: str, now: datetime
) -> PersonMerge | None:
    """Every launch of `absorbed` is a launch of `survivor` from now on; None if it was already.

    The survivor is in every unit `absorbed` is in, and has their email and employee ID where it
    had none. `absorbed` is switched off and keeps what was recorded of it.
    """
    session = tx.session
    _lock(session, survivor, absorbed)
    if absorbed.merged_into_id == survivor.id:
        return None
    _check(session, survivor, absorbed, by=by, reason=reason)
    merge = PersonMerge(
        organization_id=survivor.organization_id,
        absorbed_id=absorbed.id,
        survivor_id=survivor.id,
        merged_at=now,
        merged_by=by,
        reason=reason.strip(),
        moved={
            "identities": _move_identities(session, absorbed.id, survivor.id),
            "memberships": _begin_memberships(session, absorbed, survivor, now=now),
            **_lend_details(session, absorbed, survivor, now=now),
        },
    )
    if absorbed.deactivated_at is not None:
        history.remember(session, absorbed, "deactivated_at", absorbed.deactivated_at, now=now)
    absorbed.merged_into_id, absorbed.deactivated_at = survivor.id, now
    _end_visits(session, absorbed.id, now=now)
    session.add(merge)
    _record(session, "person.merged", merge, (survivor, absorbed), by=by, now=now)
    return merge


def _lock(session: Session, *people: Person) -> None:
    for person in sorted(people, key=lambda each: each.id):
        session.refresh(person, with_for_update=True)


def _check(session: Session, survivor: Person, absorbed: Person, *, by: int, reason: str) -> None:
    if survivor.id == absorbed.id:
        raise FieldError("reason", _("Choose somebody else: this is the same entry."))
    if by in (survivor.id, absorbed.id):
        raise FieldError("reason", _("Nobody merges themselves. Ask another admin."))
    if any(each.merged_into_id is not None for each in (survivor, absorbed)):
        raise FieldError("reason", _("One of the two was merged already. Undo that first."))
    if any(each.deactivated_at is not None for each in (survivor, absorbed)):
        raise FieldError("reason", _("One of the two is deactivated. Reactivate them first."))
    held = select(Grant.id).where(Grant.person_id == absorbed.id, Grant.revoked_at.is_(None))
    if session.scalar(held.limit(1)) is not None:
        raise FieldError(
            "reason",
            _(
                "%(name)s has rights. Take them back first; a merge hands no rights on.",
                name=absorbed.full_name,
            ),
        )
    _need_reason(reason)


def _need_reason(reason: str) -> None:
    if not reason.strip():
        raise FieldError("reason", _("Say why, in a few words."))


def _move_identities(
    session: Session, from_id: int, to_id: int, only: Sequence[int] | None = None
) -> list[int]:
    """The identities stand for somebody else; what both said of units is heard again."""
    moving = update(Identity).where(Identity.person_id == from_id)
    if only is not None:
        moving = moving.where(Identity.id.in_(only))
    moved = session.scalars(
        moving.values(person_id=to_id)
        .returning(Identity.id)
        .execution_options(synchronize_session=False)
    ).all()
    session.execute(
        update(Identity)
        .where(Identity.person_id.in_((from_id, to_id)))
        .values(said_seal=None)
        .execution_options(synchronize_session=False)
    )
    return sorted(moved)


def _begin_memberships(
    session: Session, absorbed: Person, survivor: Person, *, now: datetime
) -> list[int]:
    """The survivor is where `absorbed` is, by the same sources and without mail about it."""
    has = {(each.unit_id, each.source) for each in session.scalars(_open_memberships(survivor.id))}
    wanted = [
        (each.unit_id, each.source)
        for each in session.scalars(_open_memberships(absorbed.id)).all()
    ]
    return _begin(session, survivor, [each for each in wanted if each not in has], now=now)


def _begin(
    session: Session,
    person: Person,
    places: Sequence[tuple[int, MembershipSource]],
    *,
    now: datetime,
) -> list[int]:
    begun = [
        Membership(
            organization_id=person.organization_id,
            unit_id=unit_id,
            person_id=person.id,
            source=source,
            since_at=now,
            created_at=now,
            silent=True,
        )
        for unit_id, source in places
    ]
    session.add_all(begun)
    session.flush()
    return [each.id for each in begun]


def _open_memberships(person_id: int) -> Select[Membership]:
    return (
        select(Membership)
        .where(Membership.person_id == person_id, Membership.until_at.is_(None))
        .order_by(Membership.id)
    )


def _lend_details(
    session: Session, absorbed: Person, survivor: Person, *, now: datetime
) -> JsonDict:
    lent: JsonDict = {}
    if survivor.email is None and absorbed.email is not None:
        history.remember(session, survivor, "email", None, now=now)
        survivor.email = lent["email"] = absorbed.email
    if survivor.employee_id is None and absorbed.employee_id is not None:
        number, absorbed.employee_id = absorbed.employee_id, None
        session.flush()  # the number is unique: it leaves before it arrives
        survivor.employee_id = lent["employee_id"] = number
    return lent


def _end_visits(session: Session, person_id: int, *, now: datetime) -> None:
    session.execute(
        update(SignIn)
        .where(SignIn.person_id == person_id, SignIn.ended_at.is_(None))
        .values(ended_at=now)
        .execution_options(synchronize_session=False)
    )


def undo(tx: Tx, merge: PersonMerge, *, by: int, reason: str, now: datetime) -> bool:
    """The two are two again; ends exactly what the merge began. False if it was undone already.

    What the survivor did meanwhile stays theirs: nobody can tell whose it was.
    """
    session = tx.session
    session.refresh(merge, with_for_update=True)
    if merge.undone_at is not None:
        return False
    survivor = session.get_one(Person, merge.survivor_id)
    absorbed = session.get_one(Person, merge.absorbed_id)
    _lock(session, survivor, absorbed)
    _need_reason(reason)
    if survivor.merged_into_id is not None:
        raise FieldError("reason", _("The later merge into another person is to be undone first."))
    merge.undone_at, merge.undone_by, merge.undo_reason = now, by, reason.strip()
    _move_identities(session, survivor.id, absorbed.id, only=merge.moved["identities"])
    _end_memberships(session, merge, now=now)
    _settle_launches(session, absorbed, now=now)
    _return_details(session, absorbed, survivor, merge.moved, now=now)
    history.remember(session, absorbed, "deactivated_at", absorbed.deactivated_at, now=now)
    absorbed.merged_into_id = absorbed.deactivated_at = None
    _end_visits(session, survivor.id, now=now)
    _record(session, "person.unmerged", merge, (survivor, absorbed), by=by, now=now)
    return True


def _end_memberships(session: Session, merge: PersonMerge, *, now: datetime) -> None:
    """What the merge began is over, and what only launches of the identities that left said."""
    is_launched = Membership.source == MembershipSource.LAUNCH
    session.execute(
        update(Membership)
        .where(
            Membership.person_id == merge.survivor_id,
            Membership.until_at.is_(None),
            or_(
                Membership.id.in_(merge.moved["memberships"]) & ~is_launched,
                is_launched & ~has_claim(),
            ),
        )
        .values(until_at=now)
        .execution_options(synchronize_session=False)
    )


def _settle_launches(session: Session, person: Person, *, now: datetime) -> None:
    """The person's memberships by launch are those their own identities speak for."""
    claimed = set(
        session.scalars(
            select(LaunchClaim.unit_id)
            .join(Identity, Identity.id == LaunchClaim.identity_id)
            .where(Identity.person_id == person.id, LaunchClaim.until_at.is_(None))
        )
    )
    held = session.scalars(
        _open_memberships(person.id).where(Membership.source == MembershipSource.LAUNCH)
    ).all()
    for membership in held:
        if membership.unit_id not in claimed:
            membership.until_at = now
    missing = sorted(claimed - {each.unit_id for each in held})
    _begin(session, person, [(each, MembershipSource.LAUNCH) for each in missing], now=now)


def _return_details(
    session: Session, absorbed: Person, survivor: Person, moved: JsonDict, *, now: datetime
) -> None:
    """What was lent goes back, unless somebody changed it meanwhile."""
    if "email" in moved and survivor.email == moved["email"]:
        history.remember(session, survivor, "email", survivor.email, now=now)
        survivor.email = None
    number = moved.get("employee_id")
    if number is not None and survivor.employee_id == number:
        survivor.employee_id = None
        session.flush()
        absorbed.employee_id = number


def _record(
    session: Session,
    action: str,
    merge: PersonMerge,
    people: Sequence[Person],
    *,
    by: int,
    now: datetime,
) -> None:
    """Both see it in their log, each with the other's id."""
    session.flush()
    for person, other in zip(people, reversed(people), strict=True):
        audit.record(
            session,
            action,
            about=person,
            by=by,
            now=now,
            after={"merge_id": merge.id, "other_id": other.id, "moved": merge.moved},
            reason=merge.undo_reason or merge.reason,
        )
