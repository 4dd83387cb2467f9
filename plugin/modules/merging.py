"""Completions of a person who was merged into another count for both, and stop when undone."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from plugin.core.db import Tx, chunks
from plugin.core.outbox import JobName
from plugin.modules.models import Completion, CompletionSource
from plugin.modules.queries import WITHDRAWN
from plugin.org.merge_models import PersonMerge

CHUNK = 500


def carry_over(tx: Tx, absorbed_id: int, *, now: datetime) -> int:
    """What the absorbed person passed is recorded for the survivor too, once; returns how much.

    Each copy keeps day, score, source and evidence, and names what it was made from. Safe to call
    again: that is how a completion that arrives late for the absorbed person comes to count.
    """
    session = tx.session
    merge = session.scalar(
        select(PersonMerge).where(
            PersonMerge.absorbed_id == absorbed_id, PersonMerge.undone_at.is_(None)
        )
    )
    if merge is None:
        return 0
    copies = [_copy(merge, each, now) for each in _not_carried(session, merge)]
    if copies:
        session.add_all(copies)
        session.flush()
        tx.then(JobName.EVALUATE_PERSON, merge.survivor_id)
    return len(copies)


def _key(merge: PersonMerge, completion_id: int) -> str:
    return f"merge:{merge.id}:{completion_id}"


def _not_carried(session: Session, merge: PersonMerge) -> list[Completion]:
    later = aliased(Completion)
    passed = session.scalars(
        select(Completion)
        .where(
            Completion.person_id == merge.absorbed_id,
            Completion.passed,
            ~select(later.id).where(later.supersedes_id == Completion.id).exists(),
        )
        .order_by(Completion.id)
    ).all()
    known = set(
        session.scalars(
            select(Completion.source_key).where(
                Completion.person_id == merge.survivor_id,
                Completion.source_key.startswith(f"merge:{merge.id}:", autoescape=True),
            )
        )
    )
    return [each for each in passed if _key(merge, each.id) not in known]


def _copy(merge: PersonMerge, original: Completion, now: datetime) -> Completion:
    return Completion(
        organization_id=original.organization_id,
        person_id=merge.survivor_id,
        module_id=original.module_id,
        module_version_id=original.module_version_id,
        passed=True,
        score=original.score,
        happened_at=original.happened_at,
        learned_at=now,
        source=original.source,
        source_key=_key(merge, original.id),
        evidence={**original.evidence, "merged_from": original.id},
        reason=original.reason,
        valid_until_on=original.valid_until_on,
        silent=original.silent,
    )


def take_back(tx: Tx, merge: PersonMerge, *, by: int, reason: str, now: datetime) -> int:
    """The copies a merge made no longer count: each is superseded by who says so and why."""
    session = tx.session
    found = list(
        session.scalars(
            select(Completion).where(
                Completion.person_id == merge.survivor_id,
                Completion.source_key.startswith(f"merge:{merge.id}:", autoescape=True),
            )
        )
    )
    last = _last_words(session, found)
    session.add_all(_withdrawal(each, by=by, reason=reason, now=now) for each in last)
    session.flush()
    return len(last)


def _last_words(session: Session, completions: Sequence[Completion]) -> list[Completion]:
    """What now stands for each: itself, or the last of its corrections."""
    standing: list[Completion] = []
    current = list(completions)
    while current:
        following: list[Completion] = []
        for some in chunks([each.id for each in current], CHUNK):
            following += session.scalars(
                select(Completion).where(Completion.supersedes_id.in_(some))
            ).all()
        replaced = {each.supersedes_id for each in following}
        standing += [each for each in current if each.id not in replaced]
        current = following
    return standing


def _withdrawal(completion: Completion, *, by: int, reason: str, now: datetime) -> Completion:
    return Completion(
        organization_id=completion.organization_id,
        person_id=completion.person_id,
        module_id=completion.module_id,
        module_version_id=completion.module_version_id,
        passed=False,
        score=None,
        happened_at=completion.happened_at,
        learned_at=now,
        source=CompletionSource.MANUAL,
        source_key=f"{WITHDRAWN}{completion.id}",
        evidence={"withdrawn_by": by},
        supersedes_id=completion.id,
        reason=reason,
    )
