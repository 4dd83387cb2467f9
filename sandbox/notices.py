"""The platform notification service of the miniature LMS: handlers, and notices really signed."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import Blueprint, Response, current_app, jsonify, request

from plugin.core import clock
from sandbox import tokens
from sandbox.oidc import Tool
from sandbox.tokens import LTI

bp = Blueprint("notices", __name__)
SCOPE = "https://purl.imsglobal.org/spec/lti/scope/noticehandlers"
COURSE_COPY = "LtiContextCopyNotice"
TYPES = ("LtiHelloWorldNotice", COURSE_COPY)
LIFE_SECONDS = 300


def _post(url: str, body: Mapping[str, Any]) -> int:
    return requests.post(url, json=body, timeout=5).status_code


@dataclass(slots=True)
class Handlers:
    """Where the tool wants which notices; `post` sends them there."""

    by_type: dict[str, str] = field(default_factory=dict)
    batch: dict[str, int] = field(default_factory=dict)
    post: Callable[[str, Mapping[str, Any]], int] = _post


def claim(url: str) -> dict[str, Any]:
    """What a launch says of the service."""
    return {
        LTI + "platformnotificationservice": {
            "service_versions": ["1.0"],
            "platform_notification_service_url": f"{url}/services/notice-handlers",
            "scope": [SCOPE],
            "notice_types_supported": list(TYPES),
        }
    }


@bp.route("/services/notice-handlers", methods=["GET", "PUT"])
def handlers() -> tuple[Response, int]:
    """What is registered; or one more handler, an empty one to have none."""
    tool: Tool = current_app.extensions["tool"]
    known: Handlers = current_app.extensions["notice_handlers"]
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if SCOPE not in current_app.extensions["tokens"].scopes_of(token):
        return jsonify(message="Unauthorized"), 401
    if request.method == "GET":
        listed = [{"notice_type": kind, "handler": url} for kind, url in known.by_type.items()]
        said = {"client_id": tool.client_id, "deployment_id": tool.deployment_id}
        return jsonify(**said, notice_handlers=listed), 200
    said = request.get_json(force=True, silent=True) or {}
    kind, handler = said.get("notice_type"), said.get("handler")
    if kind not in TYPES or not isinstance(handler, str):
        return jsonify(message="unknown notice type or no handler"), 400
    if handler and urlsplit(handler).netloc != urlsplit(tool.launch_url).netloc:
        return jsonify(message="the handler must lie in the tool's domain"), 400
    if not handler:
        known.by_type.pop(kind, None)
    elif known.by_type.get(kind, handler) != handler:
        return jsonify(message="there is a handler already"), 409
    else:
        known.by_type[kind] = handler
        known.batch[kind] = int(said.get("max_batch_size") or 1)
    return jsonify(notice_type=kind, handler=handler), 200


def course_copy(
    context_id: str,
    *,
    origins: tuple[str, ...],
    title: str = "Safety 101 copy",
    now: float | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """The claims of a notice that says a course was copied; a change replaces a claim."""
    tool: Tool = current_app.extensions["tool"]
    issued = int(clock.now().timestamp() if now is None else now)
    return {
        "iss": current_app.extensions["campus"].issuer,
        "aud": tool.client_id,
        "iat": issued,
        "exp": issued + LIFE_SECONDS,
        "nonce": secrets.token_hex(16),
        LTI + "version": "1.3.0",
        LTI + "deployment_id": tool.deployment_id,
        LTI + "notice": {
            "id": secrets.token_hex(16),
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(issued)),
            "type": COURSE_COPY,
        },
        LTI + "context": {"id": context_id, "title": title},
        LTI + "origin_contexts": list(origins),
        **changes,
    }


def send(*signed: str) -> int:
    """The notices leave for the tool's handler; the status it answered."""
    known: Handlers = current_app.extensions["notice_handlers"]
    return known.post(known.by_type[COURSE_COPY], {"notices": [{"jwt": each} for each in signed]})


def tell_of_copy(context_id: str, *, title: str, origins: tuple[str, ...]) -> None:
    """The tool hears of a copied course, if it wanted to."""
    known: Handlers = current_app.extensions["notice_handlers"]
    if COURSE_COPY in known.by_type:
        claims = course_copy(context_id, title=title, origins=origins)
        send(tokens.sign_id_token(current_app.extensions["key"], claims))
