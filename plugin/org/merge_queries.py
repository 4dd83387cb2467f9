"""Reads for merging people: who may be the same, what each entry holds, what was merged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from plugin.org.errors import MergeNotFoundError, PersonNotFoundError
from plugin.org.merge_models import PersonMerge
from plugin.org.models import Identity, Membership, Person, Unit
from plugin.org.search import has_words
from plugin.org.unit_queries import is_open

CANDIDATES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One of two entries side by side."""

    person: Person
    units: tuple[str, ...]
    identities: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeLine:
    """A merge as the person's page shows it; `name` is the other entry's."""

    id: int
    other_id: int
    name: str
    is_survivor: bool
    """Whether the page is of the entry that stays."""
    merged_at: datetime
    by: str
    reason: str
    undone_at: datetime | None
    undone_by: str | None
    undo_reason: str | None


def candidates(session: Session, person: Person, words: str) -> Sequence[Person]:
    """Who may be the same human: those with the words, else those with the address or name."""
    wanted = has_words(words) if words else _alike(person)
    return session.scalars(
        select(Person)
        .where(
            Person.organization_id == person.organization_id,
            Person.id != person.id,
            Person.deactivated_at.is_(None),
            wanted,
        )
        .order_by(Person.full_name, Person.id)
        .limit(CANDIDATES)
    ).all()


def _alike(person: Person) -> ColumnElement[bool]:
    same_name = Person.full_name == person.full_name
    if person.email is None:
        return same_name
    return or_(same_name, func.lower(Person.email) == person.email.lower())


def entry(session: Session, organization_id: int, person_id: int, at: datetime) -> Entry:
    """What is known of the entry, for somebody who has to decide whether two are one."""
    person = session.scalar(
        select(Person).where(Person.organization_id == organization_id, Person.id == person_id)
    )
    if person is None:
        raise PersonNotFoundError(person_id)
    units = session.scalars(
        select(Unit.name)
        .join(Membership, Membership.unit_id == Unit.id)
        .where(Membership.person_id == person_id, is_open(at))
        .group_by(Unit.id, Unit.name)
        .order_by(Unit.name)
    )
    known = session.execute(
        select(Identity.subject, Identity.issuer)
        .where(Identity.person_id == person_id)
        .order_by(Identity.id)
    )
    return Entry(
        person=person,
        units=tuple(units),
        identities=tuple(f"{subject} – {issuer}" for subject, issuer in known),
    )


def merges_of(session: Session, person_id: int, at: datetime) -> list[MergeLine]:
    """Every merge the person took part in by then, newest first; one statement."""
    other, by, undoer = aliased(Person), aliased(Person), aliased(Person)
    is_survivor = PersonMerge.survivor_id == person_id
    rows = session.execute(
        select(PersonMerge, other.id, other.full_name, by.full_name, undoer.full_name)
        .join(
            other,
            or_(
                and_(is_survivor, other.id == PersonMerge.absorbed_id),
                and_(PersonMerge.absorbed_id == person_id, other.id == PersonMerge.survivor_id),
            ),
        )
        .join(by, by.id == PersonMerge.merged_by)
        .outerjoin(undoer, undoer.id == PersonMerge.undone_by)
        .where(or_(is_survivor, PersonMerge.absorbed_id == person_id), PersonMerge.merged_at <= at)
        .order_by(PersonMerge.id.desc())
    )
    return [_merge_line(row, person_id, at) for row in rows]


def _merge_line(row: Any, person_id: int, at: datetime) -> MergeLine:
    """The merge as it was known at `at`: what was undone later was not undone yet."""
    merge, other_id, name, who, undone_by = row
    is_undone = merge.undone_at is not None and merge.undone_at <= at
    return MergeLine(
        id=merge.id,
        other_id=other_id,
        name=name,
        is_survivor=merge.survivor_id == person_id,
        merged_at=merge.merged_at,
        by=who,
        reason=merge.reason,
        undone_at=merge.undone_at if is_undone else None,
        undone_by=undone_by if is_undone else None,
        undo_reason=merge.undo_reason if is_undone else None,
    )


def merge_of(
    session: Session, organization_id: int, survivor_id: int, merge_id: int
) -> PersonMerge:
    """A merge into this person, or the refusal that says nothing of others."""
    found = session.scalar(
        select(PersonMerge).where(
            PersonMerge.organization_id == organization_id,
            PersonMerge.survivor_id == survivor_id,
            PersonMerge.id == merge_id,
        )
    )
    if found is None:
        raise MergeNotFoundError(merge_id)
    return found
