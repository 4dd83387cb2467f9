"""A quiz maker: a small external LTI 1.3 tool of somebody else, on a site of its own."""

import json
import secrets
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    jsonify,
    redirect,
    render_template,
    request,
)
from werkzeug.serving import make_server
from werkzeug.wrappers import Response as AnyResponse

from plugin.core import demo_clock
from sandbox import maker_lti, tokens
from sandbox.maker_lti import MakerError, Notebook, Sitting
from sandbox.maker_quizzes import QUIZZES, Quiz
from sandbox.serve import refuse_production
from sandbox.tokens import LTI

bp = Blueprint("maker", __name__)
NAME = "Quiz maker"
COOKIE = "__Host-maker-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Where the tool lives and what it keeps; `keys_url` is what servers on this machine reach."""

    url: str
    keys_url: str
    folder: Path
    platform_url: str
    """It introduces itself to platforms of this site only."""
    clock: Path | None = None


def create_maker(workshop: Workshop) -> Flask:
    """The tool as a web application of its own."""
    app = Flask("sandbox", root_path=str(Path(__file__).parent))
    app.extensions["workshop"] = workshop
    app.extensions["key"] = tokens.platform_key(workshop.folder)
    app.extensions["notebook"] = Notebook(workshop.folder / "platforms.json")
    app.register_blueprint(bp)
    app.register_error_handler(MakerError, _refused)
    app.after_request(_add_headers)
    return app


def _workshop() -> Workshop:
    found: Workshop = current_app.extensions["workshop"]
    return found


def _notebook() -> Notebook:
    found: Notebook = current_app.extensions["notebook"]
    return found


def _refused(error: MakerError) -> tuple[str, int]:
    return render_template("maker/refused.html", words=str(error)), 400


def _add_headers(answer: Response) -> Response:
    platform = _workshop().platform_url
    answer.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        f"connect-src 'self'; form-action 'self' {platform}; base-uri 'none'"
    )
    answer.headers.setdefault("X-Content-Type-Options", "nosniff")
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer


@bp.get("/jwks")
def jwks() -> Response:
    return jsonify(tokens.jwks(current_app.extensions["key"]))


@bp.route("/register", methods=["GET", "POST"])
def register() -> str:
    """An administrator of a platform opened this page: one press introduces the tool."""
    said = request.values.to_dict()
    if request.method == "GET":
        return render_template("maker/register.html", said=said, name=NAME)
    workshop = _workshop()
    platform = maker_lti.introduce(
        said, maker_lti.description(NAME, workshop.url, workshop.keys_url), workshop.platform_url
    )
    _notebook().keep(platform)
    return render_template("maker/registered.html", origin=workshop.platform_url)


@bp.route("/login", methods=["GET", "POST"])
def login() -> AnyResponse | str:
    """A platform begins a launch: the state goes to its storage, or to a cookie in a window."""
    said = request.values.to_dict()
    platform = _notebook().platform(said.get("iss", ""), said.get("client_id", ""))
    begun = _notebook().begin(platform)
    address = maker_lti.question(platform, said, begun, f"{_workshop().url}/launch")
    if said.get("lti_storage_target") != "_parent":
        answer = redirect(address, 302)
        _set_cookie(answer, begun.state)
        return answer
    return render_template(
        "maker/login.html", next=address, state=begun.state, origin=_origin(platform.auth_url)
    )


def _set_cookie(answer: AnyResponse, state: str) -> None:
    answer.set_cookie(
        COOKIE + state[:8],
        state,
        path="/",
        secure=True,
        httponly=True,
        samesite="None",
        partitioned=True,
        max_age=600,
    )


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


@bp.post("/launch")
def launch() -> str:
    """Who it is: signed by the platform, for a login this browser began."""
    if request.form.get("error"):
        raise MakerError(f"The platform refused: {request.form['error']}")
    state = request.form.get("state", "")
    sitting = _notebook().opened(state, request.form.get("id_token", ""))
    if secrets.compare_digest(request.cookies.get(COOKIE + state[:8], ""), state):
        return _page(_notebook().bound(sitting.ticket, state))
    return render_template(
        "maker/check.html", ticket=sitting.ticket, state=state[:8], origin=_origin(sitting.auth_url)
    )


@bp.post("/begin")
def begin() -> str:
    """The platform's storage gave the state back: it is the browser that began the login."""
    ticket, state = request.form.get("ticket", ""), request.form.get("state", "")
    return _page(_notebook().bound(ticket, state))


def _page(sitting: Sitting) -> str:
    if sitting.claims[LTI + "message_type"] == "LtiDeepLinkingRequest":
        return render_template("maker/pick.html", sitting=sitting, quizzes=QUIZZES)
    return _quiz_page(sitting)


def _quiz_page(sitting: Sitting) -> str:
    return render_template(
        "maker/quiz.html",
        sitting=sitting,
        quiz=_quiz(sitting),
        origin=_origin(sitting.auth_url),
    )


def _quiz(sitting: Sitting) -> Quiz:
    said: Any = sitting.claims.get(LTI + "custom", {})
    return next((each for each in QUIZZES if each.name == said.get("quiz")), QUIZZES[0])


@bp.post("/picked")
def picked() -> str:
    """What was chosen goes back to the platform, signed."""
    sitting = _notebook().sitting(request.form.get("visit", ""))
    chosen = [each for each in QUIZZES if each.name in request.form.getlist("quiz")]
    address, token = maker_lti.choice(
        sitting, current_app.extensions["key"], [_item(each) for each in chosen]
    )
    return render_template("maker/send.html", action=address, fields={"JWT": token})


def _item(quiz: Quiz) -> dict[str, Any]:
    return {
        "type": "ltiResourceLink",
        "title": quiz.title,
        "url": f"{_workshop().url}/launch",
        "custom": {"quiz": quiz.name},
        "lineItem": {"scoreMaximum": 1, "label": quiz.title, "tag": "quiz"},
    }


@bp.post("/answer")
def answer() -> str:
    """The quiz is answered: the platform hears the score at once."""
    sitting = _notebook().sitting(request.form.get("visit", ""))
    if "again" in request.form:
        return _quiz_page(sitting)
    chosen = request.form.get("choice", "")
    if not chosen.isdecimal():
        abort(400)
    quiz = _quiz(sitting)
    is_right = int(chosen) == quiz.right
    at = _notebook().stamp(sitting)
    maker_lti.report(sitting, current_app.extensions["key"], is_right=is_right, at=at)
    return render_template(
        "maker/result.html",
        sitting=sitting,
        quiz=quiz,
        is_right=is_right,
        back=sitting.claims[LTI + "launch_presentation"]["return_url"],
        origin=_origin(sitting.auth_url),
    )


def workshop_of(path: Path) -> Workshop:
    """The tool described by a JSON file that the demo writes."""
    said = json.loads(path.read_text(encoding="utf-8"))
    return Workshop(
        url=said["url"],
        keys_url=said["keys_url"],
        folder=Path(said["folder"]),
        platform_url=said["platform_url"],
        clock=Path(said["clock"]),
    )


def main(words: list[str]) -> None:
    """`python -m sandbox.maker WORKSHOP.json` until told to stop."""
    refuse_production()
    workshop = workshop_of(Path(words[0]))
    if workshop.clock is not None:
        demo_clock.follow(workshop.clock)
    port = urlsplit(workshop.url).port or 80
    web = make_server("127.0.0.1", port, create_maker(workshop), threaded=True)

    def stop(_number: int, _frame: FrameType | None) -> None:
        threading.Thread(target=web.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    web.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
