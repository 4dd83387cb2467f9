"""Requests no honest system makes, and the document held against what is taken and refused."""

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest

from plugin.api import actions, openapi
from plugin.api.models import ApiKey
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.modules.models import Module
from plugin.org.models import Person
from tests.conftest import NOW, TOOL
from tests.functional.api.test_completions import Caller, caller, lars, module, recorded, said
from tests.support.schemas import faults
from tests.support.world import World

__all__ = ["caller", "lars", "module"]
LISTS = ("/completions", "/modules", "/people")
DOCUMENT = openapi.document(TOOL)


@pytest.mark.parametrize(
    "query",
    ["endpoint=x", "_method=PATCH", "_external=1", "_scheme=javascript", "_anchor=x", "after=0"],
)
def test_no_word_of_a_query_leads_the_next_page_elsewhere(
    caller: Caller, world: World, query: str
) -> None:
    for title in ("A", "B"):
        world.module(title)
    page = caller.get(f"/modules?limit=1&{query}")
    assert page.status_code == 200, page.text
    address = str(page.get_json()["next"])
    assert address.startswith(f"{TOOL}/api/v1/modules?limit=1&")
    second = caller.get(address.removeprefix(f"{TOOL}/api/v1")).get_json()
    assert [each["title"] for each in second["items"]] == ["B"]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/completions", "GET, HEAD, OPTIONS, POST"),
        ("POST", "/modules", "GET, HEAD, OPTIONS"),
        ("TRACE", "/people", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_wrong_method_hears_the_right_ones(
    caller: Caller, method: str, path: str, allowed: str
) -> None:
    answer = caller.client.open(f"/api/v1{path}", method=method)
    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")
    assert answer.headers["Allow"] == allowed


def test_a_defect_of_ours_is_a_problem_too(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("plugin.api.queries.modules", broken)
    answer = caller.get("/modules")
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")


@pytest.mark.parametrize(
    "text", ["", "0", "7", str(10**18 - 1), "-1", str(10**18), "1e3", "٧", "1.0"]
)
@pytest.mark.parametrize("path", LISTS)
def test_numbers_of_a_query_are_taken_as_the_document_says(
    caller: Caller, path: str, text: str
) -> None:
    for parameter in DOCUMENT["paths"][path]["get"]["parameters"]:
        if parameter["schema"]["type"] != "integer":
            continue
        number = int(text) if text.lstrip("-").isascii() and text.lstrip("-").isdecimal() else text
        fits = text == "" or not faults(number, parameter["schema"], DOCUMENT)
        answer = caller.get(f"{path}?{parameter['name']}={text}")
        assert answer.status_code == (200 if fits else 400), (parameter["name"], answer.text)


@pytest.mark.parametrize("once", ["a", "!~", "x" * 255, "x" * 256, "a b", "\x7f", "\t"])
def test_an_idempotency_key_is_taken_as_the_document_says(
    caller: Caller, lars: Person, module: Module, once: str
) -> None:
    (parameter,) = DOCUMENT["paths"]["/completions"]["post"]["parameters"]
    fits = not faults(once, parameter["schema"], DOCUMENT)
    assert caller.report(said(module), once).status_code == (201 if fits else 400)


@pytest.mark.parametrize(
    "change",
    [
        {"person": {"id": 0}},
        {"person": {"id": 2**63}},
        {"person": {"id": 1.5}},
        {"person": {"employee_id": "x" * 256}},
        {"person": {"lms": {"issuer": "", "client_id": "a", "subject": "b"}}},
        {"person": {"lms": {"issuer": "i", "client_id": "a", "subject": "b", "more": 1}}},
        {"person": {"lms": {"issuer": "i" * 2049, "client_id": "a", "subject": "b"}}},
        {"person": [{"id": 1}]},
        {"module_id": 2**63},
        {"module_id": [1]},
        {"score": 1.0000001},
        {"score": -1e-9},
        {"note": ""},
        {"note": {"a": 1}},
        {"valid_until_on": ["2028-01-01"]},
    ],
)
def test_what_the_document_forbids_is_refused(
    caller: Caller, lars: Person, module: Module, change: dict[str, Any]
) -> None:
    report = said(module, **change)
    assert faults(report, {"$ref": "#/components/schemas/Report"}, DOCUMENT)
    assert caller.report(report).status_code == 422
    assert recorded() == []


@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2027-03-01T25:00:00Z",
        "T",
        "2" * 400,
    ],
)
def test_a_moment_at_the_edge_of_time_is_refused(
    caller: Caller, lars: Person, module: Module, moment: str
) -> None:
    answer = caller.report(said(module, happened_at=moment))
    assert (answer.status_code, answer.get_json()["field"]) == (422, "happened_at")


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf{}",
        b'{"a":' * 9_000 + b"1" + b"}" * 9_000,
        b"9" * 5_000,
        gzip.compress(b"{}", mtime=0),
    ],
)
def test_a_body_in_another_dress_is_no_json(caller: Caller, body: bytes) -> None:
    answer = caller.report(body, **{"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.get_json()["title"]) == (400, "not_json")


def test_letters_nobody_can_hold_are_refused_or_kept_out(
    caller: Caller, lars: Person, module: Module
) -> None:
    for text in ("a\x00", "a\ud800", "a\x7f"):
        answer = caller.report(json.dumps(said(module, note=text)).encode())
        assert (answer.status_code, answer.get_json()["field"]) == (422, "note")
    answer = caller.report(json.dumps(said(module, **{"\ud800\x00": 1})).encode())
    assert answer.status_code == 422
    assert recorded() == []


def test_another_organizations_key_does_not_repeat_an_answer(
    caller: Caller, lars: Person, module: Module, world: World
) -> None:
    assert caller.report(said(module)).status_code == 201
    elsewhere = world.new_organization("Elsewhere")
    stranger = Caller(caller.client, world)
    db.session.get_one(ApiKey, stranger.key_id).organization_id = elsewhere.id
    db.session.commit()
    answer = stranger.report(said(module))
    assert (answer.status_code, answer.get_json()["field"]) == (422, "person.employee_id")
    with clock.at(NOW + timedelta(hours=1)):
        assert len(caller.get("/completions").get_json()["items"]) == 1
        assert stranger.get("/completions").get_json()["items"] == []
    assert len(recorded()) == 1


def test_a_key_of_long_ago_is_answered_as_before_or_refused(
    caller: Caller, lars: Person, module: Module, world: World
) -> None:
    first = caller.report(said(module)).get_json()
    other = world.person("Olga Other", email=None)
    other.employee_id = "E-7"
    db.session.commit()
    with transaction() as tx:
        actions.forget_answers(tx.session, before=clock.now() + timedelta(days=1))
    for changes in (
        {"person": {"employee_id": "E-7"}},
        {"happened_at": "2027-03-02T10:00:00+01:00"},
        {"valid_until_on": "2029-03-01"},
        {"score": 0.5},
    ):
        refused = caller.report(said(module, **changes))
        assert (refused.status_code, refused.get_json()["title"]) == (422, "idempotency_key_reused")
    again = caller.report(said(module))
    assert (again.status_code, again.get_json()) == (200, first)
    assert caller.report(said(module)).status_code == 200
    assert [each.person_id for each in recorded()] == [lars.id]


@pytest.mark.parametrize("kind", ["Basic", "bearer ", "Token", ""])
def test_a_key_is_a_bearers(caller: Caller, kind: str) -> None:
    headers = {"Authorization": f"{kind} {caller.text}"}
    answer = caller.client.get("/api/v1/modules", headers=headers)
    assert answer.status_code in {200, 401}
    assert (answer.status_code == 200) == (kind.strip().lower() == "bearer")


def test_a_key_of_long_ago_is_known_again_though_the_callers_clock_was_ahead(
    caller: Caller, lars: Person, module: Module
) -> None:
    report = said(module, happened_at=(NOW + timedelta(minutes=3)).isoformat())
    first = caller.report(report).get_json()
    with clock.at(NOW + timedelta(days=40)):
        with transaction() as tx:
            actions.forget_answers(tx.session, before=clock.now())
        again = caller.report(report)
    assert (again.status_code, again.get_json()) == (200, first)
