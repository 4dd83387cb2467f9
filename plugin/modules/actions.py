"""Everything that changes modules, sittings and completions."""

from datetime import date, datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from plugin.core import audit
from plugin.core.base import JsonDict
from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.modules import queries, retraining
from plugin.modules.models import (
    Completion,
    CompletionSource,
    Module,
    ModuleKind,
    ModuleState,
    ModuleVersion,
    Run,
    RunState,
)
from plugin.modules.rules import Report, Verdict, is_better, outcome

ENDED = {Verdict.PASSED: RunState.COMPLETED, Verdict.FAILED: RunState.FAILED}
PROOFS = ("file", "document", "certificate", "session")
"""What of the evidence of a completion is about the thing itself, whoever says what of it."""
BETTER_SCORE = "A better score in the same sitting."
PASSED_AFTER_ALL = "Passed in the same sitting after all."


def create_module(
    session: Session,
    organization_id: int,
    *,
    kind: ModuleKind,
    title: str,
    by: int | None,
    now: datetime,
) -> Module:
    """A published module; it can be played once it has a version."""
    module = Module(
        organization_id=organization_id,
        kind=kind,
        title=title,
        description="",
        state=ModuleState.PUBLISHED,
        created_at=now,
    )
    session.add(module)
    audit.record(session, "module.created", about=module, by=by, now=now)
    return module


def add_version(
    session: Session, module: Module, *, package_id: int | None, by: int | None, now: datetime
) -> ModuleVersion:
    """New sittings use the new version; those under way stay with theirs."""
    session.flush()
    session.refresh(module, with_for_update=True)
    before = session.get(ModuleVersion, module.current_version_id or 0)
    version = ModuleVersion(
        organization_id=module.organization_id,
        module_id=module.id,
        number=before.number + 1 if before else 1,
        package_id=package_id,
        created_at=now,
    )
    session.add(version)
    session.flush()
    module.current_version_id = version.id
    audit.record(
        session,
        "module.version_added",
        about=module,
        by=by,
        now=now,
        after={"number": version.number, "package_id": package_id},
    )
    return version


def note_change(
    session: Session, module: Module, before: JsonDict, after: JsonDict, *, by: int, now: datetime
) -> None:
    """Who made the module something else, if anything changed."""
    if before != after:
        audit.record(
            session, "module.changed", about=module, by=by, now=now, before=before, after=after
        )


def start_run(session: Session, module: Module, person_id: int, *, now: datetime) -> Run:
    """The person's open sitting, or a new one of the current version. Whether the module may be
    opened at all (`visibility.require_visible`) is asked before. A sitting of a version in whose
    place a newer one has to be learned by now is ended without a result."""
    version = queries.current_version(session, module)
    found = queries.open_run(session, person_id, module.id)
    if found is not None:
        is_current = found.module_version_id == version.id
        if is_current or not retraining.is_over(session, module, found.module_version_id, now=now):
            return found
        found.state, found.ended_at = RunState.ABANDONED, now
        session.flush()
    run = _new_run(session, module.organization_id, person_id, module.id, version.id, now)
    try:
        with session.begin_nested():
            session.add(run)
    except IntegrityError:  # two starts at the same moment: the other one won
        found = queries.open_run(session, person_id, module.id)
        if found is None:
            raise
        return found
    return run


def _new_run(
    session: Session,
    organization_id: int,
    person_id: int,
    module_id: int,
    version_id: int,
    now: datetime,
) -> Run:
    return Run(
        organization_id=organization_id,
        person_id=person_id,
        module_id=module_id,
        module_version_id=version_id,
        number=queries.last_number(session, person_id, module_id) + 1,
        state=RunState.OPEN,
        started_at=now,
        last_activity_at=now,
    )


def sit_again(session: Session, run: Run, *, now: datetime) -> Run | None:
    """Another sitting of the version of an ended one; None while any other sitting is open."""
    if queries.open_run(session, run.person_id, run.module_id) is not None:
        return None
    again = _new_run(
        session, run.organization_id, run.person_id, run.module_id, run.module_version_id, now
    )
    try:
        with session.begin_nested():
            session.add(again)
    except IntegrityError:  # one was begun at the same moment
        return None
    return again


def record_completion(
    tx: Tx,
    run: Run,
    report: Report,
    *,
    source: CompletionSource,
    evidence: JsonDict,
    happened_at: datetime | None = None,
    valid_until_on: date | None = None,
    now: datetime,
) -> Completion | None:
    """Keep what the report decides, once per sitting; nothing later undoes it.

    The caller holds the lock on the run. Only what is better is added, as a fact that supersedes
    the first: a better score of a passed sitting, or that a failed one was passed after all.
    `happened_at`: when that was, where it is told later.
    """
    if run.state is not RunState.OPEN:
        known = queries.completions_of_run(tx.session, run.id)
        if not known:
            return None  # abandoned
        return _improve(tx, run, known[-1], report, evidence=evidence, now=now)
    run.score, run.progress = report.score, report.progress
    verdict = outcome(report)
    if verdict is Verdict.OPEN:
        return None
    completion = _completion(run, source, f"run:{run.id}", evidence, now)
    completion.run_id, completion.happened_at = run.id, happened_at or now
    completion.passed, completion.score = verdict is Verdict.PASSED, report.score
    completion.valid_until_on = valid_until_on
    tx.session.add(completion)
    run.state, run.ended_at = ENDED[verdict], now
    tx.then(JobName.EVALUATE_PERSON, run.person_id)
    return completion


def _improve(
    tx: Tx, run: Run, last: Completion, report: Report, *, evidence: JsonDict, now: datetime
) -> Completion | None:
    if last.passed:
        is_news = is_better(report.score, last.score)
    else:
        is_news = last.source is not CompletionSource.MANUAL  # what a person decided stays
    if outcome(report) is not Verdict.PASSED or not is_news:
        return None
    key = f"run:{run.id}:after:{last.id}"
    better = _completion(run, last.source, key, evidence, now)
    better.passed, better.score = True, report.score
    better.happened_at = last.happened_at if last.passed else now
    better.supersedes_id = last.id
    better.reason = BETTER_SCORE if last.passed else PASSED_AFTER_ALL
    run.state, run.score, run.progress = RunState.COMPLETED, report.score, report.progress
    tx.session.add(better)
    tx.then(JobName.EVALUATE_PERSON, run.person_id)
    return better


def _completion(
    run: Run, source: CompletionSource, key: str, evidence: JsonDict, now: datetime
) -> Completion:
    return Completion(
        organization_id=run.organization_id,
        person_id=run.person_id,
        module_id=run.module_id,
        module_version_id=run.module_version_id,
        happened_at=now,
        learned_at=now,
        source=source,
        source_key=key,
        evidence=evidence,
    )


def correct_completion(
    tx: Tx,
    completion: Completion,
    *,
    passed: bool,
    score: float | None,
    happened_at: datetime | None = None,
    valid_until_on: date | None,
    by: int,
    reason: str,
    now: datetime,
) -> Completion:
    """What was recorded was wrong: a new fact supersedes it, with who says so and why.

    Without `happened_at` only the outcome, or the last day of its own, was wrong.
    """
    moment = happened_at or completion.happened_at
    right = Completion(
        organization_id=completion.organization_id,
        person_id=completion.person_id,
        module_id=completion.module_id,
        module_version_id=completion.module_version_id,
        passed=passed,
        score=score,
        happened_at=moment,
        learned_at=now,
        source=CompletionSource.MANUAL,
        source_key=f"corrects:{completion.id}",
        evidence={**_kept(completion.evidence), "corrected_by": by},
        supersedes_id=completion.id,
        reason=reason,
        valid_until_on=valid_until_on,
    )
    tx.session.add(right)
    audit.record(
        tx.session,
        "completion.corrected",
        about=right,
        by=by,
        now=now,
        before=_outcome(completion),
        after=_outcome(right),
        reason=reason,
    )
    tx.then(JobName.EVALUATE_PERSON, completion.person_id)
    return right


def _kept(evidence: JsonDict) -> JsonDict:
    """What proves it stays with what is said of it now."""
    return {name: evidence[name] for name in PROOFS if evidence.get(name)}


def _outcome(completion: Completion) -> JsonDict:
    return {
        "passed": completion.passed,
        "score": completion.score,
        "happened_at": completion.happened_at.isoformat(),
        "valid_until_on": str(completion.valid_until_on) if completion.valid_until_on else None,
    }
