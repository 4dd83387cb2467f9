"""Content that a teacher picks in the tool for the course, and the grades it brings."""

from typing import Any

import jwt
from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from sandbox import oidc
from sandbox.gradebook import Gradebook
from sandbox.people import PEOPLE
from sandbox.tokens import LTI, Placement

bp = Blueprint("content", __name__)
PICKING = "pick"
"""The message hint of a launch that picks content."""
SETTINGS = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
ITEMS = "https://purl.imsglobal.org/spec/lti-dl/claim/content_items"
WORDS = "https://purl.imsglobal.org/spec/lti-dl/claim/"
MAX_ITEMS = 50
MAX_WORDS = 300


def settings(url: str) -> dict[str, Any]:
    """What the LMS accepts, as a Moodle says it."""
    return {
        "accept_types": ["ltiResourceLink"],
        "accept_presentation_document_targets": ["frame", "iframe", "window"],
        "accept_multiple": True,
        "auto_create": False,
        "deep_link_return_url": f"{url}/content/return?course=2",
        "title": "Safety 101",
        "data": "course-2",
    }


def request_claims(claims: dict[str, Any], url: str) -> dict[str, Any]:
    """A launch's claims turned into a request for content: no activity, and no roster."""
    kept = {
        name: value
        for name, value in claims.items()
        if not name.endswith(("resource_link", "namesroleservice"))
    }
    return {**kept, LTI + "message_type": "LtiDeepLinkingRequest", SETTINGS: settings(url)}


@bp.post("/content/return")
def back() -> AnyResponse:
    """The tool's signed answer: every link becomes an activity, with a column if it asks for one.

    The form comes from another site, so nobody's session comes with it: the signature vouches.
    """
    said = _verified(request.form.get("JWT", ""))
    if said.get("https://purl.imsglobal.org/spec/lti-dl/claim/data") != "course-2":
        abort(400)
    items = said.get(ITEMS)
    for item in items[:MAX_ITEMS] if isinstance(items, list) else []:
        if isinstance(item, dict) and item.get("type") == "ltiResourceLink":
            add(item)
    words = said.get(WORDS + "errormsg") or said.get(WORDS + "msg") or ""
    return redirect(url_for("content.done", words=str(words)[:MAX_WORDS] or None), 303)


@bp.get("/content/done")
def done() -> str:
    """Inside the frame: what the tool said, if anything, and the way out of it."""
    return render_template("done.html", words=request.args.get("words", "")[:MAX_WORDS])


def add(item: dict[str, Any]) -> Placement:
    """The activity of a content item."""
    placements: dict[str, Placement] = current_app.extensions["placements"]
    link_id = str(max((int(each) for each in placements), default=0) + 1)
    custom = item.get("custom")
    placement = Placement(
        link_id=link_id,
        title=str(item.get("title") or "Untitled")[:200],
        custom={str(name): str(value) for name, value in custom.items()}
        if isinstance(custom, dict)
        else {},
    )
    placements[link_id] = placement
    wanted = item.get("lineItem")
    if isinstance(wanted, dict):
        gradebook().add(
            placement.title,
            float(wanted.get("scoreMaximum") or 100),
            resource_id=wanted.get("resourceId"),
            tag=wanted.get("tag"),
            link_id=link_id,
        )
    return placement


def gradebook() -> Gradebook:
    found: Gradebook = current_app.extensions["gradebook"]
    return found


def _verified(token: str) -> dict[str, Any]:
    campus, tokens = current_app.extensions["campus"], current_app.extensions["tokens"]
    tool = current_app.extensions["tool"]
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        keys = tokens.read_keys(tool.jwks_url)["keys"]
        jwk = next(key for key in keys if key.get("kid") == kid)
        said: dict[str, Any] = jwt.decode(
            token,
            jwt.PyJWK(jwk, algorithm="RS256").key,
            algorithms=["RS256"],
            audience=campus.url,
            issuer=tool.client_id,
            options={
                "require": ["iss", "aud", "iat", "exp", "nonce"],
                "verify_exp": False,
                "verify_iat": False,
            },
        )
    except (jwt.PyJWTError, StopIteration, KeyError, OSError, ValueError) as error:
        raise oidc.RefusedError("invalid_request", type(error).__name__) from None
    at = tokens.now()
    if said["iat"] > at or said["exp"] <= at:
        raise oidc.RefusedError("invalid_request", "iat or exp")
    if said.get(LTI + "message_type") != "LtiDeepLinkingResponse":
        raise oidc.RefusedError("invalid_request", "message_type")
    if said.get(LTI + "deployment_id") != tool.deployment_id:
        raise oidc.RefusedError("invalid_request", "deployment_id")
    return said


@bp.get("/grades")
def grades() -> str | Response:
    """What the tool has said of whom, and what a teacher wrote over it."""
    book = gradebook()
    learners = [each for each in PEOPLE if each.sub in book.learners]
    return render_template("grades.html", columns=list(book.columns.values()), people=learners)


@bp.post("/grades/<int:number>/<sub>")
def grade(number: int, sub: str) -> AnyResponse:
    """A teacher's own grade in percent; empty takes it back."""
    text = request.form.get("grade", "").strip()
    if sub not in gradebook().learners or not (text == "" or text.isdecimal()):
        abort(400)
    gradebook().override(number, sub, min(int(text), 100) / 100 if text else None)
    return redirect(url_for("content.grades"), 303)
