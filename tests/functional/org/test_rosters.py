"""Rosters fill units; syncs that end much wait for an admin."""

import pytest

from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName, OutboxRow
from plugin.org import roster
from plugin.org.errors import HeldSyncOverError
from plugin.org.models import Unit
from plugin.org.roster import Synced
from plugin.org.rule_models import HeldState, HeldSync, RosterTie
from tests.functional.org.rosters import course
from tests.support.queries import counted
from tests.support.world import World


def test_a_roster_brings_people_in_and_takes_out_who_left(world: World) -> None:
    quay = course(world, people=6)
    first, *others = quay.people
    assert quay.sync(*quay.people) == Synced(joined=6)
    assert len(quay.names()) == 6
    steps = (
        db.session.query(OutboxRow).filter_by(job=JobName.EVALUATE_PEOPLE).order_by(OutboxRow.id)
    )
    assert [step.args for step in steps] == [[each.id for each in quay.people]]
    assert quay.sync(*others) == Synced(left=1)
    assert first.full_name not in quay.names()
    trail = db.session.query(AuditEntry).filter_by(action="membership.ended").one()
    assert (trail.about_id, trail.reason) == (first.id, f"roster {quay.tie_id}")
    steps = (
        db.session.query(OutboxRow).filter_by(job=JobName.EVALUATE_PEOPLE).order_by(OutboxRow.id)
    )
    assert [step.args for step in steps][-1] == [first.id]


def test_the_same_roster_twice_changes_nothing(world: World) -> None:
    quay = course(world, people=3)
    quay.sync(*quay.people)
    before = db.session.query(AuditEntry).count(), db.session.query(OutboxRow).count()
    assert quay.sync(*quay.people) == Synced()
    after = db.session.query(AuditEntry).count(), db.session.query(OutboxRow).count()
    assert after == before
    assert db.session.get_one(RosterTie, quay.tie_id).synced_at == clock.now()


def test_a_membership_by_hand_outlives_the_roster(world: World) -> None:
    quay = course(world, people=1)
    quay.sync(*quay.people)
    by_hand = world.member(quay.people[0], quay.unit)
    quay.sync()
    assert quay.names() == set()
    db.session.refresh(by_hand)
    assert by_hand.until_at is None


def test_people_of_another_organization_and_deactivated_ones_are_left_out(world: World) -> None:
    quay = course(world, people=2)
    stranger = world.person("Eve", organization=world.new_organization("Elsewhere"))
    quay.people[1].deactivated_at = clock.now()
    world.add(quay.people[1])
    quay.sync(*quay.people, stranger)
    assert quay.names() == {"P00 X"}


def test_two_courses_of_one_unit_end_nothing_the_other_still_says(world: World) -> None:
    one = course(world, people=2)
    two = course(world, unit=one.unit)
    one.sync(*one.people)
    two.sync(one.people[0])
    one.sync()
    assert one.names() == {"P00 X"}
    two.sync()
    assert one.names() == set()


def test_what_another_course_still_says_does_not_count_as_an_end(world: World) -> None:
    one = course(world, people=8)
    two = course(world, unit=one.unit)
    one.sync(*one.people)
    two.sync(*one.people)
    assert one.sync() == Synced()
    assert one.held() is None
    assert two.sync() == Synced(held=8)


def test_a_course_that_is_tied_twice_is_tied_once_and_an_ended_tie_does_nothing(
    world: World,
) -> None:
    quay = course(world, people=1)
    with transaction() as tx:
        row = tx.session.get_one(RosterTie, quay.tie_id)
        again = roster.tie_course(
            tx.session,
            tx.session.get_one(Unit, row.unit_id),
            registration_id=row.registration_id,
            deployment_id=row.deployment_id,
            context_id=row.context_id,
            title="Another title",
            by=None,
            now=clock.now(),
        )
        assert again.id == row.id
        again.until_at = clock.now()
    assert quay.sync(*quay.people) == Synced()


def test_a_sync_that_ends_much_is_held_but_lets_new_people_in(world: World) -> None:
    quay = course(world, people=9)
    quay.sync(*quay.people[:8])
    assert quay.sync(*quay.people[5:]) == Synced(joined=1, held=5)
    assert len(quay.names()) == 9
    held = quay.held()
    assert held is not None
    assert held.leaving == [each.id for each in quay.people[:5]]
    assert held.memberships == 8
    assert db.session.query(AuditEntry).filter_by(action="roster.held").count() == 1


def test_few_or_a_small_share_leave_at_once(world: World) -> None:
    quay = course(world, people=60)
    quay.sync(*quay.people)
    assert quay.sync(*quay.people[6:]) == Synced(left=6)
    assert quay.sync(*quay.people[11:]) == Synced(left=5)
    assert quay.held() is None
    small = course(world, people=4, unit=world.unit("Small"))
    small.sync(*small.people)
    assert small.sync() == Synced(left=4)


def test_memberships_of_every_source_are_what_a_tenth_is_of(world: World) -> None:
    quay = course(world, people=5)
    quay.sync(*quay.people)
    for number in range(45):
        world.member(world.person(f"Hand {number}"), quay.unit)
    assert quay.sync() == Synced(left=5)


def test_confirming_ends_exactly_those_and_judges_them(world: World) -> None:
    quay = course(world, people=8)
    quay.sync(*quay.people)
    quay.sync(*quay.people[6:])
    admin = world.person("Anna Admin")
    held = quay.held()
    assert held is not None
    with transaction() as tx:
        row = tx.session.get_one(HeldSync, held.id)
        assert roster.confirm(tx, row, by=admin.id, now=clock.now()) == 6
    assert quay.names() == {"P06 X", "P07 X"}
    assert quay.held() is None
    steps = (
        db.session.query(OutboxRow).filter_by(job=JobName.EVALUATE_PEOPLE).order_by(OutboxRow.id)
    )
    assert [step.args for step in steps][-1] == [each.id for each in quay.people[:6]]
    trail = db.session.query(AuditEntry).filter_by(action="membership.ended").all()
    assert {entry.by_person_id for entry in trail} == {admin.id}
    with pytest.raises(HeldSyncOverError), transaction() as tx:
        roster.dismiss(tx, tx.session.get_one(HeldSync, held.id), by=admin.id, now=clock.now())


def test_dismissing_keeps_everybody_and_the_same_sync_does_not_ask_again(world: World) -> None:
    quay = course(world, people=12)
    quay.sync(*quay.people)
    quay.sync(*quay.people[5:])
    held = quay.held()
    assert held is not None
    admin = world.person("Anna Admin")
    with transaction() as tx:
        roster.dismiss(tx, tx.session.get_one(HeldSync, held.id), by=admin.id, now=clock.now())
    assert len(quay.names()) == 12
    assert quay.sync(*quay.people[5:]) == Synced()
    assert quay.held() is None
    assert quay.sync(*quay.people[6:]) == Synced(held=6)
    assert quay.held() is not None


def test_a_later_sync_brings_the_held_one_up_to_date_or_answers_it(world: World) -> None:
    quay = course(world, people=10)
    quay.sync(*quay.people)
    quay.sync(*quay.people[5:])
    quay.sync(*quay.people[6:])
    held = quay.held()
    assert held is not None
    assert len(held.leaving) == 6
    assert quay.sync(*quay.people) == Synced()
    assert quay.held() is None
    assert db.session.query(HeldSync).one().state is HeldState.SUPERSEDED
    assert len(quay.names()) == 10


def test_a_roster_costs_as_many_statements_for_many_as_for_few(world: World) -> None:
    def statements_of(number: int) -> int:
        quay = course(world, people=number, unit=world.unit(f"Unit {number}"))
        ids = [each.id for each in quay.people]
        with counted() as statements:
            quay.sync_ids(ids)
            quay.sync_ids(ids[1:])
        return len(statements)

    assert statements_of(3) == statements_of(40)
