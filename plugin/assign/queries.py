"""Reads of training configurations and standings; everything takes the organization."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import Session

from plugin.assign.errors import (
    ConfigurationNotFoundError,
    NotPublishedError,
    TemplateNotFoundError,
)
from plugin.assign.facts import RowStatus
from plugin.assign.fetch import ConfigurationLine, Facts, ModuleLine, OpenRun, facts
from plugin.assign.models import (
    Configuration,
    ConfigurationDraft,
    ConfigurationRow,
    ConfigurationTemplate,
    ConfigurationVersion,
    StoredStanding,
)
from plugin.assign.standing import Standing
from plugin.assign.statement import in_force, is_active
from plugin.assign.visible import VisibleModule, visible_modules
from plugin.org.models import Membership, Organization, Person, Unit

__all__ = ["ConfigurationLine", "Facts", "ModuleLine", "OpenRun", "facts"]


def configuration_of(
    session: Session, organization_id: int, configuration_id: int
) -> Configuration:
    found = session.scalar(
        select(Configuration).where(
            Configuration.organization_id == organization_id, Configuration.id == configuration_id
        )
    )
    if found is None:
        raise ConfigurationNotFoundError(configuration_id)
    return found


def zone_of(session: Session, configuration: Configuration) -> str:
    """The time zone that dates of this configuration are counted in."""
    return session.execute(
        select(func.coalesce(Unit.time_zone, Organization.time_zone))
        .join(Organization, Organization.id == Unit.organization_id)
        .where(Unit.id == configuration.unit_id)
    ).scalar_one()


def draft_of(session: Session, configuration: Configuration) -> ConfigurationDraft:
    return session.scalars(
        select(ConfigurationDraft).where(ConfigurationDraft.configuration_id == configuration.id)
    ).one()


def standing_now(
    session: Session, organization_id: int, person_id: int, configuration_id: int, at: datetime
) -> Standing:
    """The person under the configuration as the facts stood at `at`, in one statement."""
    found = facts(
        session,
        organization_id,
        person_ids=[person_id],
        configuration_ids=[configuration_id],
        at=at,
    )
    if configuration_id not in found.configurations:
        raise NotPublishedError(configuration_id)
    return found.standing(person_id, configuration_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerFacts:
    """All a learner's page needs of training: who asks for what, and how it stands."""

    standings: tuple[Standing, ...]
    visible: tuple[VisibleModule, ...]
    configurations: dict[int, ConfigurationLine]
    modules: dict[int, ModuleLine]
    open_runs: dict[int, OpenRun]


def learner_facts(
    session: Session, organization_id: int, person_id: int, at: datetime, *, past: bool = False
) -> LearnerFacts:
    """Every configuration that covers or covered the person, in one statement.

    `visible` is what the learner may see now; `configurations` and `open_runs` are keyed by their
    configuration's and module's id. Hidden modules are in none of it. `past`: `at` is behind us.
    """
    found = facts(
        session,
        organization_id,
        person_ids=[person_id],
        at=at,
        history=past,
        runs=not past,
        past=past,
    )
    standings = tuple(found.standing(person_id, each) for each in sorted(found.configurations))
    visible = visible_modules(standings)
    shown = {module.module_id for module in visible}
    return LearnerFacts(
        standings=standings,
        visible=visible,
        configurations=found.lines,
        modules=found.modules,
        open_runs={
            module_id: run for (_, module_id), run in found.open_runs.items() if module_id in shown
        },
    )


def is_visible(
    session: Session, organization_id: int, person_id: int, module_id: int, at: datetime
) -> bool:
    """Whether a configuration that covers the person shows the module (hidden shows nothing)."""
    places = (
        select(Unit.id, Unit.region_id)
        .join(Membership, Membership.unit_id == Unit.id)
        .join(Person, Person.id == Membership.person_id)
        .where(
            Membership.organization_id == organization_id,
            Membership.person_id == person_id,
            is_active(at),
        )
        .cte("places")
    )
    asking = (
        select(ConfigurationRow.id)
        .join(ConfigurationVersion, ConfigurationVersion.id == ConfigurationRow.version_id)
        .join(Configuration, Configuration.id == ConfigurationVersion.configuration_id)
        .join(Unit, Unit.id == Configuration.unit_id)
        .where(
            Configuration.organization_id == organization_id,
            ConfigurationRow.module_id == module_id,
            ConfigurationRow.status != RowStatus.HIDDEN,
            in_force(at),
            or_(Configuration.archived_at.is_(None), Configuration.archived_at > at),
            or_(Unit.archived_at.is_(None), Unit.archived_at > at),
            or_(
                Unit.id.in_(select(places.c.id)),
                Unit.id.in_(select(places.c.region_id).where(places.c.region_id.is_not(None))),
            ),
        )
    )
    return bool(session.scalar(select(exists(asking))))


def people_to_judge(
    session: Session, configuration: Configuration, *, after: int, limit: int, at: datetime
) -> Sequence[int]:
    """Ids of the next people the configuration covers, or who have a standing under it."""
    members = _covered(configuration, at).where(Membership.person_id > after)
    judged = _judged(configuration).where(StoredStanding.person_id > after)
    return sorted(
        {
            *session.scalars(members.order_by(Membership.person_id).limit(limit)),
            *session.scalars(judged.order_by(StoredStanding.person_id).limit(limit)),
        }
    )[:limit]


def count_people_to_judge(session: Session, configuration: Configuration, *, at: datetime) -> int:
    """How many people `people_to_judge` gives in all."""
    everybody = _covered(configuration, at).union(_judged(configuration)).subquery()
    return session.scalar(select(func.count()).select_from(everybody)) or 0


def _covered(configuration: Configuration, at: datetime) -> Select[Any]:
    return (
        select(Membership.person_id)
        .join(Unit, Unit.id == Membership.unit_id)
        .join(Person, Person.id == Membership.person_id)
        .where(
            Membership.organization_id == configuration.organization_id,
            or_(Unit.id == configuration.unit_id, Unit.region_id == configuration.unit_id),
            is_active(at),
        )
        .distinct()
    )


def _judged(configuration: Configuration) -> Select[Any]:
    return select(StoredStanding.person_id).where(
        StoredStanding.configuration_id == configuration.id
    )


def current_version(session: Session, configuration: Configuration) -> ConfigurationVersion | None:
    """The version published last, without its rows; perhaps not in force yet."""
    if configuration.current_version_id is None:
        return None
    return session.get_one(ConfigurationVersion, configuration.current_version_id)


def version_in_force(
    session: Session, configuration: Configuration, at: datetime
) -> ConfigurationVersion | None:
    """The version people are judged by at `at`, without its rows."""
    return session.scalar(
        select(ConfigurationVersion).where(
            ConfigurationVersion.configuration_id == configuration.id, in_force(at)
        )
    )


def pending_version(
    session: Session, configuration: Configuration, at: datetime
) -> ConfigurationVersion | None:
    """The newest version, if it takes effect only after `at`."""
    newest = current_version(session, configuration)
    return newest if newest is not None and newest.effective_at > at else None


def editor_name(session: Session, draft: ConfigurationDraft) -> str | None:
    """Who saved the draft last."""
    return session.scalar(select(Person.full_name).where(Person.id == draft.updated_by))


def templates(session: Session, organization_id: int) -> Sequence[ConfigurationTemplate]:
    """The templates in use, by name."""
    return session.scalars(
        select(ConfigurationTemplate)
        .where(
            ConfigurationTemplate.organization_id == organization_id,
            ConfigurationTemplate.archived_at.is_(None),
        )
        .order_by(ConfigurationTemplate.name, ConfigurationTemplate.id)
    ).all()


def template_of(session: Session, organization_id: int, template_id: int) -> ConfigurationTemplate:
    found = session.scalar(
        select(ConfigurationTemplate).where(
            ConfigurationTemplate.organization_id == organization_id,
            ConfigurationTemplate.id == template_id,
            ConfigurationTemplate.archived_at.is_(None),
        )
    )
    if found is None:
        raise TemplateNotFoundError(template_id)
    return found
