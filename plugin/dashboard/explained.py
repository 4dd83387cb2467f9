"""One's own standings with their derivation, now or as of a past moment."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from plugin.assign.facts import RowStatus
from plugin.assign.queries import ConfigurationLine, LearnerFacts, learner_facts
from plugin.assign.standing import Standing
from plugin.assign.why import Derivation, behind, derivation
from plugin.certs.rules import state
from plugin.dashboard import queries
from plugin.dashboard.proof_views import withheld_words
from plugin.dashboard.proofs import Paper, own_standing
from plugin.dashboard.wording import STATES, Badge
from plugin.modules.models import Completion
from plugin.org.as_of import AsOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A standing in one word and its derivation; `badge` is empty where nothing is required."""

    configuration_id: int
    line: ConfigurationLine
    badge: Badge | None
    why: Derivation


def explained(
    session: Session,
    organization_id: int,
    person_id: int,
    moment: AsOf,
    *,
    now: datetime,
    configuration_id: int | None = None,
) -> list[Explained]:
    """The person's standings that show them something, or only the one asked for.

    What is hidden from them now is in no past of theirs. Raises NothingAskedError when the one
    asked for shows them nothing.
    """
    facts = learner_facts(session, organization_id, person_id, moment.at, past=moment.is_past)
    if moment.is_past:
        hidden = queries.hidden_modules(organization_id, person_id, now)
        facts = _without(facts, frozenset(session.scalars(hidden)))
    wanted = [each for each in facts.standings if each.rows]
    if configuration_id is not None:
        wanted = [own_standing(facts, configuration_id)]
    papers = queries.belongings(session, organization_id, person_id).papers
    completions = behind(session, *wanted)
    found = [
        _explained(each, facts, papers.get(each.configuration_id), completions, moment.at)
        for each in wanted
    ]
    return sorted(found, key=lambda each: (each.line.unit_name, each.line.name))


def _explained(
    standing: Standing,
    facts: LearnerFacts,
    paper: Paper | None,
    completions: Mapping[int, Completion],
    at: datetime,
) -> Explained:
    events = paper.events if paper else ()
    line = facts.configurations[standing.configuration_id]
    titles = {each.id: each.title for each in facts.modules.values()}
    withheld = withheld_words(events, standing, at=at)
    return Explained(
        configuration_id=standing.configuration_id,
        line=line,
        badge=STATES[state(events, standing, at=at)] if standing.has_required else None,
        why=derivation(standing, line, titles, completions, withheld=withheld),
    )


def _without(facts: LearnerFacts, hidden: frozenset[int]) -> LearnerFacts:
    """Rows that are hidden now are left out; what required one of them cannot be explained."""
    return replace(
        facts,
        standings=tuple(
            replace(standing, rows=tuple(r for r in standing.rows if r.module_id not in hidden))
            for standing in facts.standings
            if not _rests_on(standing, hidden)
        ),
    )


def _rests_on(standing: Standing, hidden: frozenset[int]) -> bool:
    return any(
        row.module_id in hidden and row.status is RowStatus.REQUIRED for row in standing.rows
    )
