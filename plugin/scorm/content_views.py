"""The packages' origin: the player's page, the files of a package, and what content reports.

No cookies here. Whoever holds a launch's token may play its run and nothing else.
"""

from pathlib import Path

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    jsonify,
    render_template,
    request,
    send_file,
)
from werkzeug.exceptions import HTTPException

from plugin.core import clock
from plugin.core.context import current_settings, storage
from plugin.core.db import read_session, transaction
from plugin.core.errors import PluginError
from plugin.core.log import log
from plugin.core.secrets import name_of
from plugin.modules import visibility
from plugin.scorm import actions, commits, files, queries, vendor
from plugin.web.identity import public

bp = Blueprint("player", __name__, url_prefix="/c/<token>")
FILE_AGE = 12 * 3600
GENERAL_FAILURE = 391


@bp.get("/")
@public
def shell(token: str) -> Response:
    """The page around the content; its script opens the launch."""
    session = read_session()
    shelf = queries.shelf_of(session, token, clock.now())
    runtime = vendor.RUNTIME_2004 if shelf.is_2004 else vendor.RUNTIME_12
    page = render_template(
        "scorm/player.html",
        title=shelf.title,
        outbox=name_of("outbox", shelf.run_id, secret_key=current_settings().secret_key),
        tool_url=current_settings().tool_url,
        edition="2004" if shelf.is_2004 else "1.2",
        runtime=vendor.address(runtime),
        integrity=vendor.INTEGRITY[runtime],
    )
    frames = " ".join(["frame-src 'self'", *queries.hosts_elsewhere(session, token)])
    answer = Response(page, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"connect-src 'self'; {frames}; base-uri 'none'; form-action 'none'; "
        + _ancestors(shelf.frame_ancestors)
    )
    answer.headers["Cache-Control"] = "no-store"
    return _for_frames(answer)


@bp.get("/files/<path:name>")
@public
def file(token: str, name: str) -> Response:
    """One file of the package; never run here, never of a type we do not know."""
    shelf = queries.shelf_of(read_session(), token, clock.now())
    found = files.find(storage().path(shelf.base_key), name)
    if found is None:
        abort(404)
    return _sent(found, shelf.frame_ancestors)


def _sent(found: Path, frame_ancestors: str) -> Response:
    media_type = files.media_type(found.name)
    answer = send_file(
        found,
        mimetype=media_type or files.UNKNOWN,
        as_attachment=media_type is None,
        conditional=True,
    )
    answer.headers["Cache-Control"] = f"private, max-age={FILE_AGE}, immutable"
    answer.headers["Content-Security-Policy"] = _ancestors(frame_ancestors)
    return _for_frames(answer)


@bp.post("/open")
@public
def open_player(token: str) -> Response:
    """The player begins: it is now the one that writes."""
    body, doors = _body(), visibility.doors(current_app.extensions)
    with transaction() as tx:
        opened = actions.open_player(tx, token, body, doors=doors, now=clock.now())
    return jsonify(
        opening=opened.opening,
        state=opened.run_state,
        review=opened.is_review,
        current=opened.current,
        parts=opened.parts,
        course=opened.course,
    )


@bp.post("/commit")
@public
def commit(token: str) -> Response:
    """What content stored is kept, with the completion it means; acknowledged only then."""
    body = _body()
    with transaction() as tx:
        kept = actions.commit(tx, token, body, now=clock.now())
    return jsonify(
        result="true",
        errorCode=0,
        state=kept.run_state,
        applied=kept.is_new,
        done={part: mark.is_done for part, mark in kept.marks.items()},
        failed={part: mark.is_failed for part, mark in kept.marks.items()},
    )


@bp.post("/heartbeat")
@public
def heartbeat(token: str) -> Response:
    """The learner is still there."""
    body = _body()
    with transaction() as tx:
        actions.heartbeat(tx, token, body, now=clock.now())
    return jsonify(result="true", errorCode=0)


@bp.errorhandler(PluginError)
def refused(error: PluginError) -> tuple[Response, int]:
    """A player gets a code it understands; a person gets a page that needs nothing else."""
    log.info("player.refused", code=error.code, **error.facts)
    if request.method == "POST":
        answer = jsonify(result="false", errorCode=GENERAL_FAILURE, code=error.code)
        return answer, error.http_status
    page = render_template("scorm/refused.html", message=error.message, code=error.code)
    return Response(page, mimetype="text/html"), error.http_status


@bp.errorhandler(HTTPException)
def failed(error: HTTPException) -> tuple[Response, int] | HTTPException:
    if request.method != "POST" or error.code is None:
        return error
    return jsonify(result="false", errorCode=GENERAL_FAILURE, code="http"), error.code


def _body() -> bytes:
    request.max_content_length = commits.MAX_BYTES
    return request.get_data(cache=False)


def _ancestors(origins: str) -> str:
    allowed = [each for each in origins.split() if each not in {"'none'", "'self'"}]
    return " ".join(["frame-ancestors 'self'", current_settings().tool_url, *allowed])


def _for_frames(answer: Response) -> Response:
    answer.headers["Permissions-Policy"] = "unload=*"
    return answer
