"""What the list of standings says of a state is what the rules say, whatever happened."""

from datetime import timedelta

import pytest
from flask import Flask

from plugin.assign import queries
from plugin.assign.listed import INVALID, StandingState
from plugin.assign.standing import RowState, Standing
from plugin.core import clock
from plugin.core.db import db
from plugin.org.reach import Reach
from plugin.reports.standings import STATES, all_standings, standings
from plugin.web.listing import Asked
from tests.functional.certs.situations import Situation
from tests.support import smtp
from tests.support.scale import scale
from tests.support.world import World


def truth(standing: Standing) -> StandingState:
    if not standing.covered:
        return StandingState.ENDED
    if not standing.has_required:
        return StandingState.NOTHING_REQUIRED
    if standing.is_valid(standing.at):
        return StandingState.VALID
    reasons = {row.state for row in standing.missing}
    if RowState.NEVER_COMPLETED in reasons:
        return StandingState.NEVER_COMPLETED
    if RowState.NEW_REQUIREMENT in reasons:
        return StandingState.NEW_REQUIREMENT
    return StandingState.EXPIRED


@pytest.mark.parametrize("seed", range(100, 100 + scale(6, usually=3, on_server=2)))
def test_the_lists_states_are_the_rules(app: Flask, world: World, seed: int) -> None:
    reach = Reach(organization_id=world.organization.id, unit_ids=None)
    with smtp.server() as server:
        app.extensions["mail"].port = server.port
        app.extensions["mail"].use_tls = False
        situation = Situation(world, seed)
        now, seen = clock.now(), set()
        for _ in range(10):
            now += timedelta(days=situation.dice.randint(0, 25), hours=1)
            with clock.at(now):
                situation.happens()
            later = now + timedelta(days=situation.dice.choice([0, 20, 45]))
            db.session.rollback()
            found = queries.facts(
                db.session(),
                reach.organization_id,
                person_ids=[person.id for person in situation.people],
                at=later,
            )
            names = {line.name: id_ for id_, line in found.lines.items()}
            every = list(all_standings(db.session(), reach, Asked(sort="person"), at=later))
            assert every
            for each in every:
                line = each.standing
                standing = found.standing(line.person_id, names[line.configuration])
                assert line.state is truth(standing), (line, standing)
                assert each.version == standing.number
                asking = standing.to_do if line.state in {*INVALID, StandingState.VALID} else ()
                titles = [found.modules[row.module_id].title for row in asking]
                assert [words.partition(":")[0] for words in each.to_do] == titles
                seen.add(line.state)
            for state in STATES:
                asked = Asked(sort="person", filters={"state": state})
                page = standings(db.session(), reach, asked, at=later)
                assert page.total == len(page.items)
                if state in set(StandingState):
                    assert len(page.items) == sum(each.standing.state == state for each in every)
        assert len(seen) >= 2
