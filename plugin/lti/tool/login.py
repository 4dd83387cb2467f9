"""The beginning of a sign-in: the LMS asks, we ask it back who the person is (security 5.1.1)."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from plugin.core.secrets import new_token
from plugin.lti.tool import pylti
from plugin.lti.tool.addresses import is_ours, tool_addresses
from plugin.lti.tool.errors import LoginIncompleteError, LoginMismatchError, TargetRefusedError
from plugin.lti.tool.trust_queries import Trust

REQUIRED = ("iss", "login_hint", "target_link_uri")
MAX_TARGET = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A login that may begin: where the browser goes, and the secrets that bind its answer."""

    address: str
    state: str
    nonce: str
    binding: str
    target_link_uri: str


def begin(parameters: Mapping[str, str], trust: Trust, *, tool_url: str) -> Begun:
    """The answer to a login request for this registration; raises an LtiError (L2 to L7)."""
    for name in REQUIRED:
        if not parameters.get(name):
            raise LoginIncompleteError(name)
    if not _same(parameters["iss"], trust.issuer):
        raise LoginMismatchError("iss")
    if parameters.get("client_id") and not _same(parameters["client_id"], trust.client_id):
        raise LoginMismatchError("client_id")
    target = parameters["target_link_uri"]
    if len(target) > MAX_TARGET or not is_ours(target, tool_url):
        raise TargetRefusedError
    asked = pylti.authentication(parameters, trust, tool_addresses(tool_url, trust.uid).launch)
    return Begun(
        address=asked.address,
        state=asked.state,
        nonce=asked.nonce,
        binding=new_token(),
        target_link_uri=target,
    )


def _same(said: str, known: str) -> bool:
    return hmac.compare_digest(said.encode(), known.encode())
