"""The page anybody can check a certificate on, its passcode, and the owner's documents."""

from datetime import datetime

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from plugin.certs import queries
from plugin.certs.credentials import typed_passcode
from plugin.certs.queries import Answer, Erased
from plugin.certs.verdict import verdict
from plugin.core import clock
from plugin.core.context import current_settings, storage
from plugin.core.db import read_session
from plugin.web.identity import me, public, requires
from plugin.web.limits import limiter
from plugin.web.roles import Role

bp = Blueprint("certs", __name__)
public_bp = Blueprint("verify", __name__)
"""No login, no cookie and so no form token: nothing here changes anything."""

rate_limited = limiter.shared_limit(lambda: current_settings().verify_rate, scope="verify")


@public_bp.get("/v/<token>")
@public
@rate_limited
def certificate(token: str) -> Response:
    """What this certificate is worth at this very moment, from the facts themselves."""
    return _page(queries.answer(read_session(), token, at=clock.now()))


@public_bp.get("/verify")
@public
@rate_limited
def passcode() -> Response:
    """Where the passcode of a printed certificate is typed."""
    return _hidden_from_robots(render_template("certs/passcode.html", typed="", is_unknown=False))


@public_bp.post("/verify")
@public
@rate_limited
def find() -> AnyResponse:
    """From the passcode to the certificate's address."""
    typed = request.form.get("passcode", "")[:64]
    meant = typed_passcode(typed)
    token = queries.token_of_passcode(read_session(), meant) if meant else None
    if token is None:
        page = render_template("certs/passcode.html", typed=typed, is_unknown=True)
        return _hidden_from_robots(page, 404)
    return redirect(url_for("verify.certificate", token=token), 303)


@bp.get("/certificates/<int:certificate_id>/<int:number>.pdf")
@requires(Role.LEARNER)
def document(certificate_id: int, number: int) -> Response:
    """An edition of one's own certificate, as it was issued."""
    asking = me()
    found = queries.own_document(
        read_session(), asking.organization_id, asking.person_id, certificate_id, number
    )
    response = make_response(storage().read(found.key))
    response.mimetype = "application/pdf"
    response.headers.set("Content-Disposition", "attachment", filename=found.filename)
    return response


def _page(found: Answer | Erased | None) -> Response:
    match found:
        case None:
            return _hidden_from_robots(render_template("certs/unknown.html"), 404)
        case Erased(at=at):
            return _hidden_from_robots(_erased(at), 410)
        case Answer():
            page = render_template("certs/verify.html", verdict=verdict(found))
            return _hidden_from_robots(page)


def _erased(at: datetime) -> str:
    return render_template("certs/erased.html", erased_at=at)


def _hidden_from_robots(page: str, status: int = 200) -> Response:
    response = make_response(page, status)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
