"""Reads of the catalogue, of sittings and of completions."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session, aliased

from plugin.modules.errors import ModuleNotFoundHereError, NotPlayableError, RunNotFoundError
from plugin.modules.models import (
    Completion,
    Module,
    ModuleState,
    ModuleVersion,
    Run,
    RunState,
)

MAX_RECORDS = 200
WITHDRAWN = "unmerge:"
"""How the source keys of completions begin that only end what a merge had carried over."""


def module_of(session: Session, organization_id: int, module_id: int) -> Module:
    found = session.scalar(
        select(Module).where(Module.organization_id == organization_id, Module.id == module_id)
    )
    if found is None:
        raise ModuleNotFoundHereError(module_id)
    return found


def current_version(session: Session, module: Module) -> ModuleVersion:
    """What a new sitting would be made of; raises NotPlayableError when there is nothing.

    An archived module is opened like any other, for as long as a training shows it.
    """
    found = (
        session.get(ModuleVersion, module.current_version_id)
        if module.state is not ModuleState.DRAFT and module.current_version_id
        else None
    )
    if found is None:
        raise NotPlayableError(module.id)
    return found


def run_of(session: Session, organization_id: int, person_id: int, run_id: int) -> Run:
    found = session.scalar(
        select(Run).where(
            Run.organization_id == organization_id, Run.person_id == person_id, Run.id == run_id
        )
    )
    if found is None:
        raise RunNotFoundError(run_id)
    return found


def open_run(session: Session, person_id: int, module_id: int) -> Run | None:
    """The sitting that would be resumed."""
    return session.scalar(
        select(Run).where(
            Run.person_id == person_id, Run.module_id == module_id, Run.state == RunState.OPEN
        )
    )


def last_number(session: Session, person_id: int, module_id: int) -> int:
    """How many sittings the person has had."""
    return session.scalar(
        select(func.coalesce(func.max(Run.number), 0)).where(
            Run.person_id == person_id, Run.module_id == module_id
        )
    ) or 0  # fmt: skip


def completions_of_run(session: Session, run_id: int) -> Sequence[Completion]:
    """The run's completion and what superseded it, oldest first; empty before the first."""
    found = list(session.scalars(select(Completion).where(Completion.run_id == run_id)))
    while found:
        later = session.scalar(select(Completion).where(Completion.supersedes_id == found[-1].id))
        if later is None:
            break
        found.append(later)
    return found


def records_of(
    session: Session, organization_id: int, person_id: int, *, at: datetime | None = None
) -> Sequence[Completion]:
    """Everything that stands of a person, newest first; at most the last `MAX_RECORDS`.

    `at`: what stood at that past moment, as far as it was known then.
    """
    return session.scalars(
        select(Completion)
        .where(
            Completion.organization_id == organization_id,
            Completion.person_id == person_id,
            is_last_word(at),
            ~is_withdrawal(Completion),
            true() if at is None else Completion.learned_at <= at,
        )
        .order_by(Completion.happened_at.desc(), Completion.id.desc())
        .limit(MAX_RECORDS)
    ).all()


def count_records(
    session: Session, organization_id: int, person_ids: Sequence[int]
) -> dict[int, int]:
    """How many passed completions stand, by person; who has none is left out."""
    rows = session.execute(
        select(Completion.person_id, func.count())
        .where(
            Completion.organization_id == organization_id,
            Completion.person_id.in_(person_ids),
            Completion.passed,
            is_last_word(),
        )
        .group_by(Completion.person_id)
    )
    return {row[0]: row[1] for row in rows}


def is_last_word(at: datetime | None = None) -> ColumnElement[bool]:
    """Nothing supersedes the completion, or did at that past moment."""
    later = aliased(Completion)
    known = true() if at is None else later.learned_at <= at
    return ~select(later.id).where(later.supersedes_id == Completion.id, known).exists()


def is_withdrawal(completion: type[Completion]) -> ColumnElement[bool]:
    """It only says that what a merge had carried over counts no longer."""
    return func.coalesce(completion.source_key, "").startswith(WITHDRAWN, autoescape=True)
