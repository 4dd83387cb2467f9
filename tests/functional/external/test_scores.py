"""A tool calls back with scores: kept word by word, completions by rule (AGS 2.0, 3.4)."""

import json
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.lti.platform import linking
from plugin.lti.platform.models import ExternalTool, ScoreCallback, ToolState
from plugin.lti.platform.scopes import LINE_ITEM_READ, RESULT_READ, SCORE
from plugin.modules.models import Completion, CompletionSource, Module, Run, RunState
from plugin.org.models import Membership
from tests.conftest import NOW
from tests.functional.assign.places import judge
from tests.functional.external.maker import SITE, Maker, column_of, new_maker, new_module
from tests.functional.lti.platform import ABSENT
from tests.support.world import World


@pytest.fixture
def claims(maker: Maker, start: str) -> dict[str, Any]:
    """A learner has opened the module in the tool."""
    return maker.launch(start)


def completions() -> list[Completion]:
    db.session.rollback()
    return list(db.session.query(Completion).order_by(Completion.id))


def callbacks() -> list[ScoreCallback]:
    db.session.rollback()
    return list(db.session.query(ScoreCallback).order_by(ScoreCallback.id))


def test_p11_the_last_word_of_a_tool_completes_the_module(
    maker: Maker, claims: dict[str, Any], module: Module
) -> None:
    answer = maker.report(claims, comment="Well done")
    assert answer.status_code == 204, answer.text
    (made,) = completions()
    assert (made.module_id, made.passed, made.score) == (module.id, True, 0.8)
    assert made.source is CompletionSource.LTI
    assert made.happened_at == NOW
    (said,) = callbacks()
    assert json.loads(said.body)["comment"] == "Well done"
    assert made.evidence["callback"] == said.digest
    assert said.outcome == "passed"
    assert db.session.query(Run).one().state is RunState.COMPLETED


@pytest.mark.parametrize(
    ("activity", "grading"),
    [
        ("Initialized", "NotReady"),
        ("Started", "Pending"),
        ("InProgress", "FullyGraded"),
        ("Submitted", "FullyGraded"),
        ("Completed", "Pending"),
        ("Completed", "PendingManual"),
        ("Completed", "Failed"),
        ("Completed", "NotReady"),
    ],
)
def test_p11_anything_but_completed_and_fully_graded_completes_nothing(
    maker: Maker, claims: dict[str, Any], activity: str, grading: str
) -> None:
    answer = maker.report(claims, activityProgress=activity, gradingProgress=grading)
    assert answer.status_code == 204
    assert completions() == []
    assert [each.outcome for each in callbacks()] == ["noted"]


@pytest.mark.parametrize(
    ("given", "passed"),
    [(7, False), (7.9999, False), (8, True), (10, True), (12, True), (0, False)],
)
def test_p11_with_a_pass_mark_the_score_decides(
    maker: Maker, claims: dict[str, Any], module: Module, given: float, passed: bool
) -> None:
    with transaction() as tx:
        tx.session.get_one(Module, module.id).pass_share = 0.8
    assert maker.report(claims, scoreGiven=given).status_code == 204
    (made,) = completions()
    assert made.passed is passed
    assert made.score == min(1.0, given / 10)


def test_p11_with_a_pass_mark_a_word_without_a_score_decides_nothing(
    maker: Maker, claims: dict[str, Any], module: Module
) -> None:
    with transaction() as tx:
        tx.session.get_one(Module, module.id).pass_share = 0.8
    assert maker.report(claims, scoreGiven=ABSENT, scoreMaximum=ABSENT).status_code == 204
    assert completions() == []


def test_p11_without_a_pass_mark_completing_is_enough(maker: Maker, claims: dict[str, Any]) -> None:
    assert maker.report(claims, scoreGiven=ABSENT, scoreMaximum=ABSENT).status_code == 204
    (made,) = completions()
    assert (made.passed, made.score) == (True, None)


def test_p11_the_same_message_again_changes_nothing(maker: Maker, claims: dict[str, Any]) -> None:
    said = maker.score(claims)
    assert [maker.send(claims, said).status_code for _ in range(3)] == [204, 204, 204]
    assert len(completions()) == len(callbacks()) == 1


@pytest.mark.parametrize("behind", [timedelta(0), timedelta(milliseconds=1), timedelta(days=1)])
def test_p11_an_older_timestamp_is_a_conflict(
    maker: Maker, claims: dict[str, Any], behind: timedelta
) -> None:
    maker.report(claims)
    late = (NOW - behind).isoformat()
    assert maker.report(claims, timestamp=late, scoreGiven=1).status_code == 409
    assert len(callbacks()) == 1


def test_p11_a_better_score_later_is_kept_and_a_worse_one_changes_nothing(
    maker: Maker, claims: dict[str, Any]
) -> None:
    maker.report(claims, scoreGiven=6)
    later = (NOW + timedelta(seconds=1)).isoformat()
    assert maker.report(claims, timestamp=later, scoreGiven=9).status_code == 204
    much_later = (NOW + timedelta(seconds=2)).isoformat()
    assert maker.report(claims, timestamp=much_later, scoreGiven=2).status_code == 204
    first, better = completions()
    assert (better.supersedes_id, better.score) == (first.id, 0.9)
    assert [each.outcome for each in callbacks()] == ["passed", "passed", "not_better"]


def test_p11_a_pass_after_a_fail_is_a_sitting_of_its_own(
    maker: Maker, claims: dict[str, Any], module: Module
) -> None:
    with transaction() as tx:
        tx.session.get_one(Module, module.id).pass_share = 0.5
    maker.report(claims, scoreGiven=1)
    later = (NOW + timedelta(minutes=1)).isoformat()
    with clock.at(NOW + timedelta(minutes=1)):
        assert maker.report(claims, timestamp=later, scoreGiven=9).status_code == 204
    failed, passed = completions()
    assert (failed.passed, passed.passed) == (False, True)
    assert failed.run_id != passed.run_id


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"userId": ABSENT}, "userId"),
        ({"userId": 6}, "userId"),
        ({"userId": ""}, "userId"),
        ({"userId": ["a"]}, "userId"),
        ({"activityProgress": ABSENT}, "activityProgress"),
        ({"activityProgress": "completed"}, "activityProgress"),
        ({"activityProgress": ["Completed"]}, "activityProgress"),
        ({"activityProgress": {"a": 1}}, "activityProgress"),
        ({"gradingProgress": ABSENT}, "gradingProgress"),
        ({"gradingProgress": "Graded"}, "gradingProgress"),
        ({"gradingProgress": 1}, "gradingProgress"),
        ({"timestamp": ABSENT}, "timestamp"),
        ({"timestamp": 1830000000}, "timestamp"),
        ({"timestamp": "1830000000"}, "timestamp"),
        ({"timestamp": "2027-03-10"}, "timestamp"),
        ({"timestamp": "2027-03-10T09:30:00"}, "timestamp"),
        ({"timestamp": "2027-13-10T09:30:00Z"}, "timestamp"),
        ({"timestamp": (NOW + timedelta(minutes=6)).isoformat()}, "future"),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, "timestamp"),
        ({"scoreGiven": -1}, "scoreGiven"),
        ({"scoreGiven": "8"}, "scoreGiven"),
        ({"scoreGiven": True}, "scoreGiven"),
        ({"scoreGiven": 10**400}, "scoreGiven"),
        ({"scoreMaximum": 0}, "scoreMaximum"),
        ({"scoreMaximum": ABSENT}, "scoreMaximum"),
        ({"scoreMaximum": -5}, "scoreMaximum"),
        ({"scoreMaximum": None}, "scoreMaximum"),
    ],
)
def test_p11_a_malformed_score_is_refused_by_the_name_of_its_field(
    maker: Maker, claims: dict[str, Any], change: dict[str, Any], named: str
) -> None:
    answer = maker.report(claims, **change)
    assert answer.status_code == 400, answer.text
    assert named in answer.get_json()["error_description"]
    assert callbacks() == completions() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"not json",
        b'{"scoreGiven": NaN}',
        b'{"scoreGiven": Infinity}',
        b"\xff\xfe",
        b"[" * 5000,
        b'{"userId": "\\ud800"}',
    ],
)
def test_p11_a_body_that_is_no_json_object_is_refused(
    maker: Maker, claims: dict[str, Any], body: bytes
) -> None:
    assert maker.send(claims, body).status_code == 400
    assert callbacks() == []


def test_p6_p11_a_score_that_is_too_large_is_refused(maker: Maker, claims: dict[str, Any]) -> None:
    assert maker.report(claims, comment="x" * 70_000).status_code == 413


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 415),
        ("text/plain", 415),
        ("application/vnd.ims.lis.v1.score+json; charset=utf-8", 204),
    ],
)
def test_p6_p11_the_media_type_is_exact(
    maker: Maker, claims: dict[str, Any], kind: str, status: int
) -> None:
    address = f"{column_of(claims)}/scores"
    answer = maker.call("POST", address, maker.score(claims), kind=kind)
    assert answer.status_code == status


def test_p11_a_person_the_tool_was_never_told_of_is_unknown(
    maker: Maker, claims: dict[str, Any], client: FlaskClient, world: World
) -> None:
    other = new_maker(client, world, name="Another")
    assert maker.report(claims, userId="somebody").status_code == 404
    assert other.report(claims, userId=claims["sub"]).status_code in {401, 404}
    assert callbacks() == []


def test_p6_p11_a_line_item_of_another_tool_does_not_exist(
    maker: Maker, claims: dict[str, Any], client: FlaskClient, world: World
) -> None:
    other = new_maker(client, world, name="Another")
    other.keys = maker.keys
    foreign = column_of(claims).replace(maker.uid, other.uid)
    token = other.token()
    score = maker.score(claims)
    kind = "application/vnd.ims.lis.v1.score+json"
    assert other.call("POST", f"{foreign}/scores", score, token=token, kind=kind).status_code == 404
    said = {"label": "Mine now", "scoreMaximum": 5}
    for method, address, body in (
        ("GET", foreign, None),
        ("PUT", foreign, said),
        ("DELETE", foreign, None),
        ("GET", f"{foreign}/results", None),
    ):
        refused = other.call(method, address, body, token=token)
        assert refused.status_code == 404, method
        assert "line item does not exist" in refused.get_json()["error_description"]
    assert other.call("GET", other.ours.line_items, token=token).get_json() == []
    at_home = f"{column_of(claims)}/scores"
    assert other.call("POST", at_home, score, token=token, kind=kind).status_code == 401
    assert callbacks() == []


def test_p11_who_is_not_assigned_the_module_any_more_gets_no_completion_but_a_record(
    maker: Maker, claims: dict[str, Any]
) -> None:
    db.session.query(Membership).update({"until_at": clock.now()})
    db.session.commit()
    answer = maker.report(claims)
    assert answer.status_code == 403
    assert answer.get_json()["error"] == "not_assigned"
    assert completions() == []
    assert [each.outcome for each in callbacks()] == ["not_assigned"]


def test_p11_who_never_opened_the_module_gets_no_completion_but_a_record(
    maker: Maker, claims: dict[str, Any]
) -> None:
    other = new_module(maker, "Another quiz")
    token = maker.token()
    listed = maker.call("GET", maker.ours.line_items, token=token).get_json()
    (column,) = [each["id"] for each in listed if each["label"] == other.title]
    kind = "application/vnd.ims.lis.v1.score+json"
    answer = maker.call("POST", f"{column}/scores", maker.score(claims), token=token, kind=kind)
    assert (answer.status_code, answer.get_json()["error"]) == (403, "not_started")
    assert completions() == []


@pytest.mark.parametrize("token", ["", "wrong", "ä"])
def test_p5_without_a_valid_token_nothing_is_heard(
    maker: Maker, claims: dict[str, Any], token: str
) -> None:
    answer = maker.send(claims, maker.score(claims), token=token)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert callbacks() == []


def test_p5_a_token_ends_after_an_hour(maker: Maker, claims: dict[str, Any]) -> None:
    token = maker.token()
    with clock.at(NOW + timedelta(hours=1, seconds=1)):
        assert maker.send(claims, maker.score(claims), token=token).status_code == 401


def test_p5_a_token_without_the_scope_may_not(maker: Maker, claims: dict[str, Any]) -> None:
    token = maker.token(f"{LINE_ITEM_READ} {RESULT_READ}")
    answer = maker.send(claims, maker.score(claims), token=token)
    assert (answer.status_code, answer.get_json()["error"]) == (403, "insufficient_scope")
    line_item = maker.token(SCORE)
    assert maker.call("GET", column_of(claims), token=line_item).status_code == 403


def test_p5_a_right_that_was_taken_away_is_gone_from_tokens_too(
    maker: Maker, claims: dict[str, Any]
) -> None:
    token = maker.token()
    with transaction() as tx:
        tool = tx.session.get_one(ExternalTool, maker.tool_id)
        tool.scopes = [each for each in tool.scopes if each != SCORE]
    assert maker.send(claims, maker.score(claims), token=token).status_code == 403
    with transaction() as tx:
        tx.session.get_one(ExternalTool, maker.tool_id).state = ToolState.DISABLED
    assert maker.send(claims, maker.score(claims), token=token).status_code == 401


def test_p11_a_changed_address_is_a_new_version_and_old_sittings_still_count(
    maker: Maker, claims: dict[str, Any], module: Module
) -> None:
    with transaction() as tx:
        linking.change_module(
            tx,
            tx.session.get_one(Module, module.id),
            title="Fire quiz",
            target_url=f"{SITE}/launch?quiz=4",
            custom={"quiz": "4"},
            pass_share=None,
            by=1,
            now=clock.now(),
        )
    assert maker.report(claims).status_code == 204
    (made,) = completions()
    assert made.module_version_id != db.session.get_one(Module, module.id).current_version_id


def test_p11_a_completion_by_a_tool_makes_the_person_compliant(
    maker: Maker, claims: dict[str, Any], client: FlaskClient
) -> None:
    maker.report(claims)
    judge()
    page = client.get("/")
    assert "Fire quiz" in page.text
    assert "Valid" in page.text
