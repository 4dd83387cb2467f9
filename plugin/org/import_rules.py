"""What a file of people may say: its header, and what each row means (pure)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from plugin.org.import_format import Format, Layout, Problem, cells_by_name, clean, in_order
from plugin.org.rules import MAX_NAME, email_of

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
_LONGEST = {
    "first name": MAX_NAME,
    "last name": MAX_NAME,
    "email": MAX_NAME,
    "employee ID": MAX_EMPLOYEE_ID,
    "role": MAX_NAME,
}
UNIT_COLUMNS = {"groups": "group", "sites": "site", "regions": "region"}
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
}
_SEPARATORS = re.compile(r"[|;]")


class FileRole(StrEnum):
    """What the column `role` may say; rights over everything are never given by a file."""

    LEARNER = "learner"
    MANAGER = "manager"


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


def read_line(layout: Layout, number: int, cells: Sequence[str]) -> Line | None:
    """What a row says, with everything wrong in it that the row alone shows; None: it is empty."""
    if not any(cell.strip() for cell in cells):
        return None
    problems: list[Problem] = []
    written = cells_by_name(layout, COLUMNS, cells, problems)
    said = {
        name: clean(name, cell, problems, longest=_LONGEST.get(name)) if cell else ""
        for name, cell in written.items()
    }
    units = _units(said, problems)
    return Line(
        number=number,
        cells=in_order(layout, COLUMNS, cells),
        given=said["first name"],
        family=said["last name"],
        email=_email(said, problems),
        employee_id=said["employee ID"],
        role=_role(said["role"], units, problems),
        units=units,
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


PEOPLE = Format(
    columns=COLUMNS,
    names=_NAMES,
    needed=(("first name",), ("last name",), ("email", "employee ID")),
    read_line=read_line,
)
