"""The admin's pages of a course's roster: names and roles as the LMS has them, and how it went."""

import pytest
from flask.testing import FlaskClient

from plugin.core.db import db
from plugin.lti.tool.rosters import sync
from plugin.org.models import Unit
from plugin.web.roles import Role
from tests.functional.lti.campus import Peer
from tests.functional.lti.roster_facts import answering, learner, listing
from tests.support.html import read
from tests.support.queries import counted
from tests.support.work import work_off
from tests.support.world import World


@pytest.fixture
def admin(world: World, client: FlaskClient, tie: int) -> FlaskClient:
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    return client


def words(client: FlaskClient, page: str) -> str:
    return " ".join(read(client.get(page).text).words.split())


def test_names_and_roles_are_in_the_lmss_own_words(
    admin: FlaskClient, peer: Peer, unit: Unit, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    mentor = "http://purl.imsglobal.org/vocab/lis/v2/membership/Learner#GuestLearner"
    people = [
        learner(6, name="Lars Ødegård"),
        learner(70, name="Ada Byron", roles=["Learner", mentor]),
        {"user_id": "3", "roles": ["Instructor"]},
    ]
    call = answering(peer, lambda _url: listing(*people))
    monkeypatch.setattr("plugin.core.http.call", call)
    page = f"/admin/units/{unit.id}/courses/{tie}"
    sync(tie)
    said = words(admin, page)
    assert "Ada Byron" in said
    assert "Learner, GuestLearner" in said
    assert "Roles in the LMS: Learner 2" in said
    assert "Instructor 1" in said
    assert "3 listed, 2 of them learners; 2 came, 0 left." in said


def test_reading_on_demand_shows_that_it_runs_and_how_it_ended(
    admin: FlaskClient, peer: Peer, unit: Unit, tie: int
) -> None:
    page, number = f"/admin/units/{unit.id}/courses", unit.id
    assert "Being read" not in words(admin, page)
    assert admin.post(f"/admin/units/{number}/courses/{tie}/read").status_code == 303
    assert "Being read" in words(admin, page)
    assert 'http-equiv="refresh"' in admin.get(page).text
    work_off()
    said = words(admin, page)
    assert "Being read" not in said
    assert "4 of them learners; 4 came, 0 left." in said
    assert 'http-equiv="refresh"' not in admin.get(page).text


def test_a_reading_that_fails_says_so_in_the_lmss_words(
    admin: FlaskClient, peer: Peer, unit: Unit, tie: int
) -> None:
    page, number = f"/admin/units/{unit.id}/courses", unit.id
    peer.grades.behaviour.fails_with = [503]
    admin.post(f"/admin/units/{number}/courses/{tie}/read")
    work_off()
    said = words(admin, page)
    assert "Not read" in said
    assert "503 Coding error detected" in said


def test_lines_without_a_name_are_told(
    admin: FlaskClient, peer: Peer, unit: Unit, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = f"/admin/units/{unit.id}/courses/{tie}"
    call = answering(peer, lambda _url: listing(learner(6), {}))
    monkeypatch.setattr("plugin.core.http.call", call)
    sync(tie)
    assert "1 lines of the list name nobody" in words(admin, page)


def test_the_page_costs_no_more_statements_for_more_people(
    admin: FlaskClient, peer: Peer, unit: Unit, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = f"/admin/units/{unit.id}/courses/{tie}"

    def statements(people: int) -> int:
        call = answering(peer, lambda _url: listing(*map(learner, range(100, 100 + people))))
        monkeypatch.setattr("plugin.core.http.call", call)
        sync(tie)
        db.session.rollback()
        with counted() as sent:
            assert admin.get(page).status_code == 200
        return len(sent)

    assert statements(1) == statements(30)


def test_other_organizations_and_learners_see_nothing(
    world: World, client: FlaskClient, unit: Unit, tie: int
) -> None:
    page = f"/admin/units/{unit.id}/courses/{tie}"
    stranger = world.person("Mallory", organization=world.new_organization("Else"))
    world.grant(stranger, Role.ADMIN)
    for person, status in ((stranger, 404), (world.person("Eve"), 403)):
        world.sign_in(client, person)
        assert client.get(page).status_code == status


def test_a_long_roster_has_pages_is_searched_and_sorted(
    admin: FlaskClient, peer: Peer, unit: Unit, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [learner(100 + number, name=f"Ada {number:02}") for number in range(60)]
    monkeypatch.setattr("plugin.core.http.call", answering(peer, lambda _url: listing(*people)))
    sync(tie)
    page = f"/admin/units/{unit.id}/courses/{tie}"
    assert "1 to 50 of 60" in words(admin, page)
    second = words(admin, f"{page}?page=2")
    assert "51 to 60 of 60" in second
    assert "Ada 59" in second
    assert "1 to 1 of 1" in words(admin, f"{page}?q=ada+07")
    assert "Ada 42" in words(admin, f"{page}?q=142")  # exactly the id in the LMS
    assert "1 to 1 of 1" in words(admin, f"{page}?q=10")
    assert "Nothing matches." in words(admin, f"{page}?q=1000")
    backwards = words(admin, f"{page}?sort=name&dir=desc")
    assert backwards.index("Ada 59") < backwards.index("Ada 58")
    assert admin.get(f"{page}?sort=listed&dir=desc").status_code == 200
