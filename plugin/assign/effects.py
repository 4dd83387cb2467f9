"""What a version would make of everybody it covers, as one statement: a line for each person.

The same rules as `standing.evaluate`, for sets: a property test compares the two. Dates are enough,
since only the one moment of the publish is asked about.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Date,
    Float,
    Integer,
    Select,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import aliased

from plugin.assign import replaced_sql
from plugin.assign.calendar_sql import FOR_EVER, Earliest, LastDay
from plugin.assign.facts import RetrainingFacts, RowFacts, RowStatus, TermFacts
from plugin.assign.models import Configuration, ConfigurationVersion, StoredStanding, Waiver
from plugin.assign.proofs import ROUNDING
from plugin.assign.statement import is_active
from plugin.assign.validity import local_date
from plugin.core.base import UTCDateTime
from plugin.modules.models import Completion, ModuleVersion
from plugin.org.models import Membership, Person, Unit

MOMENT = UTCDateTime()
NEVER = date(1, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The rows to judge everybody by, and the moment they take effect."""

    configuration: Configuration
    rows: tuple[RowFacts, ...]
    zone: str
    at: datetime
    retrainings: tuple[RetrainingFacts, ...] = ()

    @property
    def today(self) -> date:
        """The local day of the effect."""
        return local_date(self.at, self.zone)

    @property
    def required(self) -> tuple[RowFacts, ...]:
        return tuple(row for row in self.rows if row.status is RowStatus.REQUIRED)


def outcomes(question: Question) -> CTE:
    """One line for each covered person.

    `valid`, `complete`, `through`, `proved_at`: as the rules would have it. `has_news`: an unmet
    duty that is new to them. `was_known`, `was_valid`, `was_through`, `continuous_since_at`,
    `promised`: as it is stored now. `silent`: only silent memberships cover them.
    """
    covered, before = _covered(question), _before(question)
    proven = _proven(question, covered) if question.required else None
    source = covered.outerjoin(before, before.c.person_id == covered.c.person_id)
    if proven is not None:
        source = source.outerjoin(proven, proven.c.person_id == covered.c.person_id)
    line = (
        select(
            covered.c.person_id,
            *_judged(question, proven, before),
            *_known(before),
            (covered.c.silent == 1).label("silent"),
        )
        .select_from(source)
        .cte("outcome")
    )
    return line.prefix_with("MATERIALIZED", dialect="postgresql")


def _judged(question: Question, proven: Any, before: CTE) -> tuple[ColumnElement[Any], ...]:
    """What the rules say, from one column for each required row: the last day it is proven."""
    if proven is None:
        return (
            false().label("valid"),
            false().label("complete"),
            cast(null(), Date).label("through"),
            cast(null(), MOMENT).label("proved_at"),
            false().label("has_news"),
        )
    today, known_at = literal(question.today, Date), before.c.effective_at
    ends, facts, known, news = [], [], [], []
    for place, row in enumerate(question.required):
        day: ColumnElement[Any] = proven.c[f"day{place}"]
        end: ColumnElement[Any] = day
        by_grace: ColumnElement[bool] = false()
        if row.grace is not None and not row.grace.terms:
            grace_day = literal(row.grace.last_day, Date)
            by_grace = or_(day.is_(None), day < grace_day)
            end = case((by_grace, grace_day), else_=day)
        since = literal(row.required_since or question.at, MOMENT)
        is_open = or_(end.is_(None), end < today, by_grace)
        ends.append(func.coalesce(end, NEVER))
        known.append(end.is_not(None))
        facts.append(and_(day.is_not(None), not_(by_grace)))
        news.append(and_(is_open, or_(known_at.is_(None), since > known_at)))
    through = Earliest(*ends)
    return (
        and_(through >= today, or_(*facts)).label("valid"),
        and_(*known, or_(*facts)).label("complete"),
        through.label("through"),
        proven.c.proved_at,
        or_(*news).label("has_news"),
    )


def _known(before: CTE) -> tuple[ColumnElement[Any], ...]:
    return (
        before.c.effective_at.is_not(None).label("was_known"),
        (func.coalesce(before.c.valid, 0) == 1).label("was_valid"),
        before.c.valid_through.label("was_through"),
        before.c.continuous_since_at,
        (func.coalesce(before.c.promised, 0) == 1).label("promised"),
    )


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _covered(question: Question) -> CTE:
    configuration = question.configuration
    return (
        select(
            Membership.person_id,
            func.min(_number(Membership.silent.is_(True))).label("silent"),
        )
        .join(Unit, Unit.id == Membership.unit_id)
        .join(Person, Person.id == Membership.person_id)
        .where(
            Membership.organization_id == configuration.organization_id,
            or_(Unit.id == configuration.unit_id, Unit.region_id == configuration.unit_id),
            is_active(question.at),
        )
        .group_by(Membership.person_id)
        .cte("covered")
    )


def _before(question: Question) -> CTE:
    """What is stored of the people the configuration covered so far."""
    standing = StoredStanding
    is_valid = and_(
        standing.complete, or_(standing.ends_at.is_(None), standing.ends_at > question.at)
    )
    return (
        select(
            standing.person_id,
            _number(is_valid).label("valid"),
            standing.valid_through,
            standing.continuous_since_at,
            ConfigurationVersion.effective_at,
            _number(ConfigurationVersion.certificate_on.is_(True)).label("promised"),
        )
        .join(ConfigurationVersion, ConfigurationVersion.id == standing.version_id)
        .where(standing.configuration_id == question.configuration.id, standing.covered)
        .cte("known")
    )


def _terms(question: Question) -> CTE:
    """Which period and mark judge what happened when; `cap`: worth nothing after this day."""
    lines: list[Select[Any]] = []
    for row in question.required:
        lines += [_term(row, term, None) for term in row.terms]
        if row.grace is not None:
            lines += [_term(row, term, row.grace.last_day) for term in row.grace.terms]
    return union_all(*lines).cte("term")


def _term(row: RowFacts, term: TermFacts, cap: date | None) -> Select[Any]:
    def moment(value: datetime | None) -> ColumnElement[Any]:
        return cast(null(), MOMENT) if value is None else literal(value, MOMENT)

    months, mark = term.validity_months, term.pass_mark
    return select(
        literal(row.module_id, Integer).label("module_id"),
        moment(term.applies_from).label("applies_from"),
        moment(term.applies_until).label("applies_until"),
        (cast(null(), Integer) if months is None else literal(months, Integer)).label("months"),
        (cast(null(), Float) if mark is None else literal(mark - ROUNDING, Float)).label("mark"),
        literal(cap or FOR_EVER, Date).label("cap"),
    )


def _proven(question: Question, covered: CTE) -> CTE:
    """For each person the last day each required row is proven, a column for each row."""
    proofs = union_all(_completions(question, covered), _waivers(question, covered)).cte("proof")
    days = [
        func.max(proofs.c.last_day).filter(proofs.c.module_id == row.module_id).label(f"day{place}")
        for place, row in enumerate(question.required)
    ]
    return (
        select(proofs.c.person_id, *days, func.max(proofs.c.starts_at).label("proved_at"))
        .group_by(proofs.c.person_id)
        .cte("proven")
    )


def _completions(question: Question, covered: CTE) -> Select[Any]:
    term, later, at = _terms(question), aliased(Completion), question.at
    period = LastDay(Completion.happened_at, term.c.months, literal(question.zone, Text))
    own_end = func.coalesce(Completion.valid_until_on, literal(FOR_EVER, Date))
    days: list[ColumnElement[Any]] = [period, own_end]
    source = covered.join(Completion, covered.c.person_id == Completion.person_id)
    if question.retrainings:
        begins = replaced_sql.begins_in(question.zone)
        days.append(replaced_sql.last_day(question.retrainings, begins))
        source = source.outerjoin(ModuleVersion, ModuleVersion.id == Completion.module_version_id)
    worth = Earliest(*days)
    last_day = case((worth > term.c.cap, term.c.cap), else_=worth)
    happened, learned = Completion.happened_at, Completion.learned_at
    return (
        select(
            Completion.person_id,
            Completion.module_id,
            type_coerce(last_day, Date).label("last_day"),
            case((happened > learned, happened), else_=learned).label("starts_at"),
        )
        .select_from(source)
        .join(
            term,
            and_(
                term.c.module_id == Completion.module_id,
                or_(term.c.applies_from.is_(None), term.c.applies_from <= happened),
                or_(term.c.applies_until.is_(None), happened < term.c.applies_until),
            ),
        )
        .where(
            Completion.organization_id == question.configuration.organization_id,
            Completion.passed,
            or_(term.c.mark.is_(None), Completion.score >= term.c.mark),
            happened <= at,
            learned <= at,
            ~select(later.id)
            .where(
                later.supersedes_id == Completion.id,
                later.learned_at <= at,
                later.happened_at <= at,
            )
            .exists(),
        )
    )


def _waivers(question: Question, covered: CTE) -> Select[Any]:
    found: Any = (
        select(
            Waiver.person_id,
            Waiver.module_id,
            Waiver.until_on.label("last_day"),
            Waiver.from_at.label("starts_at"),
        )
        .join(covered, covered.c.person_id == Waiver.person_id)
        .where(
            Waiver.configuration_id == question.configuration.id,
            Waiver.module_id.in_([row.module_id for row in question.required]),
            Waiver.from_at <= question.at,
            or_(Waiver.ended_at.is_(None), Waiver.ended_at > question.at),
        )
    )
    waivers: Select[Any] = found
    return waivers
