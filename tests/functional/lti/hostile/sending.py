"""Launches whose login went well and whose token is anything."""

import json
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from tests.functional.lti.platform import ABSENT, Lms


def posted(client: FlaskClient, lms: Lms, make: Callable[[str], str]) -> Any:
    """A login that went well, and the token `make` makes for its nonce."""
    asked = lms.begin(client)
    return lms.post(client, make(asked["nonce"]), asked["state"])


def with_claims(client: FlaskClient, lms: Lms, changes: dict[str, Any]) -> Any:
    def make(nonce: str) -> str:
        said = {**lms.claims(nonce), **changes}
        return lms.sign({name: value for name, value in said.items() if value is not ABSENT})

    return posted(client, lms, make)


def with_raw(client: FlaskClient, lms: Lms, name: str, value: str) -> Any:
    def make(nonce: str) -> str:
        claims = lms.claims(nonce)
        claims.pop(name, None)
        text = json.dumps(claims)[:-1] + f", {json.dumps(name)}: {value}}}"
        return lms.sign_raw({"typ": "JWT", "alg": "RS256", "kid": lms.kid}, text.encode())

    return posted(client, lms, make)
