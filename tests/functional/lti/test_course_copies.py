"""A copied course is known again: nothing is made twice (A6, DL8; moodle 7)."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.core.db import db
from plugin.core.http import Reply
from plugin.lti.tool.courses import course_lines
from plugin.lti.tool.service_models import LineItem, LmsCourse
from plugin.modules.models import Module
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
