"""The two steps of an import of any kind: check the file, apply its good rows.

Both are long and open a short transaction for each chunk of rows. `through_line` moves on in the
same transaction, from where this run left it or not at all: a crash loses one chunk at most, a
second run of the same step stops at once, and so does one that was cancelled.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from plugin.core import clock
from plugin.core.base import JsonDict
from plugin.core.context import storage
from plugin.core.db import read_session, transaction
from plugin.org import import_actions, import_queries
from plugin.org.import_file import describe, read
from plugin.org.import_format import AnyLine, FileProblemError, Problem, RowOutcome
from plugin.org.import_kinds import AnyVerdict, Cause, Subject, subject_of
from plugin.org.import_models import ImportRow, ImportState, PersonImport

CHUNK = 1000


class _StoppedError(Exception):
    """The import was cancelled, or another run of this step is doing it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What a step needs to know of its import."""

    id: int
    organization_id: int
    subject: Subject
    filename: str
    file_key: str
    state: ImportState
    through_line: int
    is_silent: bool
    by: int | None


Chunk = Callable[[_Work, int, Sequence[AnyLine]], None]


def check(import_id: int) -> None:
    """Every row is judged and what it would do is kept. Safe to run again, even twice."""
    seen: list[Any] = []

    def seen_of(work: _Work) -> Any:
        if not seen:
            seen.append(work.subject.seen())
        return seen[0]

    _go(
        import_id,
        ImportState.CHECKING,
        lambda work, after, lines: _check_chunk(work, after, lines, seen_of(work)),
        earlier=lambda work, lines: _recall(work, lines, seen_of(work)),
        end=ImportState.CHECKED,
    )


def apply(import_id: int) -> None:
    """The good rows are done. Safe to run again, even twice."""
    _go(import_id, ImportState.APPLYING, _apply_chunk, end=ImportState.DONE)
    forget_file(import_id)


def forget_file(import_id: int) -> None:
    """The file of an import that has ended is gone; its bad rows are kept with their errors."""
    session = read_session()
    key = session.scalar(
        select(PersonImport.file_key).where(
            PersonImport.id == import_id, PersonImport.finished_at.is_not(None)
        )
    )
    session.rollback()
    if key is not None:
        storage().path(key).unlink(missing_ok=True)


def _go(
    import_id: int,
    state: ImportState,
    do: Chunk,
    *,
    end: ImportState,
    earlier: Callable[[_Work, Sequence[AnyLine]], None] | None = None,
) -> None:
    """Do every chunk that is not done yet, then write the end down."""
    work = _begin(import_id, state)
    if work is None:
        return
    with suppress(_StoppedError), storage().path(work.file_key).open("rb") as source:
        try:
            after = work.through_line
            for lines in _chunks(source, work.subject):
                if lines[-1].number <= after:
                    if earlier:
                        earlier(work, lines)
                    continue
                rest = [line for line in lines if line.number > after]
                if earlier and len(rest) < len(lines):
                    earlier(work, lines[: len(lines) - len(rest)])
                do(work, after, rest)
                after = rest[-1].number
            _finish(work, after, end)
        except FileProblemError as error:
            _fail(work, error)


def _begin(import_id: int, state: ImportState) -> _Work | None:
    with transaction() as tx:
        if state is ImportState.CHECKING:
            tx.session.execute(
                update(PersonImport)
                .where(PersonImport.id == import_id, PersonImport.state == ImportState.UPLOADED)
                .values(state=ImportState.CHECKING)
            )
        row = tx.session.scalar(select(PersonImport).where(PersonImport.id == import_id))
        if row is None or row.state is not state:
            return None
        return _Work(
            id=row.id,
            organization_id=row.organization_id,
            subject=subject_of(row.kind),
            filename=row.filename,
            file_key=row.file_key,
            state=state,
            through_line=row.through_line,
            is_silent=not row.tells_people,
            by=row.applied_by or row.created_by,
        )


def _chunks(source: BinaryIO, subject: Subject) -> Iterator[Sequence[AnyLine]]:
    lines = read(source, describe(source, subject.format))
    while chunk := list(islice(lines, CHUNK)):
        yield chunk


def _recall(work: _Work, lines: Sequence[AnyLine], seen: Any) -> None:
    """What rows of an earlier run were about."""
    session = read_session()
    work.subject.recall(session, work.id, lines, seen)
    session.rollback()


def _advance(session: Session, work: _Work, after: int, to: int, **counts: int) -> None:
    """The step has come from line `after` to line `to`, unless somebody else moved it."""
    values: dict[Any, Any] = {
        getattr(PersonImport, name): getattr(PersonImport, name) + number
        for name, number in counts.items()
    }
    moved = session.execute(
        update(PersonImport)
        .where(
            PersonImport.id == work.id,
            PersonImport.state == work.state,
            PersonImport.through_line == after,
        )
        .values({**values, PersonImport.through_line: to})
        .returning(PersonImport.id)
        .execution_options(synchronize_session=False)
    )
    if moved.one_or_none() is None:
        raise _StoppedError


def _check_chunk(work: _Work, after: int, lines: Sequence[AnyLine], seen: Any) -> None:
    with transaction() as tx:
        session = tx.session
        found = _judged(session, work, lines, seen, now=clock.now())
        bad = sum(verdict.outcome is RowOutcome.ERROR for _line, verdict in found)
        _advance(
            session,
            work,
            after,
            lines[-1].number,
            rows=len(lines),
            bad=bad,
            good=len(lines) - bad,
        )
        table: Any = ImportRow.__table__  # the ORM would make a statement of every second row
        session.connection().execute(insert(table), [_finding(work, *each) for each in found])


def _judged(
    session: Session, work: _Work, lines: Sequence[AnyLine], seen: Any, *, now: datetime
) -> list[tuple[AnyLine, AnyVerdict]]:
    verdicts = work.subject.judge(session, work.organization_id, lines, seen, now)
    return list(zip(lines, verdicts, strict=True))


def _finding(work: _Work, line: AnyLine, verdict: AnyVerdict) -> JsonDict:
    is_bad = verdict.outcome is RowOutcome.ERROR
    return {
        "organization_id": work.organization_id,
        "import_id": work.id,
        "line": line.number,
        "name": line.name,
        "outcome": verdict.outcome,
        "person_id": verdict.person_id,
        "plan": verdict.plan,
        "memberships": len(verdict.joins),
        "grants": len(verdict.manages),
        "errors": _stored(verdict.problems),
        "cells": list(line.cells) if is_bad else [],
        "applied_at": None,
    }


def _stored(problems: Sequence[Problem]) -> list[JsonDict]:
    return [asdict(each) for each in problems]


def _apply_chunk(work: _Work, after: int, lines: Sequence[AnyLine]) -> None:
    """The chunk's good rows are judged by the facts of now and done, all of them or none."""
    now = clock.now()
    with transaction() as tx:
        session = tx.session
        wanted = import_queries.good_lines(session, work.id, after, lines[-1].number)
        rows = [line for line in lines if line.number in wanted]
        found = _judged(session, work, rows, work.subject.seen(), now=now)
        good = [each for each in found if not each[1].problems]
        spoilt = [each for each in found if each[1].problems]
        _advance(
            session,
            work,
            after,
            lines[-1].number,
            done=len(good),
            bad=len(spoilt),
            good=-len(spoilt),
        )
        people = work.subject.write(tx, good, _cause(work, now))
        _spoil(session, work, spoilt)
        _mark(session, work, after, good, people, now=now)


def _cause(work: _Work, now: datetime) -> Cause:
    return Cause(
        organization_id=work.organization_id,
        import_id=work.id,
        filename=work.filename,
        is_silent=work.is_silent,
        by=work.by,
        now=now,
    )


def _mark(
    session: Session,
    work: _Work,
    after: int,
    good: Sequence[tuple[AnyLine, AnyVerdict]],
    people: Sequence[int],
    *,
    now: datetime,
) -> None:
    """These rows are done, and it is known about whom the new ones were."""
    if not good:
        return
    session.execute(
        update(ImportRow)
        .where(
            ImportRow.import_id == work.id,
            ImportRow.line > after,
            ImportRow.line <= good[-1][0].number,
            ImportRow.outcome != RowOutcome.ERROR,
        )
        .values(applied_at=now)
        .execution_options(synchronize_session=False)
    )
    made = [
        {"line": line.number, "person_id": person_id}
        for (line, verdict), person_id in zip(good, people, strict=True)
        if verdict.person_id is None
    ]
    if made:
        import_actions.update_rows(session, work.id, made)


def _spoil(session: Session, work: _Work, spoilt: Sequence[tuple[AnyLine, AnyVerdict]]) -> None:
    """These rows were good when they were checked, and are not any more."""
    if spoilt:
        changed = ("outcome", "errors", "cells", "plan", "memberships", "grants")
        told = [(line, _finding(work, line, verdict)) for line, verdict in spoilt]
        import_actions.update_rows(
            session,
            work.id,
            [{"line": line.number, **{name: row[name] for name in changed}} for line, row in told],
        )


def _finish(work: _Work, after: int, end: ImportState) -> None:
    with transaction() as tx:
        tx.session.execute(
            update(PersonImport)
            .where(
                PersonImport.id == work.id,
                PersonImport.state == work.state,
                PersonImport.through_line == after,
            )
            .values(state=end, finished_at=clock.now() if end is ImportState.DONE else None)
        )


def _fail(work: _Work, error: FileProblemError) -> None:
    """The file breaks off: nothing of an import that was not applied yet is ever done."""
    with transaction() as tx:
        tx.session.execute(
            update(PersonImport)
            .where(PersonImport.id == work.id, PersonImport.state == work.state)
            .values(
                state=ImportState.FAILED,
                problem={"code": error.code, "value": error.value, "line": error.line},
                finished_at=clock.now(),
            )
        )
    forget_file(work.id)
