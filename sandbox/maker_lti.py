"""The quiz maker's half of LTI 1.3: logins, launches, choices and scores."""

import json
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from plugin.core import clock
from sandbox import tokens
from sandbox.oidc import ASSERTION
from sandbox.tokens import LTI

DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
SETTINGS = DL + "deep_linking_settings"
ENDPOINT = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
SCORE_SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
SCORE = "application/vnd.ims.lis.v1.score+json"
CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"
TIMEOUT = 10
STEP = timedelta(milliseconds=1)
MOST = 1000
"""Logins and sittings remembered; the oldest are forgotten."""


class MakerError(Exception):
    """What the tool cannot accept, in words for the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Who may launch the tool."""

    issuer: str
    client_id: str
    deployment_id: str
    auth_url: str
    token_url: str
    jwks_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A login under way."""

    platform: Platform
    state: str
    nonce: str


@dataclass(slots=True, kw_only=True)
class Sitting:
    """Somebody the platform sent; `is_bound` once it is surely the browser that began the login."""

    platform: Platform
    ticket: str
    state: str
    claims: dict[str, Any]
    is_bound: bool = False

    @property
    def auth_url(self) -> str:
        return self.platform.auth_url


@dataclass(slots=True)
class Notebook:
    """What the tool remembers: platforms in a file, the rest while it runs."""

    path: Path
    _begun: dict[str, Begun] = field(default_factory=dict)
    _sittings: dict[str, Sitting] = field(default_factory=dict)
    _stamps: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, platform: Platform) -> None:
        """The platform may launch from now on."""
        with self._lock:
            others = [each for each in self._platforms() if each.issuer != platform.issuer]
            self.path.parent.mkdir(parents=True, exist_ok=True)
            said = [asdict(each) for each in (*others, platform)]
            self.path.write_text(json.dumps(said), encoding="utf-8")

    def _platforms(self) -> Sequence[Platform]:
        if not self.path.exists():
            return []
        return [Platform(**each) for each in json.loads(self.path.read_text(encoding="utf-8"))]

    def platform(self, issuer: str, client_id: str) -> Platform:
        for each in self._platforms():
            if (each.issuer, each.client_id) == (issuer, client_id):
                return each
        raise MakerError("This platform is not registered here.")

    def begin(self, platform: Platform) -> Begun:
        begun = Begun(
            platform=platform, state=secrets.token_hex(16), nonce=secrets.token_urlsafe(16)
        )
        with self._lock:
            _add(self._begun, begun.state, begun)
        return begun

    def opened(self, state: str, id_token: str) -> Sitting:
        """The person of a verified token; each login is answered once."""
        with self._lock:
            begun = self._begun.pop(state, None)
        if begun is None:
            raise MakerError("This launch was used or never began. Open the module again.")
        claims = verified(id_token, begun)
        sitting = Sitting(
            platform=begun.platform, ticket=secrets.token_urlsafe(24), state=state, claims=claims
        )
        with self._lock:
            _add(self._sittings, sitting.ticket, sitting)
        return sitting

    def bound(self, ticket: str, state: str) -> Sitting:
        """The sitting goes on in the browser that holds the state of its login."""
        sitting = self._sittings.get(ticket)
        if sitting is None or not secrets.compare_digest(sitting.state.encode(), state.encode()):
            raise MakerError("This browser did not begin the launch. Open the module again.")
        sitting.is_bound = True
        return sitting

    def stamp(self, sitting: Sitting) -> datetime:
        """Now, and later than everything that was said of this person before (AGS 2.0, 3.4.7)."""
        key = (sitting.platform.issuer, sitting.claims["sub"])
        with self._lock:
            last = self._stamps.pop(key, None)
            now = clock.now()
            _add(self._stamps, key, now if last is None else max(now, last + STEP))
            return self._stamps[key]

    def sitting(self, ticket: str) -> Sitting:
        found = self._sittings.get(ticket)
        if found is None or not found.is_bound:
            raise MakerError("This visit is over. Open the module again.")
        return found


def _add(kept: dict[Any, Any], name: Any, value: Any) -> None:
    kept[name] = value
    while len(kept) > MOST:
        kept.pop(next(iter(kept)))


def description(name: str, url: str, keys_url: str) -> dict[str, Any]:
    """What the tool says of itself at a registration."""
    return {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": f"{url}/login",
        "redirect_uris": [f"{url}/launch"],
        "client_name": name,
        "jwks_uri": f"{keys_url}/jwks",
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": SCORE_SCOPE,
        CONFIGURATION: {
            "domain": urlsplit(url).netloc,
            "target_link_uri": f"{url}/launch",
            "claims": ["iss", "sub"],
            "messages": [
                {"type": "LtiResourceLinkRequest"},
                {"type": "LtiDeepLinkingRequest", "target_link_uri": f"{url}/launch"},
            ],
        },
    }


def introduce(said: Mapping[str, str], wish: Mapping[str, Any], platform_url: str) -> Platform:
    """The tool is registered with the platform that opened its page."""
    address = said.get("openid_configuration", "")
    if not address.startswith(f"{platform_url}/"):
        raise MakerError("This tool introduces itself to its own platform only.")
    theirs = requests.get(address, timeout=TIMEOUT).json()
    if not str(theirs["registration_endpoint"]).startswith(f"{platform_url}/"):
        raise MakerError("The platform names an address of somebody else.")
    answer = requests.post(
        theirs["registration_endpoint"],
        json=dict(wish),
        headers={"Authorization": f"Bearer {said.get('registration_token', '')}"},
        timeout=TIMEOUT,
    )
    if not answer.ok:
        raise MakerError(f"The platform refused: {answer.text[:200]}")
    given = answer.json()
    return Platform(
        issuer=theirs["issuer"],
        client_id=given["client_id"],
        deployment_id=given[CONFIGURATION]["deployment_id"],
        auth_url=theirs["authorization_endpoint"],
        token_url=theirs["token_endpoint"],
        jwks_url=theirs["jwks_uri"],
    )


def question(platform: Platform, said: Mapping[str, str], begun: Begun, redirect_uri: str) -> str:
    """Where the browser asks the platform who the person is."""
    asked = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": platform.client_id,
        "redirect_uri": redirect_uri,
        "login_hint": said.get("login_hint", ""),
        "lti_message_hint": said.get("lti_message_hint", ""),
        "state": begun.state,
        "nonce": begun.nonce,
    }
    return f"{platform.auth_url}?{urlencode(asked)}"


def verified(token: str, begun: Begun) -> dict[str, Any]:
    """The claims of a token this platform signed for us, for this login."""
    platform = begun.platform
    try:
        keys = requests.get(platform.jwks_url, timeout=TIMEOUT).json()["keys"]
        kid = jwt.get_unverified_header(token).get("kid")
        key = next(each for each in keys if each["kid"] == kid)
        claims: dict[str, Any] = jwt.decode(
            token,
            jwt.PyJWK(key, algorithm="RS256").key,
            algorithms=["RS256"],
            audience=platform.client_id,
            issuer=platform.issuer,
            options={"verify_exp": False, "verify_iat": False},
        )
    except (jwt.PyJWTError, StopIteration, KeyError, ValueError):
        raise MakerError("The platform's message cannot be trusted.") from None
    now = clock.now().timestamp()
    if claims["nonce"] != begun.nonce or not claims["iat"] - 60 <= now <= claims["exp"]:
        raise MakerError("The platform's message is not of this launch.")
    if claims[LTI + "deployment_id"] != platform.deployment_id:
        raise MakerError("The platform's message names another deployment.")
    return claims


def choice(
    sitting: Sitting, key: RSAPrivateKey, items: Sequence[Mapping[str, Any]]
) -> tuple[str, str]:
    """Where the chosen content goes, and the signed message that holds it."""
    settings, now = sitting.claims[SETTINGS], int(clock.now().timestamp())
    claims = {
        "iss": sitting.platform.client_id,
        "aud": sitting.platform.issuer,
        "iat": now,
        "exp": now + 60,
        "nonce": secrets.token_urlsafe(16),
        LTI + "deployment_id": sitting.platform.deployment_id,
        LTI + "message_type": "LtiDeepLinkingResponse",
        LTI + "version": "1.3.0",
        DL + "content_items": list(items),
        DL + "data": settings["data"],
    }
    return settings["deep_link_return_url"], tokens.sign_id_token(key, claims)


def report(sitting: Sitting, key: RSAPrivateKey, *, is_right: bool, at: datetime) -> None:
    """The platform has the score; raises MakerError when it did not take it."""
    said = {
        "userId": sitting.claims["sub"],
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
        "scoreGiven": 1 if is_right else 0,
        "scoreMaximum": 1,
        "timestamp": at.isoformat(),
    }
    answer = requests.post(
        f"{sitting.claims[ENDPOINT]['lineitem']}/scores",
        data=json.dumps(said),
        headers={"Authorization": f"Bearer {_token(sitting.platform, key)}", "Content-Type": SCORE},
        timeout=TIMEOUT,
    )
    if not answer.ok:
        raise MakerError(f"The platform did not take the score ({answer.status_code}).")


def _token(platform: Platform, key: RSAPrivateKey) -> str:
    now = int(clock.now().timestamp())
    assertion = {
        "iss": platform.client_id,
        "sub": platform.client_id,
        "aud": platform.token_url,
        "iat": now,
        "exp": now + 60,
        "jti": secrets.token_urlsafe(16),
    }
    answer = requests.post(
        platform.token_url,
        data={
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": tokens.sign_id_token(key, assertion),
            "scope": SCORE_SCOPE,
        },
        timeout=TIMEOUT,
    )
    if not answer.ok:
        raise MakerError(f"The platform gave no token ({answer.status_code}).")
    return str(answer.json()["access_token"])
