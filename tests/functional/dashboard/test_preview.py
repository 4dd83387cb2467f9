"""The preview is the learner's page: the same tiles for the same facts, and nothing to press."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from plugin.assign import drafting, queries
from plugin.assign.draft import DraftRow
from plugin.assign.models import Configuration
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.modules.models import Module
from plugin.org.models import Unit, UnitKind
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.assign.places import HIDDEN, OPTIONAL, row, training
from tests.support.html import Element, read
from tests.support.world import World


@pytest.fixture
def admin(world: World, client: FlaskClient) -> FlaskClient:
    person = world.person("Grace Hopper", email="grace@example.test")
    world.grant(person, Role.ADMIN)
    world.sign_in(client, person)
    return client


def titles(page: str) -> list[str]:
    return [each.words for each in read(page).all("h3")]


def draft(asked: int, *rows: DraftRow) -> None:
    with transaction() as tx:
        configuration = tx.session.get_one(Configuration, asked)
        drafting.save_draft(
            tx.session,
            configuration,
            rows,
            certificate_on=True,
            revision=queries.draft_of(tx.session, configuration).revision,
            by=None,
            now=clock.now(),
        )


@pytest.fixture
def modules(world: World) -> list[Module]:
    return [world.module(title) for title in ("Height", "Gas", "Lifting", "Fire")]


@pytest.fixture
def site(world: World) -> Unit:
    return world.unit("Quay", region=world.unit("North", kind=UnitKind.REGION))


@pytest.fixture
def asked(site: Unit, modules: list[Module]) -> int:
    asked = training(site, row(modules[0]))
    draft(asked, row(modules[0]), row(modules[1], OPTIONAL), row(modules[2], HIDDEN))
    return asked


def test_a_newcomer_sees_the_draft_without_what_is_hidden(admin: FlaskClient, asked: int) -> None:
    page = admin.get(f"/admin/training/{asked}/preview").text
    assert titles(page) == ["Height", "Gas"]
    assert "Lifting" not in page
    assert "somebody who has just joined" in page
    published = admin.get(f"/admin/training/{asked}/preview?under=published").text
    assert titles(published) == ["Height"]


def test_what_the_region_asks_is_there_too(
    admin: FlaskClient, asked: int, site: Unit, modules: list[Module]
) -> None:
    region = db.session.get_one(Unit, site.region_id)
    training(region, row(modules[3]))
    assert "Fire" in titles(admin.get(f"/admin/training/{asked}/preview").text)


def test_the_preview_of_a_member_is_their_own_page_once_it_is_published(
    world: World, client: FlaskClient, admin: FlaskClient, asked: int, site: Unit,
    modules: list[Module],
) -> None:  # fmt: skip
    ada = world.person("Ada Byron", email="ada@example.test")
    world.member(ada, site)
    world.completion(ada, modules[0])
    shown = admin.get(f"/admin/training/{asked}/preview?person=ada@example.test&under=published")
    assert "Ada Byron" in shown.text
    world.sign_in(client, ada)
    own = client.get("/").text

    def tiles(page: str) -> list[str]:
        return [each.words for each in read(page).all("article") if "tile" in _class(each)]

    assert tiles(shown.text) == tiles(own) != []


def _class(element: Element) -> str:
    return element.attributes.get("class", "")


def test_a_day_to_come_shows_what_will_have_expired(
    world: World, admin: FlaskClient, site: Unit, modules: list[Module]
) -> None:
    ada = world.person("Ada Byron", email="ada@example.test")
    world.member(ada, site)
    asked = training(site, row(modules[0], validity_months=1))
    world.completion(ada, modules[0])
    address = f"/admin/training/{asked}/preview?person=ada@example.test"
    assert "VALID" in admin.get(address).text.replace("INVALID", "")
    later = (NOW + timedelta(days=60)).date()
    assert "Expired" in admin.get(f"{address}&date={later}").text


def test_nothing_in_it_can_be_pressed(admin: FlaskClient, asked: int) -> None:
    page = read(admin.get(f"/admin/training/{asked}/preview").text)
    (stage,) = [each for each in page.all("fieldset") if "disabled" in each.attributes]
    assert len(stage.all("button")) == len(page.all("article")) - len(
        [each for each in page.all("article") if "proof" in _class(each)]
    )


@pytest.mark.parametrize("query", ["person=nobody@example.test", "date=tomorrow"])
def test_what_cannot_be_shown_is_said_at_its_field(
    admin: FlaskClient, asked: int, query: str
) -> None:
    answer = admin.get(f"/admin/training/{asked}/preview?{query}")
    assert answer.status_code == 422
    assert "form-error" in answer.text


def test_somebody_elsewhere_is_not_shown(world: World, admin: FlaskClient, asked: int) -> None:
    world.person("Eve Other", email="eve@example.test")
    answer = admin.get(f"/admin/training/{asked}/preview?person=eve@example.test")
    assert answer.status_code == 422
    assert "Eve Other" not in answer.text
