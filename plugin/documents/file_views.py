"""The file of a document, on the packages' origin: no cookies, nothing of ours beside it.

Whoever holds the address may read the document until it is over, and nothing else.
"""

from typing import Any

from flask import Blueprint, Response, render_template, request, send_file

from plugin.core import clock
from plugin.core.context import current_settings, storage
from plugin.core.db import read_session, transaction
from plugin.core.errors import PluginError
from plugin.core.signed import read
from plugin.documents import actions, queries
from plugin.documents.errors import LinkOverError
from plugin.documents.models import Document
from plugin.modules.models import Run, RunState
from plugin.web.identity import public

bp = Blueprint("document_files", __name__, url_prefix="/d/<token>")
PURPOSE = "document"


@bp.get("")
@public
def inline(token: str) -> Response:
    """The PDF for the browser's own reader; from now on it may be acknowledged."""
    said = _said(token)
    return _sent(_given(said), said, as_attachment=False)


@bp.get("/download")
@public
def download(token: str) -> Response:
    """The PDF as a file."""
    said = _said(token)
    return _sent(_given(said), said, as_attachment=True)


def _said(token: str) -> dict[str, Any]:
    said = read(token, key=current_settings().secret_key, purpose=PURPOSE, now=clock.now())
    if said is None:
        raise LinkOverError
    return said


def _given(said: dict[str, Any]) -> Document:
    """The document; that its reader was given it is kept once."""
    run = read_session().get_one(Run, said["run"])
    document = queries.document_of(read_session(), run.organization_id, said["document"])
    if request.method == "GET" and run.state is RunState.OPEN:
        reading = queries.reading_of(read_session(), run)
        if reading.opened_at is None and reading.document.id == document.id:
            with transaction() as tx:
                actions.note_opening(tx, reading, now=clock.now())
    return document


def _sent(document: Document, said: dict[str, Any], *, as_attachment: bool) -> Response:
    answer = send_file(
        storage().path(document.key),
        mimetype="application/pdf",
        as_attachment=as_attachment,
        download_name=document.filename,
        conditional=True,
    )
    frames = [each for each in said["frames"].split() if each not in {"'none'", "'self'"}]
    allowed = " ".join(["frame-ancestors 'self'", current_settings().tool_url, *frames])
    answer.headers["Content-Security-Policy"] = allowed
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@bp.errorhandler(PluginError)
def refused(error: PluginError) -> tuple[Response, int]:
    """A page that needs nothing else of the tool."""
    page = render_template("scorm/refused.html", message=error.message, code=error.code)
    return Response(page, mimetype="text/html"), error.http_status
