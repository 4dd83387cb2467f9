"""The HTTP API of other systems, version 1: JSON in, JSON out, problems by RFC 9457."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from plugin.api import actions, openapi, queries
from plugin.api.errors import Problem
from plugin.api.models import ApiKey, Scope
from plugin.api.queries import Page
from plugin.api.rules import IDEMPOTENCY_KEY, MAX_TEXT, read_report
from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import read_session, transaction
from plugin.core.log import log
from plugin.core.secrets import hash_of
from plugin.web import errors
from plugin.web.identity import public
from plugin.web.limits import limiter
from plugin.web.listing import further

P = ParamSpec("P")
R = TypeVar("R")
bp = Blueprint("api", __name__, url_prefix="/api/v1")
MAX_BODY = 64 * 1024
MAX_DIGITS = 18
RATE = "120 per minute"
JSON = "application/json"


def _caller() -> str:
    """Each key has a count of its own; who has none is counted by address."""
    text = actions.sent_key(request.headers.get("Authorization", ""))
    return hash_of(text or request.remote_addr or "")


def _is_keyless(response: Response) -> bool:
    return response.status_code == 401  # noqa: PLR2004 - RFC 9110, section 15.5.2


_per_key = limiter.shared_limit(RATE, scope="api", key_func=_caller)
_per_stranger = limiter.shared_limit(RATE, scope="api.keyless", deduct_when=_is_keyless)


def rate_limited(view: Callable[P, R]) -> Callable[P, R]:
    """Each key has its rate; an address that tries keys has one for all of them."""
    return cast("Callable[P, R]", _per_stranger(_per_key(view)))


@bp.before_request
def _limit_size() -> None:
    request.max_content_length = MAX_BODY


@bp.errorhandler(Problem)
def _problem(problem: Problem) -> Response:
    log.info("api.refused", code=problem.code, status=problem.status)
    said: dict[str, Any] = {
        "type": "about:blank",
        "title": problem.code,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.field is not None:
        said["field"] = problem.field
    answer = _json(said, status=problem.status)
    answer.headers["Content-Type"] = "application/problem+json"
    if problem.status == 401:  # noqa: PLR2004 - RFC 9110, section 11.6.1
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


@bp.errorhandler(HTTPException)
def _http(error: HTTPException) -> Response:
    code = (error.name or "error").lower().replace(" ", "_")
    answer = _problem(Problem(error.code or 500, code, error.name))
    if error.code == 429:  # noqa: PLR2004 - RFC 6585, section 4
        answer.headers["Retry-After"] = "60"
    return answer


bp.record_once(lambda state: errors.for_programs(state.app, "/api/", bp.name, _http))


def _json(said: Any, *, status: int = 200) -> Response:
    answer = jsonify(said)
    answer.status_code = status
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _key(scope: Scope) -> ApiKey:
    return actions.key_of(read_session(), request.headers.get("Authorization", ""), scope)


def _reader(scope: Scope) -> int:
    """The organization whose rows this request may read; its key was used, to the hour."""
    key, now = _key(scope), clock.now()
    key_id, organization_id = key.id, key.organization_id
    if actions.is_use_unnoted(key, now=now):
        with transaction() as tx:
            actions.note_use(tx.session, key_id, now=now)
    return organization_id


@bp.get("/openapi.json")
@public
@rate_limited
def document() -> Response:
    """What the API is, for programs."""
    return jsonify(openapi.document(current_settings().tool_url))


@bp.post("/completions")
@public
@rate_limited
def report() -> Response:
    """A completion is recorded, once per Idempotency-Key."""
    key_id = _key(Scope.COMPLETIONS_WRITE).id
    if request.mimetype != JSON:
        raise Problem(415, "unsupported_media_type", f"Content-Type must be {JSON}.")
    once = request.headers.get("Idempotency-Key", "")
    if not IDEMPOTENCY_KEY.fullmatch(once):
        raise Problem(
            400,
            "idempotency_key_missing",
            "Send an Idempotency-Key of 1 to 255 visible characters.",
        )
    body, now = request.get_data(), clock.now()
    reported = read_report(body, now=now)
    with transaction() as tx:
        key = tx.session.get_one(ApiKey, key_id)
        actions.note_use(tx.session, key.id, now=now)
        said, is_new = actions.report_completion(
            tx, key, reported, body=body, idempotency_key=once, now=now
        )
    return _json(said, status=201 if is_new else 200)


@bp.get("/completions")
@public
@rate_limited
def completions() -> Response:
    organization_id = _reader(Scope.COMPLETIONS_READ)
    page = queries.completions(
        read_session(),
        organization_id,
        person_id=_number("person_id"),
        module_id=_number("module_id"),
        after=_number("after") or 0,
        limit=_limit(),
        now=clock.now(),
    )
    return _page(page)


@bp.get("/modules")
@public
@rate_limited
def modules() -> Response:
    organization_id = _reader(Scope.MODULES_READ)
    after = _number("after") or 0
    return _page(queries.modules(read_session(), organization_id, after=after, limit=_limit()))


@bp.get("/people")
@public
@rate_limited
def people() -> Response:
    organization_id = _reader(Scope.PEOPLE_READ)
    page = queries.people(
        read_session(),
        organization_id,
        employee_id=_employee_id(),
        after=_number("after") or 0,
        limit=_limit(),
    )
    return _page(page)


def _number(name: str) -> int | None:
    text = request.args.get(name, "")
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > MAX_DIGITS:
        raise Problem(400, "invalid_parameter", f"{name} must be a whole number.", field=name)
    return int(text)


def _employee_id() -> str | None:
    text = request.args.get("employee_id", "")
    if not text:
        return None
    if len(text) > MAX_TEXT or not text.isprintable():
        raise Problem(400, "invalid_parameter", "employee_id is no text.", field="employee_id")
    return text


def _limit() -> int:
    asked = _number("limit")
    return queries.PAGE if asked is None else max(1, min(asked, queries.PAGE))


def _page(page: Page) -> Response:
    said: dict[str, Any] = {"items": list(page.items), "next": None}
    if page.next_after is not None:
        said["next"] = further(current_settings().tool_url, after=page.next_after)
    return _json(said)
