"""Stored standings as lists of any length ask for them: the rules' answers, decided in SQL.

A stored standing holds dates; the moment is compared with them in the statement, so a list is
right the second a last day ends. What they cannot say of themselves, the past and a version that
takes effect this second, is judged anew (`judged_anew`) and asked by the same statements.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Text,
    and_,
    case,
    cast,
    func,
    not_,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session, aliased

from plugin.assign.facts import RowStatus
from plugin.assign.judged_anew import MOST_THEN, Scope, of_now, of_past
from plugin.assign.models import (
    Configuration,
    ConfigurationRow,
    ConfigurationVersion,
    StoredStanding,
    VersionProgress,
)
from plugin.assign.standing import RowState
from plugin.assign.statement import in_force
from plugin.core.base import UTCDateTime
from plugin.org.history import as_it_was
from plugin.org.models import Unit
from plugin.org.reach import Reach


class StandingState(StrEnum):
    """Where a person stands under a configuration; the three last ones are ways to be invalid."""

    VALID = "valid"
    ENDED = "ended"
    NOTHING_REQUIRED = "nothing_required"
    NEVER_COMPLETED = "never_completed"
    NEW_REQUIREMENT = "new_requirement"
    EXPIRED = "expired"


INVALID = frozenset(
    {StandingState.NEVER_COMPLETED, StandingState.NEW_REQUIREMENT, StandingState.EXPIRED}
)


BESIDE = aliased(StoredStanding)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """The published configurations of an organization as they are in force at one moment, by id.

    Few beside the standings, so they are read first: lists then compare ids and dates only.
    `standing` is what the statements ask: the stored standings, or a stand-in for them; `beside` is
    the same once more, for statements that look at it twice. `unjudged`:
    the versions whose people may not all be judged yet, by configuration.
    """

    at: datetime
    live: frozenset[int]
    obliging: frozenset[int]
    certifying: frozenset[int]
    newest_at: Mapping[int, datetime]
    unit_of: Mapping[int, frozenset[int]]
    version_of: Mapping[int, int]
    number_of: Mapping[int, int]
    unjudged: Mapping[int, int]
    standing: Any = StoredStanding
    beside: Any = BESIDE
    is_past: bool = False

    def asking_anew(self, since: datetime) -> frozenset[int]:
        """Those that came to require something after `since`."""
        return frozenset(each for each, newest in self.newest_at.items() if newest > since)


def answering(
    session: Session,
    reach: Reach,
    at: datetime,
    *,
    past: bool = False,
    filters: Mapping[str, str] | None = None,
    most: int | None = MOST_THEN,
) -> Duties:
    """The duties at `at`, with standings that are right at this very moment or, `past`, then.

    For the past only those are judged that the filters `unit` and `configuration` leave; when more
    than `most` have changed since, TooManyChangedError is raised (None: it takes its time).
    """
    found = duties(session, reach.organization_id, at, past=past)
    if past:
        scope = Scope(reach=reach, configuration_ids=_narrowed(found, filters or {}), at=at)
        versions = [found.version_of[each] for each in scope.configuration_ids]
        return _instead(found, of_past(session, scope, versions, most=most))
    if found.unjudged:
        judged = of_now(session, reach, found.unjudged, at)
        return found if judged is None else _instead(found, judged)
    return found


def _instead(found: Duties, source: CTE) -> Duties:
    return replace(
        found,
        standing=aliased(StoredStanding, source, adapt_on_names=True),
        beside=aliased(StoredStanding, source, adapt_on_names=True),
    )


def _narrowed(found: Duties, filters: Mapping[str, str]) -> Collection[int]:
    unit, configuration = filters.get("unit"), filters.get("configuration")
    return [
        each
        for each, units in found.unit_of.items()
        if (not unit or int(unit) in units) and (not configuration or int(configuration) == each)
    ]


def duties(session: Session, organization_id: int, at: datetime, *, past: bool = False) -> Duties:
    """What is in use, requires something and gives certificates at `at`, in one statement."""
    required = (
        select(func.max(ConfigurationRow.required_since_at))
        .where(
            ConfigurationRow.version_id == ConfigurationVersion.id,
            ConfigurationRow.status == RowStatus.REQUIRED,
        )
        .correlate(ConfigurationVersion)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            Configuration.id,
            ConfigurationVersion.id.label("version_id"),
            ConfigurationVersion.number,
            ConfigurationVersion.certificate_on,
            Configuration.unit_id,
            Unit.region_id,
            required.label("newest_at"),
            _since_archived(Configuration, at, past=past).label("archived_at"),
            _since_archived(Unit, at, past=past).label("unit_archived_at"),
            VersionProgress.finished_at,
        )
        .join(Unit, Unit.id == Configuration.unit_id)
        .join(ConfigurationVersion, ConfigurationVersion.configuration_id == Configuration.id)
        .outerjoin(VersionProgress, VersionProgress.version_id == ConfigurationVersion.id)
        .where(Configuration.organization_id == organization_id, in_force(at))
    ).all()
    live = [
        row
        for row in rows
        if all(each is None or each > at for each in (row.archived_at, row.unit_archived_at))
    ]
    newest_at = {row.id: row.newest_at for row in live if row.newest_at is not None}
    return Duties(
        at=at,
        live=frozenset(row.id for row in live),
        obliging=frozenset(newest_at),
        certifying=frozenset(row.id for row in live if row.certificate_on and row.id in newest_at),
        newest_at=newest_at,
        unit_of={row.id: frozenset({row.unit_id, row.region_id}) for row in rows},
        version_of={row.id: row.version_id for row in rows},
        number_of={row.id: row.number for row in rows},
        unjudged={row.id: row.version_id for row in live if row.finished_at is None},
        is_past=past,
    )


def _since_archived(model: Any, at: datetime, *, past: bool) -> ColumnElement[datetime | None]:
    found: ColumnElement[datetime | None] = (
        as_it_was(model, "archived_at", at) if past else model.archived_at
    )
    return type_coerce(found, UTCDateTime())


def is_covered(duties: Duties) -> ColumnElement[bool]:
    """The person is under the configuration, which is in use."""
    return and_(duties.standing.covered.is_(True), _among(duties, duties.live))


def is_obliged(duties: Duties) -> ColumnElement[bool]:
    """The person is under the configuration and it requires something: valid or invalid."""
    return and_(duties.standing.covered.is_(True), _among(duties, duties.obliging))


def is_proven(duties: Duties) -> ColumnElement[bool]:
    """Everything required was done, and the last day has not ended."""
    standing = duties.standing
    return and_(
        standing.complete.is_(True),
        or_(standing.ends_at.is_(None), standing.ends_at > duties.at),
    )


def ends_within(duties: Duties, days: int) -> ColumnElement[bool]:
    """Proven, but not for more than so many days."""
    standing, at = duties.standing, duties.at
    return and_(
        standing.complete.is_(True),
        standing.ends_at > at,
        standing.ends_at <= at + timedelta(days=days),
    )


def is_newly_invalid(duties: Duties, days: int) -> ColumnElement[bool]:
    """Became invalid in the last days: a last day ended, or a new requirement came."""
    since = duties.at - timedelta(days=days)
    ran_out = and_(
        duties.standing.complete.is_(True),
        duties.standing.ends_at > since,
        duties.standing.ends_at <= duties.at,
    )
    asking = duties.asking_anew(since)
    if not asking:
        return ran_out
    asked_anew = and_(
        duties.standing.complete.is_(False),
        _among(duties, asking),
        not_(_misses(duties, RowState.NEVER_COMPLETED)),
    )
    return or_(ran_out, asked_anew)


def is_invalid(duties: Duties) -> ColumnElement[bool]:
    """Something required is missing or has run out."""
    return and_(is_obliged(duties), not_(is_proven(duties)))


def is_in(state: StandingState, duties: Duties) -> ColumnElement[bool]:
    """The standing has this state."""
    if state is StandingState.ENDED:
        return not_(is_covered(duties))
    if state is StandingState.NOTHING_REQUIRED:
        return and_(is_covered(duties), not_(_among(duties, duties.obliging)))
    if state is StandingState.VALID:
        return and_(is_obliged(duties), is_proven(duties))
    return and_(is_invalid(duties), _reasons(duties)[state])


def reason_column(duties: Duties) -> ColumnElement[str]:
    """Why the standing is not valid, if it is not."""
    return case(*((condition, state.value) for state, condition in _reasons(duties).items()))


def state_of(row: Any, duties: Duties) -> StandingState:
    """The state of a row with configuration_id, covered, complete, ends_at and the reason."""
    if not row.covered or row.configuration_id not in duties.live:
        return StandingState.ENDED
    if row.configuration_id not in duties.obliging:
        return StandingState.NOTHING_REQUIRED
    if row.complete and (row.ends_at is None or row.ends_at > duties.at):
        return StandingState.VALID
    return StandingState(row.reason)


def _among(duties: Duties, ids: Collection[int]) -> ColumnElement[bool]:
    found: ColumnElement[bool] = duties.standing.configuration_id.in_(sorted(ids))
    return found


def _reasons(duties: Duties) -> dict[StandingState, ColumnElement[bool]]:
    """Why an invalid one is; exactly one holds.

    What was never done weighs most. What a grace covered and was not done is a new requirement.
    """
    never, new = (
        _misses(duties, RowState.NEVER_COMPLETED),
        _misses(duties, RowState.NEW_REQUIREMENT),
    )
    incomplete = duties.standing.complete.is_(False)
    return {
        StandingState.NEVER_COMPLETED: and_(incomplete, never),
        StandingState.NEW_REQUIREMENT: or_(
            and_(incomplete, not_(never)), and_(not_(incomplete), new)
        ),
        StandingState.EXPIRED: and_(not_(incomplete), not_(new)),
    }


def _misses(duties: Duties, reason: RowState) -> ColumnElement[bool]:
    return cast(duties.standing.missing, Text).contains(f'"{reason.value}"', autoescape=True)
