"""The OpenAPI document holds together, and every answer is what it says (OpenAPI 3.1)."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.api import openapi
from plugin.api.models import EventName
from plugin.modules.models import Module
from plugin.org.models import Person
from tests.conftest import TOOL
from tests.functional.api.test_completions import Caller, caller, lars, module, said
from tests.support.schemas import faults, resolved

__all__ = ["caller", "lars", "module"]
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
DOCUMENT = openapi.document(TOOL)


def everything(part: Any) -> Iterator[Any]:
    """The part, and all that is in it."""
    yield part
    if isinstance(part, dict | list):
        for each in part.values() if isinstance(part, dict) else part:
            yield from everything(each)


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    ]


def answered(path: str, method: str, status: int) -> dict[str, Any]:
    """The schema the document names for this answer."""
    said: dict[str, Any] = DOCUMENT["paths"][path][method]["responses"][str(status)]
    (content,) = said["content"].values()
    schema: dict[str, Any] = content["schema"]
    return schema


def test_it_has_what_every_document_must_have() -> None:
    assert re.fullmatch(r"3\.1\.\d+", DOCUMENT["openapi"])
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    assert all(each["url"].startswith("https://") for each in DOCUMENT["servers"])
    for path, methods in DOCUMENT["paths"].items():
        assert path.startswith("/")
        assert methods.keys() <= METHODS
    for name in DOCUMENT["components"]["schemas"]:
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    parts = [each for each in everything(DOCUMENT) if isinstance(each, dict)]
    named = [each["$ref"] for each in parts if "$ref" in each]
    for reference in named:
        assert isinstance(resolved(reference, DOCUMENT), dict)
    used = {each.rpartition("/")[2] for each in named}
    assert used == set(DOCUMENT["components"]["schemas"])


def test_every_operation_says_who_may_what_comes_in_and_what_goes_out() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(ids)) == len(ids)
    for _path, _method, operation in operations():
        assert operation["summary"]
        assert operation["responses"]
        for code, answer in operation["responses"].items():
            assert re.fullmatch(r"[1-5](\d\d|XX)", code)
            assert answer["description"]
        for parameter in operation.get("parameters", []):
            assert {"name", "in", "schema"} <= parameter.keys()
            assert parameter["in"] in {"query", "header"}
        for requirement in operation.get("security", DOCUMENT["security"]):
            assert requirement.keys() <= DOCUMENT["components"]["securitySchemes"].keys()
    assert set(DOCUMENT["webhooks"]) == {each.value for each in EventName}


def test_the_example_is_what_its_schema_says() -> None:
    schema = {"$ref": "#/components/schemas/Report"}
    assert faults(openapi.EXAMPLE, schema, DOCUMENT) == []
    assert faults({**openapi.EXAMPLE, "person": {}}, schema, DOCUMENT)
    assert faults({**openapi.EXAMPLE, "score": 92}, schema, DOCUMENT)
    assert faults({**openapi.EXAMPLE, "more": 1}, schema, DOCUMENT)


def test_what_is_answered_is_what_the_document_says(
    caller: Caller, lars: Person, module: Module
) -> None:
    report = said(module, valid_until_on="2028-01-31")
    for status in (201, 200):
        answer = caller.report(report)
        schema = answered("/completions", "post", status)
        assert (answer.status_code, faults(answer.get_json(), schema, DOCUMENT)) == (status, [])
    for path in ("/completions", "/modules", "/people"):
        answer = caller.get(f"{path}?person_id={lars.id}")
        assert answer.get_json()["items"]
        assert faults(answer.get_json(), answered(path, "get", 200), DOCUMENT) == []


@pytest.mark.parametrize(
    ("change", "headers", "status"),
    [
        (b"{", {}, 400),
        ({}, {"Authorization": "Bearer ma_x"}, 401),
        ({"note": "x" * 70_000}, {}, 413),
        ({}, {"Content-Type": "text/plain"}, 415),
        ({"score": 9}, {}, 422),
    ],
)
def test_every_refusal_is_a_problem_as_the_document_says(
    caller: Caller,
    lars: Person,
    module: Module,
    change: Any,
    headers: dict[str, str],
    status: int,
) -> None:
    body = change if isinstance(change, bytes) else said(module, **change)
    answer = caller.report(body, **headers)
    schema = answered("/completions", "post", status)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert faults(answer.get_json(), schema, DOCUMENT) == []


def test_the_served_document_is_this_one(client: FlaskClient) -> None:
    assert client.get("/api/v1/openapi.json").get_json() == DOCUMENT
