"""Reads for the learner and for certificates: what they answer and what they cost."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from sqlalchemy import event

from plugin.assign import queries
from plugin.assign.errors import ConfigurationNotFoundError, NotPublishedError
from plugin.assign.facts import RowStatus
from plugin.assign.fetch import facts
from plugin.assign.standing import RowState
from plugin.core import clock
from plugin.core.db import db
from plugin.modules.models import Run, RunState
from plugin.org.models import UnitKind
from tests.conftest import NOW
from tests.functional.assign.places import HIDDEN, OPTIONAL, publish, row, training
from tests.support.world import World

DAY = timedelta(days=1)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements sent to the database meanwhile."""
    seen: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "SAVEPOINT")):
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def test_everything_a_learner_sees_costs_one_statement_however_much_it_is(world: World) -> None:
    site, group = world.unit(), world.unit("Welders", kind=UnitKind.GROUP)
    ada = world.person()
    world.member(ada, site)
    world.member(ada, group)
    modules = [world.module(f"Module {number:02}") for number in range(50)]
    training(site, *(row(module, validity_months=6) for module in modules))
    training(group, *(row(module, validity_months=12) for module in modules[:10]))
    for module in modules[:20]:
        world.completion(ada, module, happened_at=NOW)
    db.session.rollback()
    organization_id, person_id = ada.organization_id, ada.id
    with counted() as statements:
        found = queries.learner_facts(db.session, organization_id, person_id, NOW + DAY)
    assert len(statements) == 1
    assert len(found.visible) == 50
    first = found.visible[0]
    assert (first.valid_through, len(first.asks)) == (date(2027, 9, 10), 2)
    assert found.configurations[first.binding.configuration_id].unit_name == "North Quay"
    assert found.modules[first.module_id].title == "Module 00"
    assert found.visible[30].state is RowState.NEVER_COMPLETED


def test_a_learner_without_training_has_an_empty_page(world: World) -> None:
    ada = world.person()
    found = queries.learner_facts(db.session, ada.organization_id, ada.id, NOW)
    assert (found.standings, found.visible, found.modules) == ((), (), {})


def test_hidden_modules_and_runs_in_them_are_nowhere_in_the_learners_facts(world: World) -> None:
    site, ada = world.unit(), world.person()
    shown, secret = world.module("Shown"), world.module("Secret")
    world.member(ada, site)
    training(site, row(shown), row(secret, HIDDEN))
    for module in (shown, secret):
        world.completion(ada, module)
        world.add(
            Run(
                organization_id=ada.organization_id,
                person_id=ada.id,
                module_id=module.id,
                module_version_id=module.current_version_id,
                number=1,
                state=RunState.OPEN,
                started_at=NOW,
                last_activity_at=NOW,
                progress=0.5,
            )
        )
    found = queries.learner_facts(db.session, ada.organization_id, ada.id, NOW)
    assert list(found.modules) == list(found.open_runs) == [shown.id]
    assert found.open_runs[shown.id].progress == 0.5
    assert "Secret" not in repr(found)


@pytest.mark.parametrize("seed", range(4))
def test_what_may_be_opened_is_exactly_what_is_shown(world: World, seed: int) -> None:
    dice = random.Random(seed)
    region = world.unit("North", kind=UnitKind.REGION)
    units = [
        region,
        world.unit(region=region),
        world.unit("Yard"),
        world.unit("Old", region=region),
    ]
    units[3].archived_at = NOW
    world.add(units[3])
    people = [world.person(f"P{n} X", email=f"p{n}@example.test") for n in range(6)]
    people[0].deactivated_at = NOW + 5 * DAY
    world.add(people[0])
    modules = [world.module(f"M{n}") for n in range(5)]
    for person in people:
        for unit in dice.sample(units, dice.randint(1, 2)):
            until = dice.choice([None, NOW + 3 * DAY])
            world.member(person, unit, since=NOW - DAY, until=until)
    for unit in units:
        chosen = dice.sample(modules, 3)
        training(unit, *(row(module, dice.choice(list(RowStatus))) for module in chosen))
    organization_id = world.organization.id
    seen_any = False
    for at in (NOW - DAY, NOW + DAY, NOW + 4 * DAY, NOW + 6 * DAY):
        for person in people:
            found = queries.learner_facts(db.session, organization_id, person.id, at)
            shown = {module.module_id for module in found.visible}
            seen_any |= bool(shown)
            for module in modules:
                may = queries.is_visible(db.session, organization_id, person.id, module.id, at)
                assert may == (module.id in shown)
    assert seen_any


def test_the_facts_of_five_hundred_people_cost_one_statement(world: World) -> None:
    site, module = world.unit(), world.module()
    people = [world.person(f"P{n} X", email=f"p{n}@example.test") for n in range(30)]
    for person in people:
        world.member(person, site)
    asked = training(site, row(module, OPTIONAL))
    ids = [person.id for person in people] + list(range(10_000, 10_470))
    organization_id = site.organization_id
    with counted() as statements:
        found = facts(
            db.session, organization_id, person_ids=ids, configuration_ids=[asked], at=NOW
        )
    assert len(statements) == 1
    assert sum(found.standing(each, asked).covered for each in ids) == 30


def test_a_past_moment_is_judged_by_the_version_of_then(world: World) -> None:
    site, first, second, ada = world.unit(), world.module("A"), world.module("B"), world.person()
    world.member(ada, site)
    world.completion(ada, first)
    asked = training(site, row(first))
    with clock.at(NOW + 10 * DAY):
        publish(asked, row(first), row(second))
    found = {
        days: queries.standing_now(db.session, ada.organization_id, ada.id, asked, NOW + days * DAY)
        for days in (0, 9, 10)
    }
    assert [each.number for each in found.values()] == [1, 1, 2]
    assert [each.is_valid(each.at) for each in found.values()] == [True, True, False]
    with pytest.raises(NotPublishedError):
        queries.standing_now(db.session, ada.organization_id, ada.id, asked, NOW - DAY)


def test_another_organizations_configuration_does_not_exist(world: World) -> None:
    asked = training(world.unit(), row(world.module()))
    other = world.new_organization("Other")
    stranger = world.person("Eve Other", organization=other)
    with pytest.raises(ConfigurationNotFoundError):
        queries.configuration_of(db.session, other.id, asked)
    with pytest.raises(NotPublishedError):
        queries.standing_now(db.session, other.id, stranger.id, asked, NOW)
