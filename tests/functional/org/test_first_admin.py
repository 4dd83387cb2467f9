"""The first admin of an organization: an install code, once."""

from datetime import timedelta

from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import transaction
from plugin.org import actions
from plugin.web.roles import Role
from tests.support.world import World


def _code(world: World) -> str:
    with transaction() as tx:
        return actions.create_install_code(
            tx.session, tx.session.merge(world.organization), now=clock.now()
        )


def test_the_install_code_makes_one_admin_once(world: World, client: FlaskClient) -> None:
    code = _code(world)
    first, second = world.person("Grace Hopper"), world.person("Lars Learner")
    world.sign_in(client, first)
    assert client.get("/admin").location == "/admin/claim"
    assert client.post("/admin/claim", data={"code": f" {code} "}).location == "/admin/sites"
    assert client.get("/admin/sites").status_code == 200
    world.sign_in(client, second)
    refused = client.post("/admin/claim", data={"code": code})
    assert "not valid, has expired or has been used" in refused.get_data(as_text=True)
    assert client.get("/admin/sites").status_code == 403


def test_an_install_code_expires_after_fourteen_days(world: World, client: FlaskClient) -> None:
    code = _code(world)
    world.sign_in(client, world.person())
    with clock.at(clock.now() + timedelta(days=14)):
        client.post("/admin/claim", data={"code": code})
        assert client.get("/admin/sites").status_code == 403


def test_a_code_of_another_organization_grants_nothing(world: World, client: FlaskClient) -> None:
    code = _code(world)
    other = world.new_organization("Other")
    world.sign_in(client, world.person("Eve", organization=other))
    client.post("/admin/claim", data={"code": code})
    assert client.get("/admin/sites").status_code == 403


def test_a_manager_lands_on_the_overview(world: World, client: FlaskClient) -> None:
    manager = world.person("Mary Manager")
    world.grant(manager, Role.MANAGER, world.unit())
    world.sign_in(client, manager)
    assert client.get("/admin").location == "/admin/overview"
