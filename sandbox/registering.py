"""The tool registers itself with the miniature LMS, as it does with a Moodle (observed there)."""

import json
import secrets
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from sandbox import notices
from sandbox.oidc import SCOPES, Tool
from sandbox.people import BY_USERNAME

bp = Blueprint("registering", __name__)
CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"
CLAIMS = ("sub", "iss", "name", "family_name", "given_name", "email")


@bp.route("/tools", methods=["GET", "POST"])
def tools() -> str:
    """An administrator types the address the tool gave; the tool's page opens in a frame."""
    person = BY_USERNAME.get(session.get("username", ""))
    if person is None or not person.may_administer:
        abort(404)
    campus, address = current_app.extensions["campus"], request.form.get("address", "").strip()
    frame = None
    if address:
        if not address.startswith(campus.tool_origin + "/"):
            abort(400)
        token = secrets.token_hex(16)
        current_app.extensions["registration_tokens"].add(token)
        query = {
            "openid_configuration": f"{campus.url}/.well-known/openid-configuration",
            "registration_token": token,
        }
        sign = "&" if urlsplit(address).query else "?"
        frame = f"{address}{sign}{urlencode(query)}"
    return render_template(
        "tools.html",
        frame=frame,
        tool=current_app.extensions["tool"],
        sends=current_app.extensions["notice_handlers"].by_type.get(notices.COURSE_COPY),
    )


@bp.post("/register")
def register() -> tuple[Response, int]:
    """The tool says what it is; what is installed already keeps its client id."""
    how = current_app.extensions["gradebook"].behaviour.registering
    if how is None:
        abort(404)
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    tokens: set[str] = current_app.extensions["registration_tokens"]
    if not token:
        return _refused(401, "missing_registration_token")
    if token not in tokens:
        return _refused(how.used_token.status, how.used_token.body)
    said: Any = request.get_json(force=True, silent=True)
    problem = problem_of(said)
    if problem:
        return _refused(400, problem)
    tokens.discard(token)
    known: Tool = current_app.extensions["tool"]
    current_app.extensions["tool"] = Tool(
        client_id=known.client_id,
        deployment_id=known.deployment_id,
        login_url=said["initiate_login_uri"],
        launch_url=said["redirect_uris"][0],
        jwks_url=said["jwks_uri"],
        custom=custom_of(said[CONFIGURATION]),
        is_active=how.is_active_at_once,
    )
    asked = str(said.get("scope", "")).split()
    answer = {
        "client_id": known.client_id,
        "response_types": ["id_token"],
        "jwks_uri": said["jwks_uri"],
        "initiate_login_uri": said["initiate_login_uri"],
        "grant_types": ["client_credentials", "implicit"],
        "redirect_uris": said["redirect_uris"],
        "application_type": "web",
        "token_endpoint_auth_method": "private_key_jwt",
        "client_name": said["client_name"],
        "scope": " ".join(each for each in asked if each in SCOPES),
        CONFIGURATION: {
            **said[CONFIGURATION],
            **({"deployment_id": known.deployment_id} if how.gives_deployment else {}),
            "claims": list(CLAIMS),
        },
    }
    return Response(json.dumps(answer), mimetype=how.media_type), how.status


@bp.post("/tools/activate")
def activate() -> AnyResponse:
    """An administrator lets the registered tool be opened."""
    person = BY_USERNAME.get(session.get("username", ""))
    if person is None or not person.may_administer:
        abort(404)
    tool: Tool = current_app.extensions["tool"]
    current_app.extensions["tool"] = replace(tool, is_active=True)
    return redirect(url_for("registering.tools"), 303)


def custom_of(tool: dict[str, Any]) -> dict[str, str]:
    """The parameters that the tool wants with every launch."""
    said = tool.get("custom_parameters")
    return {str(name): str(value) for name, value in (said or {}).items()}


def problem_of(said: Any) -> str | None:
    """The bare word a Moodle would answer, or None."""
    if not isinstance(said, dict):
        return "invalid_json"
    for name in ("initiate_login_uri", "client_name", "jwks_uri"):
        if not isinstance(said.get(name), str) or not said[name]:
            return f"missing required attribute {name}"
    redirects, tool = said.get("redirect_uris"), said.get(CONFIGURATION)
    if not isinstance(redirects, list) or not redirects:
        return "invalid_redirect_uris"
    if said.get("token_endpoint_auth_method") != "private_key_jwt":
        return "invalid_token_endpoint_auth_method"
    if said.get("application_type") != "web":
        return "invalid_application_type"
    if "id_token" not in said.get("response_types", []):
        return "invalid_response_types"
    if not isinstance(tool, dict) or not tool.get("domain"):
        return "missing_domain"
    if urlsplit(str(tool.get("target_link_uri", ""))).netloc != tool["domain"]:
        return "domain_targetlinkuri_mismatch"
    return None


def _refused(status: int, body: Any) -> tuple[Response, int]:
    """A word or a page as HTML, anything else as JSON."""
    if isinstance(body, str):
        return Response(body, mimetype="text/html"), status
    return jsonify(body), status
