"""Who uses a module: trainings that ask for it or are being prepared with it, and people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Text, and_, cast, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from plugin.assign.facts import RowStatus
from plugin.assign.models import (
    Configuration,
    ConfigurationDraft,
    ConfigurationRow,
    ConfigurationTemplate,
    ConfigurationVersion,
)
from plugin.assign.statement import in_force, is_active
from plugin.core.base import JsonList
from plugin.modules.models import Completion, Module, Run, RunState
from plugin.org.models import Membership, Person, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A training that has the module in the version in force, or in the one that comes next."""

    configuration_id: int
    name: str
    unit: str
    status: RowStatus
    number: int
    effective_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A training whose draft has the module while nothing published has it."""

    configuration_id: int
    name: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """All of it at one moment; `asked` and `required`: people whom a training in force shows it,
    and of whom one requires it."""

    uses: Sequence[Use]
    drafts: Sequence[Draft]
    templates: Sequence[str]
    asked: int
    required: int
    sittings: int
    completed: int


def usage(session: Session, module: Module, *, at: datetime) -> Usage:
    """What archiving the module meets, in five statements."""
    uses = _uses(session, module, at)
    asked, required = _people(session, module, at)
    sittings, completed = _facts(session, module)
    return Usage(
        uses=uses,
        drafts=_drafts(session, module, {each.configuration_id for each in uses}, at),
        templates=_templates(session, module),
        asked=asked,
        required=required,
        sittings=sittings,
        completed=completed,
    )


def _uses(session: Session, module: Module, at: datetime) -> list[Use]:
    """In force first; a version to come is told of a training only where it is the first."""
    is_coming = and_(
        ConfigurationVersion.id == Configuration.current_version_id,
        ConfigurationVersion.effective_at > at,
    )
    rows = session.execute(
        select(
            Configuration.id.label("configuration_id"),
            Configuration.name,
            Unit.name.label("unit"),
            ConfigurationRow.status,
            ConfigurationVersion.number,
            ConfigurationVersion.effective_at,
        )
        .select_from(ConfigurationRow)
        .join(ConfigurationVersion, ConfigurationVersion.id == ConfigurationRow.version_id)
        .join(Configuration, Configuration.id == ConfigurationVersion.configuration_id)
        .join(Unit, Unit.id == Configuration.unit_id)
        .where(
            ConfigurationRow.module_id == module.id,
            Configuration.organization_id == module.organization_id,
            or_(in_force(at), is_coming),
            *_is_in_use(at),
        )
        .order_by(Unit.name, Configuration.name, Configuration.id, ConfigurationVersion.number)
    ).mappings()
    found: dict[int, Use] = {}
    for line in rows:
        found.setdefault(line["configuration_id"], Use(**line))
    return list(found.values())


def _people(session: Session, module: Module, at: datetime) -> tuple[int, int]:
    asking = (
        select(Configuration.unit_id, ConfigurationRow.status)
        .select_from(ConfigurationRow)
        .join(ConfigurationVersion, ConfigurationVersion.id == ConfigurationRow.version_id)
        .join(Configuration, Configuration.id == ConfigurationVersion.configuration_id)
        .join(Unit, Unit.id == Configuration.unit_id)
        .where(
            ConfigurationRow.module_id == module.id,
            ConfigurationRow.status != RowStatus.HIDDEN,
            Configuration.organization_id == module.organization_id,
            in_force(at),
            *_is_in_use(at),
        )
        .cte("asking")
    )
    people = func.count(Membership.person_id.distinct())
    place = or_(Unit.id == asking.c.unit_id, Unit.region_id == asking.c.unit_id)
    row = session.execute(
        select(people, people.filter(asking.c.status == RowStatus.REQUIRED))
        .select_from(asking)
        .join(Unit, place)
        .join(Membership, Membership.unit_id == Unit.id)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.organization_id == module.organization_id, is_active(at))
    ).one()
    return row[0], row[1]


def _facts(session: Session, module: Module) -> tuple[int, int]:
    sittings = select(func.count()).where(Run.module_id == module.id, Run.state == RunState.OPEN)
    completed = select(func.count(Completion.person_id.distinct())).where(
        Completion.module_id == module.id, Completion.passed
    )
    row = session.execute(select(sittings.scalar_subquery(), completed.scalar_subquery())).one()
    return row[0], row[1]


def _drafts(session: Session, module: Module, besides: set[int], at: datetime) -> list[Draft]:
    rows = session.execute(
        select(
            Configuration.id.label("configuration_id"), Configuration.name, Unit.name.label("unit")
        )
        .join(ConfigurationDraft, ConfigurationDraft.configuration_id == Configuration.id)
        .join(Unit, Unit.id == Configuration.unit_id)
        .where(
            Configuration.organization_id == module.organization_id,
            _lists(ConfigurationDraft.rows, module),
            Configuration.id.not_in(besides),
            *_is_in_use(at),
        )
        .order_by(Unit.name, Configuration.name, Configuration.id)
    ).mappings()
    return [Draft(**line) for line in rows]


def _templates(session: Session, module: Module) -> Sequence[str]:
    return session.scalars(
        select(ConfigurationTemplate.name)
        .where(
            ConfigurationTemplate.organization_id == module.organization_id,
            ConfigurationTemplate.archived_at.is_(None),
            _lists(ConfigurationTemplate.rows, module),
        )
        .order_by(ConfigurationTemplate.name)
    ).all()


def _is_in_use(at: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        or_(Configuration.archived_at.is_(None), Configuration.archived_at > at),
        or_(Unit.archived_at.is_(None), Unit.archived_at > at),
    )


def _lists(rows: InstrumentedAttribute[JsonList], module: Module) -> ColumnElement[bool]:
    """The kept rows name the module. Both databases write a member as `"name": value`."""
    text = cast(rows, Text)
    member = f'%"module_id": {module.id}'
    return or_(text.like(f"{member},%"), text.like(f"{member}}}%"))
