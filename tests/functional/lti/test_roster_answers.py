"""Lists of people as difficult LMSs answer them (Names and Roles 2.0; rules N1 to N9)."""

from typing import Any

import pytest

from plugin.core.db import db
from plugin.core.http import Reply
from plugin.lti.tool.rosters import sync
from plugin.lti.tool.service_models import CourseMember
from plugin.lti.tool.services import MEMBERS_JSON
from tests.functional.lti.campus import URL, Peer
from tests.functional.lti.roster_facts import (
    answering,
    learner,
    listing,
    members,
    problem,
    remarks,
)
from tests.support.work import work_off

pytestmark = pytest.mark.once

FOUR = {"6", "7", "8", "9"}


@pytest.fixture
def answers(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets the LMS answer otherwise from now on."""

    def set_to(answer: Any) -> None:
        monkeypatch.setattr("plugin.core.http.call", answering(peer, answer))

    return set_to


def test_n1_n3_n9_everybody_is_asked_for_with_the_exact_type_and_a_bearer_token(
    peer: Peer, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, dict[str, str]]] = []

    def call(*words: Any, headers: dict[str, str] | None = None, **more: Any) -> Reply:
        if "memberships" in words[2]:
            sent.append((words[2], headers or {}))
        return peer.call(*words, headers=headers, **more)

    monkeypatch.setattr("plugin.core.http.call", call)
    sync(tie)
    ((url, headers),) = sent
    assert url == f"{URL}/services/2/memberships"  # no role, no limit
    assert headers["Accept"] == MEMBERS_JSON
    assert headers["Authorization"].startswith("Bearer ")
    assert members() == FOUR  # the teacher, who is listed too, is not in it


def test_n4_a_next_page_on_another_host_is_not_asked_and_nobody_leaves(
    tie: int, peer: Peer, answers: Any
) -> None:
    sync(tie)
    answers(lambda _url: listing(learner(6), Link='<https://evil.example.test/2>; rel="next"'))
    before = len(peer.calls)
    sync(tie)
    assert not any("evil" in url for _method, url in peer.calls[before:])
    assert members() == FOUR
    assert "another host" in (problem() or "")


@pytest.mark.parametrize(
    "scheme", ["http://campus.example.test", "https://campus.example.test:8443"]
)
def test_n4_nor_is_one_on_another_port_or_without_tls(tie: int, answers: Any, scheme: str) -> None:
    sync(tie)
    answers(lambda _url: listing(learner(6), link=f"<{scheme}/services/2/memberships>; rel=next"))
    sync(tie)
    assert members() == FOUR
    assert "another host" in (problem() or "")


def test_n4_a_differences_link_is_no_next_page(tie: int, answers: Any) -> None:
    both = '<https://campus.example.test/d?since=1>; rel="differences"'
    answers(lambda _url: listing(learner(6), LINK=both))
    sync(tie)
    assert members() == {"6"}
    assert problem() is None


def test_n5_inactive_and_deleted_people_leave(tie: int, answers: Any) -> None:
    sync(tie)
    answers(
        lambda _url: listing(
            learner(6),
            learner(7, status="Inactive"),
            learner(8, status="Deleted"),
            learner(9, status="http://purl.imsglobal.org/vocab/lis/v2/status#Active"),
        )
    )
    sync(tie)
    assert members() == {"6", "9"}


def test_n6_people_with_nothing_but_id_and_role_are_known(tie: int, answers: Any) -> None:
    answers(lambda _url: listing(learner(6), learner(70), {"user_id": "71", "roles": []}))
    sync(tie)
    assert members() == {"6", "70"}


def test_n6_fields_of_any_shape_spoil_nothing(tie: int, answers: Any) -> None:
    odd: dict[str, Any] = {"name": [], "email": {}, "given_name": 7, "picture": None}
    answers(lambda _url: listing(learner(6, **odd), learner(7, message=[]), learner(8, roles={})))
    sync(tie)
    assert members() == {"6", "7"}


def test_n8_a_line_that_names_nobody_makes_the_list_incomplete(tie: int, answers: Any) -> None:
    """Somebody may hide behind it: people come in, nobody leaves, and the page says so."""
    sync(tie)
    answers(lambda _url: listing(learner(6), learner(70), {"roles": ["Learner"]}, None))
    sync(tie)
    assert members() == {*FOUR, "70"}
    assert ["nameless", "2"] in remarks()


def test_n8_a_person_listed_twice_counts_once_and_learns_if_one_line_says_so(
    tie: int, answers: Any
) -> None:
    teaches = {"user_id": "6", "roles": ["Instructor"]}
    answers(lambda _url: listing(teaches, learner(6), teaches, learner(7), learner(7)))
    sync(tie)
    assert members() == {"6", "7"}


def test_n8_a_person_who_slips_between_two_pages_does_not_leave(tie: int, answers: Any) -> None:
    """While the second page is read somebody before it leaves the course, so that the first of it
    moves to the page already read."""
    sync(tie)
    readings: list[str] = []
    second = '<https://campus.example.test/services/2/memberships?from=2>; rel="next"'

    def moving(url: str) -> Reply:
        readings.append(url)
        if "from=2" in url:
            return listing(learner(9))
        if len(readings) == 1:
            return listing(learner(6), learner(7), Link=second)  # 8 is on page 2, for a moment
        return listing(learner(7), learner(8), Link=second)  # 6 has left meanwhile

    answers(moving)
    sync(tie)
    assert members() == FOUR
    assert len(readings) == 4
    answers(lambda _url: listing(learner(7), learner(8), learner(9)))
    sync(tie)
    assert members() == {"7", "8", "9"}


def test_n8_more_pages_than_there_can_be_are_given_up(
    tie: int, answers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(tie)
    monkeypatch.setattr("plugin.lti.tool.members.MAX_PAGES", 250)
    turns: list[str] = []

    def endless(url: str) -> Reply:
        turns.append(url)
        return listing(learner(6), Link=f'</services/2/memberships?page={len(turns)}>; rel="next"')

    answers(endless)
    sync(tie)
    work_off()
    assert members() == FOUR
    assert len(turns) == 250
    assert "do not end" in (problem() or "")


def test_n8_a_partial_page_is_no_page(tie: int, answers: Any) -> None:
    sync(tie)
    answers(lambda _url: Reply(200, {}, b'{"members": [{"user_id": "6", "roles": ["Lea'))
    sync(tie)
    assert members() == FOUR
    assert problem()


def test_n8_a_list_that_php_wrote_as_a_map_is_no_list(tie: int, answers: Any) -> None:
    sync(tie)
    answers(lambda _url: Reply(200, {}, b'{"members": {"0": {"user_id": "6"}, "2": {}}}'))
    sync(tie)
    assert members() == FOUR
    assert problem()


def test_n8_fifteen_hundred_people_in_one_answer(tie: int, answers: Any) -> None:
    many = [
        learner(
            number,
            name=f"Learner Number {number}",
            given_name="Learner",
            family_name=f"Number {number}",
            email=f"learner{number}@example.test",
            lis_person_sourcedid=f"EMP-{number}",
            ext_user_username=f"learner{number}",
            status="Active",
        )
        for number in range(1000, 2500)
    ]
    answer = listing(*many)
    assert len(answer.body) > 300_000
    answers(lambda _url: answer)
    sync(tie)
    assert len(members()) == 1500
    assert db.session.query(CourseMember).filter(CourseMember.learns).count() == 1500
