"""Everything that changes launches and what content stored."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from plugin.core.db import Tx
from plugin.core.secrets import hash_of, new_token
from plugin.modules import actions as module_actions
from plugin.modules import queries as module_queries
from plugin.modules import retraining, visibility
from plugin.modules.models import CompletionSource, Run, RunState
from plugin.scorm import commits, opening, queries, runtime
from plugin.scorm.commits import Commit, Entry
from plugin.scorm.errors import LaunchClosedError, OpenedElsewhereError
from plugin.scorm.models import (
    COURSE,
    CommitEvent,
    Package,
    ScormLaunch,
    ScormShared,
    ScormState,
)
from plugin.scorm.opening import Opened
from plugin.scorm.policy import Policy

LAUNCH_LIFE = timedelta(hours=12)


def create_launch(session: Session, run: Run, *, frame_ancestors: str, now: datetime) -> str:
    """A way into the player for this run; the token is shown once and kept as a hash."""
    token = new_token()
    session.add(
        ScormLaunch(
            organization_id=run.organization_id,
            run_id=run.id,
            token_hash=hash_of(token),
            frame_ancestors=frame_ancestors,
            created_at=now,
            expires_at=now + LAUNCH_LIFE,
            last_seen_at=now,
        )
    )
    return token


def open_player(
    tx: Tx, token: str, body: bytes, *, doors: visibility.Doors, now: datetime
) -> Opened:
    """This opening is now the one that writes; what earlier ones could not deliver is kept.

    Refused when the module is the person's to open no more, however old the address is.
    """
    run = queries.lock_run(tx.session, token)
    ids = (run.organization_id, run.person_id, run.module_id)
    visibility.require_visible(doors, tx.session, *ids, now=now)
    launch, package = queries.launch_and_package(tx.session, token)
    is_over = run.state is RunState.ABANDONED or _is_replaced(tx.session, run, now)
    if launch.expires_at <= now or is_over:
        raise LaunchClosedError(launch.id)
    stored = queries.states(tx.session, run.id)
    policy = queries.policy_of(tx.session, package)
    for replay in commits.parse_replays(body, queries.writers(package)):
        _replay(tx, run, launch, (package, policy), stored, replay, now=now)
    launch.opening = queries.last_opening(tx.session, run.id) + 1
    launch.last_seq, launch.is_review = 0, run.state is not RunState.OPEN
    launch.superseded_at = launch.closed_at = None
    _seen(launch, now)
    tx.session.execute(
        update(ScormLaunch)
        .where(
            ScormLaunch.run_id == run.id,
            ScormLaunch.id != launch.id,
            ScormLaunch.superseded_at.is_(None),
        )
        .values(superseded_at=now)
    )
    tx.session.flush()
    return opening.opened(tx.session, run, launch, (package, policy), stored)


def _is_replaced(session: Session, run: Run, now: datetime) -> bool:
    """Whether the sitting is under way with a version in whose place another is required by now."""
    if run.state is not RunState.OPEN:
        return False
    module = module_queries.module_of(session, run.organization_id, run.module_id)
    return retraining.is_over(session, module, run.module_version_id, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a commit came to: the run's state, whether anything was new, and how parts stand."""

    run_state: RunState
    is_new: bool
    marks: dict[str, opening.Mark]
    """Of each part that was said something of."""


def commit(tx: Tx, token: str, body: bytes, *, now: datetime) -> Kept:
    """Keep what an opening says, and the completion it means, in this one transaction.

    What was kept before is acknowledged again; an opening that is no longer the newest is refused.
    """
    run = queries.lock_run(tx.session, token)
    launch, package = queries.launch_and_package(tx.session, token)
    stored = queries.states(tx.session, run.id)
    said = commits.parse(body, queries.writers(package))
    _check_holds(run, launch, said.opening, now)
    fresh = [entry for entry in said.entries if entry.seq > launch.last_seq]
    for entry in fresh:
        launch.last_seq = entry.seq
    policy = queries.policy_of(tx.session, package)
    _keep(tx, run, launch, (package, policy), stored, fresh, opening=said.opening, now=now)
    _seen(launch, now)
    if said.is_last:
        launch.closed_at = now
    parts = {entry.sco_id for entry in said.entries}
    marks = opening.marks_of(package, policy, stored, parts)
    return Kept(run_state=run.state, is_new=bool(fresh), marks=marks)


def heartbeat(tx: Tx, token: str, body: bytes, *, now: datetime) -> None:
    """The launch lives on; refused when another opening has taken over."""
    run = queries.lock_run(tx.session, token)
    launch, _ = queries.launch_and_package(tx.session, token)
    _check_holds(run, launch, commits.parse_opening(body), now)
    _seen(launch, now)


def _check_holds(run: Run, launch: ScormLaunch, opening: int, now: datetime) -> None:
    """Nothing is acknowledged that would not count: a sitting that was ended takes nothing more."""
    if launch.superseded_at is not None or launch.opening != opening:
        raise OpenedElsewhereError(launch.id)
    is_over = launch.closed_at is not None or run.state is RunState.ABANDONED
    if is_over or launch.expires_at <= now:
        raise LaunchClosedError(launch.id)


def _seen(launch: ScormLaunch, now: datetime) -> None:
    launch.last_seen_at, launch.expires_at = now, now + LAUNCH_LIFE


def _replay(
    tx: Tx,
    run: Run,
    launch: ScormLaunch,
    read_as: tuple[Package, Policy],
    stored: dict[str, ScormState],
    said: Commit,
    *,
    now: datetime,
) -> None:
    """Of an earlier opening, take only what is newer than everything kept since."""
    last = queries.last_commit(tx.session, run.id)
    if said.opening > queries.last_opening(tx.session, run.id):
        return
    fresh = [entry for entry in said.entries if (said.opening, entry.seq) > last]
    _keep(tx, run, launch, read_as, stored, fresh, opening=said.opening, now=now)
    tx.session.flush()


def _keep(
    tx: Tx,
    run: Run,
    launch: ScormLaunch,
    read_as: tuple[Package, Policy],
    stored: dict[str, ScormState],
    entries: list[Entry],
    *,
    opening: int,
    now: datetime,
) -> None:
    if not entries:
        return
    for entry in entries:
        _store(tx.session, run, stored, entry, now)
        tx.session.add(_event(run, launch, entry, opening, now))
    run.last_activity_at = now
    if launch.is_review:
        return
    package, policy = read_as
    report = runtime.progress_of(
        queries.scos_of(package, stored), policy=policy, course=queries.course_in(package, stored)
    )
    if policy.shares_objectives:
        _share(tx.session, run, entries, now)
    evidence = {
        "package_id": package.id,
        "package_sha256": package.sha256,
        "opening": opening,
        "seq": entries[-1].seq,
        "commits": [{"part": entry.sco_id, "sha256": entry.sha256} for entry in entries],
        "rules": {name: str(value) for name, value in asdict(policy).items()},
    }
    module_actions.record_completion(
        tx, run, report, source=CompletionSource.SCORM, evidence=evidence, now=now
    )


def _share(session: Session, run: Run, entries: list[Entry], now: datetime) -> None:
    """What the course shares with others is kept for the person's next one."""
    told = [each.cmi.get("shared") for each in entries if each.sco_id == COURSE]
    if not told or not isinstance(told[-1], dict):
        return
    kept = session.get(ScormShared, run.person_id)
    if kept is None:
        kept = ScormShared(person_id=run.person_id, organization_id=run.organization_id)
        session.add(kept)
    kept.shared, kept.updated_at = told[-1], now


def _store(
    session: Session, run: Run, stored: dict[str, ScormState], entry: Entry, now: datetime
) -> None:
    state = stored.get(entry.sco_id)
    if state is None:
        state = stored[entry.sco_id] = ScormState(
            organization_id=run.organization_id, run_id=run.id, sco_id=entry.sco_id
        )
        session.add(state)
    state.cmi, state.updated_at = entry.cmi, now
    state.is_status_set, state.is_finished = entry.is_status_set, entry.is_finished


def _event(run: Run, launch: ScormLaunch, entry: Entry, opening: int, now: datetime) -> CommitEvent:
    status, score = runtime.told(entry.cmi)
    return CommitEvent(
        organization_id=run.organization_id,
        run_id=run.id,
        launch_id=launch.id,
        opening=opening,
        seq=entry.seq,
        sco_id=entry.sco_id,
        trigger=entry.trigger,
        at=now,
        size=entry.size,
        sha256=entry.sha256,
        status=status,
        score=score,
    )
