"""Stored standings as lists of any length ask for them: the rules' answers, decided in SQL.

A stored standing holds dates; the moment is compared with them in the statement, so a list is
right the second a last day ends.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, case, cast, func, not_, or_, select
from sqlalchemy.orm import Session

from plugin.assign.facts import RowStatus
from plugin.assign.models import (
    Configuration,
    ConfigurationRow,
    ConfigurationVersion,
    StoredStanding,
)
from plugin.assign.standing import RowState
from plugin.assign.statement import in_force
from plugin.org.models import Unit


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """The published configurations of an organization as they are in force at one moment, by id.

    Few beside the standings, so they are read first: lists then compare ids and dates only.
    """

    at: datetime
    live: frozenset[int]
    obliging: frozenset[int]
    certifying: frozenset[int]
    newest_at: Mapping[int, datetime]

    def asking_anew(self, since: datetime) -> frozenset[int]:
        """Those that came to require something after `since`."""
        return frozenset(each for each, newest in self.newest_at.items() if newest > since)


def duties(session: Session, organization_id: int, at: datetime) -> Duties:
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
        select(Configuration.id, ConfigurationVersion.certificate_on, required.label("newest_at"))
        .join(Unit, Unit.id == Configuration.unit_id)
        .join(ConfigurationVersion, ConfigurationVersion.configuration_id == Configuration.id)
        .where(
            Configuration.organization_id == organization_id,
            or_(Configuration.archived_at.is_(None), Configuration.archived_at > at),
            or_(Unit.archived_at.is_(None), Unit.archived_at > at),
            in_force(at),
        )
    ).all()
    newest_at = {row.id: row.newest_at for row in rows if row.newest_at is not None}
    return Duties(
        at=at,
        live=frozenset(row.id for row in rows),
        obliging=frozenset(newest_at),
        certifying=frozenset(row.id for row in rows if row.certificate_on and row.id in newest_at),
        newest_at=newest_at,
    )


def is_covered(duties: Duties) -> ColumnElement[bool]:
    """The person is under the configuration, which is in use."""
    return and_(StoredStanding.covered.is_(True), _among(duties.live))


def is_obliged(duties: Duties) -> ColumnElement[bool]:
    """The person is under the configuration and it requires something: valid or invalid."""
    return and_(StoredStanding.covered.is_(True), _among(duties.obliging))


def is_proven(at: datetime) -> ColumnElement[bool]:
    """Everything required was done, and the last day has not ended."""
    return and_(
        StoredStanding.complete.is_(True),
        or_(StoredStanding.ends_at.is_(None), StoredStanding.ends_at > at),
    )


def ends_within(at: datetime, days: int) -> ColumnElement[bool]:
    """Proven, but not for more than so many days."""
    return and_(
        StoredStanding.complete.is_(True),
        StoredStanding.ends_at > at,
        StoredStanding.ends_at <= at + timedelta(days=days),
    )


def is_newly_invalid(duties: Duties, days: int) -> ColumnElement[bool]:
    """Became invalid in the last days: a last day ended, or a new requirement came."""
    since = duties.at - timedelta(days=days)
    ran_out = and_(
        StoredStanding.complete.is_(True),
        StoredStanding.ends_at > since,
        StoredStanding.ends_at <= duties.at,
    )
    asking = duties.asking_anew(since)
    if not asking:
        return ran_out
    asked_anew = and_(
        StoredStanding.complete.is_(False),
        _among(asking),
        not_(_misses(RowState.NEVER_COMPLETED)),
    )
    return or_(ran_out, asked_anew)


def is_invalid(duties: Duties) -> ColumnElement[bool]:
    """Something required is missing or has run out."""
    return and_(is_obliged(duties), not_(is_proven(duties.at)))


def is_in(state: StandingState, duties: Duties) -> ColumnElement[bool]:
    """The standing has this state."""
    if state is StandingState.ENDED:
        return not_(is_covered(duties))
    if state is StandingState.NOTHING_REQUIRED:
        return and_(is_covered(duties), not_(_among(duties.obliging)))
    if state is StandingState.VALID:
        return and_(is_obliged(duties), is_proven(duties.at))
    return and_(is_invalid(duties), _reasons()[state])


def reason_column() -> ColumnElement[str]:
    """Why the standing is not valid, if it is not."""
    return case(*((condition, state.value) for state, condition in _reasons().items()))


def state_of(row: Any, duties: Duties) -> StandingState:
    """The state of a row with configuration_id, covered, complete, ends_at and the reason."""
    if not row.covered or row.configuration_id not in duties.live:
        return StandingState.ENDED
    if row.configuration_id not in duties.obliging:
        return StandingState.NOTHING_REQUIRED
    if row.complete and (row.ends_at is None or row.ends_at > duties.at):
        return StandingState.VALID
    return StandingState(row.reason)


def _among(ids: Collection[int]) -> ColumnElement[bool]:
    return StoredStanding.configuration_id.in_(sorted(ids))


def _reasons() -> dict[StandingState, ColumnElement[bool]]:
    """Why an invalid one is; exactly one holds.

    What was never done weighs most. What a grace covered and was not done is a new requirement.
    """
    never, new = _misses(RowState.NEVER_COMPLETED), _misses(RowState.NEW_REQUIREMENT)
    incomplete = StoredStanding.complete.is_(False)
    return {
        StandingState.NEVER_COMPLETED: and_(incomplete, never),
        StandingState.NEW_REQUIREMENT: or_(
            and_(incomplete, not_(never)), and_(not_(incomplete), new)
        ),
        StandingState.EXPIRED: and_(not_(incomplete), not_(new)),
    }


def _misses(reason: RowState) -> ColumnElement[bool]:
    return cast(StoredStanding.missing, Text).contains(f'"{reason.value}"', autoescape=True)
