"""What a course's roster says of its people beyond being there: claims, a course at a time.

The organization's rules about custom parameters, courses and roles in them are asked, as for
launches. What a roster says holds in its own course, so that two courses never end what the other
says, and a launch neither.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.orm import Session

from plugin.core.db import Tx, chunks
from plugin.core.upsert import insert_open
from plugin.org import membership_sets
from plugin.org.belonging import (
    RuleFacts,
    Said,
    course_key,
    is_asked_of_rosters,
    is_held,
    statements,
)
from plugin.org.launch_rules import active_rules, has_claim, note_unknown, resolve
from plugin.org.models import Identity, Membership, MembershipSource, Person, Unit
from plugin.org.rule_models import LaunchClaim, LaunchRule, RosterEntry, RosterTie, RuleSource

CHUNK = 500
BY_ROSTER = "roster:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """How many claims began and ended; how many people's stayed, since too many would end."""

    begun: int = 0
    ended: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claimed:
    """An open claim of the course, or one that is to be."""

    identity_id: int
    person_id: int
    rule_id: int
    unit_id: int
    context: str
    id: int = 0


@dataclass(slots=True)
class _Changes:
    """What is to begin and end; `empties` are identities that would be in no unit by a rule."""

    begin: list[_Claimed]
    end: list[_Claimed]
    empties: set[int]


def key_of(tie: RosterTie) -> str:
    """The name of a tie's course among all LMSs."""
    return course_key(tie.registration_id, tie.deployment_id, tie.context_id)


def context_of(rule: RuleFacts, course: str) -> str:
    """Where a roster's word by this rule holds. By a parameter a launch speaks without a course, by
    a role with one: so that neither ends what the other said, the roster has a place of its own."""
    return course if rule.source == RuleSource.CUSTOM else f"{BY_ROSTER}{course}"


def has_rules(session: Session, organization_id: int) -> bool:
    """Whether any rule in use looks at custom parameters."""
    found = select(LaunchRule.id).where(
        LaunchRule.organization_id == organization_id,
        LaunchRule.source == RuleSource.CUSTOM,
        LaunchRule.is_active,
    )
    return session.scalar(found.limit(1)) is not None


def follow(
    tx: Tx,
    tie: RosterTie,
    said: Mapping[str, Said],
    *,
    issuer: str,
    client_id: str,
    now: datetime,
) -> Followed:
    """The people are in the units that the course's roster says of them, by their ids there.

    If more than a tenth, and at least five, would be in no unit any more, those stay as they are:
    an LMS that forgets its variables empties no unit. Safe to call again.
    """
    session, organization_id = tx.session, tie.organization_id
    rules = [each for each in active_rules(session, organization_id) if is_asked_of_rosters(each)]
    if not rules:
        return Followed()
    changes = _Changes(begin=[], end=[], empties=set())
    contexts = {rule.id: context_of(rule, key_of(tie)) for rule in rules}
    stated = {subject: statements(rules, each) for subject, each in said.items()}
    every = {each for some in stated.values() for each in some}
    resolved, unknown = resolve(session, organization_id, sorted(every, key=repr))
    unit_ids = {each: None if unit is None else unit.id for each, unit in resolved}
    people = _identities(session, organization_id, issuer, client_id, list(stated))
    open_claims = _open_claims(session, key_of(tie), [each[0] for each in people.values()])
    for subject, (identity_id, person_id) in people.items():
        wanted = {each.rule_id: unit_ids[each] for each in stated[subject] if each in unit_ids}
        claimed = open_claims.get(identity_id, ())
        _compare(changes, identity_id, person_id, wanted, claimed, contexts=contexts)
    held = _held(changes, claimed=len(open_claims))
    ended = _end(session, tie, [each for each in changes.end if each.identity_id not in held], now)
    _begin(session, tie, changes.begin, now)
    for each in unknown:
        note_unknown(session, organization_id, each, now=now)
    return Followed(begun=len(changes.begin), ended=ended, held=len(held))


def _identities(
    session: Session, organization_id: int, issuer: str, client_id: str, subjects: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """Identity and person by the id in the LMS; who was deactivated is nowhere."""
    found: dict[str, tuple[int, int]] = {}
    for start in range(0, len(subjects), CHUNK):
        rows = session.execute(
            select(Identity.subject, Identity.id, Identity.person_id)
            .join(Person, Person.id == Identity.person_id)
            .where(
                Identity.organization_id == organization_id,
                Identity.issuer == issuer,
                Identity.client_id == client_id,
                Identity.subject.in_(subjects[start : start + CHUNK]),
                Person.deactivated_at.is_(None),
            )
        )
        found |= {subject: (identity, person) for subject, identity, person in rows}
    return found


def _open_claims(
    session: Session, course: str, identity_ids: Sequence[int]
) -> dict[int, list[_Claimed]]:
    found: dict[int, list[_Claimed]] = {}
    for some in chunks(identity_ids, CHUNK):
        rows = session.execute(
            select(LaunchClaim, Identity.person_id)
            .join(Identity, Identity.id == LaunchClaim.identity_id)
            .where(_of_roster(course), LaunchClaim.identity_id.in_(some))
        )
        for claim, person_id in rows:
            found.setdefault(claim.identity_id, []).append(
                _Claimed(
                    id=claim.id,
                    identity_id=claim.identity_id,
                    person_id=person_id,
                    rule_id=claim.rule_id,
                    unit_id=claim.unit_id,
                    context=claim.context,
                )
            )
    return found


def _of_roster(course: str) -> ColumnElement[bool]:
    """Open claims of a course by its roster: launches leave those of custom parameters without
    a course, and those with one are about roles."""
    by_custom = LaunchClaim.rule_id.in_(
        select(LaunchRule.id).where(LaunchRule.source == RuleSource.CUSTOM)
    )
    return LaunchClaim.until_at.is_(None) & (
        (LaunchClaim.context == f"{BY_ROSTER}{course}")
        | ((LaunchClaim.context == course) & by_custom)
    )


def _compare(
    changes: _Changes,
    identity_id: int,
    person_id: int,
    wanted: Mapping[int, int | None],
    claimed: Iterable[_Claimed],
    *,
    contexts: Mapping[int, str],
) -> None:
    """About a rule that the roster is silent on nothing changes."""
    known = list(claimed)
    for rule_id, unit_id in wanted.items():
        mine = [each for each in known if each.rule_id == rule_id]
        others = [each for each in mine if each.unit_id != unit_id]
        changes.end += others
        if others and unit_id is None:
            changes.empties.add(identity_id)
        if unit_id is not None and len(others) == len(mine):
            changes.begin.append(
                _Claimed(
                    identity_id=identity_id,
                    person_id=person_id,
                    rule_id=rule_id,
                    unit_id=unit_id,
                    context=contexts[rule_id],
                )
            )


def _held(changes: _Changes, *, claimed: int) -> Collection[int]:
    if is_held(ends=len(changes.empties), memberships=claimed):
        return changes.empties
    return ()


def _end(session: Session, tie: RosterTie, gone: Sequence[_Claimed], now: datetime) -> int:
    for some in chunks([each.id for each in gone], CHUNK):
        session.execute(
            update(LaunchClaim)
            .where(LaunchClaim.id.in_(some), LaunchClaim.until_at.is_(None))
            .values(until_at=now)
            .execution_options(synchronize_session=False)
        )
    people: dict[int, set[int]] = {}
    for each in gone:
        people.setdefault(each.unit_id, set()).add(each.person_id)
    for unit_id, ids in people.items():
        for some in chunks(sorted(ids), CHUNK):
            membership_sets.end(
                session,
                tie.organization_id,
                (Membership.unit_id == unit_id) & Membership.person_id.in_(some) & ~has_claim(),
                source=MembershipSource.LAUNCH,
                by=None,
                reason=f"roster {tie.id}",
                now=now,
            )
    return len(gone)


def _begin(session: Session, tie: RosterTie, new: Sequence[_Claimed], now: datetime) -> None:
    rows = [
        {
            "organization_id": tie.organization_id,
            "rule_id": each.rule_id,
            "identity_id": each.identity_id,
            "unit_id": each.unit_id,
            "context": each.context,
            "since_at": now,
        }
        for each in new
    ]
    insert_open(session, LaunchClaim, rows)
    people: dict[int, set[int]] = {}
    for each in new:
        people.setdefault(each.unit_id, set()).add(each.person_id)
    for unit in session.scalars(select(Unit).where(Unit.id.in_(people))):
        membership_sets.begin(
            session,
            unit,
            sorted(people[unit.id]),
            source=MembershipSource.LAUNCH,
            reason=f"roster {tie.id}",
            now=now,
        )


def end_absent(session: Session, tie: RosterTie, *, now: datetime) -> int:
    """What the course's roster said of people it no longer names is over; returns how many."""
    listed = exists().where(
        RosterEntry.tie_id == RosterTie.id,
        RosterEntry.person_id == Identity.person_id,
        RosterEntry.until_at.is_(None),
        RosterTie.registration_id == tie.registration_id,
        RosterTie.deployment_id == tie.deployment_id,
        RosterTie.context_id == tie.context_id,
        RosterTie.until_at.is_(None),
    )
    rows = session.execute(
        select(LaunchClaim, Identity.person_id)
        .join(Identity, Identity.id == LaunchClaim.identity_id)
        .where(_of_roster(key_of(tie)), ~listed)
    )
    gone = [
        _Claimed(
            id=claim.id,
            identity_id=claim.identity_id,
            person_id=person_id,
            rule_id=claim.rule_id,
            unit_id=claim.unit_id,
            context=claim.context,
        )
        for claim, person_id in rows
    ]
    return _end(session, tie, gone, now)
