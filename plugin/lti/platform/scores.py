"""A tool says how somebody did: kept word by word, then made a completion (AGS 2.0, 3.4)."""

import hashlib
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.core.db import Tx
from plugin.lti.platform import queries
from plugin.lti.platform.errors import ServiceRefusal
from plugin.lti.platform.models import ExternalTool, ScoreCallback, ToolColumn, ToolLink
from plugin.lti.platform.rules import Outcome, Said, read_score, report_of
from plugin.modules import actions as module_actions
from plugin.modules import queries as module_queries
from plugin.modules.models import Completion, CompletionSource, Module, Run, RunState
from plugin.modules.visibility import Doors

REFUSED = {
    Outcome.NOT_ASSIGNED: "the module is not assigned to this person now; the score is on record",
    Outcome.NOT_STARTED: "this person has not opened the module; the score is on record",
}


def receive(
    tx: Tx, tool: ExternalTool, column_uid: str, body: bytes, *, doors: Doors, now: datetime
) -> Outcome:
    """The score is on record, and is a completion if it is the tool's last word on a person who
    opened the module. The identical message again changes nothing.

    Raises ServiceRefusal: 404 for a foreign line item or person, 409 for an older timestamp.
    """
    column = _locked(tx.session, tool, column_uid)
    said = read_score(body, now=now)
    called = queries.person_called(tx.session, tool, said.subject)
    if called is None:
        raise ServiceRefusal(404, "not_found", "userId is nobody we launched here")
    digest = hashlib.sha256(body).hexdigest()
    last = _last(tx.session, column, called.person_id)
    if last is not None and last.digest == digest:
        return Outcome(last.outcome)
    if last is not None and said.stamped_at <= last.stamped_at:
        raise ServiceRefusal(409, "conflict", "a score with the same or a later timestamp is known")
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


def _locked(session: Session, tool: ExternalTool, uid: str) -> ToolColumn:
    """The line item, held until the end: what a tool says at once is heard one after the other."""
    found = session.scalar(
        select(ToolColumn)
        .where(
            ToolColumn.uid == uid, ToolColumn.tool_id == tool.id, ToolColumn.removed_at.is_(None)
        )
        .with_for_update()
    )
    if found is None:
        raise ServiceRefusal(404, "not_found", "this line item does not exist")
    return found


def _last(session: Session, column: ToolColumn, person_id: int) -> ScoreCallback | None:
    return session.scalar(
        select(ScoreCallback)
        .where(ScoreCallback.column_id == column.id, ScoreCallback.person_id == person_id)
        .order_by(ScoreCallback.stamped_at.desc())
        .limit(1)
    )


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
    run = _sitting(tx.session, module, run, now)
    evidence = {"tool_id": link.tool_id, "callback": digest, "at": said.stamped_at.isoformat()}
    made = module_actions.record_completion(
        tx, run, report, source=CompletionSource.LTI, evidence=evidence, now=now
    )
    return run, _outcome(made)


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


def _sitting(session: Session, module: Module, run: Run, now: datetime) -> Run:
    """Where the report belongs: a sitting that ended without a pass makes room for another one,
    which the tool began without us."""
    if run.state is RunState.OPEN:
        return run
    known = module_queries.completions_of_run(session, run.id)
    if known and known[-1].passed:
        return run
    fresh = module_actions.start_run(session, module, run.person_id, now=now)
    session.flush()
    return fresh
