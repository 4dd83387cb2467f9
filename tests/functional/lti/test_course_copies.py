"""A copied course is known again: nothing is made twice (A6, DL8; moodle 7)."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.http import Reply
from plugin.core.outbox import JobName
from plugin.lti.tool import actions, copies
from plugin.lti.tool.course_list import course_lines
from plugin.lti.tool.notice_models import CopyState, CourseCopy
from plugin.lti.tool.service_models import LineItem, LmsCourse
from plugin.modules.models import Module
from plugin.org.models import Person
from plugin.org.rule_models import RosterTie
from plugin.web.roles import Role
from tests.functional.assign.places import row, training
from tests.functional.lti.campus import URL, Peer, registration
from tests.support.html import read
from tests.support.work import work_off
from tests.support.world import World


@pytest.fixture
def module(world: World) -> Module:
    return world.module("Fire safety")


def items() -> list[tuple[str, str | None, int | None, int | None]]:
    db.session.rollback()
    courses = {each.id: each.context_id for each in db.session.query(LmsCourse)}
    return sorted(
        (courses[each.course_id], each.resource_link_id, each.module_id, each.configuration_id)
        for each in db.session.query(LineItem)
    )


def test_a6_dl8_columns_with_our_ids_are_known_from_the_first_launch(
    world: World, peer: Peer, module: Module
) -> None:
    configuration = training(world.unit(), row(module), certificate=False)
    peer.grades.add("Fire safety", resource_id=f"module:{module.id}", link_id="31")
    peer.grades.add("Site access", resource_id=f"configuration:{configuration}", link_id="32")
    peer.grades.add("Somebody else's", resource_id="quiz-7")
    peer.grades.add("Nobody's", resource_id="module:999")
    peer.launch("lars", graded=False)
    work_off()
    assert items() == [("2", "31", module.id, None), ("2", "32", None, configuration)]
    assert not any(method == "POST" and "/lineitems?" in url for method, url in peer.calls)


def test_opening_the_activity_later_changes_nothing(
    world: World, peer: Peer, module: Module
) -> None:
    peer.column.resource_id = f"module:{module.id}"
    peer.launch("lars", graded=False)
    work_off()
    peer.launch("lars", module=str(module.id))
    work_off()
    assert items() == [("2", "17", module.id, None)]


def test_a_copy_is_another_course_with_columns_of_its_own(
    world: World, peer: Peer, module: Module, client: FlaskClient
) -> None:
    peer.launch("lars", module=str(module.id))
    work_off()
    peer.launch("lars", course="9", module=str(module.id), context_history="2")
    work_off()
    assert [line[0] for line in items()] == ["2", "9"]
    lines = {each.context_id: each for each in course_lines(db.session, registration().id)}
    assert lines["9"].copy_of == "Safety 101"
    assert lines["2"].copy_of is None
    assert (lines["9"].people, lines["9"].columns) == (1, 1)
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    page = client.get(f"/admin/lms/{registration().id}").text
    assert "Copy of Safety 101" in read(page).words


def test_a_list_that_cannot_be_read_is_no_list(peer: Peer, module: Module) -> None:
    peer.column.resource_id = f"module:{module.id}"
    peer.grades.behaviour.gives_access = False
    peer.launch("lars", graded=False)
    work_off()
    assert items() == []


def test_a3_pages_of_columns_are_followed_as_they_are_named(
    peer: Peer, module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = peer.call
    line = f'[{{"id": "{URL}/c/1", "resourceId": "module:{module.id}"}}]'
    other = f'[{{"id": "{URL}/c/2?type_id=1", "resourceId": "module:{module.id}"}}]'

    def paged(*words: Any, **more: Any) -> Reply:
        if words[2].endswith("/lineitems?type_id=1"):
            return Reply(200, {"link": f'<{URL}/next?x=%20Y>; rel="next"'}, line.encode())
        if words[2] == f"{URL}/next?x=%20Y":
            return Reply(200, {}, other.encode())
        return call(*words, **more)

    monkeypatch.setattr("plugin.core.http.call", paged)
    peer.launch("lars", graded=False)
    work_off()
    db.session.rollback()
    assert {each.url for each in db.session.query(LineItem)} == {
        f"{URL}/c/1",
        f"{URL}/c/2?type_id=1",
    }


def copied(peer: Peer, *, course: str = "9", **custom: str) -> int:
    """A learner opens the tool in a copy of the course; the copy's number."""
    peer.launch("lars", course=course, context_history="2", **custom)
    work_off()
    db.session.rollback()
    found = (
        db.session.query(CourseCopy.id)
        .join(LmsCourse, LmsCourse.id == CourseCopy.course_id)
        .filter(LmsCourse.context_id == course)
    )
    return int(found.scalar())


@pytest.fixture
def admin(world: World, client: FlaskClient) -> FlaskClient:
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    return client


def test_a_copy_is_shown_before_it_fills_anything(
    world: World, peer: Peer, module: Module, tie: int, client: FlaskClient
) -> None:
    peer.column.resource_id = f"module:{module.id}"
    peer.launch("lars", module=str(module.id))
    work_off()
    number = copied(peer, module=str(module.id))
    assert tied() == {"2"}
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    page = client.get(f"/admin/lms/copies/{number}").text
    words = read(page).words
    assert "Copy of Safety 101" in words
    assert "Fire safety" in words
    assert "Shall the copy fill them too?" in words
    lms = client.get(f"/admin/lms/{registration().id}").text
    assert f"/admin/lms/copies/{number}" in lms
    assert "Waits for you" in read(lms).words
    assert "Waits for you" in read(client.get("/admin/lms").text).words
    client.post(f"/admin/lms/copies/{number}/decline")
    assert "In use" in read(client.get("/admin/lms").text).words


def test_a_column_that_a_copy_lacks_is_not_hidden_by_another_of_its_title(
    world: World, peer: Peer, module: Module, client: FlaskClient
) -> None:
    twin = world.module(module.title)
    peer.column.resource_id = f"module:{module.id}"
    peer.launch("lars", module=str(module.id))
    work_off()
    number = copied(peer, module=str(module.id))
    origin = db.session.query(LmsCourse).filter_by(context_id="2").one()
    world.add(
        LineItem(
            organization_id=origin.organization_id,
            course_id=origin.id,
            module_id=twin.id,
            url=f"{URL}/items/99",
            label="",
            created_at=clock.now(),
        )
    )
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    words = read(client.get(f"/admin/lms/copies/{number}").text).words
    lacking = words[words.index("Only in the original") :]
    assert f"{module.title} (number {twin.id})" in lacking
    assert f"(number {module.id})" not in lacking


def tied() -> set[str]:
    db.session.rollback()
    return {
        each.context_id for each in db.session.query(RosterTie).filter(RosterTie.until_at.is_(None))
    }


def test_confirming_ties_the_ticked_units_and_reads_their_people(
    world: World, peer: Peer, module: Module, tie: int, client: FlaskClient
) -> None:
    number = copied(peer)
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    page = f"/admin/lms/copies/{number}"
    answer = client.post(f"{page}/confirm", data={"tie": [str(tie), "999", "x"]})
    assert answer.status_code == 303
    work_off()
    assert tied() == {"2", "9"}
    new = db.session.query(RosterTie).filter_by(context_id="9").one()
    assert new.synced_at is not None
    assert client.post(f"{page}/confirm", data={"tie": str(tie)}).status_code == 409
    assert client.post(f"{page}/decline").status_code == 409
    assert "Confirmed" in read(client.get(page).text).words


def test_confirming_without_a_tick_ties_nothing(
    world: World, peer: Peer, tie: int, client: FlaskClient
) -> None:
    number = copied(peer)
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    answer = client.post(f"/admin/lms/copies/{number}/confirm", follow_redirects=True)
    assert "Confirmed" in answer.text
    assert "The course now fills" not in answer.text, "it fills no unit"
    work_off()
    assert tied() == {"2"}


def test_not_a_copy_is_never_asked_again_and_keeps_its_columns(
    peer: Peer, module: Module, client: FlaskClient, world: World
) -> None:
    peer.launch("lars", module=str(module.id))
    work_off()
    number = copied(peer, module=str(module.id))
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    assert client.post(f"/admin/lms/copies/{number}/decline").status_code == 303
    assert copied(peer, module=str(module.id)) == number
    db.session.rollback()
    assert db.session.query(CourseCopy).one().state is CopyState.DECLINED
    assert ("9", "17", module.id, None) in items()


def test_grades_reach_a_copy_before_anybody_confirms_it(
    world: World, peer: Peer, module: Module
) -> None:
    peer.launch("lars", graded=False)
    work_off()
    peer.column.resource_id = f"module:{module.id}"
    copied(peer, module=str(module.id))
    lars = db.session.query(Person).filter_by(full_name="Lars Ødegård").one()
    world.completion(lars, module)
    with transaction() as tx:
        tx.then(JobName.UPDATE_GRADES, lars.id)
    work_off()
    assert peer.grades.share(1, "6") == 1.0


def test_a_notice_and_the_history_speak_of_one_copy(peer: Peer, module: Module) -> None:
    """The notice comes first, before anybody opened the copy; its columns are read at the first
    launch, though the course is known by then."""
    peer.grades.behaviour.offers_notices = True
    peer.launch("marco", graded=False)
    work_off()
    peer.column.resource_id = f"module:{module.id}"
    assert peer.send(peer.notice("9", ("2",))).status_code == 200
    work_off()
    assert items() == []
    peer.launch("lars", graded=False, course="9", context_history="2,1")
    work_off()
    assert ("9", "17", module.id, None) in items()
    db.session.rollback()
    assert db.session.query(CourseCopy).count() == 1
    assert db.session.query(LmsCourse).filter_by(context_id="9").one().copied_from == ["2", "1"]


def test_a_silent_launch_takes_no_history_back(peer: Peer) -> None:
    peer.launch("marco")
    copied(peer)
    peer.launch("lars", course="9")
    work_off()
    db.session.rollback()
    assert db.session.query(LmsCourse).filter_by(context_id="9").one().copied_from == ["2"]


@pytest.mark.parametrize("history", ["9", " , ,", "$Context.id.history", "77", ","])
def test_histories_that_name_no_other_known_course_ask_nobody(peer: Peer, history: str) -> None:
    peer.launch("marco")
    peer.launch("lars", course="9", context_history=history)
    work_off()
    assert db.session.query(CourseCopy).count() == 0


def test_the_same_id_in_another_lms_is_another_course(world: World, peer: Peer) -> None:
    """Restored on another site: its history names ids of the old site, which mean nothing here."""
    peer.launch("marco")
    work_off()
    with transaction() as tx:
        other = actions.register(
            tx.session,
            world.organization.id,
            name="Other",
            issuer="https://other.example.test",
            client_id="c",
            auth_url="https://other.example.test/auth",
            token_url="https://other.example.test/token",
            jwks_url="https://other.example.test/keys",
            deployment_ids=["1"],
            admins_by_role=False,
            encryption_key="another secret only tests know, long",
            by=None,
            now=clock.now(),
        )
        copies.hear_of(tx, other, "1", context_id="5", title=None, origins=["2"], now=clock.now())
    assert db.session.query(CourseCopy).count() == 0


def test_other_organizations_and_learners_see_nothing(
    world: World, peer: Peer, tie: int, client: FlaskClient
) -> None:
    number = copied(peer)
    stranger = world.person("Mallory", organization=world.new_organization("Else"))
    world.grant(stranger, Role.ADMIN)
    for person, status in ((stranger, 404), (world.person("Eve"), 403)):
        world.sign_in(client, person)
        page = f"/admin/lms/copies/{number}"
        assert client.get(page).status_code == status
        assert client.post(f"{page}/confirm").status_code == status
        assert client.post(f"{page}/decline").status_code == status


# moodle 7: what becomes of activities


def test_a_duplicated_activity_is_a_column_of_its_own(peer: Peer, module: Module) -> None:
    """New resource link, new column; our id in custom is kept. Both columns get grades."""
    peer.column.resource_id = f"module:{module.id}"
    peer.launch("lars", module=str(module.id))
    work_off()
    twin = peer.grades.add("Training (copy)", resource_id=f"module:{module.id}", link_id="18")
    peer.open(twin, module=str(module.id))
    work_off()
    assert items() == [("2", "17", module.id, None), ("2", "18", module.id, None)]


def test_an_activity_from_the_recycle_bin_has_a_new_column_and_the_old_one_ends(
    world: World, peer: Peer, module: Module
) -> None:
    peer.launch("lars", module=str(module.id))
    work_off()
    del peer.grades.columns[1]  # its address is 404 from now on
    new = peer.grades.add("Training", resource_id=f"module:{module.id}", link_id="40")
    peer.open(new, module=str(module.id))
    lars = db.session.query(Person).filter_by(full_name="Lars Ødegård").one()
    world.completion(lars, module)
    with transaction() as tx:
        tx.then(JobName.UPDATE_GRADES, lars.id)
    work_off()
    db.session.rollback()
    ended = {
        each.resource_link_id: each.ended_at is not None for each in db.session.query(LineItem)
    }
    assert ended == {"17": True, "40": False}
    assert peer.grades.share(new.number, "6") == 1.0


def test_an_activity_that_lost_our_id_is_known_by_its_history(peer: Peer, module: Module) -> None:
    peer.launch("lars", module=str(module.id))
    work_off()
    other = peer.grades.add("Training", link_id="41")
    peer.open(other, link_history="99,17")
    work_off()
    assert ("2", "41", module.id, None) in items()


def test_an_activity_that_lost_our_id_is_known_by_its_column(peer: Peer, module: Module) -> None:
    """A column carries our id in `resourceId` and in `tag`; either is enough, and a launch that
    says nothing of it takes nothing back."""
    peer.column.tag = f"module:{module.id}"
    peer.launch("lars", graded=False)
    work_off()
    peer.launch("lars")
    work_off()
    assert items() == [("2", "17", module.id, None)]


def test_ids_of_other_organizations_in_columns_are_nobodys(world: World, peer: Peer) -> None:
    theirs = world.module("Theirs", organization=world.new_organization("Elsewhere"))
    peer.column.resource_id = peer.column.tag = f"module:{theirs.id}"
    peer.launch("lars", graded=False)
    work_off()
    assert items() == []
