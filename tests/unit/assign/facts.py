"""Facts of one person in a few words, and the standing they lead to."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from plugin.assign.facts import (
    CompletionFacts,
    ConfigurationFacts,
    CoverageFacts,
    RowFacts,
    RowStatus,
    TermFacts,
    WaiverFacts,
)
from plugin.assign.spans import Span
from plugin.assign.standing import Standing, evaluate

LONDON = "Europe/London"
START = datetime(2020, 1, 1, tzinfo=UTC)
ALWAYS_MEMBER = CoverageFacts(spans=(Span(since=START),))
A, B, C = 1, 2, 3


def on(day: str, clock: str = "12:00", zone: str = LONDON) -> datetime:
    """A moment of a day, written as people say it."""
    return datetime.combine(
        date.fromisoformat(day), time.fromisoformat(clock), ZoneInfo(zone)
    ).astimezone(UTC)


def row(
    module_id: int,
    *,
    months: int | None = None,
    status: RowStatus = RowStatus.REQUIRED,
    mark: float | None = None,
    since: datetime | None = START,
    due: int | None = None,
    terms: Sequence[TermFacts] = (),
) -> RowFacts:
    return RowFacts(
        module_id=module_id,
        position=module_id,
        status=status,
        due_days=due,
        required_since=since if status is RowStatus.REQUIRED else None,
        terms=tuple(terms) or (TermFacts(validity_months=months, pass_mark=mark),),
    )


def configuration(*rows: RowFacts, zone: str = LONDON, number: int = 1) -> ConfigurationFacts:
    return ConfigurationFacts(
        configuration_id=number,
        version_id=number,
        number=1,
        unit_id=number * 10,
        zone=zone,
        effective_at=START,
        rows=rows,
    )


_numbers = iter(range(1, 10**9))


def passed(
    module_id: int,
    when: datetime,
    *,
    ok: bool = True,
    score: float | None = None,
    learned: datetime | None = None,
    supersedes: CompletionFacts | None = None,
    until: str | None = None,
) -> CompletionFacts:
    return CompletionFacts(
        id=next(_numbers),
        module_id=module_id,
        passed=ok,
        score=score,
        happened_at=when,
        learned_at=learned or when,
        supersedes_id=supersedes.id if supersedes else None,
        valid_until_on=date.fromisoformat(until) if until else None,
    )


def failed(module_id: int, when: datetime) -> CompletionFacts:
    return passed(module_id, when, ok=False, score=0.1)


def standing(
    facts: ConfigurationFacts,
    *completions: CompletionFacts,
    at: datetime,
    waivers: Sequence[WaiverFacts] = (),
    coverage: CoverageFacts = ALWAYS_MEMBER,
) -> Standing:
    return evaluate(facts, coverage, completions, waivers, at=at)


def changed(facts: ConfigurationFacts, **what: object) -> ConfigurationFacts:
    return replace(facts, **what)  # type: ignore[arg-type]
