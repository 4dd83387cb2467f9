"""The platform's half of OpenID Connect: what a strict LMS checks before it says who you are."""

import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from plugin.core import clock

HINT_SECONDS = 300
TOKEN_SECONDS = 3600
ASSERTION_SECONDS = 300
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPES = frozenset(
    {
        "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem",
        "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly",
        "https://purl.imsglobal.org/spec/lti-ags/scope/result.readonly",
        "https://purl.imsglobal.org/spec/lti-ags/scope/score",
        "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly",
        "https://purl.imsglobal.org/spec/lti/scope/noticehandlers",
    }
)


class RefusedError(Exception):
    """The platform refuses; `code` is what the specification calls it."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


class UntrustedRedirectError(RefusedError):
    """The refusal must stay on our own page: the redirect address is not the registered one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """What the LMS knows of the one tool that is installed in it."""

    client_id: str
    deployment_id: str
    login_url: str
    launch_url: str
    jwks_url: str
    custom: dict[str, str] = field(default_factory=dict)
    """Custom parameters of every launch."""
    is_active: bool = True
    """Whether an administrator of the LMS has activated it."""


@dataclass(slots=True)
class Hints:
    """Launches under way: each hint belongs to one person and works once."""

    _open: dict[str, tuple[str, str, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def give(self, sub: str, link_id: str) -> str:
        """A new `lti_message_hint`: JSON, as some platforms send it."""
        launch_id = secrets.token_hex(12)
        with self._lock:
            self._open[launch_id] = (sub, link_id, time.monotonic() + HINT_SECONDS)
        return json.dumps({"cmid": link_id, "launchid": launch_id})

    def take(self, hint: str, sub: str) -> str:
        """The resource link of the hint; refused when used, old, unknown or somebody else's."""
        try:
            launch_id = str(json.loads(hint)["launchid"])
        except (ValueError, KeyError, TypeError):
            raise RefusedError("invalid_request", "lti_message_hint was changed") from None
        with self._lock:
            found = self._open.pop(launch_id, None)
        if found is None or found[0] != sub or found[2] < time.monotonic():
            raise RefusedError("invalid_request", "this launch was used or has expired")
        return found[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """A request that holds: whom to tell what."""

    redirect_uri: str
    state: str
    nonce: str
    link_id: str


def authorize(
    asked: Mapping[str, str], tool: Tool, *, sub: str | None, hints: Hints
) -> Authorization:
    """The checked authentication request; raises RefusedError (security framework 5.1.1.2)."""
    if asked.get("client_id") != tool.client_id:
        raise UntrustedRedirectError("unauthorized_client", "unknown client_id")
    if asked.get("redirect_uri") != tool.launch_url:
        raise UntrustedRedirectError("invalid_request", "unregistered redirect_uri")
    wanted = {
        "response_type": "id_token",
        "response_mode": "form_post",
        "scope": "openid",
        "prompt": "none",
    }
    for name, value in wanted.items():
        if asked.get(name) != value:
            raise RefusedError("invalid_request", f"Invalid {name}")
    for name in ("nonce", "state", "login_hint", "lti_message_hint"):
        if not asked.get(name):
            raise RefusedError("invalid_request", f"Missing {name}")
    if sub is None or asked["login_hint"] != sub:
        raise RefusedError("login_required", "the person is not signed in")
    return Authorization(
        redirect_uri=tool.launch_url,
        state=asked["state"],
        nonce=asked["nonce"],
        link_id=hints.take(asked["lti_message_hint"], sub),
    )


@dataclass(slots=True)
class Tokens:
    """The token endpoint: signed assertions in, opaque tokens out."""

    read_keys: Callable[[str], dict[str, Any]]
    token_url: str
    audience: str = ""
    """What an assertion must be for, where that is not the token address."""
    now: Callable[[], float] = lambda: clock.now().timestamp()
    _seen: set[str] = field(default_factory=set)
    _issued: dict[str, tuple[frozenset[str], float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def grant(self, asked: Mapping[str, str], tool: Tool) -> dict[str, Any]:
        """A bearer token for the scopes we know; raises RefusedError."""
        if asked.get("grant_type") != "client_credentials":
            raise RefusedError("unsupported_grant_type", "grant_type")
        if asked.get("client_assertion_type") != ASSERTION:
            raise RefusedError("invalid_request", "client_assertion_type")
        self._check_assertion(asked.get("client_assertion", ""), tool)
        scopes = frozenset(asked.get("scope", "").split()) & SCOPES
        if not scopes:
            raise RefusedError("invalid_scope", "no scope we offer")
        token = secrets.token_hex(16)
        with self._lock:
            self._issued[token] = (scopes, time.monotonic() + TOKEN_SECONDS)
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": " ".join(sorted(scopes)),
        }

    def scopes_of(self, token: str) -> frozenset[str]:
        """What a token opens; nothing when it is unknown or has ended."""
        with self._lock:
            scopes, until = self._issued.get(token, (frozenset(), 0.0))
        return scopes if until > time.monotonic() else frozenset()

    def forget(self) -> None:
        """Every token stops working."""
        with self._lock:
            self._issued.clear()

    def _check_assertion(self, assertion: str, tool: Tool) -> None:
        try:
            kid = jwt.get_unverified_header(assertion).get("kid")
            keys = self.read_keys(tool.jwks_url)["keys"]
            jwk = next(key for key in keys if key.get("kid") == kid)
            claims = jwt.decode(
                assertion,
                jwt.PyJWK(jwk, algorithm="RS256").key,
                algorithms=["RS256"],
                audience=self.audience or self.token_url,
                options={
                    "require": ["iss", "sub", "aud", "iat", "exp", "jti"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, StopIteration, KeyError, OSError, ValueError) as error:
            raise RefusedError("invalid_client", type(error).__name__) from None
        if claims["iss"] != tool.client_id or claims["sub"] != tool.client_id:
            raise RefusedError("invalid_client", "iss and sub")
        at = self.now()
        if claims["iat"] > at or claims["exp"] <= at:  # no leeway, as on a live Moodle
            raise RefusedError("invalid_client", "iat or exp")
        if int(claims["exp"]) > at + ASSERTION_SECONDS:
            raise RefusedError("invalid_client", "exp is too far ahead")
        with self._lock:
            if claims["jti"] in self._seen:
                raise RefusedError("invalid_client", "jti was used")
            self._seen.add(claims["jti"])
