"""What a row of people would do to what is known (pure)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from plugin.org.import_format import Problem, RowOutcome
from plugin.org.import_rules import UNIT_COLUMNS, FileRole, Line

_COLUMN_OF = {kind: column for column, kind in UNIT_COLUMNS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A person as stored."""

    id: int
    given: str
    family: str
    full: str
    email: str | None
    employee_id: str | None
    is_active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of everybody a chunk of rows may be about."""

    by_employee_id: Mapping[str, Known] = field(default_factory=dict)
    by_email: Mapping[str, Sequence[Known]] = field(default_factory=dict)
    units: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Units in use by kind and ID code."""
    imported: Collection[tuple[int, int]] = frozenset()
    """Who is in which unit already because of an import: (unit, person)."""
    managed: Collection[tuple[int, int]] = frozenset()
    """Who manages which unit: (unit, person)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the row would do; with problems it does nothing."""

    outcome: RowOutcome
    person_id: int | None = None
    changes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Column of the person: before and after."""
    joins: tuple[int, ...] = ()
    manages: tuple[int, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def plan(self) -> dict[str, Any]:
        """What is kept of it."""
        return {
            "changes": {name: list(pair) for name, pair in self.changes.items()},
            "joins": list(self.joins),
            "manages": list(self.manages),
        }


class Named(Protocol):
    """A row that says whom it is about by employee ID, email or both."""

    @property
    def employee_id(self) -> str: ...
    @property
    def email(self) -> str: ...


class Seen:
    """Whom earlier rows of the file were about, by the line that was first."""

    def __init__(self) -> None:
        self._lines: dict[object, int] = {}

    def line_of(self, line: Line, known: Known | None) -> int | None:
        """The earlier line that is about the same person, if there is one.

        One address may serve several people as long as each is known by employee ID.
        """
        keys: list[object] = [("id", line.employee_id)] if line.employee_id else []
        if known is not None:
            keys.append(known.id)
        is_by_id = known is not None and known.employee_id == line.employee_id != ""
        if line.email and not is_by_id:
            keys.append(("email", line.email.lower()))
        return next((self._lines[key] for key in keys if key in self._lines), None)

    def note(self, line: Line, person_id: int | None) -> None:
        """This row is about these."""
        if line.employee_id:
            self._lines.setdefault(("id", line.employee_id), line.number)
        if line.email:
            self._lines.setdefault(("email", line.email.lower()), line.number)
        if person_id is not None:
            self._lines.setdefault(person_id, line.number)


def judge(line: Line, facts: Facts, seen: Seen) -> Verdict:
    """What this row would do, given the facts and the rows before it."""
    problems = list(line.problems)
    known = match(line, facts, problems)
    first = seen.line_of(line, known)
    if first is not None:
        problems.append(Problem("", "same_person", str(first)))
    seen.note(line, known.id if known else None)
    if known is None and not (line.given or line.family):
        problems.append(Problem("first name", "no_name"))
    unit_ids = _units(line, facts, problems)
    person_id = known.id if known else None
    if problems:
        return Verdict(outcome=RowOutcome.ERROR, person_id=person_id, problems=tuple(problems))
    changes = changes_of(line, known)
    joins = tuple(each for each in unit_ids if (each, person_id) not in facts.imported)
    manages = (
        tuple(each for each in unit_ids if (each, person_id) not in facts.managed)
        if line.role is FileRole.MANAGER
        else ()
    )
    return Verdict(
        outcome=_outcome(known, changes, joins + manages),
        person_id=person_id,
        changes=changes,
        joins=joins,
        manages=manages,
    )


def changes_of(line: Line, known: Known | None) -> dict[str, tuple[str, str]]:
    """The person's columns this row sets, with before and after; an empty cell sets nothing."""
    given = line.given or (known.given if known else "")
    family = line.family or (known.family if known else "")
    before = (
        ("", "", "", "", "")
        if known is None
        else (known.given, known.family, known.full, known.email or "", known.employee_id or "")
    )
    is_renamed = (given, family) != before[:2]
    is_new_address = line.email.lower() not in {"", before[3].lower()}
    after = (
        given,
        family,
        f"{given} {family}".strip() if is_renamed else before[2],
        line.email if is_new_address else before[3],
        line.employee_id or before[4],
    )
    names = ("given_name", "family_name", "full_name", "email", "employee_id")
    told = zip(names, before, after, strict=True)
    return {name: (old, new) for name, old, new in told if old != new}


def match(line: Named, facts: Facts, problems: list[Problem]) -> Known | None:
    """The person the row is about: by employee ID, else by email."""
    found = facts.by_employee_id.get(line.employee_id) if line.employee_id else None
    if found is None and line.email:
        found = _by_email(line, facts.by_email.get(line.email.lower(), ()), problems)
    if found is not None and not found.is_active:
        problems.append(Problem("", "deactivated", found.full))
    return found


def _by_email(line: Named, all_of_them: Sequence[Known], problems: list[Problem]) -> Known | None:
    people = [each for each in all_of_them if each.is_active] or all_of_them
    if len(people) > 1:
        problems.append(Problem("email", "ambiguous_email", line.email))
        return None
    if not people:
        return None
    if line.employee_id and people[0].employee_id:
        problems.append(Problem("email", "email_of_another", people[0].employee_id))
        return None
    return people[0]


def _units(line: Line, facts: Facts, problems: list[Problem]) -> tuple[int, ...]:
    found = []
    for kind, code in line.units:
        unit_id = facts.units.get((kind, code))
        if unit_id is None:
            problems.append(Problem(_COLUMN_OF[kind], "unknown_code", code))
        else:
            found.append(unit_id)
    return tuple(found)


def _outcome(
    known: Known | None, changes: Mapping[str, object], added: tuple[int, ...]
) -> RowOutcome:
    if known is None:
        return RowOutcome.NEW
    if changes:
        return RowOutcome.CHANGED
    return RowOutcome.ADDED if added else RowOutcome.SAME
