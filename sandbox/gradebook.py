"""The gradebook of the miniature LMS, with the rules that were observed on a live Moodle.

Each rule that makes life hard can be switched: what the tool does about it is tested with it on.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from plugin.core import clock
from sandbox.behaviour import Behaviour, Refusal

BASE_MAXIMUM = 100.0


class RefusedScoreError(Exception):
    """The LMS does not take it: `status`, and words in the body or beside the status."""

    def __init__(self, status: int, words: str = "", *, body: Any = None) -> None:
        super().__init__(words)
        self.status, self.words = status, words
        self.body = body if body is not None else {"status": status, "reason": words}


def refused(how: Refusal, said: Any = None) -> RefusedScoreError:
    """The error of a refusal; as some do, what was sent is repeated beside the status."""
    words = f"{how.reason}{said}" if how.reason and said is not None else how.reason
    return RefusedScoreError(how.status, words, body=how.body)


@dataclass(slots=True)
class Cell:
    """One person's grade in one column."""

    raw: float | None = None
    override: float | None = None
    modified: float = 0.0
    comment: str | None = None
    submissions: int = 0

    @property
    def final(self) -> float | None:
        return self.override if self.override is not None else self.raw


@dataclass(slots=True)
class Column:
    """A line item."""

    number: int
    label: str
    maximum: float
    resource_id: str | None = None
    tag: str | None = None
    link_id: str | None = None
    course_id: str = "2"
    cells: dict[str, Cell] = field(default_factory=dict)


@dataclass(slots=True)
class Gradebook:
    """Columns of every course, and who is enrolled to be graded."""

    now: Callable[[], float] = lambda: clock.now().timestamp()
    learners: set[str] = field(default_factory=set)
    columns: dict[int, Column] = field(default_factory=dict)
    behaviour: Behaviour = field(default_factory=Behaviour)
    make: str = ""
    """The make of LMS it behaves like; empty for itself."""
    posted: list[dict[str, Any]] = field(default_factory=list)
    _next: int = 1
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def add(self, label: str, maximum: float = BASE_MAXIMUM, **more: Any) -> Column:
        with self._lock:
            column = Column(number=self._next, label=label, maximum=maximum, **more)
            self.columns[self._next] = column
            self._next += 1
            return column

    def put(self, column: Column) -> None:
        """A column of before is there again."""
        with self._lock:
            self.columns[column.number] = column
            self._next = max(self._next, column.number + 1)

    def column(self, number: int) -> Column:
        found = self.columns.get(number)
        if found is None:
            raise RefusedScoreError(404, f"Grade item {number} doesn't exist")
        return found

    def score(self, number: int, said: Any) -> None:
        """A score posted by the tool; raises RefusedScoreError."""
        with self._lock:
            column = self.column(number)
            self.posted.append(dict(said) if isinstance(said, dict) else {})
            if self.behaviour.is_locked:
                raise RefusedScoreError(500, body=[])
            user, stamp = self._checked(said)
            cell = column.cells.setdefault(user, Cell())
            if self.behaviour.keeps_older_out and cell.modified and not self._later(stamp, cell):
                raise refused(self.behaviour.older)
            self._count_submission(cell, said)
            if not self.behaviour.keeps_nothing:
                self._keep(column, cell, said)

    def _count_submission(self, cell: Cell, said: Any) -> None:
        how = said.get("https://canvas.instructure.com/lti/submission", {})
        if not self.behaviour.counts_submissions or how.get("new_submission", True) is False:
            return
        if cell.submissions == self.behaviour.attempts_allowed:
            raise RefusedScoreError(422, body={"error": "no attempts are left"})
        cell.submissions += 1

    def _keep(self, column: Column, cell: Cell, said: Any) -> None:
        given, maximum = said.get("scoreGiven"), said.get("scoreMaximum")
        if said["gradingProgress"] != "FullyGraded" or given is None:
            if self.behaviour.erases_when_not_graded:
                cell.raw = None
            return
        cell.raw = float(given) / float(maximum) * column.maximum
        cell.comment = said.get("comment")
        cell.modified = self.now()

    def _later(self, stamp: float, cell: Cell) -> bool:
        if self.behaviour.compares_whole_seconds:
            return int(stamp) > int(cell.modified)
        return stamp > cell.modified

    def _checked(self, said: Any) -> tuple[str, float]:
        needed = ("userId", "activityProgress", "gradingProgress", "timestamp")
        if not isinstance(said, dict) or any(not said.get(name) for name in needed):
            raise RefusedScoreError(400, "Incorrect score received", body=[])
        if said.get("scoreGiven") is not None and not said.get("scoreMaximum"):
            raise RefusedScoreError(400, "Incorrect score received", body=[])
        if said["userId"] not in self.learners:
            raise refused(self.behaviour.unknown_person, said)
        try:
            stamp = datetime.fromisoformat(str(said["timestamp"])).timestamp()
        except ValueError:
            raise RefusedScoreError(400, "Incorrect score received", body=[]) from None
        return said["userId"], stamp

    def override(self, number: int, user: str, value: float | None) -> None:
        """A teacher writes over the tool's grade, as a share of the column's maximum."""
        column = self.column(number)
        cell = column.cells.setdefault(user, Cell())
        cell.override = None if value is None else value * column.maximum
        cell.modified = self.now()

    def results(self, number: int, user: str | None = None) -> list[dict[str, Any]]:
        """What the gradebook says: only people with a grade."""
        column = self.column(number)
        found = []
        cells = {**self._noughts(), **column.cells}
        for each, cell in sorted(cells.items()):
            if cell.final is None or (user is not None and each != user):
                continue
            line: dict[str, Any] = {
                "userId": each,
                "resultScore": cell.final,
                "resultMaximum": column.maximum,
                "timestamp": datetime.fromtimestamp(cell.modified, UTC).isoformat(),
            }
            if cell.comment and not (user and self.behaviour.drops_comments_of_one):
                line["comment"] = cell.comment
            if self.behaviour.leaves_out_zeros and not cell.final:
                del line["resultScore"]
            found.append(line)
        return found

    def _noughts(self) -> dict[str, Cell]:
        """What the LMS itself writes where nobody handed anything in."""
        if not self.behaviour.fills_with_noughts:
            return {}
        return {each: Cell(raw=0.0) for each in self.learners}

    def share(self, number: int, user: str) -> float | None:
        """What a teacher sees, as a share."""
        column = self.column(number)
        final = column.cells.get(user, Cell()).final
        return None if final is None else final / column.maximum
