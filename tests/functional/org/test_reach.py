"""How far rights reach: a manager's regions, sites and groups, and nothing beyond them."""

import pytest

from plugin.core import clock
from plugin.core.db import db
from plugin.org.errors import PersonNotFoundError, UnitNotFoundError
from plugin.org.models import Person, UnitKind
from plugin.org.reach import Reach, person_in_reach, reach_of, unit_in_reach
from plugin.web.identity import Me
from plugin.web.roles import Role
from tests.support.queries import counted
from tests.support.world import World


def visitor(person: Person, role: Role, *units: int) -> Me:
    return Me(
        sign_in_id=1,
        person_id=person.id,
        organization_id=person.organization_id,
        organization_name="",
        name="",
        role=role,
        managed_units=frozenset(units),
        locale="en",
        time_zone="UTC",
        frame_ancestors="",
        return_url=None,
        launch={},
    )


def test_an_admin_reaches_everything_without_asking(world: World) -> None:
    me = visitor(world.person(), Role.ADMIN)
    with counted() as statements:
        found = reach_of(db.session(), me)
    assert found == Reach(organization_id=me.organization_id, unit_ids=None)
    assert statements == []


def test_a_manager_of_a_region_reaches_its_sites(world: World) -> None:
    north = world.unit("North", kind=UnitKind.REGION)
    quay, yard = world.unit("Quay", region=north), world.unit("Yard")
    reach = reach_of(db.session(), visitor(world.person(), Role.MANAGER, north.id))
    assert reach.unit_ids == {north.id, quay.id}
    assert unit_in_reach(db.session(), reach, quay.id).name == "Quay"
    with pytest.raises(UnitNotFoundError):
        unit_in_reach(db.session(), reach, yard.id)


def test_a_manager_reaches_the_members_of_now(world: World) -> None:
    quay, yard = world.unit("Quay"), world.unit("Yard")
    inside, gone, outside = (world.person(name) for name in ("In Side", "Gone By", "Out Side"))
    world.member(inside, quay)
    world.member(gone, quay, until=clock.now())
    world.member(outside, yard)
    reach = reach_of(db.session(), visitor(outside, Role.MANAGER, quay.id))
    assert person_in_reach(db.session(), reach, inside.id, clock.now()).id == inside.id
    for person in (gone, outside):
        with pytest.raises(PersonNotFoundError):
            person_in_reach(db.session(), reach, person.id, clock.now())


def test_nobody_reaches_another_organization(world: World) -> None:
    other = world.new_organization("Other")
    stranger = world.person("Stranger", organization=other)
    place = world.unit("Elsewhere", organization=other)
    for me in (
        visitor(world.person(), Role.ADMIN),
        visitor(world.person(), Role.MANAGER, place.id),
    ):
        reach = reach_of(db.session(), me)
        with pytest.raises(UnitNotFoundError):
            unit_in_reach(db.session(), reach, place.id)
        with pytest.raises(PersonNotFoundError):
            person_in_reach(db.session(), reach, stranger.id, clock.now())


def test_a_manager_without_a_unit_reaches_nobody(world: World) -> None:
    person = world.person()
    reach = reach_of(db.session(), visitor(person, Role.MANAGER))
    with pytest.raises(PersonNotFoundError):
        person_in_reach(db.session(), reach, person.id, clock.now())
