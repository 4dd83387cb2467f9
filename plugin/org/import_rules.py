"""What a file of people may say: its header, and what each row means (pure)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from plugin.org.rules import MAX_NAME, email_of

MAX_ROWS = 100_000
MAX_EMPLOYEE_ID = 64
MAX_CODES = 50
COLUMNS = (
    "first name",
    "last name",
    "email",
    "employee ID",
    "role",
    "groups",
    "sites",
    "regions",
)
UNIT_COLUMNS = {"groups": "group", "sites": "site", "regions": "region"}
EXTRA = "error"
"""The column our own list of bad rows adds; a corrected copy may keep it."""

_NAMES = {
    "firstname": "first name",
    "givenname": "first name",
    "lastname": "last name",
    "familyname": "last name",
    "surname": "last name",
    "email": "email",
    "emailaddress": "email",
    "mail": "email",
    "employeeid": "employee ID",
    "employeenumber": "employee ID",
    "role": "role",
    "group": "groups",
    "groups": "groups",
    "site": "sites",
    "sites": "sites",
    "region": "regions",
    "regions": "regions",
    "error": EXTRA,
}
_SEPARATORS = re.compile(r"[|;]")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_MADE_SAFE = re.compile(r"^'(?=[=+\-@\t\r])")
"""What downloads put before a cell that a spreadsheet would run."""


class FileProblemError(Exception):
    """The file as a whole cannot be read; `code` says why and `value` names what is wrong."""

    def __init__(self, code: str, value: str = "", line: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.value = value
        self.line = line


class RowOutcome(StrEnum):
    """What a row does, or did; the strongest word for it."""

    NEW = "new"
    CHANGED = "changed"
    ADDED = "added"
    SAME = "same"
    ERROR = "error"


class FileRole(StrEnum):
    """What the column `role` may say; rights over everything are never given by a file."""

    LEARNER = "learner"
    MANAGER = "manager"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one cell; the sentence for `code` is made where it is read."""

    column: str
    code: str
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the file, read; `number` is the line where it begins."""

    number: int
    cells: tuple[str, ...]
    given: str = ""
    family: str = ""
    email: str = ""
    employee_id: str = ""
    role: FileRole | None = None
    units: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = field(default=())

    @property
    def name(self) -> str:
        """Who the row is about, as far as it says."""
        return f"{self.given} {self.family}".strip() or self.email or self.employee_id


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column of the file is which; an empty name is a column without a header."""

    columns: tuple[str, ...]


def known_columns(header: Iterable[str]) -> int:
    """How many cells of a possible header are names of ours."""
    return sum(_key(cell) in _NAMES for cell in header)


def read_header(header: Sequence[str]) -> Layout:
    """The layout this header describes; names count whatever their case, spaces and order."""
    columns: list[str] = []
    for cell in header:
        name = _NAMES.get(_key(cell), "")
        if cell.strip() and not name:
            known = known_columns(header)
            raise FileProblemError("unknown_column" if known else "no_header", cell.strip()[:80])
        if name and name in columns:
            raise FileProblemError("double_column", cell.strip())
        columns.append(name)
    for needed in ("first name", "last name"):
        if needed not in columns:
            raise FileProblemError("missing_column", needed)
    if "email" not in columns and "employee ID" not in columns:
        raise FileProblemError("missing_key_column")
    return Layout(tuple(columns))


def read_line(layout: Layout, number: int, cells: Sequence[str]) -> Line | None:
    """What a row says, with everything wrong in it that the row alone shows; None: it is empty."""
    if not any(cell.strip() for cell in cells):
        return None
    said = dict.fromkeys(COLUMNS, "")
    problems: list[Problem] = []
    for place, cell in enumerate(cells):
        name = layout.columns[place] if place < len(layout.columns) else ""
        if name in said:
            said[name] = _clean(name, cell, problems)
        elif not name and cell.strip():
            problems.append(Problem("", "too_many_cells", cell.strip()[:80]))
    units = _units(said, problems)
    return Line(
        number=number,
        cells=tuple(_by_column(layout, cells)),
        given=said["first name"],
        family=said["last name"],
        email=_email(said, problems),
        employee_id=said["employee ID"],
        role=_role(said["role"], units, problems),
        units=units,
        problems=tuple(problems),
    )


def _key(cell: str) -> str:
    return re.sub(r"[^a-z]", "", cell.casefold())


def _by_column(layout: Layout, cells: Sequence[str]) -> Iterable[str]:
    """The cells in the order of the template."""
    for name in COLUMNS:
        place = layout.columns.index(name) if name in layout.columns else len(cells)
        yield cells[place][:1000] if place < len(cells) else ""


def _clean(name: str, cell: str, problems: list[Problem]) -> str:
    text = " ".join(_MADE_SAFE.sub("", cell).split())
    if _UNPRINTABLE.search(text):
        problems.append(Problem(name, "unprintable"))
        return _UNPRINTABLE.sub("", text)
    longest = MAX_EMPLOYEE_ID if name == "employee ID" else MAX_NAME
    if len(text) > longest and name not in UNIT_COLUMNS:
        problems.append(Problem(name, "too_long", str(longest)))
        return text[:longest]
    return text


def _email(said: dict[str, str], problems: list[Problem]) -> str:
    text = said["email"]
    if text and email_of(text) is None:
        problems.append(Problem("email", "not_an_email", text))
        return ""
    if not text and not said["employee ID"]:
        problems.append(Problem("email", "no_key"))
    return text


def _units(said: dict[str, str], problems: list[Problem]) -> tuple[tuple[str, str], ...]:
    """The units of the row as (kind, ID code), each once."""
    found: dict[tuple[str, str], None] = {}
    for column, kind in UNIT_COLUMNS.items():
        codes = [code.strip() for code in _SEPARATORS.split(said[column]) if code.strip()]
        if len(codes) > MAX_CODES:
            problems.append(Problem(column, "too_many_codes", str(MAX_CODES)))
        found |= {(kind, code): None for code in codes[:MAX_CODES]}
    return tuple(found)


def _role(text: str, units: Sequence[object], problems: list[Problem]) -> FileRole | None:
    word = text.casefold()
    if not word:
        return None
    if word in {"admin", "administrator"}:
        problems.append(Problem("role", "admin_by_file"))
        return None
    if word not in set(FileRole):
        problems.append(Problem("role", "unknown_role", text))
        return None
    if word == FileRole.MANAGER and not units:
        problems.append(Problem("role", "manager_of_nothing"))
    return FileRole(word)
