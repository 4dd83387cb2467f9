"""A tool that is accepted fills no disk: what is kept for ever has a measure."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from plugin.core import clock
from plugin.core.db import db
from plugin.lti.platform import columns, scores
from plugin.lti.platform.models import ScoreCallback
from plugin.modules.models import Completion, Module
from tests.conftest import NOW
from tests.functional.external.maker import SCORE, Maker, assigned
from tests.support.world import World


@pytest.fixture
def claims(maker: Maker, start: str) -> dict[str, Any]:
    """A learner has opened the module in the tool."""
    return maker.launch(start)


def test_p6_line_items_that_were_removed_take_room_for_a_day(
    maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "MAX_COLUMNS", 2)
    said = {"label": "A", "scoreMaximum": 1}
    token = maker.token()
    for _ in range(2):
        made = maker.call("POST", maker.ours.line_items, said, token=token).get_json()["id"]
        assert maker.call("DELETE", made, token=token).status_code == 204
    with clock.at(NOW + timedelta(minutes=50)):
        refused = maker.call("POST", maker.ours.line_items, said, token=token)
    assert (refused.status_code, refused.get_json()["error"]) == (429, "too_many_requests")
    assert refused.headers["Retry-After"] == str(24 * 3600 - 50 * 60)
    with clock.at(NOW + timedelta(days=1)):
        assert maker.call("POST", maker.ours.line_items, said).status_code == 201


def test_p11_a_tool_that_never_stops_fills_no_disk(
    maker: Maker, claims: dict[str, Any], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scores, "MAX_A_DAY", 3)

    def says(minute: int, **changes: Any) -> TestResponse:
        with clock.at(NOW + timedelta(minutes=minute)):
            return maker.report(claims, **changes)

    underway = {"activityProgress": "InProgress", "gradingProgress": "Pending"}
    assert [says(each, **underway).status_code for each in range(3)] == [204] * 3
    refused = says(10, **underway)
    assert (refused.status_code, refused.get_json()["error"]) == (429, "too_many_requests")
    assert refused.headers["Retry-After"] == str(24 * 3600 - 10 * 60)
    assert db.session.query(ScoreCallback).count() == 3
    told = {**underway, "timestamp": (NOW + timedelta(minutes=2)).isoformat()}
    assert says(11, **told).status_code == 204, "what is known is answered as before"
    assert says(12).status_code == 204, "the last word has a share of its own"
    assert db.session.query(Completion).one().passed
    own = maker.call("POST", maker.ours.line_items, {"label": "A", "scoreMaximum": 1}).get_json()
    with clock.at(NOW + timedelta(minutes=13)):
        elsewhere = maker.score(claims, **underway)
        answer = maker.call("POST", f"{own['id']}/scores", elsewhere, kind=SCORE)
    assert answer.status_code == 429, "other line items are the same disk"
    assert says(24 * 60, **underway).status_code == 204


def test_p11_a_score_of_another_person_takes_none_of_ones_room(
    maker: Maker,
    claims: dict[str, Any],
    module: Module,
    app: Flask,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scores, "MAX_A_DAY", 1)
    assert maker.report(claims).status_code == 204
    maker.client = app.test_client()
    others = maker.launch(assigned(world, module, maker.client))
    assert others["sub"] != claims["sub"]
    assert maker.report(others).status_code == 204
