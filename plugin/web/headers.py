"""Response headers, and the wall between the tool's origin and the packages' origin."""

from flask import Blueprint, Flask, Response, abort, current_app, g, request

from plugin.core.context import current_settings
from plugin.web.identity import me_or_none

_CONTENT = "plugin_content_blueprints"
LOOPBACK = ("http://localhost:*", "http://*.localhost:*", "http://127.0.0.1:*")
ICON = {"filename": "icon.svg"}
ICON_LIFE = "public, max-age=86400"
"""LMSs show the icon on their own pages: each learner's browser asks for it once a day."""
PERMISSIONS = "camera=(), geolocation=(), microphone=()"
PLAYER_PERMISSIONS = f"{PERMISSIONS}, unload=*"


def content_only(app: Flask, blueprint: Blueprint, **options: str) -> None:
    """Register a blueprint that answers on the packages' origin and nowhere else."""
    app.extensions.setdefault(_CONTENT, set()).add(blueprint.name)
    app.register_blueprint(blueprint, **options)


def init_app(app: Flask) -> None:
    app.before_request(_refuse_the_other_origin)
    app.after_request(_add_headers)


def _is_content() -> bool:
    return request.blueprint in current_app.extensions.get(_CONTENT, set())


def _refuse_the_other_origin() -> None:
    settings = current_settings()
    if settings.tool_host == settings.content_host or request.endpoint in {"static", None}:
        return
    if request.endpoint in {"health.healthz", "health.readyz"}:
        return
    on_content = request.host == settings.content_host
    if _is_content() != on_content:
        abort(404)


def _add_headers(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    if request.endpoint == "static" and request.view_args == ICON:
        headers["Cache-Control"] = ICON_LIFE
    headers.setdefault("Referrer-Policy", "same-origin")
    if _is_content():
        return response
    headers.setdefault("Permissions-Policy", g.get("permissions", PERMISSIONS))
    headers.setdefault("Cache-Control", "no-store")
    headers.setdefault("Content-Security-Policy", _policy())
    return response


def frame_ancestors(*origins: str) -> None:
    """Let these origins frame the answer to this request (before a visit exists)."""
    g.frame_ancestors = " ".join(origins)


def form_action(*origins: str) -> None:
    """Let forms of this answer post to these origins too (an LMS's return address)."""
    g.form_action = " ".join(origins)


def frame_src(*sources: str) -> None:
    """Let this answer hold frames of these sources instead of the packages' (an external tool)."""
    g.frame_src = " ".join(dict.fromkeys(sources))


def for_a_visit_by_script(*origins: str) -> None:
    """This answer stays while a script shows the pages of a visit in it: it allows what they do,
    which is also to hold external tools, of this machine too where we are on it ourselves."""
    ours = current_settings()
    here = LOOPBACK if ours.tool_url.startswith("http://") else ()
    frame_src("'self'", "https:", ours.content_url, *here)
    form_action(*dict.fromkeys(each for each in origins if each.startswith("http")))
    g.permissions = PLAYER_PERMISSIONS


def _policy() -> str:
    visitor = me_or_none() if "me" in g else None
    ancestors = g.get("frame_ancestors") or (visitor.frame_ancestors if visitor else "")
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            f"frame-src {g.get('frame_src') or current_settings().content_url}",
            f"form-action 'self' {g.get('form_action', '')}".rstrip(),
            "base-uri 'none'",
            f"frame-ancestors {ancestors or chr(39) + 'none' + chr(39)}",
        )
    )
