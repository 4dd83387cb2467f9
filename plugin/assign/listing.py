"""Lists of training configurations, and of units to copy one to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, not_, or_, select, true
from sqlalchemy.orm import Session, aliased

from plugin.assign.facts import RowStatus
from plugin.assign.models import (
    Configuration,
    ConfigurationDraft,
    ConfigurationRow,
    ConfigurationVersion,
)
from plugin.org.history import was
from plugin.org.models import Unit, UnitKind
from plugin.web.listing import Asked, like

SORTS = ("unit", "name", "published")
BATCH = 1000


class ListState(StrEnum):
    """What a list of configurations can be narrowed to."""

    PUBLISHED = "published"
    CHANGED = "changed"
    UNPUBLISHED = "unpublished"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationSummary:
    """A configuration in a list."""

    id: int
    name: str
    unit_id: int
    unit_name: str
    unit_kind: UnitKind
    number: int | None
    published_at: datetime | None
    certificate_on: bool
    required: int
    has_changes: bool
    is_archived: bool


def of_unit(session: Session, organization_id: int, unit_id: int) -> list[ConfigurationSummary]:
    """The configurations in use of one unit and what was published last, in one statement."""
    lines = session.execute(
        _lines(organization_id, None, past=False)
        .where(Configuration.unit_id == unit_id, Configuration.archived_at.is_(None))
        .order_by(Configuration.name, Configuration.id)
    )
    return [_summary(line) for line in lines]


def everywhere(session: Session, organization_id: int) -> list[ConfigurationSummary]:
    """All configurations in use of the organization, by unit and name."""
    lines = session.execute(
        _lines(organization_id, None, past=False)
        .where(Configuration.archived_at.is_(None))
        .order_by(Unit.name, Configuration.name, Configuration.id)
    )
    return [_summary(line) for line in lines]


def page(
    session: Session, organization_id: int, asked: Asked, at: datetime, *, past: bool = False
) -> tuple[list[ConfigurationSummary], int]:
    """One page of all configurations, and how many match.

    `past`: those there were then, each with the version published last by then. What was being
    prepared then is not kept, so it says nothing of unpublished changes.
    """
    conditions = _conditions(asked, at, past=past)
    total = session.scalar(
        select(func.count())
        .select_from(Configuration)
        .join(Unit, Unit.id == Configuration.unit_id)
        .join(ConfigurationDraft, ConfigurationDraft.configuration_id == Configuration.id)
        .outerjoin(ConfigurationVersion, _is_newest(at, past=past))
        .where(Configuration.organization_id == organization_id, *conditions)
    )
    lines = session.execute(
        _lines(organization_id, at, past=past)
        .where(*conditions)
        .order_by(*_order(asked))
        .offset(asked.offset)
        .limit(asked.size)
    )
    return [_summary(line, at) for line in lines], total or 0


def rows(
    session: Session, organization_id: int, asked: Asked, at: datetime, *, past: bool = False
) -> Iterator[ConfigurationSummary]:
    """Everything that matches, for a file."""
    lines = session.execute(
        _lines(organization_id, at, past=past)
        .where(*_conditions(asked, at, past=past))
        .order_by(*_order(asked))
        .execution_options(yield_per=BATCH)
    )
    for line in lines:
        yield _summary(line, at)


def _is_newest(at: datetime | None, *, past: bool) -> ColumnElement[bool]:
    """The version is the one published last, or the last by then."""
    if not past:
        return ConfigurationVersion.id == Configuration.current_version_id
    by_then = aliased(ConfigurationVersion)
    newest = (
        select(func.max(by_then.number))
        .where(by_then.configuration_id == Configuration.id, by_then.published_at <= at)
        .correlate(Configuration)
        .scalar_subquery()
    )
    return and_(
        ConfigurationVersion.configuration_id == Configuration.id,
        ConfigurationVersion.number == newest,
    )


def _lines(organization_id: int, at: datetime | None, *, past: bool) -> Select[Any]:
    required = (
        select(func.count(ConfigurationRow.id))
        .where(
            ConfigurationRow.version_id == ConfigurationVersion.id,
            ConfigurationRow.status == RowStatus.REQUIRED,
        )
        .correlate(ConfigurationVersion)
        .scalar_subquery()
    )
    columns: list[Any] = [
        Configuration.id,
        Configuration.name,
        Configuration.unit_id,
        was(Configuration, "archived_at", at, past=past).label("archived_at"),
        Unit.name.label("unit_name"),
        Unit.kind,
        ConfigurationVersion.number,
        ConfigurationVersion.published_at,
        ConfigurationVersion.certificate_on,
        required.label("required"),
        (false() if past else _has_changes()).label("has_changes"),
    ]
    return (
        select(*columns)
        .join(Unit, Unit.id == Configuration.unit_id)
        .join(ConfigurationDraft, ConfigurationDraft.configuration_id == Configuration.id)
        .outerjoin(ConfigurationVersion, _is_newest(at, past=past))
        .where(Configuration.organization_id == organization_id)
    )


def _has_changes() -> ColumnElement[bool]:
    return or_(
        ConfigurationVersion.id.is_(None),
        ConfigurationDraft.updated_at > ConfigurationVersion.published_at,
    )


def _conditions(asked: Asked, at: datetime, *, past: bool) -> list[ColumnElement[bool]]:
    state = asked.filters.get("state")
    archived_at = was(Configuration, "archived_at", at, past=past)
    in_use = or_(archived_at.is_(None), archived_at > at)
    found: list[ColumnElement[bool]] = [
        not_(in_use) if state == ListState.ARCHIVED else in_use,
        Configuration.created_at <= at if past else true(),
    ]
    if asked.q:
        words = like(asked.q)
        found.append(
            or_(
                Configuration.name.ilike(words, escape="\\"),
                Unit.name.ilike(words, escape="\\"),
            )
        )
    if "kind" in asked.filters:
        found.append(Unit.kind == UnitKind(asked.filters["kind"]))
    if state == ListState.PUBLISHED:
        found.append(ConfigurationVersion.id.is_not(None))
    elif state == ListState.CHANGED:
        found.append(false() if past else _has_changes())
        found.append(ConfigurationVersion.id.is_not(None))
    elif state == ListState.UNPUBLISHED:
        found.append(ConfigurationVersion.id.is_(None))
    return found


def _order(asked: Asked) -> list[Any]:
    column: Any = {
        "unit": Unit.name,
        "name": Configuration.name,
        "published": func.coalesce(ConfigurationVersion.published_at, Configuration.created_at),
    }[asked.sort]
    first = column.desc() if asked.descending else column
    return [first, Configuration.name, Configuration.id]


def _summary(line: Any, at: datetime | None = None) -> ConfigurationSummary:
    return ConfigurationSummary(
        id=line.id,
        name=line.name,
        unit_id=line.unit_id,
        unit_name=line.unit_name,
        unit_kind=line.kind,
        number=line.number,
        published_at=line.published_at,
        certificate_on=bool(line.certificate_on),
        required=line.required,
        has_changes=bool(line.has_changes),
        is_archived=line.archived_at is not None and (at is None or line.archived_at <= at),
    )


def units_to_copy_to(
    session: Session, configuration: Configuration, words: str, *, offset: int, limit: int
) -> tuple[Sequence[Unit], int]:
    """The other units in use whose name or ID code contains the words, and how many."""
    pattern = like(words)
    wanted = (
        Unit.organization_id == configuration.organization_id,
        Unit.id != configuration.unit_id,
        Unit.archived_at.is_(None),
        or_(Unit.name.ilike(pattern, escape="\\"), Unit.id_code.ilike(pattern, escape="\\"))
        if words
        else true(),
    )
    total = session.scalar(select(func.count()).select_from(Unit).where(*wanted)) or 0
    units = session.scalars(
        select(Unit).where(*wanted).order_by(Unit.name, Unit.id).offset(offset).limit(limit)
    ).all()
    return units, total


def units_by_id(session: Session, organization_id: int, unit_ids: Sequence[int]) -> Sequence[Unit]:
    """These units of the organization, by name; unknown ids are left out."""
    return session.scalars(
        select(Unit)
        .where(
            Unit.organization_id == organization_id,
            Unit.id.in_(unit_ids),
            Unit.archived_at.is_(None),
        )
        .order_by(Unit.name, Unit.id)
    ).all()
