"""Keys that LMSs publish with more in them than a public key."""

import json
from typing import Any

import pytest
from jwt.algorithms import RSAAlgorithm

from plugin.core.http import Reply
from plugin.lti.tool.platform_keys import usable_keys
from tests.functional.lti.platform import jwk_of, private_key

pytestmark = pytest.mark.once


def key_set(**more: Any) -> Reply:
    key = {**jwk_of(private_key(), "good"), **more}
    return Reply(200, {}, json.dumps({"keys": [key]}).encode())


@pytest.mark.parametrize("name", ["d", "p", "q", "dp", "dq", "qi", "oth"])
def test_v3_a_key_whose_private_half_follows_from_what_is_published_is_none(name: str) -> None:
    private = json.loads(RSAAlgorithm.to_jwk(private_key()))
    assert usable_keys(key_set(**{name: private.get(name, [])})) == {}


def test_v3_what_a_key_says_with_null_it_does_not_say() -> None:
    """Some LMSs write every name that a key could have."""
    names = ("alg", "use", "key_ops", "x5c", "d", "p", "q", "dp", "dq", "qi", "oth", "k", "crv")
    assert list(usable_keys(key_set(**dict.fromkeys(names)))) == ["good"]
    assert usable_keys(key_set(kid=None)) == usable_keys(key_set(n=None)) == {}
