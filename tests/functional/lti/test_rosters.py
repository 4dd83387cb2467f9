"""A course's people fill a unit (Names and Roles 2.0; rules N1 to N9, domain 7.4)."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.http import Reply
from plugin.core.outbox import JobName
from plugin.jobs import periodic
from plugin.lti.tool.members import read_member
from plugin.lti.tool.rosters import sync
from plugin.lti.tool.service_models import CourseMember
from plugin.lti.tool.services import link
from plugin.org import roster
from plugin.org.models import Identity, Membership, Person, Unit
from plugin.org.rule_models import HeldSync, RosterTie
from tests.conftest import NOW
from tests.functional.lti.campus import Peer, registration
from tests.functional.lti.roster_facts import members, problem
from tests.support.work import work_off
from tests.support.world import World


def test_n1_n2_n6_n9_people_who_never_launched_are_known_and_can_be_mailed(
    peer: Peer, tie: int
) -> None:
    sync(tie)
    assert members() == {"6", "7", "8", "9"}
    priya = db.session.scalars(
        select(Person)
        .join(Identity, Identity.person_id == Person.id)
        .where(Identity.subject == "8")
    ).one()
    assert priya.email == "priya@northwind.example"
    assert problem() is None
    marco = db.session.scalars(select(CourseMember).where(CourseMember.subject == "3")).one()
    assert not marco.learns


def test_a_sync_twice_changes_nothing(peer: Peer, tie: int) -> None:
    sync(tie)
    first = db.session.scalars(select(Membership.id)).all()
    sync(tie)
    db.session.rollback()
    assert db.session.scalars(select(Membership.id)).all() == first


def test_n4_pages_are_followed_to_the_end(peer: Peer, tie: int) -> None:
    peer.grades.behaviour.page_size = 2
    sync(tie)
    assert members() == {"6", "7", "8", "9"}
    assert sum("memberships" in url for _method, url in peer.calls) == 3


def test_n8_an_incomplete_read_removes_nobody(
    peer: Peer, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(tie)
    peer.grades.behaviour.page_size = 2
    call, asked = peer.call, []

    def breaks(*words: Any, **more: Any) -> Reply:
        asked.append(words)
        reply = call(*words, **more)
        if "from=2" in words[2]:
            return Reply(502, {}, b"<html>Bad gateway</html>")
        return reply

    monkeypatch.setattr("plugin.core.http.call", breaks)
    sync(tie)
    assert members() == {"6", "7", "8", "9"}
    assert problem() == "502 Bad gateway"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"members": null}', b'{"members": {}}', b"<html>"]
)
def test_n8_an_answer_without_a_list_is_no_list(
    peer: Peer, tie: int, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    sync(tie)
    call = peer.call

    def empty(*words: Any, **more: Any) -> Reply:
        reply = call(*words, **more)
        return Reply(200, {}, body) if "memberships" in words[2] else reply

    monkeypatch.setattr("plugin.core.http.call", empty)
    sync(tie)
    assert members() == {"6", "7", "8", "9"}
    assert problem()


def test_n8_pages_that_go_round_in_a_circle_are_given_up(
    peer: Peer, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = peer.call

    def circle(*words: Any, **more: Any) -> Reply:
        reply = call(*words, **more)
        if "memberships" in words[2]:
            return Reply(200, {"Link": f'<{words[2]}>; rel="next"'}, reply.body)
        return reply

    monkeypatch.setattr("plugin.core.http.call", circle)
    sync(tie)
    assert members() == set()
    assert "do not end" in (problem() or "")


def test_an_empty_course_waits_for_an_admin(
    world: World, peer: Peer, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five or more would go at once: an LMS's mistake empties no unit by itself."""
    call = peer.call

    def answering(people: list[dict[str, Any]]) -> Any:
        def answer(*words: Any, **more: Any) -> Reply:
            reply = call(*words, **more)
            if "memberships" in words[2]:
                return Reply(200, {}, json.dumps({"members": people}).encode())
            return reply

        return answer

    many = [{"user_id": str(each), "roles": ["Learner"]} for each in range(100, 108)]
    monkeypatch.setattr("plugin.core.http.call", answering(many))
    sync(tie)
    assert len(members()) == 8
    monkeypatch.setattr("plugin.core.http.call", answering([]))
    sync(tie)
    assert len(members()) == 8
    assert db.session.scalars(select(HeldSync)).one().leaving


def test_an_lms_that_refuses_is_said_so(peer: Peer, tie: int) -> None:
    peer.grades.behaviour.gives_access = False
    sync(tie)
    assert (problem() or "").startswith("401")


def test_a_course_whose_list_nobody_offered(world: World, peer: Peer, unit: Unit) -> None:
    with transaction() as tx:
        tie = roster.tie_course(
            tx.session,
            tx.session.get_one(Unit, unit.id),
            registration_id=registration().id,
            deployment_id="1",
            context_id="unknown",
            title="?",
            by=None,
            now=clock.now(),
        ).id
    sync(tie)
    assert "has not offered" in (problem() or "")


def test_a_launch_and_the_night_ask_for_it(peer: Peer, tie: int) -> None:
    peer.launch("lars")
    work_off()
    assert members() == {"6", "7", "8", "9"}
    before = len(peer.calls)
    peer.launch("lars")
    work_off()
    assert not any("memberships" in url for _method, url in peer.calls[before:])
    with clock.at(NOW + timedelta(days=1)):
        periodic.ask_lmss()
        work_off()
    assert any("memberships" in url for _method, url in peer.calls[before:])


def test_n5_a_missing_status_is_active_and_others_are_honoured() -> None:
    said = {"user_id": "7", "roles": ["Learner"]}
    assert read_member(said) is not None
    assert read_member(said | {"status": "Active"}) is not None
    assert read_member(said | {"status": "http://purl.imsglobal.org/vocab/lis/v2/status#Active"})
    assert read_member(said | {"status": None}) is not None
    for gone in ("Inactive", "Deleted", "", 7):
        assert read_member(said | {"status": gone}) is None


@pytest.mark.parametrize(
    "said",
    [None, [], {}, {"roles": ["Learner"]}, {"user_id": 7}, {"user_id": ""}, {"user_id": "x" * 256}],
)
def test_n6_a_line_without_an_id_is_nobody(said: Any) -> None:
    assert read_member(said) is None


def test_the_roles_a_live_moodle_lists() -> None:
    def learns(*roles: str) -> bool:
        found = read_member({"user_id": "7", "roles": list(roles)})
        assert found is not None
        return found.learns

    assert learns("Learner")
    assert learns("http://purl.imsglobal.org/vocab/lis/v2/membership#Learner")
    assert not learns("Instructor")
    assert not learns("Instructor", "http://purl.imsglobal.org/vocab/lis/v2/person#Administrator")
    assert not learns()
    test_user = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"
    assert read_member({"user_id": "7", "roles": ["Learner", test_user]}) is None


@pytest.mark.parametrize(
    ("header", "value", "found"),
    [
        ("Link", '<https://a.test/2>; rel="next"', "https://a.test/2"),
        ("link", "</members?page=2>; rel=next", "https://lms.test/members?page=2"),
        (
            "LINK",
            '<https://a.test/d>; rel="differences", <https://a.test/2>; rel="next"',
            "https://a.test/2",
        ),
        ("Link", '<https://a.test/2>; title="x"; REL="next"', "https://a.test/2"),
        ("Link", "<https://a.test/2?x=1&amp;from=2>; rel=“next”", "https://a.test/2?x=1&from=2"),
        ("Link", '<https://a.test/d>; rel="differences"', None),
        ("X-Link", '<https://a.test/2>; rel="next"', None),
    ],
)
def test_n4_links_as_lmss_write_them(header: str, value: str, found: str | None) -> None:
    reply = Reply(200, {header: value}, b"")
    assert link(reply, "next", base="https://lms.test/members") == found


def test_a_tie_that_ended_reads_nothing(peer: Peer, tie: int) -> None:
    with transaction() as tx:
        tx.session.get_one(RosterTie, tie).until_at = NOW
        tx.then(JobName.SYNC_ROSTER, tie)
    work_off()
    assert members() == set()
