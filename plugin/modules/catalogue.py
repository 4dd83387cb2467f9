"""Reads of the list of modules, each with what tells it from others of its title."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, aliased

from plugin.modules.models import Module, ModuleKind, ModuleState, ModuleVersion
from plugin.web.listing import Asked, like

SORTS = ("title", "kind", "number", "created")
MAX_DIGITS = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One module as those see it who choose one. `has_twin`: another one has the same title."""

    id: int
    title: str
    description: str
    kind: ModuleKind
    state: ModuleState
    version: int | None
    created_at: datetime
    has_twin: bool

    @property
    def is_archived(self) -> bool:
        return self.state is ModuleState.ARCHIVED


def listing(session: Session, organization_id: int, asked: Asked) -> tuple[list[Line], int]:
    """One page of the modules in use, or of the archived ones, and how many there are."""
    is_archived = Module.state == ModuleState.ARCHIVED
    wanted = [is_archived if asked.filters.get("state") == "archived" else ~is_archived]
    if "kind" in asked.filters:
        wanted.append(Module.kind == ModuleKind(asked.filters["kind"]))
    if asked.q:
        wanted.append(_says(asked.q))
    column: Any = {
        "title": func.lower(Module.title),
        "kind": Module.kind,
        "number": Module.id,
        "created": Module.created_at,
    }[asked.sort]
    statement = (
        _lines(organization_id)
        .where(*wanted)
        .order_by(
            column.desc() if asked.descending else column, func.lower(Module.title), Module.id
        )
        .offset(asked.offset)
        .limit(asked.size)
    )
    return _read(session, statement), _count(session, organization_id, wanted)


def to_choose(
    session: Session,
    organization_id: int,
    words: str = "",
    *,
    without: Collection[int] = (),
    limit: int | None = None,
) -> tuple[list[Line], int]:
    """Published modules that have the words in their title, or as their number, by title; and
    how many there are."""
    wanted = [Module.state == ModuleState.PUBLISHED, Module.id.not_in(without)]
    if words:
        wanted.append(_says(words))
    statement = (
        _lines(organization_id)
        .where(*wanted)
        .order_by(func.lower(Module.title), Module.id)
        .limit(limit)
    )
    return _read(session, statement), _count(session, organization_id, wanted)


def to_record(session: Session, organization_id: int) -> list[Line]:
    """The modules completions can be recorded of: those in use by title, then the archived."""
    return _read(
        session,
        _lines(organization_id)
        .where(Module.state != ModuleState.DRAFT)
        .order_by(Module.state == ModuleState.ARCHIVED, func.lower(Module.title), Module.id),
    )


def listed(session: Session, organization_id: int, module_ids: Sequence[int]) -> list[Line]:
    """These modules, whatever their state."""
    return _read(session, _lines(organization_id).where(Module.id.in_(module_ids)))


def namesakes(session: Session, module: Module) -> list[Line]:
    """The module and all others of its title, the oldest first."""
    return _read(
        session,
        _lines(module.organization_id)
        .where(func.lower(Module.title) == func.lower(module.title))
        .order_by(Module.id),
    )


def has_twin(organization_id: Any) -> ColumnElement[bool]:
    """Another module of the organization (its id, or a statement that finds it) has the title of
    the module of the outer statement."""
    other = aliased(Module)
    twice = (
        select(func.lower(other.title))
        .where(other.organization_id == organization_id)
        .group_by(func.lower(other.title))
        .having(func.count() > 1)
    )
    return func.lower(Module.title).in_(twice)


def _lines(organization_id: int) -> Select[Any]:
    columns: list[Any] = [
        Module.id,
        Module.title,
        Module.description,
        Module.kind,
        Module.state,
        ModuleVersion.number.label("version"),
        Module.created_at,
        has_twin(organization_id).label("has_twin"),
    ]
    return (
        select(*columns)
        .outerjoin(ModuleVersion, ModuleVersion.id == Module.current_version_id)
        .where(Module.organization_id == organization_id)
    )


def _says(words: str) -> ColumnElement[bool]:
    """The title contains the words, or they are the module's number."""
    title = func.lower(Module.title).like(func.lower(like(words)), escape="\\")
    is_number = words.isascii() and words.isdecimal() and len(words) <= MAX_DIGITS
    return or_(title, Module.id == int(words)) if is_number else title


def _count(session: Session, organization_id: int, wanted: Sequence[ColumnElement[bool]]) -> int:
    return session.scalar(
        select(func.count()).select_from(Module).where(
            Module.organization_id == organization_id, *wanted
        )
    ) or 0  # fmt: skip


def _read(session: Session, statement: Select[Any]) -> list[Line]:
    return [Line(**row) for row in session.execute(statement).mappings()]
