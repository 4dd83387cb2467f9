"""The answer to a tool that asks who opens it: for the visit that began the launch, no other."""

from collections.abc import Mapping
from typing import Any

from flask import url_for
from flask_babel import get_locale

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import transaction
from plugin.lti.platform import launching, queries
from plugin.lti.platform.launching import AnswerError, Asked
from plugin.web.identity import Me

QUESTION = (
    "scope",
    "response_type",
    "response_mode",
    "prompt",
    "client_id",
    "redirect_uri",
    "login_hint",
    "lti_message_hint",
    "state",
    "nonce",
)


def answer(uid: str, said: Mapping[str, str], asked: Asked, visitor: Me | None) -> dict[str, str]:
    """The fields that go to the tool's address: who it is, or why nobody is named."""
    try:
        launching.check_request(said, asked)
        return {"id_token": _message(uid, asked, visitor), "state": asked.state}
    except AnswerError as error:
        return {"error": error.error, "error_description": error.words, "state": asked.state}


def _message(uid: str, asked: Asked, visitor: Me | None) -> str:
    now = clock.now()
    if visitor is None:
        raise AnswerError("login_required", "the visit has ended, or the browser kept no cookie")
    with transaction() as tx:
        tool = queries.tool_at(tx.session, uid)
        launch = launching.take(tx.session, tool, asked, sign_in_id=visitor.sign_in_id, now=now)
        token = launching.offer_answer(tx.session, launch)
        return launching.message_of(
            tx.session,
            tool,
            launch,
            settings=current_settings(),
            locale=str(get_locale() or "en"),
            nonce=asked.nonce,
            return_url=_full("platform.back", uid=uid),
            answer_url=_full("platform.answer", uid=uid, token=token),
            now=now,
        )


def _full(endpoint: str, **parts: Any) -> str:
    """The public address, whatever the request came by."""
    return current_settings().tool_url + url_for(endpoint, **parts)
