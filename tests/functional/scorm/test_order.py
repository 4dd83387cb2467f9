"""The server's side of the transport as a property.

In whatever order commits arrive, however often: what was acknowledged stays, and nothing old
overwrites what is newer.
"""

from typing import Any

from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from plugin.core.db import db
from plugin.modules.models import Module
from plugin.scorm.models import CommitEvent, ScormState
from tests.support.play import Player, brought_in, scored, started
from tests.support.world import World

OPENINGS, COMMITS = 3, 4
DELIVERIES = st.lists(
    st.tuples(
        st.integers(1, OPENINGS), st.integers(1, COMMITS), st.sampled_from(["commit", "replay"])
    ),
    max_size=14,
)


def _body(player: Player, opening: int, seq: int) -> dict[str, Any]:
    entry = player.entry("incomplete", seq=seq, suspend=f"{opening}.{seq}")
    return {"opening": opening, "commits": [entry]}


def _kept(run_id: int) -> tuple[int, int]:
    """(opening, seq) of what the sitting now holds."""
    db.session.rollback()
    state = db.session.scalar(select(ScormState).where(ScormState.run_id == run_id))
    if state is None:
        return (0, 0)
    opening, seq = str(state.cmi["suspend_data"]).split(".")
    return (int(opening), int(seq))


def _applied(run_id: int) -> list[tuple[int, int]]:
    db.session.rollback()
    events = db.session.scalars(
        select(CommitEvent).where(CommitEvent.run_id == run_id).order_by(CommitEvent.id)
    )
    return [(each.opening, each.seq) for each in events]


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(deliveries=DELIVERIES)
def test_in_any_order_and_however_often_the_newest_acknowledged_stays(
    client: FlaskClient, world: World, deliveries: list[tuple[int, int, str]]
) -> None:
    module = db.session.scalar(select(Module)) or brought_in(world, scored())
    run = started(module, world.person("Lars Learner"))
    player = Player(client, run)
    opened = 0
    newest = (0, 0)
    for opening, seq, way in deliveries:
        while opened < opening and way == "commit":
            opened = player.open()["opening"]
        body = _body(player, opening, seq)
        if way == "replay":
            opened = player.open(body)["opening"]
            is_acknowledged = opening < opened  # of an opening there was
        else:
            answer = player.post("commit", body)
            assert answer.status_code == (200 if opening == opened else 409)
            is_acknowledged = answer.status_code == 200
        now = _kept(run.id)
        assert now >= newest, "something old has overwritten what is newer"
        if is_acknowledged:
            assert now >= (opening, seq), "something acknowledged was lost"
        newest = now
    applied = _applied(run.id)
    assert applied == sorted(set(applied))
