"""What is stored equals what the rules say, whatever happens and however the clock runs."""

import random
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Barrier, Thread

import pytest
from flask import Flask
from sqlalchemy import select

from plugin.assign import actions, judgement, queries
from plugin.assign.actions import Effect
from plugin.assign.facts import RowStatus
from plugin.assign.models import Configuration, ConfigurationVersion, StoredStanding, Waiver
from plugin.assign.standing import Standing
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName
from plugin.modules.models import Completion, CompletionSource, Module, ModuleVersion
from plugin.org.errors import FieldError
from plugin.org.models import Membership, Person, Unit, UnitKind
from tests.conftest import NOW
from tests.functional.assign.places import (
    evaluate_later,
    judge,
    learn_anew,
    messages,
    new_version,
    publish,
    row,
    steps,
    training,
)
from tests.support.world import World

EVENTS = 20


class History:
    """A random course of events in a small world; everything is judged as it happens."""

    PEOPLE = 3

    def __init__(self, world: World, seed: int) -> None:
        self.dice, self.renewals = random.Random(seed), random.Random(seed)
        self.world = world
        region = world.unit("North", kind=UnitKind.REGION, time_zone="America/Sao_Paulo")
        self.units: list[Unit] = [
            region,
            world.unit("Quay", region=region, time_zone="Pacific/Auckland"),
            world.unit("Yard"),
            world.unit("Welders", kind=UnitKind.GROUP),
        ]
        self.people: list[Person] = [
            world.person(f"P{n} X", email=f"p{n}@example.test") for n in range(self.PEOPLE)
        ]
        self.modules: list[Module] = [world.module(f"M{n}") for n in range(3)]
        self.boss = world.person("Boss", email="boss@example.test")
        for person in self.people:
            world.member(person, self.dice.choice(self.units[1:]))
        self.configurations = [training(unit, *self.rows()) for unit in self.units[:3]]
        judge()

    def rows(self) -> list:  # type: ignore[type-arg]
        dice = self.dice
        return [
            row(
                module,
                dice.choice([RowStatus.REQUIRED, RowStatus.REQUIRED, *RowStatus]),
                validity_months=dice.choice([None, 1, 1, 2, 12]),
                pass_mark=dice.choice([None, None, 0.5, 0.8]),
                due_days=dice.choice([None, 14]),
            )
            for module in dice.sample(self.modules, dice.choice([0, 1, 1, 2, 3]))
        ]

    def step(self) -> None:
        person = self.dice.choice(self.people)
        happening = self.dice.choice(
            [self.complete, self.complete, self.move, self.move, self.waive, self.correct]
        )
        if self.dice.random() < 0.2:
            publish(
                self.dice.choice(self.configurations),
                *self.rows(),
                certificate=self.dice.random() < 0.8,
                effect=self.effect(),
            )
        else:
            happening(person)
            evaluate_later(person)
        if self.renewals.random() < 0.3:
            self.renew()
        judge()

    def renew(self) -> None:
        """A module has a new version, or it is decided whether that has to be learned anew."""
        module = db.session.merge(self.renewals.choice(self.modules))
        last = db.session.get_one(ModuleVersion, module.current_version_id).number
        if last == 1 or self.renewals.random() < 0.3:
            last = new_version(module)
        day = clock.now().date() + timedelta(days=self.renewals.randint(2, 50))
        with suppress(FieldError):  # it has begun
            from_on = self.renewals.choice([day, day, None])
            learn_anew(module, self.renewals.randint(2, last), from_on, by=self.boss.id)

    def effect(self) -> Effect:
        day = clock.now().date() + timedelta(days=self.dice.randint(2, 40))
        return Effect(
            apply_to_existing=self.dice.random() < 0.5,
            **self.dice.choice([{}, {}, {"grace_until": day}, {"effective_on": day}]),
        )

    def complete(self, person: Person) -> None:
        self.world.completion(
            person,
            self.dice.choice(self.modules),
            happened_at=clock.now() - timedelta(days=self.dice.choice([0, 0, 20])),
            passed=self.dice.random() < 0.8,
            score=self.dice.choice([None, 0.6, 0.9, 0.9]),
            valid_until_on=self.dice.choice(
                [None, None, clock.now().date() + timedelta(days=self.dice.randint(0, 60))]
            ),
        )

    def move(self, person: Person) -> None:
        open_one = db.session.scalars(
            select(Membership).where(
                Membership.person_id == person.id, Membership.until_at.is_(None)
            )
        ).all()
        if open_one and self.dice.random() < 0.4:
            open_one[0].until_at = clock.now()
            self.world.add(open_one[0])
            return
        unit = self.dice.choice(self.units)
        if unit.id not in {each.unit_id for each in open_one}:
            self.world.member(person, unit)

    def waive(self, person: Person) -> None:
        self.world.add(
            Waiver(
                organization_id=person.organization_id,
                configuration_id=self.dice.choice(self.configurations),
                module_id=self.dice.choice(self.modules).id,
                person_id=person.id,
                reason="medical",
                approved_by=self.boss.id,
                from_at=clock.now(),
                until_on=clock.now().date() + timedelta(days=self.dice.randint(1, 60)),
            )
        )

    def correct(self, person: Person) -> None:
        waiver = db.session.scalar(
            select(Waiver).where(Waiver.person_id == person.id, Waiver.ended_at.is_(None))
        )
        if waiver is not None and self.dice.random() < 0.5:
            waiver.ended_at = clock.now()
            self.world.add(waiver)
            return
        superseded = select(Completion.supersedes_id).where(Completion.supersedes_id.is_not(None))
        wrong = db.session.scalar(
            select(Completion).where(
                Completion.person_id == person.id, Completion.id.not_in(superseded)
            )
        )
        if wrong is not None:
            self.world.add(
                Completion(
                    organization_id=person.organization_id,
                    person_id=person.id,
                    module_id=wrong.module_id,
                    passed=not wrong.passed,
                    score=0.9,
                    happened_at=wrong.happened_at,
                    learned_at=clock.now(),
                    source=CompletionSource.MANUAL,
                    evidence={},
                    supersedes_id=wrong.id,
                    reason="entered wrongly",
                )
            )

    def live(
        self, at: datetime, *, unless_changed_since: datetime | None = None
    ) -> dict[tuple[int, int], Standing]:
        """What the rules say at `at`; without configurations with a version from between."""
        organization_id = self.world.organization.id
        coming = select(ConfigurationVersion.configuration_id).where(
            ConfigurationVersion.effective_at > (unless_changed_since or at),
            ConfigurationVersion.effective_at <= at,
        )
        changed = set(db.session.scalars(coming))
        return {
            (person.id, configuration_id): queries.standing_now(
                db.session, organization_id, person.id, configuration_id, at
            )
            for person in self.people
            for configuration_id in self.configurations
            if configuration_id not in changed
        }


def assert_stored_equals(live: dict[tuple[int, int], Standing], at: datetime) -> None:
    db.session.rollback()
    rows = {
        (line.person_id, line.configuration_id): line
        for line in db.session.scalars(select(StoredStanding))
    }
    for pair, standing in live.items():
        line = rows.get(pair)
        if line is None:
            assert not standing.covered
            continue
        values = judgement.stored_values(standing)
        if not standing.is_valid(at):
            values["continuous_since_at"] = line.continuous_since_at  # says nothing any more
        assert {name: getattr(line, name) for name in values} == values
        by_dates = line.covered and line.complete and (line.ends_at is None or at < line.ends_at)
        assert by_dates == standing.is_valid(at)


@pytest.mark.parametrize("seed", [0, 1, 2, 4, 5])
def test_stored_standings_equal_the_rules_over_generated_histories(world: World, seed: int) -> None:
    history = History(world, seed)
    now = NOW
    told: list[tuple[datetime, dict[tuple[int, int], Standing]]] = []
    for _ in range(EVENTS):
        now += timedelta(hours=history.dice.choice([1, 20, 200]))
        with clock.at(now):
            history.step()
            for later in (0, history.dice.randint(1, 24 * 90)):
                at = now + timedelta(hours=later)
                assert_stored_equals(history.live(at, unless_changed_since=now), at)
            told.append((now, history.live(now)))
    for at, before in told:
        assert history.live(at) == before, "the past is answered from the facts as they stood"
    assert any(standing.is_valid(at) for at, before in told for standing in before.values())


@pytest.mark.parametrize("seed", [11, 12])
def test_judging_everybody_anew_finds_nothing_to_change(world: World, seed: int) -> None:
    history = History(world, seed)
    for number in range(EVENTS):
        with clock.at(NOW + timedelta(days=3 * number)):
            history.step()
    count = len(messages()), len(steps(JobName.ISSUE_CERTIFICATE))
    with clock.at(NOW + timedelta(days=3 * EVENTS)):
        before = {line.id: line.updated_at for line in db.session.scalars(select(StoredStanding))}
        for person in history.people:
            evaluate_later(person)
        judge()
        evaluated_again = db.session.scalars(select(StoredStanding)).all()
    assert count == (len(messages()), len(steps(JobName.ISSUE_CERTIFICATE)))
    changed = [line for line in evaluated_again if line.updated_at != before[line.id]]
    assert all(line.continuous_since_at is None for line in changed), "only what ran out is noted"


def test_two_workers_at_once_make_one_standing_one_mail_and_one_step(
    world: World, app: Flask
) -> None:
    site, done, missing = world.unit(), world.module("A"), world.module("B")
    ada = world.person()
    world.member(ada, site)
    world.completion(ada, done)
    training(site, row(done))
    training(site, row(missing), name="Second")
    person_id, gate = ada.id, Barrier(4)
    failures: list[BaseException] = []

    def work() -> None:
        with app.app_context():
            gate.wait()
            try:
                with transaction() as tx:
                    judgement.evaluate_person(tx, person_id, now=NOW)
            except BaseException as error:
                failures.append(error)
            finally:
                db.session.remove()

    db.session.rollback()
    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(db.session.scalars(select(StoredStanding)).all()) == 2
    assert len(messages()) == 1
    assert len(steps(JobName.ISSUE_CERTIFICATE)) == 1


def test_two_publishes_at_once_make_two_numbers(world: World, app: Flask) -> None:
    asked = training(world.unit(), row(world.module()))
    numbers: list[int] = []

    def work() -> None:
        with app.app_context():
            with transaction() as tx:
                version = actions.publish(
                    tx,
                    tx.session.get_one(Configuration, asked),
                    by=None,
                    reason="twice",
                    apply_to_existing=False,
                    now=NOW,
                )
                numbers.append(version.number)
            db.session.remove()

    db.session.rollback()
    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == [2, 3, 4]
