"""Content that a teacher picks in the tool for the course, and the grades it brings."""

from collections.abc import Mapping
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

from sandbox import courses, oidc
from sandbox.gradebook import Gradebook
from sandbox.tokens import LTI, Course, Placement

bp = Blueprint("content", __name__)
PICKING = "pick-"
"""With the course behind it, the message hint of a launch that picks content."""
SETTINGS = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
ITEMS = "https://purl.imsglobal.org/spec/lti-dl/claim/content_items"
WORDS = "https://purl.imsglobal.org/spec/lti-dl/claim/"
MAX_ITEMS = 50
MAX_WORDS = 300


def settings(url: str, course: Mapping[str, str]) -> dict[str, Any]:
    """What the LMS accepts for a course, as a Moodle says it."""
    return {
        "accept_types": ["ltiResourceLink"],
        "accept_presentation_document_targets": ["frame", "iframe", "window"],
        "accept_multiple": True,
        "auto_create": False,
        "deep_link_return_url": f"{url}/content/return?course={course['id']}",
        "title": course["title"],
        "data": f"course-{course['id']}",
    }


def request_claims(claims: dict[str, Any], url: str) -> dict[str, Any]:
    """A launch's claims turned into a request for content: no activity, and no roster."""
    kept = {
        name: value
        for name, value in claims.items()
        if not name.endswith(("resource_link", "namesroleservice"))
    }
    return {
        **kept,
        LTI + "message_type": "LtiDeepLinkingRequest",
        SETTINGS: settings(url, claims[LTI + "context"]),
    }


def course_picked_for(hint: str) -> Course | None:
    """The course that content is picked for; None when an activity is opened."""
    if not hint.startswith(PICKING):
        return None
    return courses.all_courses().get(hint.removeprefix(PICKING))


@bp.post("/content/return")
def back() -> AnyResponse:
    """The tool's signed answer: every link becomes an activity, with a column if it asks for one.

    The form comes from another site, so nobody's session comes with it: the signature vouches.
    """
    said = _verified(request.form.get("JWT", ""))
    data = str(said.get("https://purl.imsglobal.org/spec/lti-dl/claim/data", ""))
    course = courses.all_courses().get(data.removeprefix("course-"))
    if course is None:
        abort(400)
    items = said.get(ITEMS)
    for item in items[:MAX_ITEMS] if isinstance(items, list) else []:
        if isinstance(item, dict) and item.get("type") == "ltiResourceLink":
            add(item, course.id)
    words = said.get(WORDS + "errormsg") or said.get(WORDS + "msg") or ""
    said_words = str(words)[:MAX_WORDS] or None
    return redirect(url_for("content.done", course=course.id, words=said_words), 303)


@bp.get("/content/done")
def done() -> str:
    """Inside the frame: what the tool said, if anything, and the way out of it."""
    words = request.args.get("words", "")[:MAX_WORDS]
    return render_template("done.html", words=words, course=request.args.get("course"))


def add(item: dict[str, Any], course_id: str) -> Placement:
    """The activity of a content item."""
    link_id = courses.next_id({**courses.placements()})
    custom = item.get("custom")
    placement = Placement(
        link_id=link_id,
        title=str(item.get("title") or "Untitled")[:200],
        custom={str(name): str(value) for name, value in custom.items()}
        if isinstance(custom, dict)
        else {},
        course_id=course_id,
        url=str(item.get("url") or ""),
    )
    courses.placements()[link_id] = placement
    wanted = item.get("lineItem")
    if isinstance(wanted, dict):
        gradebook().add(
            placement.title,
            float(wanted.get("scoreMaximum") or 100),
            resource_id=wanted.get("resourceId"),
            tag=wanted.get("tag"),
            link_id=link_id,
            course_id=course_id,
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
            audience=campus.issuer,
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
    """What the tool has said of whom in a course, and what a teacher wrote over it."""
    book, course = gradebook(), courses.asked_for()
    learners = [each for each in courses.members(course) if each.sub in book.learners]
    columns = [each for each in book.columns.values() if each.course_id == course.id]
    return render_template("grades.html", course=course, columns=columns, people=learners)


@bp.post("/grades/<int:number>/<sub>")
def grade(number: int, sub: str) -> AnyResponse:
    """A teacher's own grade in percent; empty takes it back."""
    text = request.form.get("grade", "").strip()
    if sub not in gradebook().learners or not (text == "" or text.isdecimal()):
        abort(400)
    gradebook().override(number, sub, min(int(text), 100) / 100 if text else None)
    return redirect(url_for("content.grades", id=gradebook().column(number).course_id), 303)
