"""Where LMSs send notices: answered at once, applied later."""

import json
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request

from plugin.core import clock
from plugin.core.db import read_session, transaction
from plugin.core.log import log
from plugin.lti.tool import notices, trust_queries
from plugin.lti.tool.errors import KeysUnavailableError, LtiError
from plugin.lti.tool.notice_claims import Notice
from plugin.lti.tool.trust_queries import Trust
from plugin.lti.tool.validation import MAX_TOKEN
from plugin.lti.tool.views import key_finder
from plugin.web.identity import public

bp = Blueprint("notices", __name__, url_prefix="/lti")

MAX_BODY = 1024 * 1024
UNAVAILABLE = 503


@bp.before_request
def _limit_size() -> None:
    request.max_content_length = MAX_BODY


@bp.post("/<uid>/notices")
@public
def receive(uid: str) -> tuple[Response, int]:
    """Each notice is taken or refused by itself; the answer says which and why.

    Nothing taken is 401, so that the LMS knows; a message that is none is 400, one that holds
    more than we asked for 413.
    """
    now = clock.now()
    trust = trust_queries.trust(read_session(), uid, at=now).checked()
    listed = _listed(request.get_data())
    if listed is None:
        return _whole("lti.notices_malformed", 400)
    if len(listed) > notices.MAX_BATCH:
        return _whole("lti.notices_too_many", 413)
    taken, refused, status = 0, [], 401
    for number, each in enumerate(listed):
        try:
            _take(trust, _verified(trust, each, now), now)
            taken += 1
        except LtiError as error:
            status = max(status, UNAVAILABLE if isinstance(error, KeysUnavailableError) else 0)
            refused.append({"index": number, "code": error.code})
            log.info("notice.refused", registration_id=trust.id, code=error.code)
    answer = jsonify(accepted=taken, refused=refused)
    return answer, 200 if taken or not listed else status


def _listed(body: bytes) -> list[Any] | None:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    listed = said.get("notices") if isinstance(said, dict) else None
    return listed if isinstance(listed, list) else None


def _verified(trust: Trust, said: Any, now: datetime) -> Notice:
    token = said.get("jwt") if isinstance(said, dict) else None
    token = token if isinstance(token, str) and len(token) <= MAX_TOKEN else ""
    return notices.verify(token, trust, find_key=key_finder(trust), now=now)


def _take(trust: Trust, notice: Notice, now: datetime) -> None:
    with transaction() as tx:
        notices.keep(tx, trust, notice, now=now)


def _whole(code: str, status: int) -> tuple[Response, int]:
    return jsonify(accepted=0, code=code), status
