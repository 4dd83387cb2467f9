"""The platform's key, and id_tokens as a Moodle would sign them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from plugin.core import clock
from sandbox.people import LmsPerson

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
LIFE_SECONDS = 60
KID = "sandbox-1"


def platform_key(folder: Path) -> RSAPrivateKey:
    """The key kept in this folder; made at the first call."""
    path = folder / "platform-key.pem"
    if path.exists():
        found = load_pem_private_key(path.read_bytes(), password=None)
        assert isinstance(found, RSAPrivateKey)
        return found
    key = generate_private_key(public_exponent=65537, key_size=2048)
    folder.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def jwks(key: RSAPrivateKey) -> dict[str, Any]:
    """The public half, as a key set."""
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    jwk = {"kty": "RSA", "n": public["n"], "e": public["e"]}
    return {"keys": [{**jwk, "kid": KID, "alg": "RS256", "use": "sig"}]}


def sign_id_token(
    key: RSAPrivateKey, claims: Mapping[str, Any], headers: Mapping[str, Any] | None = None
) -> str:
    """A compact RS256 token."""
    return jwt.encode(dict(claims), key, algorithm="RS256", headers={"kid": KID, **(headers or {})})


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where in the course the tool stands."""

    link_id: str
    title: str
    custom: Mapping[str, str]


def launch_claims(
    person: LmsPerson,
    placement: Placement,
    *,
    issuer: str,
    client_id: str,
    deployment_id: str,
    target_link_uri: str,
    nonce: str,
    course_url: str,
    services: Mapping[str, Any] | None = None,
    now: float | None = None,
) -> dict[str, Any]:
    """What the LMS says when this person opens this activity."""
    issued = int(clock.now().timestamp() if now is None else now)
    return {
        "iss": issuer,
        "aud": client_id,
        "sub": person.sub,
        "iat": issued,
        "exp": issued + LIFE_SECONDS,
        "nonce": nonce,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "name": person.name,
        "email": person.email,
        LTI + "message_type": "LtiResourceLinkRequest",
        LTI + "version": "1.3.0",
        LTI + "deployment_id": deployment_id,
        LTI + "target_link_uri": target_link_uri,
        LTI + "roles": list(person.roles),
        LTI + "context": {
            "id": "2",
            "label": "SAFE101",
            "title": "Safety 101",
            "type": ["CourseSection"],
        },
        LTI + "resource_link": {
            "id": placement.link_id,
            "title": placement.title,
            "description": "",
        },
        LTI + "lis": {
            "person_sourcedid": person.employee_number,
            "course_section_sourcedid": "CRS-1",
        },
        LTI + "custom": dict(placement.custom),
        LTI + "launch_presentation": {
            "locale": "en",
            "document_target": "iframe",
            "return_url": course_url,
        },
        LTI + "tool_platform": {
            "product_family_code": "sandbox",
            "version": "1",
            "guid": "sandbox.northwind.example",
            "name": "Northwind campus",
        },
        LTI + "ext": {"user_username": person.username, "lms": "sandbox"},
        **(services or {}),
    }
