"""Whom it would concern if a version had to be learned anew from a day on, as one statement.

The same rules as `retraining.is_told`, for sets: a property test compares the two.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Date,
    Select,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import aliased

from plugin.assign import replaced_sql
from plugin.assign.calendar_sql import FOR_EVER, Earliest, LastDay
from plugin.assign.facts import RetrainingFacts, RowStatus
from plugin.assign.models import (
    Configuration,
    ConfigurationRow,
    ConfigurationVersion,
    RowTerm,
    Waiver,
)
from plugin.assign.proofs import ROUNDING
from plugin.assign.statement import in_force, is_active
from plugin.core.base import Int
from plugin.modules.models import Completion, ModuleVersion
from plugin.org.models import Membership, Organization, Person, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """A decision that is not made yet, beside `others` that stand; `zones`: the organization's."""

    organization_id: int
    retraining: RetrainingFacts
    others: tuple[RetrainingFacts, ...]
    zones: Collection[str]


def concerned(prospect: Prospect) -> CTE:
    """One line for each person and configuration where the decision ends what satisfies a required
    row; `promised`: the configuration gives certificates."""
    asked = _asked(prospect)
    covered = _covered(prospect, asked)
    lines = union_all(
        _completions(prospect, asked, covered), _waivers(prospect, covered), _graces(asked, covered)
    ).cte("proof")
    lasts = lines.c.last_day > literal(prospect.retraining.last_day, Date)
    line = (
        select(lines.c.person_id, lines.c.configuration_id, asked.c.promised)
        .join(asked, asked.c.configuration_id == lines.c.configuration_id)
        .group_by(lines.c.person_id, lines.c.configuration_id, asked.c.promised)
        .having(
            func.max(case((and_(lasts, lines.c.replaced == 1), 1), else_=0)) == 1,
            func.max(case((and_(lasts, lines.c.replaced == 0), 1), else_=0)) == 0,
        )
        .cte("concerned")
    )
    return line.prefix_with("MATERIALIZED", dialect="postgresql")


def _asked(prospect: Prospect) -> CTE:
    """The required rows of the module in the versions in force."""
    at = prospect.retraining.decided_at
    return (
        select(
            Configuration.id.label("configuration_id"),
            Configuration.unit_id,
            func.coalesce(Unit.time_zone, Organization.time_zone).label("zone"),
            case((ConfigurationVersion.certificate_on, 1), else_=0).label("promised"),
            ConfigurationRow.id.label("row_id"),
            ConfigurationRow.grace_until,
            ConfigurationRow.required_since_at,
        )
        .select_from(ConfigurationVersion)
        .join(Configuration, Configuration.id == ConfigurationVersion.configuration_id)
        .join(Unit, Unit.id == Configuration.unit_id)
        .join(Organization, Organization.id == Configuration.organization_id)
        .join(ConfigurationRow, ConfigurationRow.version_id == ConfigurationVersion.id)
        .where(
            Configuration.organization_id == prospect.organization_id,
            ConfigurationRow.module_id == prospect.retraining.module_id,
            ConfigurationRow.status == RowStatus.REQUIRED,
            or_(Configuration.archived_at.is_(None), Configuration.archived_at > at),
            or_(Unit.archived_at.is_(None), Unit.archived_at > at),
            in_force(at),
        )
        .cte("asked")
    )


def _covered(prospect: Prospect, asked: CTE) -> CTE:
    place = or_(Unit.id == asked.c.unit_id, Unit.region_id == asked.c.unit_id)
    return (
        select(Membership.person_id, asked.c.configuration_id, asked.c.row_id, asked.c.zone)
        .select_from(asked)
        .join(Unit, place)
        .join(Membership, Membership.unit_id == Unit.id)
        .join(Person, Person.id == Membership.person_id)
        .where(
            Membership.organization_id == prospect.organization_id,
            is_active(prospect.retraining.decided_at),
        )
        .distinct()
        .cte("covered")
    )


def _completions(prospect: Prospect, asked: CTE, covered: CTE) -> Select[Any]:
    at, later = prospect.retraining.decided_at, aliased(Completion)
    begins = replaced_sql.begins_in_each(covered.c.zone, prospect.zones)
    grace_until: ColumnElement[Any] = case(
        (RowTerm.in_grace, asked.c.grace_until), else_=literal(FOR_EVER, Date)
    )
    worth = Earliest(
        LastDay(Completion.happened_at, type_coerce(RowTerm.validity_months, Int), covered.c.zone),
        func.coalesce(Completion.valid_until_on, literal(FOR_EVER, Date)),
        replaced_sql.last_day(prospect.others, begins),
        grace_until,
    )
    happened = Completion.happened_at
    return (
        select(
            covered.c.person_id,
            covered.c.configuration_id,
            type_coerce(worth, Date).label("last_day"),
            case((replaced_sql.replaces(prospect.retraining, begins), 1), else_=0).label(
                "replaced"
            ),
        )
        .select_from(covered)
        .join(asked, asked.c.configuration_id == covered.c.configuration_id)
        .join(
            Completion,
            and_(
                Completion.person_id == covered.c.person_id,
                Completion.module_id == prospect.retraining.module_id,
            ),
        )
        .outerjoin(ModuleVersion, ModuleVersion.id == Completion.module_version_id)
        .join(
            RowTerm,
            and_(
                RowTerm.row_id == covered.c.row_id,
                or_(RowTerm.applies_from.is_(None), RowTerm.applies_from <= happened),
                or_(RowTerm.applies_until.is_(None), happened < RowTerm.applies_until),
            ),
        )
        .where(
            Completion.organization_id == prospect.organization_id,
            Completion.passed,
            or_(RowTerm.pass_mark.is_(None), Completion.score + ROUNDING >= RowTerm.pass_mark),
            happened <= at,
            Completion.learned_at <= at,
            ~select(later.id)
            .where(
                later.supersedes_id == Completion.id,
                later.learned_at <= at,
                later.happened_at <= at,
            )
            .exists(),
        )
    )


def _waivers(prospect: Prospect, covered: CTE) -> Select[Any]:
    at = prospect.retraining.decided_at
    return (
        select(
            covered.c.person_id,
            covered.c.configuration_id,
            Waiver.until_on.label("last_day"),
            literal(0).label("replaced"),
        )
        .select_from(covered)
        .join(
            Waiver,
            and_(
                Waiver.person_id == covered.c.person_id,
                Waiver.configuration_id == covered.c.configuration_id,
                Waiver.module_id == prospect.retraining.module_id,
            ),
        )
        .where(Waiver.from_at <= at, or_(Waiver.ended_at.is_(None), Waiver.ended_at > at))
    )


def _graces(asked: CTE, covered: CTE) -> Select[Any]:
    """A row that was not asked before counts as satisfied until its grace is over."""
    had_terms = select(RowTerm.id).where(RowTerm.row_id == asked.c.row_id, RowTerm.in_grace)
    return (
        select(
            covered.c.person_id,
            covered.c.configuration_id,
            asked.c.grace_until.label("last_day"),
            literal(0).label("replaced"),
        )
        .select_from(covered)
        .join(asked, asked.c.configuration_id == covered.c.configuration_id)
        .where(
            asked.c.grace_until.is_not(None),
            asked.c.required_since_at.is_not(None),
            ~had_terms.exists(),
        )
    )
