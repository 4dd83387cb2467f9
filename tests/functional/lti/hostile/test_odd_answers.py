"""Answers that look like something else than they are: nobody is graded or ended by them."""

import json
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.core.context import current_settings
from plugin.core.db import db, read_session
from plugin.core.http import Reply
from plugin.lti.tool import columns, services
from plugin.lti.tool.answers import link
from plugin.lti.tool.rosters import sync
from plugin.lti.tool.service_models import CourseMember, GradeState, LineItem, LmsCourse
from plugin.lti.tool.services import LINE_ITEM, LINE_ITEM_READ, SCORE, ServiceError
from plugin.modules.models import Module
from plugin.org.models import Person
from plugin.org.rule_models import HeldSync, RuleSource
from tests.functional.lti.campus import Peer, grade, registration
from tests.functional.lti.platform import ABSENT, Lms
from tests.functional.lti.roster_facts import answering as listing_instead
from tests.functional.lti.roster_facts import learner, listing, members, remarks
from tests.functional.lti.test_grades_merged import merge
from tests.functional.lti.test_grades_out import Done, complete, lars, module, work
from tests.functional.lti.test_launch_rules import places, to_unit
from tests.support.work import work_off
from tests.support.world import World

pytestmark = pytest.mark.once

__all__ = ["complete", "module"]
THROTTLED = Reply(403, {}, b"403 Forbidden (Rate Limit Exceeded)\n", "Forbidden")
FOUR = {"6", "7", "8", "9"}


@pytest.mark.parametrize("place", ["/token", "/results", "/scores"])
def test_a_forbidden_that_means_too_many_is_waited_for(
    peer: Peer, module: Module, complete: Done, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Canvas throttles with 403: neither the end of a grade, nor leave to grade unseen."""
    peer.launch(module=str(module.id))
    work()
    complete(module, score=0.8)
    peer.forget_tokens()

    def call(*words: Any, **more: Any) -> Reply:
        if words[2].partition("?")[0].endswith(place):
            return THROTTLED
        return peer.call(*words, **more)

    with monkeypatch.context() as patch:
        patch.setattr("plugin.core.http.call", call)
        work()
    assert (grade().state, grade().attempts, peer.posted()) == (GradeState.WAITING, 1, [])
    assert "Rate Limit" in (grade().words or "")
    work(timedelta(minutes=1))
    assert (grade().state, len(peer.posted())) == (GradeState.SENT, 1)


@pytest.mark.parametrize(
    ("said", "is_given"),
    [
        ("", True), (None, True), (7, True), ("openid", False), (LINE_ITEM, False),
        (SCORE, True), (f"{LINE_ITEM} {SCORE}", True),
    ],
)  # fmt: skip
def test_k3_a1_a_token_that_says_it_is_for_something_else_is_none(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, said: Any, is_given: bool
) -> None:
    body = json.dumps({"access_token": "t", "expires_in": 60, "scope": said}).encode()
    monkeypatch.setattr("plugin.core.http.call", lambda *_words, **_more: Reply(200, {}, body))
    client = services.client_of(read_session(), current_settings(), registration().id, "1")
    if is_given:
        assert services.access_token(client, [SCORE]) == "t"
        return
    with pytest.raises(ServiceError, match="token 403"):
        services.access_token(client, [SCORE])


@pytest.mark.parametrize(
    ("offered", "asked"),
    [
        ([LINE_ITEM], LINE_ITEM), ([LINE_ITEM, LINE_ITEM_READ], LINE_ITEM_READ),
        ([LINE_ITEM_READ, SCORE], LINE_ITEM_READ), ([SCORE], None), ([], None),
    ],
)  # fmt: skip
def test_a1_columns_are_read_by_a_scope_that_was_offered_or_not_at_all(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, offered: list[str], asked: str | None
) -> None:
    peer.launch()
    work_off()
    course = db.session.query(LmsCourse).one()
    course.scopes = offered
    db.session.commit()
    wanted: list[str] = []

    def call(_settings: Any, _method: str, url: str, **more: Any) -> Reply:
        if url.endswith("/token"):
            wanted.append(more["data"]["scope"])
            return Reply(200, {}, b'{"access_token": "t"}')
        return Reply(200, {}, b"[]")

    monkeypatch.setattr("plugin.core.http.call", call)
    peer.forget_tokens()
    db.session.execute(db.text("DELETE FROM service_token"))
    db.session.commit()
    columns.read_columns(course.id)
    assert wanted == ([asked] if asked else [])


@pytest.mark.parametrize(
    "unclear",
    [
        {"status": "Paused"}, {"status": ""}, {"status": 7}, {"status": ["Active"]},
        {"roles": None}, {"roles": "Learner"}, {"roles": {"0": "Learner"}}, {"roles": 1},
    ],
    ids=repr,
)  # fmt: skip
def test_n5_n6_a_line_nobody_understands_ends_nobody(
    peer: Peer, tie: int, monkeypatch: pytest.MonkeyPatch, unclear: dict[str, Any]
) -> None:
    sync(tie)
    odd = {**learner(7), **unclear}
    answer = listing_instead(peer, lambda _url: listing(learner(6), odd, learner(5)))
    monkeypatch.setattr("plugin.core.http.call", answer)
    sync(tie)
    assert members() == {*FOUR, "5"}
    assert ["nameless", "1"] in remarks()


def test_n5_a_status_of_null_is_a_missing_one(
    peer: Peer, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = listing_instead(peer, lambda _url: listing(*(learner(n, status=None) for n in FOUR)))
    monkeypatch.setattr("plugin.core.http.call", answer)
    sync(tie)
    assert (members(), remarks()) == (FOUR, [])


def test_n8_a_list_of_nobody_at_all_waits_for_an_admin_however_few_they_were(
    peer: Peer, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(tie)
    gone = [learner(n, status="Deleted") for n in FOUR]
    monkeypatch.setattr("plugin.core.http.call", listing_instead(peer, lambda _url: listing(*gone)))
    sync(tie)
    assert members() == FOUR
    assert len(db.session.query(HeldSync).one().leaving) == 4
    teacher = {"user_id": "3", "roles": ["Instructor"]}
    monkeypatch.setattr(
        "plugin.core.http.call", listing_instead(peer, lambda _url: listing(teacher, *gone))
    )
    sync(tie)
    assert members() == set()


def test_c12_ids_that_the_lms_says_by_itself_count_before_those_a_teacher_can_edit(
    client: FlaskClient, lms: Lms, world: World
) -> None:
    oslo, bergen = world.unit("Oslo"), world.unit("Bergen")
    to_unit(world, RuleSource.CUSTOM, "course_sourcedid", oslo, "CRS-1")
    to_unit(world, RuleSource.CUSTOM, "course_sourcedid", bergen, "CRS-2")
    said = {"course_section_sourcedid": "CRS-1", "person_sourcedid": ""}
    forged = {"course_sourcedid": "CRS-2"}
    assert lms.launch(client, lis=said, custom=forged).status_code == 303
    assert places() == {"Oslo"}
    for unsaid in ({"course_section_sourcedid": ""}, [], {"course_section_sourcedid": "$X.y"}):
        assert lms.launch(client, lis=unsaid, custom=ABSENT).status_code == 303
        assert places() == {"Oslo"}  # silence is not a no


def test_l4_a_course_s_own_copy_of_the_tool_is_told_what_it_is(
    client: FlaskClient, lms: Lms
) -> None:
    """Restoring a course-level tool makes a client id nobody told us of (moodle 7)."""
    page = lms.log_in(client, client_id="a-new-client-id").text
    assert "lti.login_mismatch" in page
    assert "copied or restored" in page
    assert "copied or restored" not in lms.log_in(client, iss="https://other.example.test").text


def test_c10_of_a_person_with_two_accounts_the_one_that_launched_is_graded(
    peer: Peer, world: World, module: Module
) -> None:
    peer.launch("lars", module=str(module.id))
    work_off()
    stays = lars()
    peer.launch("lucja", module=str(module.id))
    work_off()
    other = db.session.query(CourseMember).where(CourseMember.subject != "6").one()
    subject = other.subject
    merge(world, stays, db.session.get_one(Person, other.person_id))
    work_off()
    for username, known_as in (("lars", "6"), ("lucja", subject), ("lars", "6")):
        peer.launch(username, module=str(module.id))
        work_off()
        db.session.rollback()
        row = db.session.query(CourseMember).filter_by(person_id=stays.id).one()
        assert row.subject == known_as


def test_n4_a_link_header_of_brackets_is_read_at_once() -> None:
    assert link(Reply(200, {"Link": "<" * 8192}, b""), "next", base="https://a.example/") is None
    said = {"Link": "<<https://a.example/2>; rel=next"}
    assert link(Reply(200, said, b""), "next", base="https://a.example/") == "https://a.example/2"


def test_a3_a_column_of_somebody_else_is_no_column_of_ours(
    peer: Peer, module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.launch(graded=False)
    work_off()
    known = db.session.query(LineItem).count()
    alien = [
        {"id": f"https://campus.example.test/x/{number}", "resourceId": name, "tag": name}
        for number, name in enumerate(
            ("module", "module:", f"module:{module.id}x", "module:-1",
             "MODULE:1", f"module:{module.id}:1", "module:1e3", "configuration:999", "quiz-7")
        )
    ]  # fmt: skip

    def call(*words: Any, **more: Any) -> Reply:
        if words[2].partition("?")[0].endswith("/lineitems"):
            return Reply(200, {}, json.dumps(alien).encode())
        return peer.call(*words, **more)

    monkeypatch.setattr("plugin.core.http.call", call)
    columns.read_columns(db.session.query(LmsCourse).one().id)
    db.session.rollback()
    assert db.session.query(LineItem).count() == known
