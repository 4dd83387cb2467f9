"""Several visits in one browser: each has its part of every address, and a session of its own.

`/visit/<name>/…` is the product mounted for one visit (docs/decisions/0070). The name is public: it
says which visit is meant and opens nothing. What opens it is the session, in a cookie that bears
the name, or in a header where the browser keeps no cookie (0072).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from flask import (
    Flask,
    Request,
    Response,
    abort,
    current_app,
    has_request_context,
    redirect,
    request,
)
from flask import session as held
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import BadSignature
from werkzeug.wrappers import Response as AnyResponse

from plugin.core import clock
from plugin.core.secrets import hash_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

TOKEN = "visit"  # noqa: S105 - the name of an entry of the session
BEGAN = "began"
PATH = "/visit/"
COOKIE = "__Host-visit-"
SESSION_HEADER = "Visit-Session"
LOCATION_HEADER = "Visit-Location"
SCHEME = "Bearer "
NAME_LENGTH = 16
MAX_COOKIES = 10
MAX_COOKIE_BYTES = 6 * 1024
"""A browser gives one site inside another 10 KiB; there, pages still grow what they keep."""

_ADDRESS = re.compile(rf"{PATH}([0-9a-f]{{{NAME_LENGTH}}})(/.*)?")
_NAME = "plugin.visit"
_BY_HEADER = "plugin.visit.by_header"


def name_of(token: str) -> str:
    """What a visit is called in addresses: the head of its token's hash, which tells nothing."""
    return name_of_hash(hash_of(token))


def name_of_hash(token_hash: str) -> str:
    """The same, from what the database keeps of the token."""
    return token_hash[:NAME_LENGTH]


def address(token: str, page: str) -> str:
    """A page of the product as seen in this visit."""
    return f"{PATH}{name_of(token)}{page}"


def named() -> str | None:
    """The visit that the address of this request names."""
    found: str | None = request.environ.get(_NAME)
    return found


def is_by_header() -> bool:
    """Whether this request brings its session in a header: its browser keeps no cookie."""
    return bool(request.environ.get(_BY_HEADER))


def here() -> str:
    """The address of this page, with its visit."""
    return f"{request.script_root}{request.path}"


def hold(session: SessionMixin, token: str) -> None:
    """The session is that of the visit `token` and knows nothing of any other."""
    session.clear()
    session[TOKEN] = token
    session[BEGAN] = int(clock.now().timestamp())


class Edge:
    """Moves the visit of an address into the mount point, so that every address built keeps it."""

    def __init__(self, app: "Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        found = _ADDRESS.fullmatch(environ.get("PATH_INFO", ""))
        if found:
            environ[_NAME] = found[1]
            environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}{PATH}{found[1]}"
            environ["PATH_INFO"] = found[2] or "/"
        return self._app(environ, start)


class Product(Flask):
    """Addresses of pages carry the visit; those that anybody may open are the same for all."""

    def url_for(self, /, endpoint: str, **values: Any) -> str:
        built = super().url_for(endpoint, **values)
        root = request.script_root if has_request_context() else ""
        if not root or not built.startswith(f"{root}/"):
            return built
        if endpoint.startswith("."):
            endpoint = f"{request.blueprint}{endpoint}"
        return built if is_private(self, endpoint) else built.removeprefix(root)


def is_private(app: Flask, endpoint: str | None) -> bool:
    """Whether only a visitor may open the page."""
    view = app.view_functions.get(endpoint or "")
    return getattr(view, "required_role", None) is not None


@dataclass(frozen=True, slots=True)
class _Kept:
    """A session found in a cookie."""

    name: str
    size: int
    values: dict[str, Any]


class Sessions(SecureCookieSessionInterface):
    """A signed cookie for each visit, Flask's own format; or the same in a header."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        """The session of the visit named, else of this browser's newest."""
        name = request.environ.get(_NAME)
        bearer = request.headers.get("Authorization", "")
        if name and bearer.startswith(SCHEME):
            request.environ[_BY_HEADER] = True
            found = self._read(app, bearer.removeprefix(SCHEME), name, salt=SESSION_HEADER)
        elif name:
            found = self._read(app, request.cookies.get(COOKIE + name, ""), name)
        else:
            kept = self._kept(app, request)
            found = kept[-1].values if kept else None
        return self.session_class(found)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """What changed goes back the way it came; a visit that begins ends the oldest."""
        if session.accessed:
            response.vary.update(("Cookie", "Authorization"))
        if not session.modified:
            return
        if is_by_header():
            response.headers[SESSION_HEADER] = self.sealed(app, session) if session else ""
        elif TOKEN in session:
            name = name_of(session[TOKEN])
            value = self.get_signing_serializer(app).dumps(dict(session))  # type: ignore[union-attr]
            response.set_cookie(COOKIE + name, value, **_COOKIE)
            if COOKIE + name not in request.cookies:
                for each in self._too_many(app, len(value)):
                    response.delete_cookie(each, **_COOKIE)
        elif left := named():
            response.delete_cookie(COOKIE + left, **_COOKIE)

    def sealed(self, app: Flask, session: SessionMixin) -> str:
        """The session as a script holds it; it is no cookie, and a cookie is not it."""
        return str(self._serializer(app, SESSION_HEADER).dumps(dict(session)))

    def _serializer(self, app: Flask, salt: str) -> Any:
        other = SecureCookieSessionInterface()
        other.salt = salt
        return other.get_signing_serializer(app)

    def _read(self, app: Flask, value: str, name: str, *, salt: str = "") -> dict[str, Any] | None:
        """What this text holds, if we signed it for the visit of this name."""
        serializer = self._serializer(app, salt or self.salt)
        lifetime = int(app.permanent_session_lifetime.total_seconds())
        try:
            values = dict(serializer.loads(value, max_age=lifetime))
        except BadSignature:
            return None
        return values if name_of(values.get(TOKEN, "")) == name else None

    def token_in(self, app: Flask, request: Request, name: str) -> str | None:
        """The token of the visit of this name, if this browser holds it, wherever it asks."""
        found = self._read(app, request.cookies.get(COOKIE + name, ""), name)
        return str(found[TOKEN]) if found else None

    def _kept(self, app: Flask, request: Request) -> list[_Kept]:
        """The visits of this browser, the newest last."""
        return sorted(self._cookies(app, request), key=lambda each: each.values.get(BEGAN, 0))

    def _cookies(self, app: Flask, request: Request) -> Iterator[_Kept]:
        for cookie, value in request.cookies.items():
            if not cookie.startswith(COOKIE):
                continue
            values = self._read(app, value, cookie.removeprefix(COOKIE))
            if values is not None:
                yield _Kept(cookie, len(cookie) + len(value), values)

    def _too_many(self, app: Flask, size: int) -> list[str]:
        """The cookies that must go so that one more of this size has room: unreadable, oldest."""
        kept = self._kept(app, request)
        fitting: set[str] = set()
        for each in reversed(kept):
            size += each.size
            if size > MAX_COOKIE_BYTES or len(fitting) + 1 >= MAX_COOKIES:
                break
            fitting.add(each.name)
        return [each for each in request.cookies if each.startswith(COOKIE) and each not in fitting]


_COOKIE: dict[str, Any] = {
    "path": "/",
    "secure": True,
    "httponly": True,
    "samesite": "None",
    "partitioned": True,
}


def init_app(app: Flask) -> None:
    """Visits are told apart; goes before everything that asks who is there."""
    app.session_interface = Sessions()
    app.wsgi_app = Edge(app.wsgi_app)  # type: ignore[assignment, method-assign]
    app.before_request(_stay_in_one_visit)
    app.after_request(_say_where_to_go)
    app.add_template_global(here)


def seal(token: str) -> str:
    """A session of the visit for a script to hold, in a browser that keeps no cookie."""
    session = SecureCookieSession()
    hold(session, token)
    return cast(Sessions, current_app.session_interface).sealed(current_app, session)


def token_in_this_browser(name: str) -> str | None:
    """The token of the visit of this name, if the browser that asks holds it."""
    sessions = cast(Sessions, current_app.session_interface)
    return sessions.token_in(current_app, request, name)


def _stay_in_one_visit() -> AnyResponse | None:
    """A link out of a mail or a bookmark names no visit: its reader goes on in their newest.

    Only a browser that goes somewhere is moved; nothing under a visit ever is, so it ends. What
    anybody may open is not there in a visit: each page has one address.
    """
    if named() and request.endpoint and not is_private(current_app, request.endpoint):
        abort(404)
    is_moving = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
    if named() or not is_moving or not is_private(current_app, request.endpoint):
        return None
    token = held.get(TOKEN)
    if token is None:
        return None
    query = request.query_string.decode("latin-1")
    return redirect(address(token, request.path) + (f"?{query}" if query else ""), 302)


def _say_where_to_go(response: Response) -> Response:
    """A script cannot see where it is redirected to, nor bring its session there unless told."""
    if is_by_header() and "Location" in response.headers:
        response.headers[LOCATION_HEADER] = response.headers.pop("Location")
        response.set_data(b"")
        response.status_code = 204
    return response
