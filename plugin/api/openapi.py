"""The OpenAPI 3.1 document of the API: written here, compared with the routes by a test."""

from datetime import timedelta
from typing import Any

from plugin.api.models import EventName, Scope
from plugin.api.queries import PAGE
from plugin.api.windows import LOOK_BACK

MINUTE = timedelta(minutes=1)
MOMENT = {"type": "string", "format": "date-time"}
DAY = {"type": ["string", "null"], "format": "date"}
ID = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
NUMBER = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
LIMIT = {
    "name": "limit",
    "in": "query",
    "description": f"How many at most, of 1 to {PAGE}; what lies outside is read as the nearest.",
    "schema": {**NUMBER, "default": PAGE},
}
EXAMPLE = {
    "person": {"employee_id": "E-1042"},
    "module_id": 7,
    "passed": True,
    "score": 0.92,
    "happened_at": "2027-03-10T09:30:00Z",
    "valid_until_on": "2029-03-09",
    "note": "Forklift course, Quay 4",
}
PROBLEMS = {
    "400": "The request cannot be understood.",
    "401": "No valid key was sent.",
    "403": "The key does not hold the scope.",
    "413": "The body is larger than 64 KiB.",
    "415": "The body is no JSON.",
    "422": "A field says what cannot be; `field` names it.",
    "429": "More than 120 requests a minute; Retry-After says when to go on.",
}


def document(tool_url: str) -> dict[str, Any]:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Module Assignment",
            "version": "1",
            "description": "Completions from and for other systems. Keys are made by an "
            "administrator on the page *Other systems*.",
        },
        "servers": [{"url": f"{tool_url}/api/v1"}],
        "security": [{"key": []}],
        "paths": {
            "/completions": {"post": _report(), "get": _completions()},
            "/modules": {"get": _list("Modules", Scope.MODULES_READ, "Module", [])},
            "/people": {
                "get": _list(
                    "People",
                    Scope.PEOPLE_READ,
                    "Person",
                    [_query("employee_id", {"type": "string", "maxLength": 255})],
                )
            },
            "/openapi.json": {
                "get": {
                    "operationId": "readDocument",
                    "summary": "This document",
                    "security": [],
                    "responses": {"200": {"description": "The document."}},
                }
            },
        },
        "webhooks": {event.value: _event(event) for event in EventName},
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
    }


def _report() -> dict[str, Any]:
    return {
        "operationId": "reportCompletion",
        "summary": "Report a completion",
        "description": f"Needs `{Scope.COMPLETIONS_WRITE}`. The same request with the same "
        "`Idempotency-Key` again is answered as before, for 30 days.",
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/Report"},
                    "example": EXAMPLE,
                }
            },
        },
        "responses": {
            "201": _answer("Recorded.", "Completion"),
            "200": _answer("Recorded before.", "Completion"),
            **_problems("400", "401", "403", "413", "415", "422", "429"),
        },
    }


def _completions() -> dict[str, Any]:
    filters = [_query("person_id", NUMBER), _query("module_id", NUMBER)]
    found = _list("Completions by number", Scope.COMPLETIONS_READ, "Completion", filters)
    found["description"] += (
        " To hear of all of them, keep the greatest `id` you were given and ask with it as "
        f"`after`: each is listed once it was recorded {LOOK_BACK // MINUTE} minutes ago, so that "
        "none appears below one you have. Of one person (`person_id`) all are listed at once."
    )
    return found


def _list(summary: str, scope: Scope, name: str, filters: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "operationId": f"list{name}s",
        "summary": summary,
        "description": f"Needs `{scope}`. `next` is the address of the next page, or null.",
        "parameters": [*filters, _query("after", NUMBER), LIMIT],
        "responses": {
            "200": {
                "description": "One page.",
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["items", "next"],
                            "properties": {
                                "items": {
                                    "type": "array",
                                    "items": {"$ref": f"#/components/schemas/{name}"},
                                },
                                "next": {"type": ["string", "null"], "format": "uri"},
                            },
                        }
                    }
                },
            },
            **_problems("400", "401", "403", "429"),
        },
    }


def _query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema}


def _text(most: int) -> dict[str, Any]:
    """Something to read, of so many characters at most."""
    return {"type": "string", "minLength": 1, "maxLength": most}


def _answer(words: str, name: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"description": words, "content": {"application/json": {"schema": schema}}}


def _problems(*codes: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        code: {
            "description": PROBLEMS[code],
            "content": {"application/problem+json": {"schema": schema}},
        }
        for code in codes
    }


def _event(event: EventName) -> dict[str, Any]:
    return {
        "post": {
            "summary": event.value,
            "description": "Signed as Standard Webhooks 1.0 has it: webhook-id, webhook-timestamp, "
            "webhook-signature. Answer 2xx within 10 seconds, with any body or none; any other "
            "status is tried again for two days, 410 ends the webhook. An event may come more than "
            "once, then under the same webhook-id, and after one that happened later: its "
            "timestamp says when it happened.",
            "requestBody": {
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Event"}}}
            },
            "responses": {"2XX": {"description": "Taken."}},
        }
    }


def _schemas() -> dict[str, Any]:
    return {
        "Report": {
            "type": "object",
            "additionalProperties": False,
            "required": ["person", "module_id", "happened_at"],
            "properties": {
                "person": {
                    "description": "By exactly one of its names.",
                    "oneOf": [
                        _only({"id": ID}),
                        _only({"employee_id": _text(255)}),
                        _only({"lms": {"$ref": "#/components/schemas/LmsName"}}),
                    ],
                },
                "module_id": ID,
                "passed": {"type": "boolean", "default": True},
                "score": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                "happened_at": MOMENT,
                "valid_until_on": {
                    **DAY,
                    "description": "The last day it counts by its own words, inclusive; it never "
                    "counts longer than the training's period.",
                },
                "note": {"type": ["string", "null"], "minLength": 1, "maxLength": 1000},
            },
        },
        "LmsName": _only(
            {
                "issuer": _text(2048),
                "client_id": _text(255),
                "subject": _text(255),
            }
        ),
        "Completion": _only(
            {
                "id": ID,
                "person_id": ID,
                "module_id": ID,
                "passed": {"type": "boolean"},
                "score": {"type": ["number", "null"]},
                "happened_at": MOMENT,
                "recorded_at": MOMENT,
                "valid_until_on": DAY,
                "source": {"type": "string"},
                "supersedes_id": {"type": ["integer", "null"]},
            }
        ),
        "Module": _only(
            {
                "id": ID,
                "title": {"type": "string", "description": "Two modules may have the same."},
                "kind": {"type": "string"},
                "version": {"type": ["integer", "null"]},
                "created_at": MOMENT,
                "archived": {
                    "type": "boolean",
                    "description": "It cannot be newly chosen; completions of it still count.",
                },
            }
        ),
        "Person": _only(
            {"id": ID, "employee_id": {"type": ["string", "null"]}, "name": {"type": "string"}}
        ),
        "Problem": {
            "type": "object",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": {"type": "string"},
                "title": {"type": "string", "description": "A permanent code."},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
                "field": {"type": "string"},
            },
        },
        "Event": _only(
            {
                "type": {"type": "string", "enum": [each.value for each in EventName]},
                "timestamp": MOMENT,
                "data": {"type": "object"},
            }
        ),
    }


def _only(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }
