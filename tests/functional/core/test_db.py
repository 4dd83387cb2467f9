"""One transaction, facts that never change, moments that are always UTC."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from plugin.core import clock
from plugin.core.audit import AuditEntry, record
from plugin.core.base import AppendOnlyError
from plugin.core.db import NestedTransactionError, db, transaction
from plugin.core.outbox import JobName, OutboxRow
from plugin.org.models import Organization, Person
from tests.support.world import World


def test_facts_and_their_next_step_are_saved_together(world: World) -> None:
    organization = world.organization
    with transaction() as tx:
        tx.session.get_one(Organization, organization.id).name = "New"
        tx.then(JobName.EVALUATE_PERSON, 7)
    assert db.session.scalar(select(Organization.name)) == "New"
    row = db.session.scalars(select(OutboxRow)).one()
    assert (row.job, row.args, row.due_at) == (JobName.EVALUATE_PERSON, [7], clock.now())


def test_an_error_saves_neither_the_fact_nor_the_step(world: World) -> None:
    organization_id = world.organization.id

    def half() -> None:
        with transaction() as tx:
            tx.session.get_one(Organization, organization_id).name = "New"
            tx.then(JobName.EVALUATE_PERSON, 7)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert db.session.scalar(select(Organization.name)) == "Harbour Works"
    assert db.session.scalar(select(func.count(OutboxRow.id))) == 0


def test_an_error_of_the_database_repeats_nothing_of_what_it_was_given(app: Flask) -> None:
    nowhere = text("SELECT nowhere FROM person WHERE email = :email")
    with pytest.raises(DBAPIError) as refused, transaction() as tx:
        tx.session.execute(nowhere, {"email": "ada@example.test"})
    assert "nowhere" in str(refused.value)
    assert "ada@example.test" not in str(refused.value)


def test_a_transaction_inside_a_transaction_is_refused(app: Flask) -> None:
    with pytest.raises(NestedTransactionError), transaction(), transaction():
        pass


def test_a_moment_comes_back_as_the_same_moment_in_utc(world: World) -> None:
    noon = datetime(2027, 3, 10, 12, tzinfo=timezone(timedelta(hours=2)))
    person = world.person()
    person.deactivated_at = noon
    db.session.commit()
    assert db.session.scalar(select(Person.deactivated_at)) == noon
    assert person.deactivated_at is not None
    assert person.deactivated_at.tzinfo is UTC


def test_a_naive_moment_is_refused_at_the_door(world: World) -> None:
    person = world.person()
    person.deactivated_at = datetime(2027, 3, 10, 12)  # noqa: DTZ001
    with pytest.raises(StatementError, match="time zone"):
        db.session.commit()
    db.session.rollback()


def test_a_fact_is_neither_changed_nor_deleted(world: World) -> None:
    completion = world.completion(world.person(), world.module())
    completion.passed = False
    with pytest.raises(AppendOnlyError):
        db.session.commit()
    db.session.rollback()
    db.session.delete(completion)
    with pytest.raises(AppendOnlyError):
        db.session.commit()
    db.session.rollback()


def test_the_audit_says_who_what_when_before_after_and_why(world: World) -> None:
    person = world.person()
    record(
        db.session,
        "person.renamed",
        about=person,
        by=person.id,
        now=clock.now(),
        before={"name": "A"},
        after={"name": "B"},
        reason="married",
    )
    db.session.commit()
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.about_kind, entry.about_id) == ("person", person.id)
    assert entry.by_person_id == person.id
    assert (entry.before, entry.after, entry.reason) == ({"name": "A"}, {"name": "B"}, "married")
    assert entry.organization_id == person.organization_id


def test_foreign_keys_hold_on_both_databases(world: World) -> None:
    with pytest.raises(IntegrityError):
        world.add(
            Person(
                organization_id=999_999,
                given_name="",
                family_name="",
                full_name="Nobody",
                created_at=clock.now(),
            )
        )
    db.session.rollback()
