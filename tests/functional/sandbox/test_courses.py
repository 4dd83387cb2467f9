"""The miniature LMS has several courses, and copies them as a Moodle does (moodle 7)."""

import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient

from plugin.core.db import db
from plugin.lti.tool.notice_models import CourseCopy
from plugin.lti.tool.service_models import LineItem, LmsCourse
from plugin.modules.models import Module
from plugin.org.models import Unit
from plugin.org.rule_models import RosterTie
from plugin.web.roles import Role
from sandbox.courses import FIRST_COURSES
from sandbox.lms import create_lms
from sandbox.tokens import Placement
from tests.functional.lti.campus import Peer, registration
from tests.functional.lti.conftest import peer, tie, unit
from tests.functional.lti.test_content_round_trip import answer_of
from tests.support.html import read
from tests.support.work import work_off
from tests.support.world import World

__all__ = ["peer", "tie", "unit"]


def hidden(page: str) -> dict[str, str]:
    found = re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page)
    return {name: unescape(value) for name, value in found}


def path_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


def opened(peer: Peer, lms: FlaskClient, link_id: str) -> int:
    """Whoever is signed in opens the activity, all the way; what the tool answers."""
    tool = peer.app.extensions["tool"]
    login = hidden(lms.get(f"/launch/{link_id}").text)
    asked = peer.browser.post(path_of(tool.login_url), data=login)
    fields = hidden(lms.get(path_of(asked.headers["Location"])).text)
    return peer.browser.post(path_of(tool.launch_url), data=fields).status_code


def ready(peer: Peer, lms: FlaskClient, username: str) -> None:
    """The person is signed in, and the tool wants to know what a course was copied from."""
    peer.app.extensions["tool"].custom["context_history"] = "$Context.id.history"
    lms.post("/sign-in", data={"username": username})


def placements(peer: Peer, course_id: str) -> list[Placement]:
    found: dict[str, Placement] = peer.app.extensions["placements"]
    return [each for each in found.values() if each.course_id == course_id]


def with_module(peer: Peer, client: FlaskClient, lms: FlaskClient, module: Module) -> None:
    """A teacher has picked the module for the course."""
    token = answer_of(peer, client, item=[f"module:{module.id}"])
    assert lms.post("/content/return", data={"JWT": token}).status_code == 303


def test_a_copy_has_new_ids_and_what_the_tool_gave(
    world: World, peer: Peer, client: FlaskClient
) -> None:
    module = world.module("Fire safety")
    lms = peer.app.test_client()
    with_module(peer, client, lms, module)
    lms.post("/sign-in", data={"username": "astrid"})
    peer.grades.override(1, "6", 0.9)
    for origin in ("2", "4"):
        assert lms.post(f"/courses/{origin}/copy").status_code == 303
    words = read(lms.get("/courses").text).words
    assert "copied from Safety 101" in words
    courses = peer.app.extensions["courses"]
    assert (courses["4"].title, courses["4"].history) == ("Safety 101 copy 1", ("2",))
    assert courses["5"].history == ("4", "2"), "the nearest first"
    old, new = placements(peer, "2"), placements(peer, "4")
    assert not {each.link_id for each in old} & {each.link_id for each in new}
    kept = [(each.title, each.custom, each.url) for each in old]
    assert [(each.title, each.custom, each.url) for each in new] == kept
    assert new[-1].url == peer.lms.target
    columns = [each for each in peer.grades.columns.values() if each.course_id == "4"]
    assert [(each.resource_id, each.link_id) for each in columns] == [
        (None, new[0].link_id),
        (f"module:{module.id}", new[-1].link_id),
    ]
    assert all(each.cells == {} for each in columns)


def test_a_copy_is_previewed_in_the_tool_and_fills_the_unit_once_an_admin_says_so(
    world: World, peer: Peer, client: FlaskClient, tie: int
) -> None:
    module = world.module("Fire safety")
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    lms = peer.app.test_client()
    with_module(peer, client, lms, module)
    ready(peer, lms, "astrid")
    assert opened(peer, lms, placements(peer, "2")[-1].link_id) == 303
    work_off()
    lms.post("/courses/2/copy")
    assert opened(peer, lms, placements(peer, "4")[-1].link_id) == 303
    work_off()
    copy_id = db.session.query(CourseCopy.id).scalar()
    world.sign_in(client, grace)
    page = read(client.get(f"/admin/lms/copies/{copy_id}").text)
    assert "Safety 101 copy 1" in page.words
    assert "Fire safety" in page.words
    answer = client.post(f"/admin/lms/copies/{copy_id}/confirm", data={"tie": str(tie)})
    assert answer.status_code == 303
    work_off()
    db.session.rollback()
    assert {each.context_id for each in db.session.query(RosterTie)} == {"2", "4"}
    course = db.session.query(LmsCourse).filter_by(context_id="4").one()
    assert course.copied_from == ["2"]
    assert [each.module_id for each in db.session.query(LineItem).filter_by(course_id=course.id)]


def test_each_course_has_its_own_people_columns_and_content(
    world: World, peer: Peer, client: FlaskClient, unit: Unit
) -> None:
    lms = peer.app.test_client()
    lms.post("/sign-in", data={"username": "lars"})
    assert "Contractor induction" not in lms.get("/courses").text
    assert lms.get("/course/19").status_code == 404, "he is not enrolled there"
    assert lms.post("/courses/2/copy").status_code == 404
    lms.post("/sign-in", data={"username": "marco"})
    assert lms.post("/courses/9/copy").status_code == 404
    assert lms.get("/course?id=9").status_code == 404
    page = read(lms.get("/course?id=3").text)
    assert "Training for contractors" in page.words
    assert "My safety training" not in page.words
    assert "My safety training" not in lms.get("/grades?id=3").text
    ready(peer, lms, "marco")
    assert opened(peer, lms, "19") == 303
    work_off()
    course = db.session.query(LmsCourse).filter_by(context_id="3").one()
    assert course.title == "Contractor induction"
    assert db.session.query(LineItem).filter_by(course_id=course.id).count() == 0
    assert registration().issuer.startswith("https://campus")


def test_courses_and_copies_outlive_a_restart(peer: Peer) -> None:
    campus = peer.app.extensions["campus"]
    lms = peer.app.test_client()
    lms.post("/sign-in", data={"username": "astrid"})
    lms.post("/courses/3/copy")
    again: Any = create_lms(campus)
    assert again.extensions["courses"] == peer.app.extensions["courses"]
    assert len(again.extensions["courses"]) == 1 + len(FIRST_COURSES)
    assert again.extensions["placements"] == peer.app.extensions["placements"]
