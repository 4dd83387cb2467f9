"""The platform's key, and id_tokens as a Moodle would sign them."""

import json
from collections.abc import Callable, Mapping
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
    course_id: str = "2"
    url: str = ""
    """Where the tool wants this activity to be opened; its usual address if empty."""

    @property
    def is_for_admins(self) -> bool:
        return self.custom.get("view") == "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A course; a copy knows what it was copied from, the nearest first."""

    id: str
    title: str
    label: str
    sourced_id: str = ""
    history: tuple[str, ...] = ()
    subs: tuple[str, ...] | None = None
    """Who is enrolled; None: everybody."""


VARIABLES: Mapping[str, Callable[[LmsPerson, Placement, Course], str]] = {
    "Context.id": lambda _person, _placement, course: course.id,
    "Context.id.history": lambda _person, _placement, course: ",".join(course.history),
    "Context.label": lambda _person, _placement, course: course.label,
    "Context.title": lambda _person, _placement, course: course.title,
    "CourseSection.sourcedId": lambda _person, _placement, course: course.sourced_id,
    "Person.sourcedId": lambda person, _placement, _course: person.employee_number,
    "ResourceLink.id": lambda _person, placement, _course: placement.link_id,
    "ResourceLink.title": lambda _person, placement, _course: placement.title,
    "User.username": lambda person, _placement, _course: person.username,
}
"""What this LMS puts in the place of a variable; as a Moodle, only where it is the whole value."""


def resolved(
    custom: Mapping[str, str], person: LmsPerson, placement: Placement, course: Course
) -> dict[str, str]:
    """Custom parameters as a launch says them; a variable that is unknown stays as it is."""

    def said(value: str) -> str:
        variable = VARIABLES.get(value[1:]) if value.startswith("$") else None
        return variable(person, placement, course) if variable else value

    return {name: said(value) for name, value in custom.items()}


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
    course: Course,
    custom: Mapping[str, str] | None = None,
    services: Mapping[str, Any] | None = None,
    now: float | None = None,
) -> dict[str, Any]:
    """What the LMS says when this person opens this activity; `custom` is for all of them."""
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
            "id": course.id,
            "label": course.label,
            "title": course.title,
            "type": ["CourseSection"],
        },
        LTI + "resource_link": {
            "id": placement.link_id,
            "title": placement.title,
            "description": "",
        },
        LTI + "lis": {
            "person_sourcedid": person.employee_number,
            "course_section_sourcedid": course.sourced_id,
        },
        LTI + "custom": resolved({**(custom or {}), **placement.custom}, person, placement, course),
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
