"""A completion that another system reports."""

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.core.base import JsonDict
from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.modules.models import Completion, CompletionSource, Module
from plugin.org.models import Person


def known(session: Session, organization_id: int, source_key: str) -> Completion | None:
    """What was recorded under this key, however long ago."""
    return session.scalar(
        select(Completion).where(
            Completion.organization_id == organization_id,
            Completion.source == CompletionSource.API,
            Completion.source_key == source_key,
        )
    )


def record(
    tx: Tx,
    person: Person,
    module: Module,
    *,
    passed: bool,
    score: float | None,
    happened_at: datetime,
    valid_until_on: date | None = None,
    source_key: str,
    evidence: JsonDict,
    now: datetime,
) -> Completion:
    """The fact is on record, and the person is judged again; `source_key` was never used."""
    completion = Completion(
        organization_id=person.organization_id,
        person_id=person.id,
        module_id=module.id,
        module_version_id=module.current_version_id,
        passed=passed,
        score=score,
        happened_at=min(happened_at, now),
        learned_at=now,
        source=CompletionSource.API,
        source_key=source_key,
        evidence=evidence,
        valid_until_on=valid_until_on,
    )
    tx.session.add(completion)
    tx.then(JobName.EVALUATE_PERSON, person.id)
    return completion
