"""A tool says how somebody did: kept word by word, then made a completion (AGS 2.0, 3.4)."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.core.db import Tx
from plugin.lti.platform.columns import column_at
from plugin.lti.platform.errors import ServiceRefusal
from plugin.lti.platform.models import (
    ExternalTool,
    PairwiseId,
    ScoreCallback,
    ToolColumn,
    ToolLink,
)
from plugin.lti.platform.rules import DAY, Outcome, Said, read_score, report_of, too_many
from plugin.modules import actions as module_actions
from plugin.modules import queries as module_queries
from plugin.modules.models import Completion, CompletionSource, Module, Run, RunState
from plugin.modules.visibility import Doors

MAX_A_DAY = 300
"""Of one person: so many that are fully graded, and so many others."""


def receive(
    tx: Tx, tool: ExternalTool, column_uid: str, body: bytes, *, doors: Doors, now: datetime
) -> Outcome:
    """The score is on record, and is a completion if it is the tool's last word on a person who
    opened the module. An identical message again changes nothing, also when others came since.

    Raises ServiceRefusal: 404 for a foreign line item or person, 409 for an older timestamp, 429
    after `MAX_A_DAY`.
    """
    column = column_at(tx.session, tool, column_uid)
    said = read_score(body, now=now)
    called = _held(tx.session, tool, said.subject)
    digest = hashlib.sha256(body).hexdigest()
    for known in _as_late(tx.session, column, called.person_id, said.stamped_at):
        if known.digest == digest:
            return Outcome(known.outcome)
        raise ServiceRefusal(409, "conflict", "a score with the same or a later timestamp is known")
    _require_patience(tx.session, tool, called.person_id, said, now=now)
    run, outcome = _applied(tx, column, called.person_id, said, digest, doors=doors, now=now)
    tx.session.add(
        ScoreCallback(
            organization_id=tool.organization_id,
            tool_id=tool.id,
            column_id=column.id,
            person_id=called.person_id,
            run_id=run.id if run else None,
            body=body.decode("utf-8"),
            digest=digest,
            stamped_at=said.stamped_at,
            received_at=now,
            is_final=said.is_final,
            score=said.share,
            comment=said.comment,
            outcome=outcome.value,
        )
    )
    return outcome


def _held(session: Session, tool: ExternalTool, subject: str) -> PairwiseId:
    """Whom the tool means, held until the end: what it says of one person at once is heard one
    after the other, and nobody waits for what it says of others."""
    found = session.scalar(
        select(PairwiseId)
        .where(PairwiseId.tool_id == tool.id, PairwiseId.subject == subject)
        .with_for_update()
    )
    if found is None:
        raise ServiceRefusal(404, "not_found", "userId is nobody we launched here")
    return found


def _as_late(
    session: Session, column: ToolColumn, person_id: int, moment: datetime
) -> Sequence[ScoreCallback]:
    """What is known of this moment, or else the last thing known of a later one."""
    return session.scalars(
        select(ScoreCallback)
        .where(
            ScoreCallback.column_id == column.id,
            ScoreCallback.person_id == person_id,
            ScoreCallback.stamped_at >= moment,
        )
        .order_by(ScoreCallback.stamped_at)
        .limit(1)
    ).all()


def _require_patience(
    session: Session, tool: ExternalTool, person_id: int, said: Said, *, now: datetime
) -> None:
    """A tool that never stops would fill our disk: all it says is kept. What it says on the way
    takes no room from what is fully graded."""
    last_at = session.scalar(
        select(ScoreCallback.received_at)
        .where(
            ScoreCallback.tool_id == tool.id,
            ScoreCallback.person_id == person_id,
            ScoreCallback.received_at > now - DAY,
            ScoreCallback.is_final == said.is_final,
        )
        .order_by(ScoreCallback.received_at.desc())
        .offset(MAX_A_DAY - 1)
        .limit(1)
    )
    if last_at is not None:
        words = f"{MAX_A_DAY} scores of this kind were kept of this person in a day"
        raise too_many(words, last_at=last_at, now=now)


def _applied(
    tx: Tx,
    column: ToolColumn,
    person_id: int,
    said: Said,
    digest: str,
    *,
    doors: Doors,
    now: datetime,
) -> tuple[Run | None, Outcome]:
    if column.link_id is None:
        return None, Outcome.NOT_COUNTED
    link = tx.session.get_one(ToolLink, column.link_id)
    run = _run(tx.session, link, person_id)
    if run is None:
        return None, Outcome.NOT_STARTED
    ids = (link.organization_id, person_id, link.module_id)
    if not doors.is_visible(tx.session, *ids, now):
        return run, Outcome.NOT_ASSIGNED
    run.last_activity_at = now
    module = tx.session.get_one(Module, link.module_id)
    report = report_of(said, pass_share=module.pass_share)
    if report is None:
        return run, Outcome.NOTED
    sitting = _sitting(tx.session, run, now)
    if sitting is None:
        return run, Outcome.NOT_COUNTED
    evidence = {"tool_id": link.tool_id, "callback": digest, "at": said.stamped_at.isoformat()}
    made = module_actions.record_completion(
        tx,
        sitting,
        report,
        source=CompletionSource.LTI,
        evidence=evidence,
        happened_at=max(run.started_at, min(said.stamped_at, now)),
        now=now,
    )
    return sitting, _outcome(made)


def _outcome(made: Completion | None) -> Outcome:
    if made is None:
        return Outcome.NOT_BETTER
    return Outcome.PASSED if made.passed else Outcome.FAILED


def _run(session: Session, link: ToolLink, person_id: int) -> Run | None:
    """The person's newest sitting of what the link opens."""
    newest = (
        select(func.max(Run.number))
        .where(
            Run.person_id == person_id,
            Run.module_id == link.module_id,
            Run.module_version_id == link.module_version_id,
        )
        .scalar_subquery()
    )
    return session.scalar(
        select(Run)
        .where(Run.person_id == person_id, Run.module_id == link.module_id, Run.number == newest)
        .with_for_update()
    )


def _sitting(session: Session, run: Run, now: datetime) -> Run | None:
    """Where the report belongs: a sitting that ended without a pass makes room for another one of
    the same version, which the tool began without us; None when a newer version is begun."""
    if run.state is RunState.OPEN:
        return run
    known = module_queries.completions_of_run(session, run.id)
    if known and known[-1].passed:
        return run
    return module_actions.sit_again(session, run, now=now)
