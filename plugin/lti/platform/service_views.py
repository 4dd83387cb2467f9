"""The services external tools call: registration, tokens, line items, scores, results, people."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import HTTPException

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import read_session, transaction
from plugin.core.log import log
from plugin.lti.platform import (
    columns,
    members,
    queries,
    registering,
    scopes,
    scores,
    tokens,
)
from plugin.lti.platform.addresses import PlatformAddresses, platform_addresses
from plugin.lti.platform.columns import Page
from plugin.lti.platform.errors import ServiceRefusal, ToolUnknownError
from plugin.lti.platform.models import ExternalTool
from plugin.lti.platform.parameters import said_once
from plugin.lti.platform.rules import REFUSED, TOO_FAST, TOO_MANY, bad
from plugin.lti.tool.claim_values import is_id
from plugin.modules import visibility
from plugin.web import errors
from plugin.web.identity import public
from plugin.web.limits import limiter
from plugin.web.listing import further

bp = Blueprint("services", __name__, url_prefix="/platform")

LINE_ITEM = "application/vnd.ims.lis.v2.lineitem+json"
LINE_ITEMS = "application/vnd.ims.lis.v2.lineitemcontainer+json"
SCORE = "application/vnd.ims.lis.v1.score+json"
RESULTS = "application/vnd.ims.lis.v2.resultcontainer+json"
MEMBERS = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
FORM = "application/x-www-form-urlencoded"
MAX_BODY = 64 * 1024
MAX_SCORE = 16 * 1024
"""Each score is kept word by word."""
MAX_DIGITS = 18
TOO_LARGE = 413
READ_COLUMNS = (scopes.LINE_ITEM, scopes.LINE_ITEM_READ)


def _caller() -> str:
    """Who is counted: an address at one tool's services. No stranger uses up a tool's share."""
    return f"{(request.view_args or {}).get('uid', '')} {request.remote_addr or ''}"


often_enough = limiter.shared_limit("1200 per minute", scope="external", key_func=_caller)
tokens_often_enough = limiter.shared_limit(
    "60 per minute", scope="external.token", key_func=_caller
)


@bp.before_request
def _limit_size() -> None:
    request.max_content_length = MAX_SCORE if request.endpoint == "services.score" else MAX_BODY


@bp.errorhandler(ServiceRefusal)
def _refused(error: ServiceRefusal) -> Response:
    log.info("external.refused", status=error.status, code=error.code, endpoint=request.endpoint)
    answer = _json({"error": error.code, "error_description": error.words}, status=error.status)
    if error.status == 401:  # noqa: PLR2004 - RFC 6750, section 3
        answer.headers["WWW-Authenticate"] = f'Bearer error="{error.code}"'
    if error.again_in is not None:
        answer.headers["Retry-After"] = str(error.again_in)
    return answer


@bp.errorhandler(ToolUnknownError)
def _unknown(_error: ToolUnknownError) -> Response:
    return _refused(ServiceRefusal(404, "not_found", "no tool has this address"))


@bp.errorhandler(HTTPException)
def _http(error: HTTPException) -> Response:
    """Every refusal has the same form; who is too fast hears when to go on (RFC 6585)."""
    words = {TOO_LARGE: "too_large", TOO_FAST: TOO_MANY}
    code = words.get(error.code or 0, "bad_request")
    again_in = 60 if error.code == TOO_FAST else None
    return _refused(ServiceRefusal(error.code or 500, code, error.name, again_in=again_in))


bp.record_once(lambda state: errors.for_programs(state.app, "/platform/", bp.name, _http))


def _json(said: Any, *, status: int = 200, kind: str = "application/json") -> Response:
    answer = jsonify(said)
    answer.status_code = status
    answer.headers["Content-Type"] = kind
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _ours(uid: str) -> PlatformAddresses:
    return platform_addresses(current_settings().tool_url, uid)


def _tool(uid: str, any_of: Sequence[str]) -> ExternalTool:
    said = request.headers.get("Authorization", "")
    return tokens.bearer(read_session(), uid, said, any_of=any_of, now=clock.now())


def _body(kind: str) -> bytes:
    """The body, if it is what the service takes (AGS 2.0, media types)."""
    if request.mimetype != kind:
        raise ServiceRefusal(415, "unsupported_media_type", f"Content-Type must be {kind}")
    return request.get_data()


@bp.get("/<uid>/.well-known/openid-configuration")
@public
@often_enough
def configuration(uid: str) -> Response:
    """What a tool reads before it registers itself: of a tool, or of an open invitation."""
    session = read_session()
    if not queries.is_invited(session, uid):
        queries.tool_at(session, uid)
    said = registering.configuration(_ours(uid))
    return _json(said)


@bp.post("/<uid>/register")
@public
@tokens_often_enough
def register(uid: str) -> Response:
    """A tool registers itself, with the token of its invitation."""
    if request.mimetype != "application/json":
        raise ServiceRefusal(415, "unsupported_media_type", "Content-Type must be application/json")
    said, now = request.get_data(), clock.now()
    with transaction() as tx:
        invitation = registering.use_invitation(
            tx.session, uid, request.headers.get("Authorization", ""), now=now
        )
        return _json(registering.register(tx.session, invitation, said, now=now), status=201)


@bp.post("/<uid>/token")
@public
@tokens_often_enough
def token(uid: str) -> Response:
    """An access token for a signed assertion."""
    tool, now = queries.tool_at(read_session(), uid), clock.now()
    said = said_once(request.form)
    if said is None:
        raise ServiceRefusal(400, "invalid_request", "a parameter stands twice")
    jti = tokens.checked_assertion(tool, said, _ours(uid), now=now)
    with transaction() as tx:
        tool = queries.tool_at(tx.session, uid)
        made, granted = tokens.grant(tx.session, tool, jti, said.get("scope", ""), now=now)
    return _json(
        {
            "access_token": made,
            "token_type": "Bearer",
            "expires_in": int(tokens.LIFE.total_seconds()),
            "scope": " ".join(granted),
        }
    )


@bp.get("/<uid>/lineitems")
@public
@often_enough
def line_items(uid: str) -> Response:
    tool = _tool(uid, READ_COLUMNS)
    limit, after = _paging()
    page = columns.listed(
        read_session(),
        tool,
        _ours(uid),
        link_uid=_filter("resource_link_id"),
        resource_id=_filter("resource_id"),
        tag=_filter("tag"),
        limit=limit,
        after=after,
    )
    return _page(page, LINE_ITEMS)


@bp.post("/<uid>/lineitems")
@public
@often_enough
def new_line_item(uid: str) -> Response:
    tool_id, body = _tool(uid, [scopes.LINE_ITEM]).id, _body(LINE_ITEM)
    with transaction() as tx:
        tool = tx.session.get_one(ExternalTool, tool_id)
        said = columns.create(tx.session, tool, body, _ours(uid), now=clock.now())
    return _json(said, status=201, kind=LINE_ITEM)


@bp.get("/<uid>/lineitems/<item>")
@public
@often_enough
def line_item(uid: str, item: str) -> Response:
    tool = _tool(uid, READ_COLUMNS)
    return _json(columns.one(read_session(), tool, item, _ours(uid)), kind=LINE_ITEM)


@bp.put("/<uid>/lineitems/<item>")
@public
@often_enough
def change_line_item(uid: str, item: str) -> Response:
    tool_id, body = _tool(uid, [scopes.LINE_ITEM]).id, _body(LINE_ITEM)
    with transaction() as tx:
        tool = tx.session.get_one(ExternalTool, tool_id)
        said = columns.replace(tx.session, tool, item, body, _ours(uid))
    return _json(said, kind=LINE_ITEM)


@bp.delete("/<uid>/lineitems/<item>")
@public
@often_enough
def remove_line_item(uid: str, item: str) -> Response:
    tool_id = _tool(uid, [scopes.LINE_ITEM]).id
    with transaction() as tx:
        tool = tx.session.get_one(ExternalTool, tool_id)
        columns.remove(tx.session, tool, item, now=clock.now())
    return Response(status=204)


@bp.post("/<uid>/lineitems/<item>/scores")
@public
@often_enough
def score(uid: str, item: str) -> Response:
    """The callback: kept before it counts. What is refused for who it is about is kept as well."""
    tool_id, body = _tool(uid, [scopes.SCORE]).id, _body(SCORE)
    doors = visibility.doors(current_app.extensions)
    with transaction() as tx:
        tool = tx.session.get_one(ExternalTool, tool_id)
        outcome = scores.receive(tx, tool, item, body, doors=doors, now=clock.now())
    if outcome in REFUSED:
        raise ServiceRefusal(403, outcome.value, REFUSED[outcome])
    return Response(status=204)


@bp.get("/<uid>/lineitems/<item>/results")
@public
@often_enough
def results(uid: str, item: str) -> Response:
    tool = _tool(uid, [scopes.RESULT_READ])
    limit, after = _paging()
    page = columns.results(
        read_session(),
        tool,
        item,
        _ours(uid),
        subject=_filter("user_id"),
        limit=limit,
        after=after,
    )
    return _page(page, RESULTS)


@bp.get("/<uid>/memberships")
@public
@often_enough
def memberships(uid: str) -> Response:
    tool = _tool(uid, [scopes.MEMBERSHIP])
    limit, after = _paging()
    page = members.listed(
        read_session(),
        tool,
        link_uid=_filter("rlid"),
        role=_filter("role"),
        limit=limit,
        after=after,
    )
    said = {
        "id": _ours(uid).memberships,
        "context": {"id": tool.uid},
        "members": list(page.items),
    }
    return _page(page, MEMBERS, said)


def _paging() -> tuple[int, int]:
    return _number("limit", columns.MAX_PAGE, columns.MAX_PAGE), _number("from", 0, 10**MAX_DIGITS)


def _filter(name: str) -> str | None:
    """What a list is narrowed by; what no row can hold is refused, not asked of the database."""
    text = request.args.get(name)
    if text and not is_id(text):
        raise bad(f"{name} must be a text of at most 255 printable characters")
    return text or None


def _number(name: str, default: int, most: int) -> int:
    text = request.args.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdecimal() or len(text) > MAX_DIGITS:
        raise ServiceRefusal(400, "bad_request", f"{name} must be a whole number")
    return max(1, min(int(text), most)) if name == "limit" else int(text)


def _page(page: Page, kind: str, said: Any = None) -> Response:
    answer = _json(list(page.items) if said is None else said, kind=kind)
    if page.next_after is not None:
        address = further(current_settings().tool_url, **{"from": page.next_after})
        answer.headers["Link"] = f'<{address}>; rel="next"'
    return answer
