"""A page that makes the miniature LMS behave like another one, or badly."""

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from sandbox.behaviour import MAKES
from sandbox.cookies import NoCookies
from sandbox.keeping import become
from sandbox.services import gradebook

bp = Blueprint("switching", __name__)
SWITCHES = {
    "is_locked": "Grades are locked: every score is answered with 500",
    "keeps_nothing": "Scores are taken and not kept",
    "keeps_older_out": "A score that is not newer than the last change is refused",
    "gives_access": "Tools get access to grades and people",
    "offers_notices": "Tools are told of copied courses (open the tool once; then see Tools)",
    "has_test_student": "The list of people holds a test student",
}
MOST_SECONDS, MOST_FAILURES, MOST_PEOPLE = 20, 100, 5000
FAILURES = (429, 500, 502, 503)


@bp.get("/behaviour")
def show() -> str:
    """How the LMS behaves now."""
    return render_template(
        "behaviour.html",
        behaviour=gradebook().behaviour,
        make=gradebook().make,
        makes=MAKES,
        switches=SWITCHES,
        failures=FAILURES,
        cookies=_cookies(),
    )


@bp.post("/behaviour/make")
def as_make() -> Response:
    """As a live one of this make."""
    make = request.form.get("make", "")
    if make and make not in MAKES:
        abort(400)
    become(current_app, make)
    return redirect(url_for("switching.show"), 303)


@bp.post("/behaviour")
def switch() -> Response:
    """One thing or another is different from now on, until the LMS starts again."""
    behaviour = gradebook().behaviour
    for name in SWITCHES:
        setattr(behaviour, name, name in request.form)
    if cookies := _cookies():
        cookies.switch(on="no_cookies" in request.form)
    behaviour.slow_seconds = float(_number("slow_seconds", MOST_SECONDS))
    behaviour.crowd = _number("crowd", MOST_PEOPLE)
    behaviour.page_size = _number("page_size", 1000)
    status = _number("status", 599)
    if status and status not in FAILURES:
        abort(400)
    behaviour.fails_with[:] = [status] * _number("failures", MOST_FAILURES) if status else []
    return redirect(url_for("switching.show"), 303)


def _cookies() -> NoCookies | None:
    found: NoCookies | None = current_app.extensions["campus"].cookies
    return found


def _number(name: str, most: int) -> int:
    text = request.form.get(name, "") or "0"
    if not (text.isascii() and text.isdecimal()) or int(text) > most:
        abort(400)
    return int(text)
