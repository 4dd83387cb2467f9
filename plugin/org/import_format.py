"""How a CSV file of any kind is described: its columns, its rows, and what may be wrong (pure)."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

EXTRA = "error"
"""The column our own list of bad rows adds; a corrected copy may keep it."""
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


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one cell; the sentence for `code` is made where it is read."""

    column: str
    code: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column of the file is which; an empty name is a column without a header."""

    columns: tuple[str, ...]


class AnyLine(Protocol):
    """One row of a file, read; `number` is the line where it begins."""

    @property
    def number(self) -> int: ...
    @property
    def cells(self) -> tuple[str, ...]: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A kind of file: its columns in the template's order, what else they may be called, which
    must be there (of each group one), and how a row is read."""

    columns: tuple[str, ...]
    names: Mapping[str, str]
    """A header without signs and capitals, and the column it means."""
    needed: tuple[tuple[str, ...], ...]
    read_line: Callable[[Layout, int, Sequence[str]], AnyLine | None]

    def known_columns(self, header: Iterable[str]) -> int:
        """How many cells of a possible header are names of ours."""
        return sum(bool(self.column_of(cell)) for cell in header)

    def column_of(self, cell: str) -> str:
        """The column this cell of a header names; empty: none of ours."""
        key = re.sub(r"[^a-z]", "", cell.casefold())
        return EXTRA if key == EXTRA else self.names.get(key, "")

    def read_header(self, header: Sequence[str]) -> Layout:
        """The layout this header describes; names count whatever their case, spaces and order."""
        columns: list[str] = []
        for cell in header:
            name = self.column_of(cell)
            if cell.strip() and not name:
                known = self.known_columns(header)
                raise FileProblemError(
                    "unknown_column" if known else "no_header", cell.strip()[:80]
                )
            if name and name in columns:
                raise FileProblemError("double_column", cell.strip())
            columns.append(name)
        for group in self.needed:
            if not any(name in columns for name in group):
                raise missing(group)
        return Layout(tuple(columns))


def missing(group: Sequence[str]) -> FileProblemError:
    """None of these columns is there."""
    if len(group) == 1:
        return FileProblemError("missing_column", group[0])
    return FileProblemError("missing_key_column")


def cells_by_name(
    layout: Layout, columns: Sequence[str], cells: Sequence[str], problems: list[Problem]
) -> dict[str, str]:
    """What each column says, as it is written; a cell below no header is a problem."""
    said = dict.fromkeys(columns, "")
    for place, cell in enumerate(cells):
        name = layout.columns[place] if place < len(layout.columns) else ""
        if name in said:
            said[name] = cell
        elif not name and cell.strip():
            problems.append(Problem("", "too_many_cells", cell.strip()[:80]))
    return said


def in_order(layout: Layout, columns: Sequence[str], cells: Sequence[str]) -> tuple[str, ...]:
    """The cells in the order of the template, as they are kept of a bad row."""
    places = {name: place for place, name in enumerate(layout.columns)}
    found = (places.get(name, len(cells)) for name in columns)
    return tuple(cells[place][:1000] if place < len(cells) else "" for place in found)


def clean(name: str, cell: str, problems: list[Problem], *, longest: int | None) -> str:
    """The words of a cell, with what cannot be stored taken out and said."""
    text = " ".join(_MADE_SAFE.sub("", cell).split())
    if _UNPRINTABLE.search(text):
        problems.append(Problem(name, "unprintable"))
        return _UNPRINTABLE.sub("", text)
    if longest is not None and len(text) > longest:
        problems.append(Problem(name, "too_long", str(longest)))
        return text[:longest]
    return text
