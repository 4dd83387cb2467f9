"""Where the facts lie: one statement that reads all of them, each line tagged with its kind."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    BindParameter,
    Boolean,
    ColumnElement,
    CompoundSelect,
    Date,
    Float,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import aliased

from plugin.assign.facts import RowStatus
from plugin.assign.models import (
    Configuration,
    ConfigurationRow,
    ConfigurationVersion,
    RowTerm,
    StoredStanding,
    Waiver,
)
from plugin.core.base import Int, UTCDateTime
from plugin.modules.models import Completion, Module, ModuleVersion, Retraining, Run, RunState
from plugin.org.history import as_it_was
from plugin.org.models import Membership, Organization, Person, Unit

COLUMNS: Mapping[str, Any] = {
    **dict.fromkeys(("a", "b", "c", "d", "e", "f"), Int),
    **dict.fromkeys(("t1", "t2", "t3", "t4", "t5"), UTCDateTime()),
    **dict.fromkeys(("s1", "s2", "s3", "s4", "s5", "s6"), Text()),
    "x": Float(),
    "flag": Boolean(),
    "day": Date(),
}


Moment = datetime | BindParameter[datetime]
Ids = Sequence[int] | BindParameter[int]

ORGANIZATION: BindParameter[int] = bindparam("organization_id", type_=Int)
PEOPLE: BindParameter[int] = bindparam("person_ids", expanding=True, type_=Int)
CONFIGURATIONS: BindParameter[int] = bindparam("configuration_ids", expanding=True, type_=Int)
AT: BindParameter[datetime] = bindparam("at", type_=UTCDateTime())


@cache
def facts_statement(
    *, names_configurations: bool, history: bool, runs: bool, past: bool = False
) -> CompoundSelect[Any]:
    """All the facts of `person_ids` at `at`; built once, since building costs more than running.

    `past`: places and people are what they were then, also what was changed since.

    Under the `configuration_ids` given, or under every configuration that concerns these people.
    """
    if names_configurations:
        asking = select(Configuration.id).where(
            Configuration.organization_id == ORGANIZATION, Configuration.id.in_(CONFIGURATIONS)
        )
    else:
        asking = configurations_of_people(ORGANIZATION, PEOPLE)
    asked = asking.cte("asked")
    branches = [
        _versions(asked, history=history, past=past),
        _rows(asked, history=history),
        _memberships(past=past),
        _completions(asked),
        _retrainings(asked),
        _waivers(asked),
    ]
    if runs:
        branches.append(_runs())
    return union_all(*branches)


def configurations_of_people(
    organization_id: int | BindParameter[int], person_ids: Ids
) -> Select[Any]:
    """Ids of the configurations that cover or once covered any of these people."""
    units = select(Membership.unit_id).where(Membership.person_id.in_(person_ids))
    regions = select(Unit.region_id).where(Unit.id.in_(units), Unit.region_id.is_not(None))
    judged = select(StoredStanding.configuration_id).where(StoredStanding.person_id.in_(person_ids))
    return select(Configuration.id).where(
        Configuration.organization_id == organization_id,
        or_(
            Configuration.unit_id.in_(units),
            Configuration.unit_id.in_(regions),
            Configuration.id.in_(judged),
        ),
    )


def is_active(at: Moment) -> ColumnElement[bool]:
    """The membership holds at `at`, of a person not deactivated, in a unit not archived."""
    return and_(
        Membership.since_at <= at,
        or_(Membership.until_at.is_(None), Membership.until_at > at),
        or_(Person.deactivated_at.is_(None), Person.deactivated_at > at),
        or_(Unit.archived_at.is_(None), Unit.archived_at > at),
    )


def in_force(at: Moment) -> ColumnElement[bool]:
    """The version is the one its configuration goes by at `at`."""
    other = aliased(ConfigurationVersion)
    newest = (
        select(func.max(other.number))
        .where(
            other.configuration_id == ConfigurationVersion.configuration_id,
            other.effective_at <= at,
        )
        .correlate(ConfigurationVersion)
        .scalar_subquery()
    )
    return ConfigurationVersion.number == newest


def _branch(tag: str, **columns: Any) -> Select[Any]:
    return select(
        literal_column(f"'{tag}'", Text).label("tag"),
        *(
            type_coerce(columns[name] if name in columns else cast(null(), kind), kind).label(name)
            for name, kind in COLUMNS.items()
        ),
    )


def _is_asked(asked: CTE, *, history: bool) -> ColumnElement[bool]:
    return and_(
        ConfigurationVersion.configuration_id.in_(select(asked.c.id)),
        ConfigurationVersion.effective_at <= AT if history else in_force(AT),
    )


def _was(model: Any, name: str, *, past: bool) -> Any:
    return as_it_was(model, name, AT) if past else getattr(model, name)


def _versions(asked: CTE, *, history: bool, past: bool) -> Select[Any]:
    return (
        _branch(
            "version",
            a=Configuration.id,
            b=ConfigurationVersion.id,
            c=ConfigurationVersion.number,
            d=Configuration.unit_id,
            flag=ConfigurationVersion.certificate_on,
            t1=ConfigurationVersion.effective_at,
            t2=_was(Configuration, "archived_at", past=past),
            t3=_was(Unit, "archived_at", past=past),
            t4=ConfigurationVersion.mail_from_at,
            t5=ConfigurationVersion.issue_from_at,
            s1=func.coalesce(_was(Unit, "time_zone", past=past), Organization.time_zone),
            s2=Unit.name,
            s3=Unit.kind,
            s4=Configuration.name,
            s5=Organization.name,
            s6=Organization.locale,
        )
        .select_from(ConfigurationVersion)
        .join(Configuration, Configuration.id == ConfigurationVersion.configuration_id)
        .join(Unit, Unit.id == Configuration.unit_id)
        .join(Organization, Organization.id == Configuration.organization_id)
        .where(_is_asked(asked, history=history))
    )


def _rows(asked: CTE, *, history: bool) -> Select[Any]:
    return (
        _branch(
            "row",
            a=ConfigurationRow.version_id,
            b=ConfigurationRow.module_id,
            c=ConfigurationRow.position,
            d=ConfigurationRow.due_days,
            e=RowTerm.id,
            f=RowTerm.validity_months,
            t1=ConfigurationRow.required_since_at,
            t2=RowTerm.applies_from,
            t3=RowTerm.applies_until,
            x=RowTerm.pass_mark,
            flag=RowTerm.in_grace,
            day=ConfigurationRow.grace_until,
            s1=ConfigurationRow.status,
            s2=Module.title,
            s3=Module.kind,
            s4=Module.state,
        )
        .select_from(ConfigurationVersion)
        .join(ConfigurationRow, ConfigurationRow.version_id == ConfigurationVersion.id)
        .join(RowTerm, RowTerm.row_id == ConfigurationRow.id)
        .join(Module, Module.id == ConfigurationRow.module_id)
        .where(_is_asked(asked, history=history), ConfigurationRow.status != RowStatus.HIDDEN)
    )


def _memberships(*, past: bool) -> Select[Any]:
    return (
        _branch(
            "membership",
            a=Membership.person_id,
            b=Membership.unit_id,
            c=_was(Unit, "region_id", past=past),
            flag=Membership.silent,
            t1=Membership.since_at,
            t2=Membership.until_at,
            t3=_was(Person, "deactivated_at", past=past),
            t4=_was(Unit, "archived_at", past=past),
            t5=Membership.created_at,
        )
        .select_from(Membership)
        .join(Unit, Unit.id == Membership.unit_id)
        .join(Person, Person.id == Membership.person_id)
        .where(
            Membership.organization_id == ORGANIZATION,
            Membership.person_id.in_(PEOPLE),
            Membership.created_at <= AT if past else true(),
        )
    )


def _modules(asked: CTE) -> Select[Any]:
    return (
        select(ConfigurationRow.module_id)
        .join(ConfigurationVersion, ConfigurationVersion.id == ConfigurationRow.version_id)
        .where(ConfigurationVersion.configuration_id.in_(select(asked.c.id)))
    )


def _completions(asked: CTE) -> Select[Any]:
    return (
        _branch(
            "completion",
            a=Completion.person_id,
            b=Completion.module_id,
            c=Completion.id,
            d=Completion.supersedes_id,
            e=case((Completion.silent, 1), else_=0),
            f=ModuleVersion.number,
            flag=Completion.passed,
            t1=Completion.happened_at,
            t2=Completion.learned_at,
            x=Completion.score,
            day=Completion.valid_until_on,
        )
        .select_from(Completion)
        .outerjoin(ModuleVersion, ModuleVersion.id == Completion.module_version_id)
        .where(
            Completion.organization_id == ORGANIZATION,
            Completion.person_id.in_(PEOPLE),
            Completion.module_id.in_(_modules(asked)),
        )
    )


def _retrainings(asked: CTE) -> Select[Any]:
    """Every decision about a version of these modules, whenever it was made: the rules know."""
    return (
        _branch(
            "retraining",
            a=Retraining.module_id,
            b=Retraining.id,
            c=ModuleVersion.number,
            t1=ModuleVersion.created_at,
            t2=Retraining.decided_at,
            day=Retraining.from_on,
        )
        .select_from(Retraining)
        .join(ModuleVersion, ModuleVersion.id == Retraining.module_version_id)
        .where(
            Retraining.organization_id == ORGANIZATION,
            Retraining.module_id.in_(_modules(asked)),
        )
    )


def _waivers(asked: CTE) -> Select[Any]:
    return (
        _branch(
            "waiver",
            a=Waiver.person_id,
            b=Waiver.configuration_id,
            c=Waiver.module_id,
            t1=Waiver.from_at,
            t2=Waiver.ended_at,
            day=Waiver.until_on,
        )
        .select_from(Waiver)
        .where(
            Waiver.organization_id == ORGANIZATION,
            Waiver.person_id.in_(PEOPLE),
            Waiver.configuration_id.in_(select(asked.c.id)),
        )
    )


def _runs() -> Select[Any]:
    return (
        _branch(
            "run",
            a=Run.person_id,
            b=Run.module_id,
            c=Run.id,
            t1=Run.last_activity_at,
            x=Run.progress,
        )
        .select_from(Run)
        .where(
            Run.organization_id == ORGANIZATION,
            Run.person_id.in_(PEOPLE),
            Run.state == RunState.OPEN,
        )
    )
