"""A gradebook's cell after two entries became one person, and two again (decision 0062)."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from plugin.assign import merging
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.lti.tool.service_models import CourseMember, GradeState
from plugin.modules.models import Module
from plugin.org.merge_models import PersonMerge
from plugin.org.models import Person
from tests.conftest import NOW
from tests.functional.lti.campus import Peer, grade
from tests.functional.lti.grade_story import (
    Done,
    complete,
    completed,
    lars,
    later,
    module,
)
from tests.support.work import work_off
from tests.support.world import World

__all__ = ["complete", "module"]


@pytest.fixture
def double(world: World, peer: Peer, module: Module, complete: Done) -> Person:
    """Another entry of the same human, who did better than what the gradebook was told."""
    completed(peer, module, complete, score=0.6)
    person = world.person("Lars O.")
    world.completion(person, module, happened_at=NOW + timedelta(seconds=30), score=0.9)
    return person


def merge(world: World, stays: Person, goes: Person) -> None:
    by = world.person("Grace Hopper").id
    with transaction() as tx:
        survivor, absorbed = tx.session.get(Person, stays.id), tx.session.get(Person, goes.id)
        assert survivor is not None
        assert absorbed is not None
        merging.merge(tx, survivor, absorbed, by=by, reason="one human", now=clock.now())


def test_the_cell_says_what_is_true_of_the_one_who_stays(
    world: World, peer: Peer, double: Person
) -> None:
    with later(timedelta(minutes=1)):
        merge(world, double, lars())
        work_off()
    assert peer.grades.share(1, "6") == pytest.approx(0.9)
    assert (grade().person_id, grade().state) == (double.id, GradeState.SENT)


def test_the_next_launch_does_not_take_our_own_words_for_a_teacher_s(
    world: World, peer: Peer, double: Person, module: Module
) -> None:
    with later(timedelta(minutes=1)):
        merge(world, double, lars())
        peer.launch(module=str(module.id))  # before any step was done
        work_off()
    with later(timedelta(minutes=10)):
        work_off()
    assert peer.grades.share(1, "6") == pytest.approx(0.9)
    assert (grade().person_id, grade().state) == (double.id, GradeState.SENT)
    assert [each["userId"] for each in peer.posted()] == ["6", "6"]
    assert db.session.scalars(select(CourseMember.person_id)).all() == [double.id]


def test_undone_the_cell_is_again_of_whom_it_was(world: World, peer: Peer, double: Person) -> None:
    owner = lars().id
    with later(timedelta(minutes=1)):
        merge(world, double, lars())
        work_off()
    with later(timedelta(minutes=2)):
        with transaction() as tx:
            made = tx.session.scalars(select(PersonMerge)).one()
            merging.unmerge(tx, made, by=made.merged_by, reason="two after all", now=clock.now())
        work_off()
    assert peer.grades.share(1, "6") == pytest.approx(0.6)
    assert grade().person_id == owner
    assert db.session.scalars(select(CourseMember.person_id)).all() == [owner]
