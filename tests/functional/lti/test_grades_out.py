"""Grades reach the LMS's gradebook, whatever it answers (checklist 1.5, 4.6; moodle 4.3)."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from sqlalchemy import select

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.http import Reply
from plugin.jobs import periodic
from plugin.lti.tool import grading, scores
from plugin.lti.tool.results import read_result
from plugin.lti.tool.service_models import (
    CourseMember,
    Grade,
    GradeState,
    LineItem,
    LmsCourse,
    ServiceToken,
)
from plugin.lti.tool.services import RESULTS
from plugin.modules.models import Module
from plugin.org.models import Unit
from tests.conftest import NOW
from tests.functional.assign.places import evaluate_later, row, training
from tests.functional.lti.campus import URL, Peer, grade, registration
from tests.functional.lti.grade_story import (
    SECOND,
    Done,
    answering,
    complete,
    completed,
    lars,
    later,
    module,
    place,
    resend,
    work,
)
from tests.support.work import work_off
from tests.support.world import World

__all__ = ["complete", "module", "place"]


def test_a2_a15_a_launch_tells_the_course_its_column_and_the_person(peer: Peer) -> None:
    assert peer.launch() == 303
    work()
    item, member = db.session.query(LineItem).one(), db.session.query(CourseMember).one()
    assert item.url.endswith("/lineitem?type_id=1")
    assert (item.module_id, item.configuration_id) == (None, None)
    assert (member.subject, member.learns) == ("6", True)


def test_a10_nothing_is_sent_before_there_is_something_to_say(peer: Peer) -> None:
    peer.launch()
    work()
    assert db.session.query(Grade).count() == 0
    assert peer.posted() == []


def test_a8_a10_a_module_link_gets_its_score(peer: Peer, module: Module, complete: Done) -> None:
    completed(peer, module, complete, score=0.8)
    (said,) = peer.posted()
    assert said["userId"] == "6"
    assert (said["scoreGiven"], said["scoreMaximum"]) == (80, 100)
    assert said["gradingProgress"] == "FullyGraded"
    assert datetime.fromisoformat(said["timestamp"]) == NOW
    assert peer.grades.share(1, "6") == pytest.approx(0.8)
    assert grade().state is GradeState.SENT


@pytest.mark.parametrize(
    ("what", "share"),
    [
        ({"passed": True}, 1.0),
        ({"passed": False}, 0.0),
        ({"passed": False, "score": 0.3}, 0.3),
        ({"passed": True, "score": 2 / 3}, 0.666667),
    ],
)
def test_a_pass_without_a_score_is_a_full_one(
    peer: Peer, module: Module, complete: Done, what: dict[str, object], share: float
) -> None:
    completed(peer, module, complete, **what)
    assert peer.grades.share(1, "6") == pytest.approx(share)


def test_a_configuration_column_says_the_share_valid_now(
    world: World, peer: Peer, module: Module, place: tuple[Unit, int], complete: Done
) -> None:
    unit, configuration_id = place
    peer.launch(configuration=str(configuration_id))
    work()
    world.member(lars(), unit)
    evaluate_later(lars())
    work()
    assert peer.grades.share(1, "6") == 0
    with later(5 * SECOND):
        complete(module)
        work_off()
    assert peer.grades.share(1, "6") == pytest.approx(0.5)


def test_when_training_lapses_the_grade_goes_down_and_up_again(
    world: World, peer: Peer, module: Module, place: tuple[Unit, int], complete: Done
) -> None:
    unit, configuration_id = place
    peer.launch(configuration=str(configuration_id))
    work()
    world.member(lars(), unit)
    complete(module)
    work()
    assert peer.grades.share(1, "6") == pytest.approx(0.5)
    over_a_year = NOW + timedelta(days=367)
    with clock.at(over_a_year):
        periodic.ask_lmss()
        work_off()
        assert peer.grades.share(1, "6") == 0
        complete(module)
    with clock.at(over_a_year + 5 * SECOND):
        work_off()
        assert peer.grades.share(1, "6") == pytest.approx(0.5)


def test_who_is_no_longer_covered_keeps_what_is_valid_and_no_more(
    world: World, peer: Peer, module: Module, place: tuple[Unit, int], complete: Done
) -> None:
    """Nobody asks for the training any more, but an LMS may still open a door by its column."""
    unit, configuration_id = place
    peer.launch(configuration=str(configuration_id))
    work()
    membership = world.member(lars(), unit)
    complete(module)
    work()
    assert peer.grades.share(1, "6") == pytest.approx(0.5)
    with later(timedelta(days=1)):
        membership.until_at = clock.now()
        db.session.commit()
        evaluate_later(lars())
        work_off()
        assert peer.grades.share(1, "6") == pytest.approx(0.5), "what is valid is valid"
    with clock.at(NOW + timedelta(days=367)):
        periodic.ask_lmss()
        work_off()
        assert peer.grades.share(1, "6") == 0, "what lapsed is not"


def test_who_was_never_covered_is_told_nothing(
    peer: Peer, module: Module, place: tuple[Unit, int], complete: Done
) -> None:
    _unit, configuration_id = place
    peer.launch(configuration=str(configuration_id))
    work()
    complete(module)
    work()
    assert peer.posted() == []


def test_the_hour_after_a_lapse_is_enough(
    world: World, peer: Peer, module: Module, complete: Done
) -> None:
    unit = world.unit()
    configuration_id = training(unit, row(module, validity_months=3))
    peer.launch(configuration=str(configuration_id))
    work()
    world.member(lars(), unit)
    complete(module)
    work()
    with clock.at(datetime.fromisoformat("2027-06-11T00:30:00+01:00")):
        periodic.note_lapses()
        work_off()
    assert peer.grades.share(1, "6") == 0


@pytest.mark.parametrize("value", ["0", "-1", "x", "9" * 40, "1.5", "١"])
def test_what_a_teacher_writes_into_a_link_is_no_more_than_advice(
    peer: Peer, module: Module, value: str
) -> None:
    peer.launch(module=value, configuration=value)
    work()
    item = db.session.query(LineItem).one()
    assert (item.module_id, item.configuration_id) == (None, None)


def test_another_organization_s_module_is_not_a_target(world: World, peer: Peer) -> None:
    theirs = world.module("Theirs", organization=world.new_organization("Elsewhere"))
    peer.launch(module=str(theirs.id))
    work()
    assert db.session.query(LineItem).one().module_id is None


def test_teachers_are_not_graded(world: World, peer: Peer, module: Module, complete: Done) -> None:
    peer.launch("marco", module=str(module.id))
    work()
    complete(module)
    work()
    assert peer.posted() == []


def test_k1_k3_one_token_serves_many_calls(peer: Peer, module: Module, complete: Done) -> None:
    peer.launch(module=str(module.id))
    work()
    for turn in range(3):
        with later((1 + 5 * turn) * SECOND):
            complete(module, score=0.5 + turn / 10)
            work_off()
    assert [url for _m, url in peer.calls].count("https://campus.example.test/token") == 3
    sealed = db.session.scalars(select(ServiceToken.sealed_token)).all()
    assert all(token not in "".join(sealed) for token in peer.app.extensions["tokens"]._issued)


def test_k1_k2_the_assertion_is_short_lived_and_back_dated(
    peer: Peer, module: Module, complete: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str] = []
    tokens = peer.app.extensions["tokens"]
    grant = tokens.grant

    def kept_grant(_self: object, asked: dict[str, str], tool: object) -> object:
        kept.append(asked["client_assertion"])
        return grant(asked, tool)

    monkeypatch.setattr(type(tokens), "grant", kept_grant)
    completed(peer, module, complete)
    said = jwt.decode(kept[0], options={"verify_signature": False})
    assert said["iss"] == said["sub"] == "client-1"
    assert said["aud"] == "https://campus.example.test/token"
    assert NOW.timestamp() - said["iat"] == 60
    assert said["exp"] - said["iat"] <= 300
    assert said["https://purl.imsglobal.org/spec/lti/claim/deployment_id"] == "1"
    assert jwt.get_unverified_header(kept[0])["kid"]


def test_k3_a_refused_token_is_replaced_once(peer: Peer, module: Module, complete: Done) -> None:
    completed(peer, module, complete, score=0.5)
    peer.forget_tokens()
    with later(5 * SECOND):
        complete(module, score=0.9)
        work_off()
    assert peer.grades.share(1, "6") == pytest.approx(0.9)


def test_an_lms_that_gives_no_access_is_asked_again_at_night(
    peer: Peer, module: Module, complete: Done
) -> None:
    peer.grades.behaviour.gives_access = False
    completed(peer, module, complete)
    assert (grade().state, grade().attempts) == (GradeState.WAITING, 1)
    for hours in range(0, 60, 1):
        work(timedelta(hours=hours))
    assert grade().state is GradeState.FAILED
    assert "401" in (grade().words or "")
    peer.grades.behaviour.gives_access = True
    with later(timedelta(days=4)):
        periodic.ask_lmss()
        work_off()
    assert grade().state is GradeState.SENT


def test_a9_two_scores_of_a_row_are_two_seconds_apart(
    peer: Peer, module: Module, complete: Done
) -> None:
    completed(peer, module, complete, score=0.5)
    complete(module, score=0.6)
    work()
    assert len(peer.posted()) == 1
    with later(SECOND):
        complete(module, score=0.7)
        work_off()
    assert len(peer.posted()) == 1
    work(2 * SECOND)
    stamps = [datetime.fromisoformat(each["timestamp"]) for each in peer.posted()]
    assert stamps == [NOW, NOW + 2 * SECOND]
    assert peer.grades.share(1, "6") == pytest.approx(0.7)


def test_a_409_about_the_very_value_is_success(
    peer: Peer, module: Module, complete: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(peer, monkeypatch, Reply(409, {}, b"[]"), then="it is taken all the same")
    completed(peer, module, complete, score=0.8)
    assert grade().state is GradeState.SENT
    assert len(peer.posted()) == 1


@pytest.mark.parametrize("share", [0.95, 0.0])
def test_a13_a_teacher_s_word_before_our_first_stands_too(
    peer: Peer, module: Module, complete: Done, share: float
) -> None:
    peer.launch(module=str(module.id))
    work()
    peer.grades.override(1, "6", share)
    complete(module, score=0.5)
    work()
    assert (grade().state, grade().seen) == (GradeState.OVERRIDDEN, share)
    assert peer.posted() == []
    with later(10 * SECOND):
        resend()
    assert [each["scoreGiven"] for each in peer.posted()] == [50]
    assert grade().state is GradeState.SENT


def test_a13_a_nought_that_a_canvas_fills_in_is_no_teacher_s_word(
    peer: Peer, module: Module, complete: Done
) -> None:
    registration().product = "canvas"
    db.session.commit()
    peer.launch(module=str(module.id))
    work()
    peer.grades.override(1, "6", 0.0)
    with later(5 * SECOND):
        complete(module, score=0.5)
        work_off()
    assert grade().state is GradeState.SENT


def test_a13_grades_that_came_back_with_a_restored_column_are_ours(
    peer: Peer, module: Module, complete: Done
) -> None:
    """An LMS restores an activity with its grades, under a new address."""
    completed(peer, module, complete, score=0.5)
    restored = peer.grades.add("Training", link_id="17")
    restored.cells = peer.grades.columns.pop(1).cells
    restored.number = 1
    peer.grades.columns = {1: restored}
    db.session.query(LineItem).update({"url": "https://campus.example.test/old"})
    db.session.commit()
    with later(10 * SECOND):
        complete(module, score=0.9)
        peer.launch(module=str(module.id))
        work_off()
    db.session.rollback()
    assert peer.grades.share(1, "6") == pytest.approx(0.9)


def test_a13_an_override_that_is_taken_back_lets_ours_through_again(
    peer: Peer, module: Module, complete: Done
) -> None:
    completed(peer, module, complete, score=0.5)
    peer.grades.override(1, "6", 0.95)
    with later(5 * SECOND):
        complete(module, score=0.7)
        work_off()
    assert grade().state is GradeState.OVERRIDDEN
    peer.grades.override(1, "6", None)
    with later(timedelta(days=1)):
        periodic.ask_lmss()
        work_off()
    assert grade().state is GradeState.SENT
    assert peer.grades.share(1, "6") == pytest.approx(0.7)


def test_a13_a_small_step_up_is_not_taken_for_rounding(
    peer: Peer, module: Module, complete: Done
) -> None:
    """An LMS may gate on 80 %: 79.7 % is not that."""
    completed(peer, module, complete, score=0.797)
    with later(5 * SECOND):
        complete(module, score=0.8)
        work_off()
    assert peer.grades.share(1, "6") == pytest.approx(0.8)


def test_a13_a_teacher_s_word_stands(peer: Peer, module: Module, complete: Done) -> None:
    completed(peer, module, complete, score=0.5)
    peer.grades.override(1, "6", 0.95)
    with later(5 * SECOND):
        complete(module, score=0.6)
        work_off()
    assert grade().state is GradeState.OVERRIDDEN
    assert len(peer.posted()) == 1
    assert peer.grades.share(1, "6") == pytest.approx(0.95)
    with later(10 * SECOND):
        complete(module, score=0.7)
        work_off()
    assert len(peer.posted()) == 1


def test_an_admin_may_send_it_all_the_same(peer: Peer, module: Module, complete: Done) -> None:
    completed(peer, module, complete, score=0.5)
    peer.grades.override(1, "6", 0.95)
    with later(5 * SECOND):
        complete(module, score=0.6)
        work_off()
    grade_id, person_id = grade().id, lars().id
    with later(10 * SECOND):
        with transaction() as tx:
            grading.resend(tx, tx.session.get_one(Grade, grade_id), by=person_id, now=clock.now())
        work_off()
    assert len(peer.posted()) == 2
    assert grade().state is GradeState.SENT


def test_what_was_rounded_is_no_override(peer: Peer, module: Module, complete: Done) -> None:
    completed(peer, module, complete, score=2 / 3)
    peer.column.cells["6"].raw = 67.0
    with later(5 * SECOND):
        complete(module, score=0.9)
        work_off()
    assert grade().state is GradeState.SENT
    assert peer.grades.share(1, "6") == pytest.approx(0.9)


def test_somebody_unenrolled_is_the_end_of_it_and_stops_nobody_else(
    peer: Peer, module: Module, complete: Done
) -> None:
    peer.grades.learners.discard("6")
    completed(peer, module, complete)
    assert grade().state is GradeState.REFUSED
    assert (grade().words or "").startswith("400")
    for hours in (1, 10, 50):
        work(timedelta(hours=hours))
    assert len(peer.posted()) == 1


def test_a_column_that_is_gone_ends_with_its_reason(
    peer: Peer, module: Module, complete: Done
) -> None:
    completed(peer, module, complete, score=0.5)
    del peer.grades.columns[1]
    with later(5 * SECOND):
        complete(module, score=0.9)
        work_off()
        item = db.session.query(LineItem).one()
        db.session.refresh(item)
    assert item.ended_at is not None
    assert "doesn't exist" in (item.end_words or "")
    assert grade().state is GradeState.REFUSED


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_what_passes_is_waited_for(peer: Peer, module: Module, complete: Done, status: int) -> None:
    peer.launch(module=str(module.id))
    work()
    peer.grades.behaviour.fails_with = [status, status]
    complete(module, score=0.8)
    work()
    assert (grade().state, grade().attempts) == (GradeState.WAITING, 1)
    assert f"{status} Coding error detected" in (grade().words or "")
    work(30 * SECOND)
    assert grade().attempts == 2
    work(timedelta(minutes=2))
    assert grade().state is GradeState.SENT
    assert grade().words is None


def test_an_lms_that_is_silent_is_waited_for(peer: Peer, module: Module, complete: Done) -> None:
    peer.launch(module=str(module.id))
    work()
    peer.silent = True
    complete(module, score=0.8)
    work()
    assert grade().words == "ConnectTimeout"
    peer.silent = False
    work(timedelta(minutes=2))
    assert grade().state is GradeState.SENT


def test_only_the_newest_value_counts(peer: Peer, module: Module, complete: Done) -> None:
    peer.launch(module=str(module.id))
    work()
    peer.silent = True
    for turn in range(5):
        with later(turn * SECOND):
            complete(module, score=0.5 + turn / 10)
            work_off()
    peer.silent = False
    work(timedelta(hours=1))
    assert [each["scoreGiven"] for each in peer.posted()] == [90]


def test_a_sender_that_was_overtaken_writes_nothing(
    peer: Peer, module: Module, complete: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was given up, another one sent a newer value, and then its own answer came."""
    peer.launch(module=str(module.id))
    work()
    complete(module, score=0.5)
    slow = scores.services.Client.call
    taken: list[int] = []

    def overtaken(self: object, *words: object, **more: object) -> object:
        answer = slow(self, *words, **more)  # type: ignore[arg-type]
        if not taken:
            taken.append(1)
            with clock.at(NOW + timedelta(minutes=3)):
                with transaction() as tx:
                    tx.session.query(Grade).one().wanted = 0.9
                scores.send_grade(db.session.query(Grade.id).scalar())
        return answer

    monkeypatch.setattr(scores.services.Client, "call", overtaken)
    work()
    found = grade()
    assert (found.sent, found.state) == (0.9, GradeState.SENT)


def test_a7_the_query_of_a_column_is_kept(peer: Peer, module: Module, complete: Done) -> None:
    completed(peer, module, complete)
    assert ("POST", f"{URL}/services/2/lineitems/1/lineitem/scores?type_id=1") in peer.calls


def test_a_new_address_replaces_the_old_column(peer: Peer, module: Module, complete: Done) -> None:
    peer.launch(module=str(module.id))
    work()
    old = peer.grades.columns.pop(1)
    new = peer.grades.add("Training", link_id="17")
    new.number = 1
    peer.grades.columns = {1: new}
    old.number = 2
    db.session.query(LineItem).update({"url": "https://campus.example.test/old"})
    db.session.commit()
    peer.launch(module=str(module.id))
    work()
    items = {each.url: each.ended_at for each in db.session.query(LineItem)}
    assert items["https://campus.example.test/old"] is not None
    complete(module, score=0.8)
    work()
    assert peer.grades.share(1, "6") == pytest.approx(0.8)


def test_a_canvas_gets_no_second_submission(peer: Peer, module: Module, complete: Done) -> None:
    registration().product = "canvas"
    db.session.commit()
    completed(peer, module, complete)
    said = peer.posted()[0]["https://canvas.instructure.com/lti/submission"]
    assert said == {"new_submission": False, "submitted_at": NOW.isoformat(timespec="milliseconds")}


def test_a1_without_the_offer_nothing_is_posted(peer: Peer, module: Module, complete: Done) -> None:
    peer.launch(module=str(module.id))
    work()
    db.session.query(LmsCourse).update({"scopes": [RESULTS]})
    db.session.commit()
    complete(module)
    work()
    assert peer.posted() == []
    assert (grade().state, grade().words) == (GradeState.FAILED, scores.NOT_OFFERED)


def test_a4_each_call_has_the_exact_media_type_and_asks_for_the_least(
    peer: Peer, module: Module, complete: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, dict[str, str]]] = []
    call = peer.call

    def noted(*words: Any, **more: Any) -> Any:
        sent.append((words[2], more.get("headers") or {}))
        if words[2].endswith("/token"):
            sent.append(("scope", {"scope": more["data"]["scope"]}))
        return call(*words, **more)

    monkeypatch.setattr("plugin.core.http.call", noted)
    completed(peer, module, complete)
    types = {url.rpartition("/")[2].partition("?")[0]: headers for url, headers in sent}
    assert types["scores"]["Content-Type"] == "application/vnd.ims.lis.v1.score+json"
    assert types["lineitems"]["Accept"] == "application/vnd.ims.lis.v2.lineitemcontainer+json"
    asked = [headers["scope"].split() for url, headers in sent if url == "scope"]
    assert all(len(each) == 1 for each in asked)


def test_a8_a12_a_score_says_when_it_was_earned_and_nothing_superfluous(
    peer: Peer, module: Module, complete: Done
) -> None:
    peer.launch(module=str(module.id))
    work()
    complete(module)
    work(timedelta(minutes=5))
    said = peer.posted()[0]
    assert set(said) == {
        "userId",
        "scoreGiven",
        "scoreMaximum",
        "activityProgress",
        "gradingProgress",
        "timestamp",
        "submission",
    }
    assert datetime.fromisoformat(said["submission"]["submittedAt"]) == NOW
    assert datetime.fromisoformat(said["timestamp"]) == NOW + timedelta(minutes=5)


def test_a11_a_teacher_s_comment_is_said_again_lest_it_end(
    peer: Peer, module: Module, complete: Done
) -> None:
    completed(peer, module, complete, score=0.5)
    peer.column.cells["6"].comment = "See me on Monday.\n– Marco"
    with later(5 * SECOND):
        complete(module, score=0.9)
        work_off()
    assert peer.column.cells["6"].comment == "See me on Monday.\n– Marco"
    assert "comment" not in peer.posted()[0]


@pytest.mark.parametrize("make", ["moodle", "canvas", "blackboard", "desire2learn", "sakai"])
def test_a11_nor_does_it_end_where_one_person_s_results_lack_it_or_an_admin_sends_again(
    peer: Peer, module: Module, complete: Done, make: str
) -> None:
    peer.become(make)
    completed(peer, module, complete, score=0.5)
    peer.column.cells["6"].comment = "See me on Monday."
    with later(5 * SECOND):
        complete(module, score=0.9)
        work_off()
    assert peer.column.cells["6"].comment == "See me on Monday."
    with later(10 * SECOND):
        resend()
    assert len(peer.posted()) == 3
    assert peer.column.cells["6"].comment == "See me on Monday."


def test_a11_a_gradebook_that_cannot_be_read_stops_nothing_an_admin_sends_again(
    peer: Peer, module: Module, complete: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    completed(peer, module, complete, score=0.5)

    def call(*words: Any, **more: Any) -> Reply:
        if "/results" in words[2]:
            return Reply(500, {}, b"<h1>500</h1>")
        return peer.call(*words, **more)

    monkeypatch.setattr("plugin.core.http.call", call)
    with later(5 * SECOND):
        resend()
    assert (grade().state, len(peer.posted())) == (GradeState.SENT, 2)


@pytest.mark.parametrize(
    ("said", "share"),
    [
        ({"userId": "6", "resultScore": 20, "resultMaximum": 50}, 0.4),
        ({"userId": "6", "resultScore": 0.5}, 0.5),
        ({"userId": "6", "resultScore": "20", "resultMaximum": "50"}, 0.4),
        ({"userId": "6", "resultScore": 0, "resultMaximum": 50}, 0.0),
        ({"userId": "6", "resultScore": 1, "resultMaximum": 0}, 1.0),
        ({"userId": "6", "resultScore": None}, None),
        ({"userId": "6"}, None),
        ({"userId": 6, "resultScore": 1}, None),
        ({"userId": "6", "resultScore": True}, None),
        ({"userId": "6", "resultScore": "NaN"}, None),
        ({"resultScore": 1}, None),
        (None, None),
        ([], None),
    ],
)
def test_a13_results_as_lmss_write_them(said: Any, share: float | None) -> None:
    found = read_result(said)
    assert (found.share if found else None) == share


def test_a13_a_live_moodle_s_results_are_read() -> None:
    text = (Path(__file__).parent / "samples" / "moodle-results.json").read_text("utf-8")
    (found,) = [read_result(each) for each in json.loads(text)]
    assert found is not None
    assert (found.subject, found.share) == ("6", 0.4)
    assert found.at is not None


def test_who_comes_back_to_the_course_gets_the_grade_again(
    peer: Peer, module: Module, complete: Done
) -> None:
    peer.grades.learners.discard("6")
    completed(peer, module, complete, score=0.8)
    assert grade().state is GradeState.REFUSED
    peer.grades.learners.add("6")
    with later(timedelta(minutes=5)):
        peer.launch(module=str(module.id))
        work_off()
    assert grade().state is GradeState.SENT
    assert peer.grades.share(1, "6") == pytest.approx(0.8)


def test_a_grade_the_lms_lost_is_sent_again_at_night(
    peer: Peer, module: Module, complete: Done
) -> None:
    completed(peer, module, complete, score=0.8)
    peer.column.cells.clear()
    with later(timedelta(days=1)):
        periodic.ask_lmss()
        work_off()
    assert peer.grades.share(1, "6") == pytest.approx(0.8)
    assert grade().state is GradeState.SENT


def test_an_override_is_seen_at_night_too(peer: Peer, module: Module, complete: Done) -> None:
    completed(peer, module, complete, score=0.8)
    peer.grades.override(1, "6", 0.2)
    with later(timedelta(days=1)):
        periodic.ask_lmss()
        work_off()
    assert grade().state is GradeState.OVERRIDDEN
    assert len(peer.posted()) == 1


def test_a_column_that_cannot_be_read_at_night_changes_nothing(
    peer: Peer, module: Module, complete: Done
) -> None:
    completed(peer, module, complete, score=0.8)
    peer.column.cells.clear()
    peer.silent = True
    with later(timedelta(days=1)):
        periodic.ask_lmss()
        work_off()
    assert grade().state is GradeState.SENT
    assert len(peer.posted()) == 1


@pytest.mark.parametrize(
    "date", ["Fri, 31 Dec 9999 23:59:59 GMT", "nonsense", "", "Thu, 01 Jan 1970 00:00:00 -0000"]
)
def test_a_409_with_an_unbelievable_clock_is_survived(
    peer: Peer, module: Module, complete: Done, monkeypatch: pytest.MonkeyPatch, date: str
) -> None:
    call, refused = peer.call, [1]

    def strange(*words: Any, **more: Any) -> Any:
        if refused and words[2].partition("?")[0].endswith("/scores"):
            refused.pop()
            return Reply(409, {"Date": date}, b"[]")
        return call(*words, **more)

    monkeypatch.setattr("plugin.core.http.call", strange)
    completed(peer, module, complete, score=0.8)
    work(timedelta(minutes=1))
    assert grade().state is GradeState.SENT
    assert datetime.fromisoformat(peer.posted()[0]["timestamp"]) < NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    "said", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59Z", "x", 7, None, ""]
)
def test_a13_times_nobody_can_mean_were_not_said(said: Any) -> None:
    found = read_result({"userId": "6", "resultScore": 1, "timestamp": said})
    assert found is not None
    assert found.at is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"access_token": 7}',
        b'{"access_token": ""}',
        b'{"access_token": "a\r\nX-Evil: 1"}',
        b"<html>",
        rb'{"access_token": "\u00e4"}',
        b"[" * 50_000,
    ],
)
def test_k3_what_is_no_token_is_not_used(
    peer: Peer, module: Module, complete: Done, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    call = peer.call

    def strange(*words: Any, **more: Any) -> Any:
        return Reply(200, {}, body) if words[2].endswith("/token") else call(*words, **more)

    monkeypatch.setattr("plugin.core.http.call", strange)
    completed(peer, module, complete)
    assert peer.posted() == []
    assert grade().state is GradeState.WAITING


@pytest.mark.parametrize("seconds", ["NaN", "inf", "-5", "1e400", None, "soon", [], "3600"])
def test_k3_a_strange_life_of_a_token_is_survived(
    peer: Peer, module: Module, complete: Done, monkeypatch: pytest.MonkeyPatch, seconds: Any
) -> None:
    call = peer.call

    def strange(*words: Any, **more: Any) -> Any:
        reply = call(*words, **more)
        if not words[2].endswith("/token"):
            return reply
        said = {**json.loads(reply.body), "expires_in": seconds}
        return Reply(200, {}, json.dumps(said).encode())

    monkeypatch.setattr("plugin.core.http.call", strange)
    completed(peer, module, complete)
    assert grade().state is GradeState.SENT
