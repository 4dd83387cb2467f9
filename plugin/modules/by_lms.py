"""Completions that are grades of an LMS's gradebook: a classroom session, a practical test."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.core.base import JsonDict
from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.modules import actions
from plugin.modules.models import Completion, CompletionSource, Module, ModuleKind
from plugin.org.errors import FieldError

CHANGED = "The grade in the LMS changed."
REMOVED = "The grade in the LMS was removed."
DIGITS = 6
MAX_TITLE = 200


def create(
    tx: Tx,
    organization_id: int,
    *,
    title: str,
    pass_share: float | None,
    by: int | None,
    now: datetime,
) -> Module:
    """A module that is passed by a grade of at least `pass_share` (0 to 1) in the LMS."""
    _check(title, pass_share)
    module = actions.create_module(
        tx.session,
        organization_id,
        kind=ModuleKind.LMS_GRADE,
        title=title.strip(),
        by=by,
        now=now,
    )
    module.pass_share = pass_share
    tx.session.flush()
    return module


def change(
    tx: Tx, module: Module, *, title: str, pass_share: float | None, by: int, now: datetime
) -> None:
    """Another title, another bar: grades read from now on are measured by it."""
    _check(title, pass_share)
    before = {"title": module.title, "pass_share": module.pass_share}
    module.title, module.pass_share = title.strip(), pass_share
    after = {"title": module.title, "pass_share": module.pass_share}
    actions.note_change(tx.session, module, before, after, by=by, now=now)


def _check(title: str, pass_share: float | None) -> None:
    if not title.strip() or len(title.strip()) > MAX_TITLE:
        raise FieldError("title", _("Give the module a title of at most 200 characters."))
    if pass_share is None or not 0 < pass_share <= 1:
        raise FieldError("pass_mark", _("Use 1 to 100 percent."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One person's grade as the LMS says it."""

    person_id: int
    share: float
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMarks:
    """How many grades became facts, and how many of those are in the place of earlier ones."""

    new: int = 0
    superseding: int = 0


def graded(session: Session, module: Module, place: str) -> set[int]:
    """Who had a grade in this column when it was last read."""
    known = _known(session, module, place)
    return {
        person_id for person_id, last in known.items() if last.evidence.get("share") is not None
    }


def read_marks(
    tx: Tx,
    module: Module,
    place: str,
    marks: Sequence[Mark],
    *,
    spared: Collection[int] = (),
    facts: JsonDict,
    now: datetime,
) -> ReadMarks:
    """The grades of a whole column, `place`; returns how many became facts. Those of the `spared`
    stay as they are where there is no mark.

    What was read before and is the same says nothing new. A changed grade supersedes, and so does
    one that is gone. What an admin corrected stays until the LMS's own grade changes. The same
    grade given later, once a newer version is asked for, is a fact beside the earlier one.
    """
    said = {mark.person_id: mark for mark in marks}
    known = _known(tx.session, module, place)
    heads = _heads(tx.session, module, set(said) | set(known))
    made = superseding = 0
    for person_id in sorted(set(said) | (set(known) - set(spared))):
        mark, last = said.get(person_id), known.get(person_id)
        is_same = _is_same(mark, last)
        if is_same and not _is_anew(module, mark, last):
            continue
        tx.session.add(
            _completion(
                module, place, person_id, mark, last, heads.get(person_id), facts=facts, now=now
            )
        )
        tx.then(JobName.EVALUATE_PERSON, person_id)
        made += 1
        superseding += last is not None and not is_same
    return ReadMarks(new=made, superseding=superseding)


def _is_same(mark: Mark | None, last: Completion | None) -> bool:
    before = None if last is None else last.evidence.get("share")
    after = None if mark is None else round(mark.share, DIGITS)
    return bool(before == after)


def _is_anew(module: Module, mark: Mark | None, last: Completion | None) -> bool:
    """Whether the LMS dates a grade later than the one that was of an earlier version."""
    if mark is None or mark.at is None or last is None:
        return False
    return last.module_version_id != module.current_version_id and mark.at > last.happened_at


def _known(session: Session, module: Module, place: str) -> Mapping[int, Completion]:
    """What was last read of each person in this column."""
    rows = session.scalars(
        select(Completion)
        .where(
            Completion.module_id == module.id,
            Completion.source == CompletionSource.LMS_GRADE,
            Completion.source_key.startswith(f"{place}:", autoescape=True),
        )
        .order_by(Completion.id)
    )
    return {row.person_id: row for row in rows}


def _heads(session: Session, module: Module, people: set[int]) -> Mapping[int, Completion]:
    """The newest fact of each person that nothing supersedes yet and that began with the LMS."""
    superseded = select(Completion.supersedes_id).where(
        Completion.module_id == module.id, Completion.supersedes_id.is_not(None)
    )
    rows = session.scalars(
        select(Completion)
        .where(
            Completion.module_id == module.id,
            Completion.person_id.in_(people),
            Completion.id.not_in(superseded),
            (Completion.source == CompletionSource.LMS_GRADE)
            | Completion.supersedes_id.is_not(None),
        )
        .order_by(Completion.id)
    )
    return {row.person_id: row for row in rows}


def _completion(
    module: Module,
    place: str,
    person_id: int,
    mark: Mark | None,
    last: Completion | None,
    head: Completion | None,
    *,
    facts: JsonDict,
    now: datetime,
) -> Completion:
    share = None if mark is None else round(mark.share, DIGITS)
    at = mark.at if mark and mark.at else now
    is_changed = last is not None and not _is_same(mark, last)
    reason = (REMOVED if mark is None else CHANGED) if is_changed else None
    return Completion(
        organization_id=module.organization_id,
        person_id=person_id,
        module_id=module.id,
        module_version_id=module.current_version_id,
        passed=share is not None and share >= (module.pass_share or 0),
        score=None if share is None else min(1.0, max(0.0, share)),
        happened_at=min(at, now),
        learned_at=now,
        source=CompletionSource.LMS_GRADE,
        source_key=f"{place}:{person_id}:{last.id if last else 0}",
        evidence={**facts, "share": share, "at": at.isoformat()},
        supersedes_id=head.id if is_changed and head else None,
        reason=reason,
    )
