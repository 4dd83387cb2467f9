"""Lists of training configurations, and of units to copy one to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.orm import Session

from plugin.assign.facts import RowStatus
from plugin.assign.models import (
    Configuration,
    ConfigurationDraft,
    ConfigurationRow,
    ConfigurationVersion,
)
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
        _lines(organization_id)
        .where(Configuration.unit_id == unit_id, Configuration.archived_at.is_(None))
        .order_by(Configuration.name, Configuration.id)
    )
    return [_summary(line) for line in lines]


def everywhere(session: Session, organization_id: int) -> list[ConfigurationSummary]:
    """All configurations in use of the organization, by unit and name."""
    lines = session.execute(
        _lines(organization_id)
        .where(Configuration.archived_at.is_(None))
        .order_by(Unit.name, Configuration.name, Configuration.id)
    )
    return [_summary(line) for line in lines]


def page(
    session: Session, organization_id: int, asked: Asked
) -> tuple[list[ConfigurationSummary], int]:
    """One page of all configurations, and how many match."""
    conditions = _conditions(asked)
    total = session.scalar(
        select(func.count())
        .select_from(Configuration)
        .join(Unit, Unit.id == Configuration.unit_id)
        .join(ConfigurationDraft, ConfigurationDraft.configuration_id == Configuration.id)
        .outerjoin(
            ConfigurationVersion, ConfigurationVersion.id == Configuration.current_version_id
        )
        .where(Configuration.organization_id == organization_id, *conditions)
    )
    lines = session.execute(
        _lines(organization_id)
        .where(*conditions)
        .order_by(*_order(asked))
        .offset(asked.offset)
        .limit(asked.size)
    )
    return [_summary(line) for line in lines], total or 0


def rows(session: Session, organization_id: int, asked: Asked) -> Iterator[ConfigurationSummary]:
    """Everything that matches, for a file."""
    lines = session.execute(
        _lines(organization_id)
        .where(*_conditions(asked))
        .order_by(*_order(asked))
        .execution_options(yield_per=BATCH)
    )
    for line in lines:
        yield _summary(line)


def _lines(organization_id: int) -> Select[Any]:
    required = (
        select(func.count(ConfigurationRow.id))
        .where(
            ConfigurationRow.version_id == Configuration.current_version_id,
            ConfigurationRow.status == RowStatus.REQUIRED,
        )
        .correlate(Configuration)
        .scalar_subquery()
    )
    columns: list[Any] = [
        Configuration.id,
        Configuration.name,
        Configuration.unit_id,
        Configuration.archived_at,
        Unit.name.label("unit_name"),
        Unit.kind,
        ConfigurationVersion.number,
        ConfigurationVersion.published_at,
        ConfigurationVersion.certificate_on,
        required.label("required"),
        _has_changes().label("has_changes"),
    ]
    return (
        select(*columns)
        .join(Unit, Unit.id == Configuration.unit_id)
        .join(ConfigurationDraft, ConfigurationDraft.configuration_id == Configuration.id)
        .outerjoin(
            ConfigurationVersion, ConfigurationVersion.id == Configuration.current_version_id
        )
        .where(Configuration.organization_id == organization_id)
    )


def _has_changes() -> ColumnElement[bool]:
    return or_(
        ConfigurationVersion.id.is_(None),
        ConfigurationDraft.updated_at > ConfigurationVersion.published_at,
    )


def _conditions(asked: Asked) -> list[ColumnElement[bool]]:
    state = asked.filters.get("state")
    found: list[ColumnElement[bool]] = [
        Configuration.archived_at.is_not(None)
        if state == ListState.ARCHIVED
        else Configuration.archived_at.is_(None)
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
        found.append(and_(ConfigurationVersion.id.is_not(None), _has_changes()))
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


def _summary(line: Any) -> ConfigurationSummary:
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
        is_archived=line.archived_at is not None,
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
