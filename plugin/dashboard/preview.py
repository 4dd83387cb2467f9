"""What a learner of a unit would see under a draft, by the same rules as their own page."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from plugin.assign import actions, queries
from plugin.assign.actions import Effect
from plugin.assign.facts import ConfigurationFacts
from plugin.assign.fetch import ConfigurationLine, Facts, ModuleLine, facts
from plugin.assign.models import Configuration
from plugin.assign.queries import LearnerFacts
from plugin.assign.spans import Span
from plugin.assign.visible import visible_modules
from plugin.modules.models import Module
from plugin.org.models import Membership, Organization, Person, Unit

NOBODY = 0
"""The id of a person who has just joined and has done nothing yet."""


def learner_facts_of_draft(
    session: Session,
    configuration: Configuration,
    at: datetime,
    *,
    person_id: int = NOBODY,
    with_draft: bool = True,
) -> LearnerFacts:
    """What the page of a member shows at `at`: a new member's, or a person's own.

    With the draft of this configuration in place of what is published, or without.
    """
    unit = session.get_one(Unit, configuration.unit_id)
    ids = _asking(session, unit, configuration, person_id)
    found = facts(
        session,
        configuration.organization_id,
        person_ids=[person_id],
        configuration_ids=ids,
        at=at,
        history=False,
        runs=person_id != NOBODY,
    )
    if with_draft:
        _put_draft(session, found, configuration, unit, at)
    if person_id == NOBODY:
        places = frozenset(each for each in (unit.id, unit.region_id) if each is not None)
        found.memberships[NOBODY] = [(places, Span(since=at))]
    standings = tuple(found.standing(person_id, each) for each in sorted(found.configurations))
    visible = visible_modules(standings)
    return LearnerFacts(
        standings=standings,
        visible=visible,
        configurations=found.lines,
        modules=found.modules,
        open_runs={module_id: run for (_, module_id), run in found.open_runs.items()},
    )


def member(session: Session, configuration: Configuration, words: str) -> Person | None:
    """The member of the unit, or of a site in it, with this email or employee ID."""
    return session.scalar(
        select(Person)
        .join(Membership, Membership.person_id == Person.id)
        .join(Unit, Unit.id == Membership.unit_id)
        .where(
            Person.organization_id == configuration.organization_id,
            or_(Unit.id == configuration.unit_id, Unit.region_id == configuration.unit_id),
            or_(Person.email == words, Person.employee_id == words),
            Membership.until_at.is_(None),
        )
        .limit(1)
    )


def _asking(
    session: Session, unit: Unit, configuration: Configuration, person_id: int
) -> Sequence[int]:
    """Whatever covers a member of the unit; for a person, whatever covers them."""
    if person_id != NOBODY:
        places = (
            select(Membership.unit_id)
            .where(Membership.person_id == person_id, Membership.until_at.is_(None))
            .scalar_subquery()
        )
        regions = select(Unit.region_id).where(Unit.id.in_(places), Unit.region_id.is_not(None))
        condition = or_(Configuration.unit_id.in_(places), Configuration.unit_id.in_(regions))
    else:
        condition = Configuration.unit_id.in_(
            [each for each in (unit.id, unit.region_id) if each is not None]
        )
    found = session.scalars(
        select(Configuration.id).where(
            Configuration.organization_id == configuration.organization_id,
            Configuration.archived_at.is_(None),
            condition,
        )
    )
    return sorted({*found, configuration.id})


def _put_draft(
    session: Session, found: Facts, configuration: Configuration, unit: Unit, at: datetime
) -> None:
    draft = queries.draft_of(session, configuration)
    coming = actions.next_version(session, configuration, draft, Effect(), now=at)
    known = found.configurations.get(configuration.id)
    found.configurations[configuration.id] = (
        replace(known, rows=coming.rows, certificate_on=coming.certificate_on)
        if known
        else ConfigurationFacts(
            configuration_id=configuration.id,
            version_id=0,
            number=1,
            unit_id=unit.id,
            zone=coming.zone,
            effective_at=at,
            certificate_on=coming.certificate_on,
            rows=coming.rows,
        )
    )
    if known is None:
        organization = session.get_one(Organization, configuration.organization_id)
        found.lines[configuration.id] = ConfigurationLine(
            name=configuration.name,
            organization_name=organization.name,
            locale=organization.locale,
            unit_id=unit.id,
            unit_name=unit.name,
            unit_kind=unit.kind,
            zone=coming.zone,
        )
    modules = session.scalars(
        select(Module).where(
            Module.organization_id == configuration.organization_id,
            Module.id.in_([row.module_id for row in coming.rows]),
        )
    )
    found.modules.update(
        (each.id, ModuleLine(id=each.id, title=each.title, kind=each.kind, state=each.state))
        for each in modules
    )
