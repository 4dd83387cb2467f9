"""Completions of long ago, recorded in bulk: facts, and silent unless asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from plugin.core import audit, outbox
from plugin.core.db import Tx
from plugin.core.upsert import insert_new
from plugin.modules.models import Completion, CompletionSource
from plugin.org.models import Organization

CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Somebody passed, or did not pass, a module once."""

    person_id: int
    module_id: int
    happened_at: datetime
    passed: bool = True
    score: float | None = None

    @property
    def key(self) -> str:
        """The same completion told twice is one."""
        return f"history:{self.person_id}:{self.module_id}:{self.happened_at.isoformat()}"


def record_history(
    tx: Tx,
    organization: Organization,
    pasts: Sequence[Past],
    *,
    tells_people: bool = False,
    evidence: str,
    by: int | None,
    now: datetime,
) -> int:
    """These completions are facts and their people are judged anew; returns how many are new.

    Nobody is mailed about what they prove, unless `tells_people`. Safe to repeat.
    """
    people: set[int] = set()
    new = 0
    for start in range(0, len(pasts), CHUNK):
        chunk = pasts[start : start + CHUNK]
        rows = [_row(organization.id, each, not tells_people, evidence, now) for each in chunk]
        made = _insert(tx.session, rows)
        people.update(made)
        new += len(made)
    if new:
        audit.record(
            tx.session,
            "completions.imported",
            about=organization,
            by=by,
            now=now,
            after={"completions": new, "people": len(people), "tells_people": tells_people},
            reason=evidence,
        )
        outbox.evaluate_people(tx.session, sorted(people))
    return new


def _insert(session: Session, rows: Sequence[dict[str, Any]]) -> list[int]:
    """The people of the rows that are new."""
    new = insert_new(
        session,
        Completion,
        rows,
        key=("organization_id", "source", "source_key"),
        returning=[Completion.person_id],
    )
    return [row.person_id for row in new]


def _row(
    organization_id: int, past: Past, silent: bool, evidence: str, now: datetime
) -> dict[str, Any]:
    return {
        "organization_id": organization_id,
        "person_id": past.person_id,
        "module_id": past.module_id,
        "passed": past.passed,
        "score": past.score,
        "happened_at": past.happened_at,
        "learned_at": now,
        "source": CompletionSource.IMPORT,
        "source_key": past.key,
        "evidence": {"from": evidence},
        "silent": silent,
    }
