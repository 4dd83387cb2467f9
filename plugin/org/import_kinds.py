"""What an import needs to know of each kind of file: how it is read, judged, done and shown.

The kinds are of several features, so the app that wires them together says which there are.
"""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, cast

from flask_babel import LazyString
from sqlalchemy.orm import Session

from plugin.core.base import JsonDict
from plugin.core.context import wired
from plugin.core.db import Tx
from plugin.org.import_format import Format, Problem, RowOutcome
from plugin.org.import_models import ImportKind, ImportRow

EXTENSION = "import_kinds"


class AnyVerdict(Protocol):
    """What a row would do; with problems it does nothing."""

    @property
    def outcome(self) -> RowOutcome: ...
    @property
    def person_id(self) -> int | None: ...
    @property
    def problems(self) -> tuple[Problem, ...]: ...
    @property
    def plan(self) -> JsonDict: ...
    @property
    def joins(self) -> tuple[int, ...]: ...
    @property
    def manages(self) -> tuple[int, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a chunk of rows changes anything: which import, whose, when."""

    organization_id: int
    import_id: int
    filename: str
    is_silent: bool
    by: int | None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What the pages say of a kind."""

    columns: Mapping[str, LazyString]
    outcomes: Mapping[RowOutcome, tuple[str, LazyString]]
    problems: Mapping[str, LazyString]
    sample: Sequence[Sequence[str]]
    """Rows of the template."""
    mail: LazyString
    """What mail goes if it is asked for."""
    new_page: str
    plan_page: str
    """The template of the page that asks for the file, and the one of what a row does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One kind of import.

    `judge` says what each row of a chunk would do, given the rows before it (`seen`); `recall`
    makes `seen` know rows judged by an earlier run; `write` does what the verdicts say and
    returns the person of each row.
    """

    kind: ImportKind
    format: Format
    seen: Callable[[], Any]
    judge: Callable[[Session, int, Sequence[Any], Any, datetime], Sequence[Any]]
    recall: Callable[[Session, int, Sequence[Any], Any], None]
    write: Callable[[Tx, Sequence[tuple[Any, Any]], Cause], Sequence[int]]
    words: Words
    names: Callable[[Session, int, Sequence[ImportRow]], Mapping[int, str]] = field(
        default=lambda _session, _organization_id, _rows: {}
    )
    """Names of what the plans of these rows speak of by id."""


def install(extensions: MutableMapping[str, Any], *subjects: Subject) -> None:
    """These are the kinds of imports there are."""
    extensions[EXTENSION] = {subject.kind: subject for subject in subjects}


def subject_of(kind: ImportKind) -> Subject:
    """What the running app knows of this kind."""
    return cast(Subject, wired(EXTENSION)[kind])
