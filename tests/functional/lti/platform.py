"""An LMS for tests: it signs what a test tells it to, right or wrong, and publishes its keys."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from plugin.core import clock
from plugin.core.http import Reply
from plugin.lti.tool.claims import LTI
from tests.support.html import read

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
LEARNER = MEMBERSHIP + "Learner"
TEACHER = MEMBERSHIP + "Instructor"
ABSENT = object()
"""A claim with this value is left out."""


@lru_cache(maxsize=4)
def private_key(name: str = "platform") -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def jwk_of(key: RSAPrivateKey, kid: str, **more: Any) -> dict[str, Any]:
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    return {"kty": "RSA", "n": public["n"], "e": public["e"], "kid": kid, **more}


def segment(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class KeySet:
    """The LMS's key set address, and how often it was asked."""

    keys: list[dict[str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    asked: int = 0
    fails_with: Exception | None = None

    def fetch(self, url: str) -> Reply:
        self.asked += 1
        if self.fails_with is not None:
            raise self.fails_with
        return Reply(200, self.headers, json.dumps({"keys": self.keys}).encode())


@dataclass
class Lms:
    """One registration as the LMS sees it."""

    uid: str
    issuer: str = "https://lms.example.test"
    client_id: str = "client-1"
    auth_url: str = "https://lms.example.test/auth.php"
    deployment_id: str = "1"
    tool_url: str = "https://tool.example.test"
    kid: str = "key-1"
    key_set: KeySet = field(default_factory=KeySet)

    def __post_init__(self) -> None:
        self.key_set.keys = [jwk_of(private_key(), self.kid)]

    @property
    def target(self) -> str:
        return f"{self.tool_url}/lti/{self.uid}/launch"

    def login_request(self, **changes: str | None) -> dict[str, str]:
        said: dict[str, str | None] = {
            "iss": self.issuer,
            "login_hint": "6",
            "target_link_uri": self.target,
            "client_id": self.client_id,
            "lti_deployment_id": self.deployment_id,
            "lti_message_hint": '{"cmid":17,"launchid":"ltilaunch14_434803712"}',
            **changes,
        }
        return {name: value for name, value in said.items() if value is not None}

    def log_in(self, client: FlaskClient, **changes: str | None) -> TestResponse:
        return client.post(f"/lti/{self.uid}/login", data=self.login_request(**changes))

    def begin(self, client: FlaskClient, **changes: str | None) -> dict[str, str]:
        """A login that went well; what the tool asked of the LMS."""
        answer = self.log_in(client, **changes)
        if answer.status_code == 200:  # our page puts something into the LMS's storage first
            address = read(answer.text).by_id("next").attributes["href"]
        else:
            assert answer.status_code == 302, answer.text
            address = answer.headers["Location"]
        query = parse_qs(urlsplit(address).query, keep_blank_values=True)
        return {name: values[0] for name, values in query.items()}

    def claims(self, nonce: str, /, **changes: Any) -> dict[str, Any]:
        """A complete learner's launch; keyword names are short for LTI claims or plain ones."""
        now = int(clock.now().timestamp())
        said: dict[str, Any] = {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": "6",
            "iat": now,
            "exp": now + 60,
            "nonce": nonce,
            "given_name": "Lars",
            "family_name": "Learner",
            "name": "Lars Learner",
            "email": "learner1@example.test",
            LTI + "version": "1.3.0",
            LTI + "message_type": "LtiResourceLinkRequest",
            LTI + "deployment_id": self.deployment_id,
            LTI + "target_link_uri": self.target,
            LTI + "roles": [LEARNER],
            LTI + "resource_link": {"id": "1", "title": "Episode 1"},
            LTI + "context": {"id": "2", "label": "SAFE101", "title": "Safety 101"},
            LTI + "custom": {"site": "NO-OSL"},
            LTI + "launch_presentation": {
                "locale": "en",
                "document_target": "iframe",
                "return_url": "https://lms.example.test/return.php?sesskey=abc",
            },
        }
        for name, value in changes.items():
            said[LTI + name if LTI + name in said or name in MORE else name] = value
        return {name: value for name, value in said.items() if value is not ABSENT}

    def sign(self, claims: Mapping[str, Any], **header: Any) -> str:
        said = {"typ": "JWT", "alg": "RS256", "kid": self.kid, **header}
        said = {name: value for name, value in said.items() if value is not ABSENT}
        return self.sign_raw(said, dict(claims))

    def sign_raw(self, header: object, payload: object) -> str:
        """Signed with the right key, whatever header and payload are."""
        signed = f"{segment(header)}.{segment(payload)}"
        algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
        return f"{signed}.{segment(algorithm.sign(signed.encode(), private_key()))}"

    def post(self, client: FlaskClient, id_token: str, state: str) -> TestResponse:
        return client.post(f"/lti/{self.uid}/launch", data={"id_token": id_token, "state": state})

    def launch(self, client: FlaskClient, **changes: Any) -> TestResponse:
        """Login and launch, as a browser does them."""
        asked = self.begin(client)
        return self.post(client, self.sign(self.claims(asked["nonce"], **changes)), asked["state"])


MORE = {"for_user", "lis", "role_scope_mentor", "tool_platform"}
