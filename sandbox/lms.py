"""An LMS in miniature: sign in, our tool in a frame, strict OpenID Connect, an inbox."""

import io
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
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
    send_file,
    session,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from sandbox import (
    content,
    courses,
    keeping,
    moving,
    notices,
    oidc,
    registering,
    services,
    storing,
    switching,
    tokens,
)
from sandbox import inbox as mailbox
from sandbox.behaviour import Vendor
from sandbox.cookies import NoCookies
from sandbox.gradebook import Gradebook
from sandbox.people import BY_SUB, BY_USERNAME, LEARNER, PEOPLE, LmsPerson
from sandbox.tokens import Placement

bp = Blueprint("lms", __name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Campus:
    """Where the LMS lives, what it keeps, and the tool installed in it."""

    url: str
    folder: Path
    tool: oidc.Tool
    tool_origin: str
    clock: Path | None = None
    database_url: str = ""
    vendor: Vendor | None = None
    """Who speaks for this LMS; it speaks for itself if nobody does."""
    cookies: NoCookies | None = None
    """Takes the tool's cookies away, where the tool is served behind that door."""

    @property
    def issuer(self) -> str:
        return self.vendor.issuer if self.vendor else self.url

    @property
    def token_url(self) -> str:
        return self.vendor.token_url if self.vendor else f"{self.url}/token"


def create_lms(campus: Campus) -> Flask:
    """The LMS as a web application of its own."""
    app = Flask("sandbox", root_path=str(Path(__file__).parent))
    app.secret_key = _session_key(campus.folder)
    app.config.update(SESSION_COOKIE_NAME="sandbox_session", SESSION_COOKIE_SAMESITE="Lax")
    app.extensions["campus"] = campus
    app.extensions["tool"] = campus.tool
    app.extensions["registration_tokens"] = set()
    app.extensions["key"] = tokens.platform_key(campus.folder)
    app.extensions["hints"] = oidc.Hints()
    app.extensions["tokens"] = oidc.Tokens(read_keys=_read_keys, token_url=campus.token_url)
    app.extensions["inbox"] = mailbox.Inbox(campus.folder / "mail")
    app.extensions["gradebook"] = _gradebook()
    app.extensions["storage"] = storing.Storage()
    app.extensions["courses"] = {each.id: each for each in courses.FIRST_COURSES}
    app.extensions["placements"] = {each.link_id: each for each in courses.FIRST_PLACEMENTS}
    keeping.restore(app)
    app.register_blueprint(bp)
    app.extensions["notice_handlers"] = notices.Handlers()
    app.register_blueprint(services.bp)
    app.register_blueprint(notices.bp)
    app.register_blueprint(courses.bp)
    app.register_blueprint(content.bp)
    app.register_blueprint(registering.bp)
    app.register_blueprint(storing.bp)
    app.register_blueprint(moving.bp)
    app.register_blueprint(switching.bp)
    app.after_request(keeping.keep)
    app.register_error_handler(oidc.RefusedError, _refused)
    app.after_request(_add_headers)
    app.context_processor(_page_facts)
    return app


def _page_facts() -> dict[str, object]:
    return {
        "person": _person(),
        "demo_time": moving.shown(),
        "storage": storing.storage(),
        "storage_frame": storing.FRAME,
        "tool_origin": _campus().tool_origin,
    }


def _gradebook() -> Gradebook:
    """The learners' grades; the training activity has a column of its own."""
    learners = {each.sub for each in PEOPLE if each.roles == LEARNER}
    grades = Gradebook(learners=learners)
    grades.add(courses.TRAINING.title, link_id=courses.TRAINING.link_id)
    return grades


def _session_key(folder: Path) -> str:
    """Signs the sessions; kept, so that nobody is signed out by a restart."""
    path = folder / "session-key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32), encoding="utf-8")
    return path.read_text(encoding="utf-8")


def _read_keys(url: str) -> dict[str, Any]:
    answer = requests.get(url, timeout=5)
    answer.raise_for_status()
    return dict(answer.json())


def _campus() -> Campus:
    found: Campus = current_app.extensions["campus"]
    return found


def _tool() -> oidc.Tool:
    """The tool as it was registered last."""
    found: oidc.Tool = current_app.extensions["tool"]
    return found


def _person() -> LmsPerson | None:
    return BY_USERNAME.get(session.get("username", ""))


def _add_headers(answer: Response) -> Response:
    tool = _campus().tool_origin
    answer.headers.setdefault(
        "Content-Security-Policy",
        f"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        f"frame-src 'self' {tool}; form-action 'self' {tool}; base-uri 'none'; "
        f"frame-ancestors 'self' {tool}",
    )
    answer.headers.setdefault("X-Content-Type-Options", "nosniff")
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer


def _refused(error: oidc.RefusedError) -> tuple[str, int]:
    return render_template("refused.html", code=error.code, why=error.why), 400


@bp.get("/")
def home() -> str:
    """Choose who to be."""
    return render_template("home.html", people=PEOPLE)


@bp.post("/sign-in")
def sign_in() -> AnyResponse:
    if request.form.get("username") not in BY_USERNAME:
        abort(400)
    session.clear()
    session["username"] = request.form["username"]
    return redirect(url_for("lms.course"), 303)


@bp.post("/sign-out")
def sign_out() -> AnyResponse:
    session.clear()
    return redirect(url_for("lms.home"), 303)


@bp.get("/course")
def course() -> str | AnyResponse:
    """A course and its activities."""
    person = _person()
    if person is None:
        return redirect(url_for("lms.home"), 303)
    found = courses.asked_for()
    return render_template(
        "course.html",
        course=found,
        placements=courses.shown(found, person),
        may_edit=person.roles != LEARNER,
    )


@bp.get("/content")
def pick_content() -> str | AnyResponse:
    """A teacher picks content: the tool in a frame."""
    person = _person()
    if person is None or person.roles == LEARNER:
        return redirect(url_for("lms.home"), 303)
    course = courses.asked_for()
    return render_template("content.html", course=course, hint=content.PICKING + course.id)


@bp.get("/course/<link_id>")
def activity(link_id: str) -> str | AnyResponse:
    """An activity: our tool in a frame."""
    if _person() is None:
        return redirect(url_for("lms.home"), 303)
    placement = _placement(link_id)
    return render_template(
        "activity.html", placement=placement, course=courses.course_of(placement)
    )


@bp.get("/launch/<link_id>")
def launch(link_id: str) -> str:
    """Inside the frame: the login request, posted to the tool."""
    person, tool = _person(), _tool()
    if person is None:
        raise oidc.RefusedError("login_required", "nobody is signed in")
    if not tool.is_active:
        raise oidc.RefusedError(
            "tool_pending", "an administrator of the LMS has to activate the tool first (Tools)"
        )
    if link_id.startswith(content.PICKING) and person.roles == LEARNER:
        abort(403)
    target = _target(link_id)
    hints: oidc.Hints = current_app.extensions["hints"]
    fields = {
        "iss": _campus().issuer,
        "target_link_uri": target,
        "login_hint": person.sub,
        "lti_message_hint": hints.give(person.sub, link_id),
        "client_id": tool.client_id,
        "lti_deployment_id": tool.deployment_id,
        **storing.storage().at_login(),
    }
    return render_template("post.html", action=tool.login_url, fields=fields)


def _placement(link_id: str) -> Placement:
    found, person = courses.placements().get(link_id), _person()
    if found is None:
        abort(404)
    course = courses.course_of(found)
    if person is not None and person not in courses.members(course):
        abort(404)
    if found.is_for_admins and (person is None or not person.may_administer):
        abort(404)
    return found


def _target(link_id: str) -> str:
    """Where an activity, or the choice of content, opens the tool."""
    if not link_id.startswith(content.PICKING):
        return _placement(link_id).url or _tool().launch_url
    if content.course_picked_for(link_id) is None:
        abort(404)
    return _tool().launch_url


@bp.route("/auth", methods=["GET", "POST"])
def authorize() -> str:
    """The tool asks who the person is; answered by a form that posts the signed token."""
    tool, person = _tool(), _person()
    if person is None and request.headers.get("Sec-Fetch-Site") == "cross-site":
        # A page of the tool led here: a Lax cookie comes only when our own page asks, as in Moodle.
        return render_template("post.html", action=url_for("lms.authorize"), fields=request.values)
    try:
        granted = oidc.authorize(
            request.values.to_dict(),
            tool,
            sub=person.sub if person else None,
            hints=current_app.extensions["hints"],
        )
    except oidc.UntrustedRedirectError:
        raise
    except oidc.RefusedError as error:
        fields = {
            "error": error.code,
            "error_description": error.why,
            "state": request.values.get("state", ""),
        }
        return render_template("post.html", action=tool.launch_url, fields=fields)
    claims = _claims(BY_SUB[person.sub if person else ""], granted)
    signed = tokens.sign_id_token(current_app.extensions["key"], claims)
    fields = {"id_token": signed, "state": granted.state, **storing.storage().at_launch()}
    return render_template("post.html", action=granted.redirect_uri, fields=fields)


def _claims(person: LmsPerson, granted: oidc.Authorization) -> dict[str, Any]:
    """What a launch, or a request for content, says."""
    campus, tool, link_id = _campus(), _tool(), granted.link_id
    picked_for = content.course_picked_for(link_id)
    placement = courses.TRAINING if picked_for else courses.placements()[link_id]
    course = picked_for or courses.course_of(placement)
    claims = tokens.launch_claims(
        person,
        placement,
        issuer=campus.issuer,
        client_id=tool.client_id,
        deployment_id=tool.deployment_id,
        target_link_uri=_target(link_id),
        nonce=granted.nonce,
        course_url=f"{campus.url}/course?id={course.id}",
        course=course,
        custom=tool.custom,
        services=services.claims_of_services(
            campus.url, course, link_id, current_app.extensions["gradebook"]
        ),
    )
    product = services.gradebook().behaviour.product
    claims[tokens.LTI + "tool_platform"]["product_family_code"] = product
    return content.request_claims(claims, campus.url) if picked_for else claims


@bp.get("/jwks")
def jwks() -> Response:
    return jsonify(tokens.jwks(current_app.extensions["key"]))


@bp.get("/.well-known/openid-configuration")
def openid_configuration() -> Response:
    url, behaviour = _campus().url, services.gradebook().behaviour
    how = behaviour.registering
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    is_known = token in current_app.extensions["registration_tokens"]
    if how and not how.shows_configuration(token, is_known=is_known):
        return Response("<h1>Unauthorized</h1>", status=401, mimetype="text/html")
    said = {"registration_endpoint": f"{url}/register"} if how else {}
    if behaviour.token_audience:
        said["authorization_server"] = behaviour.token_audience
    return jsonify(
        **said,
        issuer=url,
        authorization_endpoint=f"{url}/auth",
        token_endpoint=f"{url}/token",
        token_endpoint_auth_methods_supported=["private_key_jwt"],
        token_endpoint_auth_signing_alg_values_supported=["RS256"],
        jwks_uri=f"{url}/jwks",
        **{
            "https://purl.imsglobal.org/spec/lti-platform-configuration": {
                "product_family_code": behaviour.product,
                "version": "1",
                "messages_supported": [
                    {"type": "LtiResourceLinkRequest"},
                    {"type": "LtiDeepLinkingRequest", "placements": ["ContentArea"]},
                ],
                "variables": sorted(tokens.VARIABLES),
            }
        },
        scopes_supported=["openid", *sorted(oidc.SCOPES)],
        response_types_supported=["id_token"],
        id_token_signing_alg_values_supported=["RS256"],
        subject_types_supported=["public"],
        claims_supported=["sub", "iss", "name", "given_name", "family_name", "email"],
    )


@bp.post("/token")
def token() -> tuple[Response, int]:
    found: oidc.Tokens = current_app.extensions["tokens"]
    try:
        return jsonify(found.grant(request.form.to_dict(), _tool())), 200
    except oidc.RefusedError as error:
        return jsonify(error=error.code, error_description=error.why), 400


@bp.get("/inbox")
def inbox() -> str:
    """Every mail that was sent, to whomever."""
    return render_template("inbox.html", mails=_inbox().mails())


@bp.get("/inbox/<mail_id>")
def mail(mail_id: str) -> str:
    found = _inbox().mail(mail_id)
    if found is None:
        abort(404)
    line, text = mailbox.line_of(mail_id, found), mailbox.body_of(found, "plain")
    return render_template("mail.html", line=line, text=text)


@bp.get("/inbox/<mail_id>/html")
def mail_html(mail_id: str) -> Response:
    """The HTML of a mail, for a sandboxed frame: it may show itself and nothing else."""
    found = _inbox().mail(mail_id)
    if found is None:
        abort(404)
    answer = Response(mailbox.page_of(found), mimetype="text/html")
    answer.headers["Content-Security-Policy"] = (
        "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
        "style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
    )
    return answer


@bp.get("/inbox/<mail_id>/files/<int:number>")
def mail_file(mail_id: str, number: int) -> Response:
    found = _inbox().mail(mail_id)
    part = mailbox.attachment(found, number) if found is not None else None
    if part is None:
        abort(404)
    file, content = part
    return send_file(
        io.BytesIO(content),
        mimetype=file.media_type,
        download_name=file.filename,
        as_attachment=True,
    )


def _inbox() -> mailbox.Inbox:
    found: mailbox.Inbox = current_app.extensions["inbox"]
    return found
