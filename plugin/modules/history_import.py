"""Imports of completions, as one kind of import: how rows are judged and done."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.core.db import Tx
from plugin.modules.history import Past, record_history
from plugin.modules.history_rules import HISTORY, HistoryLine
from plugin.modules.history_wording import WORDS
from plugin.modules.models import Completion, CompletionSource, Module
from plugin.org import import_queries
from plugin.org.import_format import Problem, RowOutcome
from plugin.org.import_kinds import Cause, Subject
from plugin.org.import_models import ImportKind, ImportRow
from plugin.org.import_verdict import Facts, match
from plugin.org.models import Organization

Key = tuple[int, int, datetime]
"""Who, what, when: one completion."""
SAME_SCORE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryVerdict:
    """What the row would do; with problems it does nothing."""

    outcome: RowOutcome
    person_id: int | None = None
    module_id: int | None = None
    module: str = ""
    happened_at: datetime | None = None
    score: float | None = None
    passed: bool = True
    problems: tuple[Problem, ...] = ()
    joins: tuple[int, ...] = ()
    manages: tuple[int, ...] = ()

    @property
    def key(self) -> Key | None:
        """The completion it speaks of, where all of it is known."""
        if self.person_id is None or self.module_id is None or self.happened_at is None:
            return None
        return self.person_id, self.module_id, self.happened_at

    @property
    def plan(self) -> dict[str, Any]:
        """What is kept of it."""
        return {
            "module_id": self.module_id,
            "module": self.module,
            "day": self.happened_at.isoformat() if self.happened_at else None,
            "score": self.score,
            "passed": self.passed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of everything a chunk of rows may be about."""

    people: Facts
    modules: Mapping[str, Sequence[tuple[int, str]]]
    """By title in small letters, and by number: id and title."""
    zone: ZoneInfo
    now: datetime


def _judge(
    session: Session,
    organization_id: int,
    lines: Sequence[HistoryLine],
    seen: dict[Key, int],
    now: datetime,
) -> Sequence[HistoryVerdict]:
    zone = session.get_one(Organization, organization_id).time_zone
    known = Known(
        people=import_queries.people_of(session, organization_id, lines),
        modules=_modules(session, organization_id),
        zone=ZoneInfo(zone),
        now=now,
    )
    found = [_found(line, known) for line in lines]
    imported = _imported(session, organization_id, [each.key for each in found if each.key])
    return [_verdict(*each, imported, seen) for each in zip(lines, found, strict=True)]


def _found(line: HistoryLine, known: Known) -> HistoryVerdict:
    """Whom, what and when the row means."""
    problems = list(line.problems)
    person = match(line, known.people, problems)
    if person is None and not any(each.column == "email" for each in problems):
        problems.append(Problem("", "unknown_person"))
    module = _module(line, known, problems)
    happened_at = line.happened_at(known.zone)
    if happened_at is not None and happened_at > known.now:
        problems.append(Problem("completed on", "in_future"))
    return HistoryVerdict(
        outcome=RowOutcome.ERROR if problems else RowOutcome.NEW,
        person_id=person.id if person else None,
        module_id=module[0] if module else None,
        module=module[1] if module else "",
        happened_at=happened_at,
        score=line.score,
        passed=line.passed,
        problems=tuple(problems),
    )


def _module(line: HistoryLine, known: Known, problems: list[Problem]) -> tuple[int, str] | None:
    if not line.module:
        return None
    found = known.modules.get(line.module.casefold(), ())
    if len(found) == 1:
        return found[0]
    if found:
        numbers = ", ".join(str(number) for number, _title in found)
        problems.append(Problem("module", "ambiguous_module", numbers))
    else:
        problems.append(Problem("module", "unknown_module", line.module))
    return None


def _verdict(
    line: HistoryLine,
    found: HistoryVerdict,
    imported: Mapping[Key, tuple[bool, float | None]],
    seen: dict[Key, int],
) -> HistoryVerdict:
    """The row beside what is known, and beside the rows before it."""
    key = found.key
    if key is None:
        return found
    first = seen.setdefault(key, line.number)
    if first != line.number:
        return _spoilt(found, Problem("", "same_completion", str(first)))
    before = imported.get(key)
    if before is None or found.problems:
        return found
    if not _is_same(before, found):
        return _spoilt(found, Problem("", "other_result"))
    return replace(found, outcome=RowOutcome.SAME)


def _is_same(before: tuple[bool, float | None], found: HistoryVerdict) -> bool:
    passed, score = before
    if passed is not found.passed or (score is None) is not (found.score is None):
        return False
    return score is None or abs(score - (found.score or 0.0)) < SAME_SCORE


def _spoilt(found: HistoryVerdict, problem: Problem) -> HistoryVerdict:
    return replace(found, outcome=RowOutcome.ERROR, problems=(*found.problems, problem))


def _modules(session: Session, organization_id: int) -> Mapping[str, Sequence[tuple[int, str]]]:
    """The catalogue, by title and by number; a title wins over the number of another."""
    by_title: dict[str, list[tuple[int, str]]] = defaultdict(list)
    rows = session.execute(
        select(Module.id, Module.title)
        .where(Module.organization_id == organization_id)
        .order_by(Module.id)
    ).all()
    for module_id, title in rows:
        by_title[" ".join(title.split()).casefold()].append((module_id, title))
    return {str(module_id): [(module_id, title)] for module_id, title in rows} | by_title


def _imported(
    session: Session, organization_id: int, keys: Sequence[Key]
) -> Mapping[Key, tuple[bool, float | None]]:
    """Which of these were imported before; a later correction does not make them new."""
    if not keys:
        return {}
    rows = session.execute(
        select(
            Completion.person_id,
            Completion.module_id,
            Completion.happened_at,
            Completion.passed,
            Completion.score,
        ).where(
            Completion.organization_id == organization_id,
            Completion.source == CompletionSource.IMPORT,
            Completion.person_id.in_({person_id for person_id, _module, _at in keys}),
            Completion.module_id.in_({module_id for _person, module_id, _at in keys}),
        )
    )
    return {(row[0], row[1], row[2]): (row[3], row[4]) for row in rows}


def _recall(
    session: Session, import_id: int, lines: Sequence[HistoryLine], seen: dict[Key, int]
) -> None:
    rows = session.execute(
        select(ImportRow.line, ImportRow.person_id, ImportRow.plan)
        .where(
            ImportRow.import_id == import_id,
            ImportRow.line.between(lines[0].number, lines[-1].number),
        )
        .order_by(ImportRow.line)
    )
    for line, person_id, plan in rows:
        if person_id and plan["module_id"] and plan["day"]:
            key = (person_id, plan["module_id"], datetime.fromisoformat(plan["day"]))
            seen.setdefault(key, line)


def _write(
    tx: Tx, rows: Sequence[tuple[HistoryLine, HistoryVerdict]], cause: Cause
) -> Sequence[int]:
    """The completions are facts, and everybody concerned is judged anew."""
    pasts = [
        Past(
            person_id=key[0],
            module_id=key[1],
            happened_at=key[2],
            passed=each.passed,
            score=each.score,
        )
        for _line, each in rows
        if (key := each.key) and each.outcome is RowOutcome.NEW
    ]
    record_history(
        tx,
        tx.session.get_one(Organization, cause.organization_id),
        pasts,
        tells_people=not cause.is_silent,
        evidence=f"{cause.filename} (import {cause.import_id})",
        by=cause.by,
        now=cause.now,
    )
    return [each.person_id or 0 for _line, each in rows]


SUBJECT = Subject(
    kind=ImportKind.COMPLETIONS,
    format=HISTORY,
    seen=dict,
    judge=_judge,
    recall=_recall,
    write=_write,
    words=WORDS,
)
