"""The top of the learner's page: each certificate in one word, why, and what to do next."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from plugin.assign.queries import LearnerFacts
from plugin.assign.standing import RowStanding, RowState, Standing
from plugin.assign.validity import local_date
from plugin.certs.rules import CertificateState, EventFacts, has_ended, state
from plugin.dashboard.errors import NothingAskedError
from plugin.dashboard.tiles import is_renewal_near


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What is kept of the person's certificate under one configuration."""

    certificate_id: int
    credential_id: str
    events: tuple[EventFacts, ...]
    printed_edition: int | None
    """The newest edition whose document is ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A required module that keeps the certificate from being valid."""

    module_id: int
    title: str
    state: RowState
    is_exempt: bool
    on: date | None
    """The last day it was valid, or the day the requirement came; None when it was never done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """The module whose last day comes first, close enough to stress."""

    module_id: int
    title: str
    by: date
    is_first: bool
    """Never done by the person so far: exempt, or within a grace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One certificate at this moment."""

    configuration_id: int
    configuration: str
    unit: str
    state: CertificateState
    valid_through: date | None
    satisfied: int
    required: int
    reasons: tuple[Reason, ...]
    renewal: Renewal | None
    paper: Paper | None


def proofs_of(
    facts: LearnerFacts, papers: Mapping[int, Paper], *, at: datetime
) -> tuple[Proof, ...]:
    """Every configuration that promises this person a certificate; what needs work first."""
    found = (
        _proof(standing, facts, papers.get(standing.configuration_id), at=at)
        for standing in facts.standings
        if not has_ended(standing)
    )
    return tuple(
        sorted(
            found,
            key=lambda each: (
                each.state is CertificateState.VALID,
                each.valid_through or date.max,
                each.configuration,
            ),
        )
    )


def own_standing(facts: LearnerFacts, configuration_id: int) -> Standing:
    """The person's standing under a configuration that shows them something.

    Refused like a page that does not exist for any other: hidden leaves no trace.
    """
    for standing in facts.standings:
        if standing.configuration_id == configuration_id and standing.rows:
            return standing
    raise NothingAskedError(configuration_id)


def _proof(standing: Standing, facts: LearnerFacts, paper: Paper | None, *, at: datetime) -> Proof:
    line = facts.configurations[standing.configuration_id]
    verdict = state(paper.events if paper else (), standing, at=at)
    obliged = [row for row in standing.rows if row.status == "required"]
    today = local_date(at, standing.zone)
    return Proof(
        configuration_id=standing.configuration_id,
        configuration=line.name,
        unit=line.unit_name,
        state=verdict,
        valid_through=standing.valid_through,
        satisfied=sum(row.is_satisfied and not row.by_grace for row in obliged),
        required=len(obliged),
        reasons=tuple(_reasons(standing, facts)) if verdict is CertificateState.INVALID else (),
        renewal=_renewal(standing, facts, today) if verdict is CertificateState.VALID else None,
        paper=paper,
    )


def _reasons(standing: Standing, facts: LearnerFacts) -> Iterable[Reason]:
    for row in standing.missing:
        yield Reason(
            module_id=row.module_id,
            title=facts.modules[row.module_id].title,
            state=row.state,
            is_exempt=row.exempt,
            on=_since(row, standing.zone),
        )


def _since(row: RowStanding, zone: str) -> date | None:
    if row.state is RowState.EXPIRED:
        return row.valid_through
    if row.state is RowState.NEW_REQUIREMENT and row.since is not None:
        return local_date(row.since, zone)
    return None


def _renewal(standing: Standing, facts: LearnerFacts, today: date) -> Renewal | None:
    row = standing.binding
    if row is None or row.valid_through is None:
        return None
    if not row.by_grace and not is_renewal_near(row.valid_through, today):
        return None
    return Renewal(
        module_id=row.module_id,
        title=facts.modules[row.module_id].title,
        by=row.valid_through,
        is_first=row.exempt or row.by_grace,
    )
