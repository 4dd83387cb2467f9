"""One handler makes the page of every refusal: a stable code, a sentence, a reference."""

import secrets
from collections.abc import Callable
from typing import cast

from flask import Flask, Response, current_app, g, make_response, render_template, request
from flask.sansio.app import App
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    InternalServerError,
    MethodNotAllowed,
    RequestEntityTooLarge,
)
from werkzeug.routing import IntegerConverter, Map

from plugin.core.errors import DiskFullError, PluginError, SignInRequiredError
from plugin.core.log import log
from plugin.core.storage import is_full
from plugin.web import bodies, headers, visits
from plugin.web.identity import framers_of_named_visit

_WORDS = {
    400: ("http.bad_request", _l("The request could not be understood.")),
    404: ("http.not_found", _l("There is nothing at this address.")),
    405: ("http.method", _l("This address does not work that way.")),
    429: ("http.too_many", _l("Too many requests. Please wait a minute and try again.")),
}
MAX_ROW_ID = 2**63 - 1
_PROGRAMS = "programs_answers"
_OTHER = ("http.error", _l("This did not work."))


class _RowId(IntegerConverter):
    """The number of a row in an address; one that no table can hold is no address of ours."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=MAX_ROW_ID)


def init_app(app: Flask) -> None:
    app.url_map.converters["int"] = _RowId
    app.register_error_handler(PluginError, _refused)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(DataError, _unstorable)
    app.register_error_handler(Exception, _broken)


def for_programs(
    app: App, prefix: str, blueprint: str, answer: Callable[[HTTPException], Response]
) -> None:
    """What goes wrong in the blueprint, or has no address or method below `prefix`, is answered by
    `answer`, not by a page."""
    app.extensions.setdefault(_PROGRAMS, {})[blueprint] = (prefix, answer)


def _told_to_a_program(error: HTTPException) -> Response | None:
    """The refusal in the form of the service that was called, if it was one."""
    for blueprint, (prefix, answer) in current_app.extensions.get(_PROGRAMS, {}).items():
        if request.path.startswith(prefix) and request.blueprint in {None, blueprint}:
            return cast("Response", answer(error))
    return None


def reference() -> str:
    """The number a person can tell their admin; the log has the same."""
    if "request_id" not in g:
        g.request_id = secrets.token_hex(6)
    return str(g.request_id)


def error_page(
    status: int,
    *,
    code: str,
    message: str,
    learner_advice: str = "",
    admin_advice: str = "",
    return_url: str | None = None,
    may_resume: bool = False,
    template: str = "error.html",
    **more: object,
) -> Response:
    """A self-contained page that says what happened and what each reader can do.

    Shown to somebody we do not know (yet) it has neither secrets nor buttons, so that any LMS may
    frame it: its place in the course would otherwise stay blank.
    """
    if g.get("me") is None:
        g.setdefault("frame_ancestors", "*")
    page = render_template(
        template,
        code=code,
        message=message,
        learner_advice=learner_advice,
        admin_advice=admin_advice,
        return_url=return_url,
        reference=reference(),
        may_resume=may_resume,
        **more,
    )
    return make_response(page, status)


def _refused(error: PluginError) -> Response:
    log.info("request.refused", code=error.code, **error.facts)
    return error_page(
        error.http_status,
        code=error.code,
        message=error.message,
        learner_advice=str(error.learner_advice),
        admin_advice=str(error.admin_advice),
        return_url=error.return_url,
        template=error.template,
        error=error,
        may_resume=isinstance(error, SignInRequiredError) and _may_resume(),
    )


def _may_resume() -> bool:
    """Whether a script in this frame may hold the session that the request did not bring: the page
    is then for the LMS of that visit only, and stays while the script shows the visit in it.
    """
    if visits.is_by_header() or request.method != "GET":
        return False
    framers = framers_of_named_visit()
    if framers is None:
        return False
    headers.frame_ancestors(framers)
    headers.for_a_visit_by_script(*framers.split())
    return True


def _stale_form(error: CSRFError) -> Response:  # noqa: ARG001 - Flask's signature
    return error_page(
        400,
        code="http.form_expired",
        message=_("This form has expired. Go back, reload the page and send it again."),
    )


def _http(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if status < 400:  # noqa: PLR2004 - a redirect raised as an exception
        return error
    answer = _told_to_a_program(error) or _told_to_a_person(error, status)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:  # RFC 9110, section 15.5.6
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return answer


def _told_to_a_person(error: HTTPException, status: int) -> Response:
    if isinstance(error, RequestEntityTooLarge):
        return _too_large()
    code, words = _WORDS.get(status, _OTHER)
    return error_page(status, code=code, message=str(words))


def _too_large() -> Response:
    limit = (request.max_content_length or 0) // bodies.MEGABYTE
    return error_page(
        413,
        code="http.too_large",
        message=_("What was sent is too large: at most %(limit)s MB are taken here.", limit=limit),
        learner_advice=_("Go back and choose a smaller file."),
        admin_advice=_(
            "Go back and choose a smaller file. For packages, whoever runs this server can raise "
            "PLUGIN_UPLOAD_MAX_MB."
        ),
    )


def _unstorable(error: DataError) -> Response:
    """What was sent is no text or number a database can hold (a NUL, for example)."""
    log.warning("request.unstorable", exc_info=error)
    code, words = _WORDS[400]
    told = _told_to_a_program(BadRequest())
    return told or error_page(400, code=code, message=str(words))


def _broken(error: Exception) -> Response:
    log.error("request.failed", exc_info=error)
    if told := _told_to_a_program(InternalServerError()):
        return told
    if is_full(error):
        return _refused(DiskFullError())
    return error_page(
        500,
        code="http.failed",
        message=_("Something went wrong on our side. Nothing was saved."),
        learner_advice=_("Please try again in a minute."),
    )
