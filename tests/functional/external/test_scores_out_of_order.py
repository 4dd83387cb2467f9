"""Scores that come twice, late, in another order, after a refusal, or of an older version."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.lti.platform import linking, scores
from plugin.lti.platform.models import ScoreCallback
from plugin.modules.models import Completion, Module, Run, RunState
from plugin.org.models import Membership
from tests.conftest import NOW
from tests.functional.external.maker import SITE, Maker, column_of
from tests.functional.lti.platform import ABSENT


@pytest.fixture
def claims(maker: Maker, start: str) -> dict[str, Any]:
    """A learner has opened the module in the tool."""
    return maker.launch(start)


def completions() -> list[Completion]:
    db.session.rollback()
    return list(db.session.query(Completion).order_by(Completion.id))


def outcomes() -> list[str]:
    db.session.rollback()
    return [each.outcome for each in db.session.query(ScoreCallback).order_by(ScoreCallback.id)]


def change_module(module: Module, **changes: Any) -> None:
    said: dict[str, Any] = {
        "title": "Fire quiz",
        "target_url": f"{SITE}/launch?quiz=3",
        "custom": {"quiz": "3"},
        "pass_share": None,
        **changes,
    }
    with transaction() as tx:
        found = tx.session.get_one(Module, module.id)
        linking.change_module(tx, found, by=1, now=clock.now(), **said)


def minutes(number: int) -> dict[str, str]:
    return {"timestamp": (NOW + timedelta(minutes=number)).isoformat()}


def test_p11_a_message_whose_answer_was_lost_may_come_again_after_a_later_one(
    maker: Maker, claims: dict[str, Any]
) -> None:
    first = maker.score(claims, activityProgress="Started", **minutes(-2))
    assert maker.send(claims, first).status_code == 204
    assert maker.report(claims).status_code == 204
    assert maker.send(claims, first).status_code == 204
    assert outcomes() == ["noted", "passed"]


def test_p11_another_message_of_a_known_moment_is_a_conflict(
    maker: Maker, claims: dict[str, Any]
) -> None:
    assert maker.report(claims, **minutes(-2)).status_code == 204
    assert maker.report(claims).status_code == 204
    assert maker.report(claims, scoreGiven=9, **minutes(-2)).status_code == 409


def test_p11_a_score_that_was_delivered_late_counts_from_when_it_was_made(
    maker: Maker, claims: dict[str, Any]
) -> None:
    two_days = timedelta(days=2)
    with clock.at(NOW + two_days):
        assert maker.report(claims, **minutes(5)).status_code == 204
    (made,) = completions()
    assert made.happened_at == NOW + timedelta(minutes=5)
    assert made.learned_at == NOW + two_days


def test_p11_no_score_counts_from_before_the_module_was_opened(
    maker: Maker, claims: dict[str, Any]
) -> None:
    assert maker.report(claims, **minutes(-60)).status_code == 204
    (made,) = completions()
    assert made.happened_at == NOW


def test_p11_a_refused_score_is_no_result(maker: Maker, claims: dict[str, Any]) -> None:
    maker.report(claims, scoreGiven=4, activityProgress="Submitted", **minutes(-2))
    with transaction() as tx:
        tx.session.query(Membership).update({"until_at": NOW})
    assert maker.report(claims, scoreGiven=9).status_code == 403
    (result,) = maker.call("GET", f"{column_of(claims)}/results").get_json()
    assert result["resultScore"] == 40
    assert outcomes() == ["noted", "not_assigned"]


def test_p11_a_pass_of_an_older_version_is_no_pass_of_the_newer_one(
    maker: Maker, claims: dict[str, Any], module: Module
) -> None:
    change_module(module, pass_share=0.5)
    maker.report(claims, scoreGiven=1)
    change_module(module, pass_share=0.5, target_url=f"{SITE}/launch?quiz=4")
    with clock.at(NOW + timedelta(minutes=1)):
        assert maker.report(claims, **minutes(1)).status_code == 204
    failed, passed = completions()
    assert (failed.passed, passed.passed) == (False, True)
    assert failed.module_version_id == passed.module_version_id
    assert failed.run_id != passed.run_id


def test_p11_a_pass_of_an_older_version_does_not_end_the_sitting_of_the_newer_one(
    maker: Maker, claims: dict[str, Any], module: Module, client: FlaskClient
) -> None:
    change_module(module, pass_share=0.5)
    maker.report(claims, scoreGiven=1)
    change_module(module, pass_share=0.5, target_url=f"{SITE}/launch?quiz=4")
    assert client.post(f"/modules/{module.id}/start").status_code == 303
    with clock.at(NOW + timedelta(minutes=1)):
        assert maker.report(claims, **minutes(1)).status_code == 204
    assert [each.passed for each in completions()] == [False]
    assert outcomes() == ["failed", "not_counted"]
    assert [each.state for each in db.session.query(Run).order_by(Run.id)] == [
        RunState.FAILED,
        RunState.OPEN,
    ]


@pytest.mark.parametrize("where", ["_outcome", "ScoreCallback"])
def test_p11_a_score_is_kept_and_counts_together_or_not_at_all(
    maker: Maker, claims: dict[str, Any], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError

    said, token = maker.score(claims), maker.token()
    with monkeypatch.context() as patch:
        patch.setattr(scores, where, broken)
        if where == "ScoreCallback":  # its columns are asked for before one is made
            patch.setattr(scores, "_as_late", lambda *_: [])
            patch.setattr(scores, "_require_patience", lambda *_, **__: None)
        assert maker.send(claims, said, token=token).status_code == 500
    assert (completions(), outcomes()) == ([], [])
    assert maker.send(claims, said, token=token).status_code == 204
    assert ([each.passed for each in completions()], outcomes()) == ([True], ["passed"])


@pytest.mark.parametrize(
    "taken_back",
    [
        {"scoreGiven": ABSENT, "scoreMaximum": ABSENT},
        {"gradingProgress": "NotReady", "scoreGiven": ABSENT, "scoreMaximum": ABSENT},
        {"activityProgress": "Initialized", "gradingProgress": "Pending"},
    ],
)
def test_p11_a_score_that_is_taken_back_is_no_result_and_undoes_no_completion(
    maker: Maker, claims: dict[str, Any], taken_back: dict[str, Any]
) -> None:
    address = f"{column_of(claims)}/results"
    assert maker.report(claims).status_code == 204
    (result,) = maker.call("GET", address).get_json()
    assert result["resultScore"] == 80
    with clock.at(NOW + timedelta(minutes=1)):
        assert maker.report(claims, **taken_back).status_code == 204
        (result,) = maker.call("GET", address).get_json()
    assert "resultScore" not in result
    assert [each.passed for each in completions()] == [True]
