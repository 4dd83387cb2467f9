"""Reads of packages, launches and what content stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.core.base import JsonDict
from plugin.core.secrets import hash_of
from plugin.modules import queries as module_queries
from plugin.modules.models import Module, ModuleKind, ModuleVersion, Run
from plugin.org.models import Person
from plugin.org.person_queries import is_deactivated
from plugin.scorm import runtime2004
from plugin.scorm.addresses import host_of
from plugin.scorm.editions import Version
from plugin.scorm.errors import (
    LaunchClosedError,
    LaunchNotFoundError,
    NoCourseError,
    PackageNotFoundError,
)
from plugin.scorm.models import (
    COURSE,
    CommitEvent,
    Package,
    PackageState,
    ScormLaunch,
    ScormRules,
    ScormShared,
    ScormState,
)
from plugin.scorm.policy import Policy
from plugin.scorm.scos import Course, Sco


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where the files of a launch's package lie, and who may frame them."""

    base_key: str
    frame_ancestors: str
    title: str
    run_id: int
    is_2004: bool


def package_of(session: Session, organization_id: int, package_id: int) -> Package:
    found = session.scalar(
        select(Package).where(Package.organization_id == organization_id, Package.id == package_id)
    )
    if found is None:
        raise PackageNotFoundError(package_id)
    return found


def course_of(session: Session, organization_id: int, module_id: int) -> Module:
    """A module that packages are versions of; raises NoCourseError for one of another kind."""
    found = module_queries.module_of(session, organization_id, module_id)
    if found.kind is not ModuleKind.SCORM:
        raise NoCourseError(module_id)
    return found


def versions_of_module(
    session: Session, organization_id: int, module_id: int
) -> Sequence[tuple[ModuleVersion, Package | None]]:
    """A module's versions with their packages, newest first."""
    rows = session.execute(
        select(ModuleVersion, Package)
        .outerjoin(Package, Package.id == ModuleVersion.package_id)
        .where(
            ModuleVersion.organization_id == organization_id, ModuleVersion.module_id == module_id
        )
        .order_by(ModuleVersion.number.desc())
    )
    return [(version, package) for version, package in rows]


def version_of_package(session: Session, package: Package) -> ModuleVersion | None:
    """What the package became, once it is ready."""
    return session.scalar(
        select(ModuleVersion).where(
            ModuleVersion.organization_id == package.organization_id,
            ModuleVersion.package_id == package.id,
        )
    )


def recent_packages(session: Session, organization_id: int, *, limit: int) -> Sequence[Package]:
    """The last imports that are under way or failed, newest first."""
    return session.scalars(
        select(Package)
        .where(Package.organization_id == organization_id, Package.state != PackageState.READY)
        .order_by(Package.id.desc())
        .limit(limit)
    ).all()


def shelf_of(session: Session, token: str, now: datetime) -> Shelf:
    """What serving a launch's pages and files needs, in one statement."""
    row = session.execute(
        select(
            Package.base_key,
            ScormLaunch.frame_ancestors,
            Package.title,
            ScormLaunch.run_id,
            ScormLaunch.expires_at,
            Package.manifest["version"].as_string().label("version"),
            is_deactivated(Person).label("is_off"),
        )
        .join(Run, Run.id == ScormLaunch.run_id)
        .join(Person, Person.id == Run.person_id)
        .join(ModuleVersion, ModuleVersion.id == Run.module_version_id)
        .join(Package, Package.id == ModuleVersion.package_id)
        .where(ScormLaunch.token_hash == hash_of(token))
    ).one_or_none()
    if row is None or row.base_key is None:
        raise LaunchNotFoundError
    if row.expires_at <= now or row.is_off:
        raise LaunchClosedError
    return Shelf(
        base_key=row.base_key,
        frame_ancestors=row.frame_ancestors,
        title=row.title,
        run_id=row.run_id,
        is_2004=row.version != Version.SCORM_12,
    )


def hosts_elsewhere(session: Session, token: str) -> list[str]:
    """The hosts of pages that are parts of a launch's course and lie outside its package."""
    _, package = launch_and_package(session, token)
    parts = (package.manifest or {}).get("items", [])
    return sorted({host_of(str(each["href"])) for each in parts} - {""})


def lock_run(session: Session, token: str) -> Run:
    """The run behind a launch, locked: everything said about it is taken in turn.

    Of a person whose access is off nothing is taken any more.
    """
    found = session.execute(
        select(Run, is_deactivated(Person).label("is_off"))
        .join(ScormLaunch, ScormLaunch.run_id == Run.id)
        .join(Person, Person.id == Run.person_id)
        .where(ScormLaunch.token_hash == hash_of(token))
        .with_for_update(of=Run)
    ).one_or_none()
    if found is None:
        raise LaunchNotFoundError
    if found.is_off:
        raise LaunchClosedError
    run: Run = found[0]
    return run


def launch_and_package(session: Session, token: str) -> tuple[ScormLaunch, Package]:
    """Read after the run was locked, so that nobody changes them meanwhile."""
    launch, package = session.execute(
        select(ScormLaunch, Package)
        .join(Run, Run.id == ScormLaunch.run_id)
        .join(ModuleVersion, ModuleVersion.id == Run.module_version_id)
        .join(Package, Package.id == ModuleVersion.package_id)
        .where(ScormLaunch.token_hash == hash_of(token))
    ).one()
    return launch, package


def last_opening(session: Session, run_id: int) -> int:
    """The number of the run's newest opening; 0 before the first."""
    return int(
        session.scalar(select(func.max(ScormLaunch.opening)).where(ScormLaunch.run_id == run_id))
        or 0
    )


def last_commit(session: Session, run_id: int) -> tuple[int, int]:
    """(opening, seq) of the newest commit of the run; nothing older may be written any more."""
    row = session.execute(
        select(CommitEvent.opening, CommitEvent.seq)
        .where(CommitEvent.run_id == run_id)
        .order_by(CommitEvent.opening.desc(), CommitEvent.seq.desc())
        .limit(1)
    ).one_or_none()
    return (row.opening, row.seq) if row else (0, 0)


def states(session: Session, run_id: int) -> dict[str, ScormState]:
    """What each SCO of a run stored, by its identifier."""
    found = session.scalars(select(ScormState).where(ScormState.run_id == run_id))
    return {each.sco_id: each for each in found}


def scos_of(package: Package, stored: dict[str, ScormState]) -> list[Sco]:
    """The package's parts with what they stored, as the rules want them."""
    manifest = package.manifest or {}
    return [
        _sco(part, stored.get(part["identifier"]), is_2004="tree" in manifest)
        for part in manifest.get("items", [])
    ]


def _sco(part: dict[str, str | bool], state: ScormState | None, *, is_2004: bool) -> Sco:
    return Sco(
        identifier=str(part["identifier"]),
        is_sco=bool(part["is_sco"]),
        is_2004=is_2004,
        mastery_score=str(part["mastery_score"]),
        scaled_passing_score=str(part.get("scaled_passing_score", "")),
        completion_threshold=str(part.get("completion_threshold", "")),
        cmi=state.cmi if state else None,
        is_status_set=state.is_status_set if state else False,
        is_finished=state.is_finished if state else False,
    )


def course_in(package: Package, stored: dict[str, ScormState]) -> Course | None:
    """What the engine of a SCORM 2004 course last said of it."""
    manifest, state = package.manifest or {}, stored.get(COURSE)
    has_own_rollup = bool(manifest.get("has_own_rollup"))
    return runtime2004.course_of(state.cmi if state else None, has_own_rollup=has_own_rollup)


def writers(package: Package) -> set[str]:
    """Who may commit: the package's parts, and of SCORM 2004 the course itself."""
    manifest = package.manifest or {}
    parts = {str(part["identifier"]) for part in manifest.get("items", [])}
    return parts | {COURSE} if "tree" in manifest else parts


def policy_of(session: Session, package: Package) -> Policy:
    """How the package's module reads results; the package's own word until somebody chose."""
    return _policy(session, package.module_id or 0, trusts_status=package.trusts_status)


def policy_of_module(session: Session, module: Module) -> Policy:
    """The same, for its newest version."""
    trusts = session.scalar(
        select(Package.trusts_status)
        .join(ModuleVersion, ModuleVersion.package_id == Package.id)
        .where(ModuleVersion.id == module.current_version_id)
    )
    return _policy(session, module.id, trusts_status=bool(trusts))


def _policy(session: Session, module_id: int, *, trusts_status: bool) -> Policy:
    rules = session.get(ScormRules, module_id)
    if rules is None:
        return Policy(trusts_status=trusts_status)
    return Policy(
        trusts_status=rules.trusts_status,
        pass_share=rules.pass_share,
        never_set=rules.never_set,
        score_rule=rules.score_rule,
        shares_objectives=rules.shares_objectives,
        weights=tuple(sorted((rules.weights or {}).items())),
    )


def parts_of_module(session: Session, module: Module) -> list[tuple[str, str]]:
    """Identifier and title of each part of its newest version that may have a score."""
    manifest = session.scalar(
        select(Package.manifest)
        .join(ModuleVersion, ModuleVersion.package_id == Package.id)
        .where(ModuleVersion.id == module.current_version_id)
    )
    items = (manifest or {}).get("items", [])
    return [(str(each["identifier"]), str(each["title"])) for each in items if each["is_sco"]]


def shared_of(session: Session, person_id: int) -> JsonDict:
    """What other courses left for this person's next one."""
    found = session.get(ScormShared, person_id)
    return found.shared if found else {}


def learner_of(session: Session, run: Run) -> Person:
    return session.scalars(select(Person).where(Person.id == run.person_id)).one()
