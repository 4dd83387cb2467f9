"""The same report many times at the same moment; and each key's share of requests."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from plugin.api.models import ApiAnswer
from plugin.core.db import db
from plugin.modules.models import Completion, Module
from plugin.org.models import Person
from plugin.web.limits import limiter
from tests.functional.api.test_completions import Caller, caller, lars, module, said
from tests.functional.external.test_at_once import at_once
from tests.support.world import World

__all__ = ["caller", "lars", "module"]
TIMES = 5


def test_equal_requests_at_once_are_one_completion_and_equal_answers(
    app: Flask, caller: Caller, lars: Person, module: Module
) -> None:
    answers: list[Any] = []

    def report(client: FlaskClient) -> Any:
        headers = {"Authorization": f"Bearer {caller.text}", "Idempotency-Key": "one"}
        answer = client.post("/api/v1/completions", json=report_of, headers=headers)
        answers.append(answer.get_json())
        return answer

    report_of = said(module)
    assert at_once(app, [report] * TIMES) == [200] * (TIMES - 1) + [201]
    assert all(each == answers[0] for each in answers)
    assert db.session.query(Completion).count() == db.session.query(ApiAnswer).count() == 1


def test_different_requests_at_once_under_one_key_are_one_and_refusals(
    app: Flask, caller: Caller, lars: Person, module: Module
) -> None:
    reports = [said(module, score=number / 10) for number in range(TIMES)]

    def posting(report: dict[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {caller.text}", "Idempotency-Key": "one"}
        return lambda client: client.post("/api/v1/completions", json=report, headers=headers)

    assert at_once(app, [posting(each) for each in reports]) == [201] + [422] * (TIMES - 1)
    assert db.session.query(Completion).count() == 1


def test_each_key_has_a_share_of_its_own_and_hears_when_to_go_on(
    client: FlaskClient, world: World
) -> None:
    limiter.reset()
    first, second = Caller(client, world), Caller(client, world)
    assert {first.get("/modules").status_code for _ in range(120)} == {200}
    refused = first.get("/modules")
    assert (refused.status_code, refused.mimetype) == (429, "application/problem+json")
    assert refused.headers["Retry-After"] == "60"
    assert second.get("/modules").status_code == 200
    limiter.reset()


def test_a_key_has_one_share_however_its_header_is_written(
    client: FlaskClient, world: World
) -> None:
    limiter.reset()
    caller = Caller(client, world)
    ways = ["Bearer", "bearer", "BEARER", "Bearer ", "bEaReR   "]
    answers = [
        caller.client.get(
            "/api/v1/modules",
            headers={"Authorization": f"{ways[number % len(ways)]} {caller.text}"},
        ).status_code
        for number in range(125)
    ]
    assert answers == [200] * 120 + [429] * 5
    limiter.reset()
