"""When a column says that its activity is completed (AGS 2.0, 3.4.7; checklist A8)."""

from datetime import timedelta

import pytest

from plugin.core import clock
from plugin.core.db import db
from plugin.jobs import periodic
from plugin.lti.tool.service_models import GradeState
from plugin.modules.models import Module
from plugin.org.models import Unit
from tests.conftest import NOW
from tests.functional.lti.campus import Peer, grade
from tests.functional.lti.grade_story import (
    SECOND,
    Done,
    complete,
    completed,
    lars,
    later,
    module,
    place,
    work,
)
from tests.support.work import work_off
from tests.support.world import World

__all__ = ["complete", "module", "place"]


def said(peer: Peer) -> list[tuple[float, str]]:
    """Every score that left: its points, and what it says of the activity."""
    return [(each["scoreGiven"], each["activityProgress"]) for each in peer.posted()]


@pytest.mark.parametrize("score", [None, 0.6, 1.0])
def test_a8_a_module_is_completed_once_it_is_passed_however_well(
    peer: Peer, module: Module, complete: Done, score: float | None
) -> None:
    completed(peer, module, complete, score=score)
    assert said(peer) == [(100 * (1.0 if score is None else score), "Completed")]


def test_a8_a_module_that_was_failed_may_be_submitted_again(
    peer: Peer, module: Module, complete: Done
) -> None:
    completed(peer, module, complete, passed=False, score=0.4)
    with later(5 * SECOND):
        complete(module, score=0.7)
        work_off()
    assert said(peer) == [(40, "Submitted"), (70, "Completed")]


def test_a8_a_pass_is_told_although_the_points_stay_the_same(
    peer: Peer, module: Module, complete: Done
) -> None:
    completed(peer, module, complete, passed=False, score=0.7)
    with later(5 * SECOND):
        complete(module, passed=True, score=0.7)
        work_off()
    assert said(peer) == [(70, "Submitted"), (70, "Completed")]
    assert grade().state is GradeState.SENT
    with later(timedelta(days=1)):
        periodic.ask_lmss()
        work_off()
    assert len(peer.posted()) == 2, "what was told is not told again"


def test_a8_a_training_is_completed_when_everything_required_is_valid(
    world: World, peer: Peer, module: Module, place: tuple[Unit, int], complete: Done
) -> None:
    unit, configuration_id = place
    peer.launch(configuration=str(configuration_id))
    work()
    world.member(lars(), unit)
    complete(module, score=0.8)
    work()
    other = db.session.query(Module).filter_by(title="First aid").one()
    with later(5 * SECOND):
        complete(other, score=0.8)
        work_off()
    with clock.at(NOW + timedelta(days=367)):
        periodic.ask_lmss()
        work_off()
    assert said(peer) == [(50, "InProgress"), (100, "Completed"), (50, "InProgress")]
