"""What the player is told when it opens a sitting."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.orm import Session

from plugin.core.base import JsonDict
from plugin.modules.models import Run, RunState
from plugin.scorm import queries, runtime, runtime12, runtime2004
from plugin.scorm.models import COURSE, Package, ScormLaunch, ScormState
from plugin.scorm.policy import Policy
from plugin.scorm.scos import Completion, Sco

MAX_LEARNER_NAME = 250
"""Engines take a longer one for none: SCORM promises so many letters (1.2: 255)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What the player needs to begin; `parts` are in the course's order."""

    opening: int
    run_state: RunState
    is_review: bool
    current: str
    parts: list[JsonDict]
    course: JsonDict | None
    """Of SCORM 2004: the activity tree, and where its engine stood."""


def opened(
    session: Session,
    run: Run,
    launch: ScormLaunch,
    read_as: tuple[Package, Policy],
    stored: dict[str, ScormState],
) -> Opened:
    """Each part with what it stored and what the LMS must say."""
    package, _ = read_as
    parts = _parts(session, run, launch, read_as, stored)
    tree = (package.manifest or {}).get("tree")
    engine = stored.get(COURSE)
    return Opened(
        opening=launch.opening,
        run_state=run.state,
        is_review=launch.is_review,
        current=_current(parts, stored),
        parts=parts,
        course=_course(session, run, read_as, engine) if tree else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What the contents say of a part; one that failed is done too."""

    is_done: bool
    is_failed: bool


def marks_of(
    package: Package, policy: Policy, stored: dict[str, ScormState], parts: Collection[str]
) -> dict[str, Mark]:
    """How these parts stand, by the rules of the module."""
    scos = queries.scos_of(package, stored)
    return {
        sco.identifier: _mark(sco, policy, alone=len(scos) == 1)
        for sco in scos
        if sco.identifier in parts
    }


def _mark(sco: Sco, policy: Policy, *, alone: bool) -> Mark:
    result = runtime.result_of(sco, policy=policy, alone=alone)
    is_done = result.completion is Completion.COMPLETED
    return Mark(is_done=is_done, is_failed=is_done and result.is_passed is False)


def _course(
    session: Session, run: Run, read_as: tuple[Package, Policy], engine: ScormState | None
) -> JsonDict:
    package, policy = read_as
    manifest = package.manifest or {}
    kinds = _shared_kinds(manifest) if policy.shares_objectives else []
    own = policy.of_part(alone=len(manifest["items"]) == 1)
    return {
        "tree": runtime2004.marked(manifest["tree"], own),
        "state": engine.cmi.get("state") if engine else None,
        "shares": kinds,
        "shared": queries.shared_of(session, run.person_id) if kinds else None,
    }


def _shared_kinds(manifest: JsonDict) -> list[str]:
    """What the course wants to share with others; an older description says it of both at once."""
    are_objectives = bool(manifest.get("is_global_to_system"))
    is_data = bool(manifest.get("is_data_global_to_system", are_objectives))
    kinds = {"objectives": are_objectives, "stores": is_data}
    return [kind for kind, is_wanted in kinds.items() if is_wanted]


def _parts(
    session: Session,
    run: Run,
    launch: ScormLaunch,
    read_as: tuple[Package, Policy],
    stored: dict[str, ScormState],
) -> list[JsonDict]:
    package, policy = read_as
    person = queries.learner_of(session, run)
    name = f"{person.family_name}, {person.given_name}".strip(", ")
    learner = (str(person.id), name[:MAX_LEARNER_NAME])
    scos = queries.scos_of(package, stored)
    alone = len(scos) == 1
    own, parts = policy.of_part(alone=alone), []
    for sco, item in zip(scos, (package.manifest or {})["items"], strict=True):
        told: dict[str, Any] = {"learner": learner, "item": item, "is_review": launch.is_review}
        parts.append(
            {
                "id": sco.identifier,
                "activity": item.get("activity"),
                "title": item["title"],
                "href": item["href"],
                "is_sco": sco.is_sco,
                "prerequisites": item.get("prerequisites", ""),
                "is_new": sco.cmi is None,
                **asdict(_mark(sco, policy, alone=alone)),
                "status_set": sco.is_status_set,
                "cmi": (runtime2004 if sco.is_2004 else runtime12).seed(sco, own, **told),
            }
        )
    return parts


def _current(parts: list[JsonDict], stored: dict[str, ScormState]) -> str:
    """Where to go on: the part last worked on unless it is done, else the first undone."""
    undone = [str(part["id"]) for part in parts if not part["is_done"]]
    recent = max(stored.values(), key=lambda each: each.updated_at, default=None)
    if recent is not None and recent.sco_id in undone:
        return recent.sco_id
    return undone[0] if undone else str(parts[0]["id"])
