"""What a file of completions may say: its header, and what each row means (pure)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from plugin.org.import_format import Format, Layout, Problem, cells_by_name, clean, in_order
from plugin.org.import_rules import MAX_EMPLOYEE_ID
from plugin.org.rules import MAX_NAME, email_of

COLUMNS = ("employee ID", "email", "module", "completed on", "score", "passed")
MAX_TITLE = 500
NOON = time(12)
"""A day without a time: noon of the organization is the same day nearly everywhere."""
EARLIEST_YEAR = 1950
_LONGEST = {"employee ID": MAX_EMPLOYEE_ID, "email": MAX_NAME, "module": MAX_TITLE}
_NAMES = {
    "employeeid": "employee ID",
    "employeenumber": "employee ID",
    "email": "email",
    "emailaddress": "email",
    "mail": "email",
    "module": "module",
    "moduletitle": "module",
    "moduleid": "module",
    "training": "module",
    "course": "module",
    "completedon": "completed on",
    "completed": "completed on",
    "completiondate": "completed on",
    "datecompleted": "completed on",
    "date": "completed on",
    "score": "score",
    "passed": "passed",
}
_YES = frozenset({"", "yes", "y", "true", "1", "passed"})
_NO = frozenset({"no", "n", "false", "0", "failed", "not passed"})
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_MOMENT = re.compile(r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")
_SCORE = re.compile(r"^(\d{1,3}(?:[.,]\d+)?) ?(%?)$")
WHOLE = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """One row of the file, read; `number` is the line where it begins."""

    number: int
    cells: tuple[str, ...]
    employee_id: str = ""
    email: str = ""
    module: str = ""
    on: date | datetime | None = None
    """A day, a time of the organization's zone, or a moment."""
    score: float | None = None
    passed: bool = True
    problems: tuple[Problem, ...] = field(default=())

    @property
    def name(self) -> str:
        """Who the row is about, as far as it says."""
        return self.email or self.employee_id

    def happened_at(self, zone: ZoneInfo) -> datetime | None:
        """The moment of the completion; None where the row says none."""
        if self.on is None:
            return None
        moment = self.on if isinstance(self.on, datetime) else datetime.combine(self.on, NOON)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def read_line(layout: Layout, number: int, cells: Sequence[str]) -> HistoryLine | None:
    """What a row says, with everything wrong in it that the row alone shows; None: it is empty."""
    if not any(cell.strip() for cell in cells):
        return None
    problems: list[Problem] = []
    written = cells_by_name(layout, COLUMNS, cells, problems)
    said = {
        name: clean(name, cell, problems, longest=_LONGEST.get(name, MAX_NAME)) if cell else ""
        for name, cell in written.items()
    }
    return HistoryLine(
        number=number,
        cells=in_order(layout, COLUMNS, cells),
        employee_id=said["employee ID"],
        email=_email(said, problems),
        module=_module(said["module"], problems),
        on=_day(said["completed on"], problems),
        score=_score(said["score"], problems),
        passed=_passed(said["passed"], problems),
        problems=tuple(problems),
    )


def _email(said: dict[str, str], problems: list[Problem]) -> str:
    text = said["email"]
    if text and email_of(text) is None:
        problems.append(Problem("email", "not_an_email", text))
        return ""
    if not text and not said["employee ID"]:
        problems.append(Problem("email", "no_key"))
    return text


def _module(text: str, problems: list[Problem]) -> str:
    if not text:
        problems.append(Problem("module", "no_module"))
    return text


def _day(text: str, problems: list[Problem]) -> date | datetime | None:
    if not text:
        problems.append(Problem("completed on", "no_day"))
        return None
    try:
        found = _parsed(text)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        problems.append(Problem("completed on", "not_a_day", text))
    elif found.year < EARLIEST_YEAR:
        problems.append(Problem("completed on", "too_early", text))
        return None
    return found


def _parsed(text: str) -> date | datetime | None:
    if _DAY.match(text):
        return date.fromisoformat(text)
    return datetime.fromisoformat(text) if _MOMENT.match(text) else None


def _score(text: str, problems: list[Problem]) -> float | None:
    """The share of the score. A bare 0.85 or 1 could be a share or a percentage: that is asked."""
    if not text:
        return None
    found = _SCORE.match(text)
    percent = float(found[1].replace(",", ".")) if found else -1.0
    if not 0 <= percent <= WHOLE:
        problems.append(Problem("score", "not_a_score", text))
        return None
    if found and not found[2] and 0 < percent <= 1:
        problems.append(Problem("score", "share_or_percent", text))
        return None
    return percent / WHOLE


def _passed(text: str, problems: list[Problem]) -> bool:
    word = text.casefold()
    if word not in _YES | _NO:
        problems.append(Problem("passed", "not_yes_or_no", text))
    return word not in _NO


HISTORY = Format(
    columns=COLUMNS,
    names=_NAMES,
    needed=(("module",), ("completed on",), ("email", "employee ID")),
    read_line=read_line,
)
