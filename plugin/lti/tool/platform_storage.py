"""What the LMS keeps for a browser without cookies (lti-cs-oidc, lti-cs-pm, lti-pm-s v0.1; pure).

At the login our page puts a proof into the LMS's storage, at the launch it gets it back. The proof
is made of the state and our key, so that neither the state nor anything else that travels in an
address or a form is enough to have it (S4).
"""

import hashlib
import hmac
from collections.abc import Mapping

from plugin.core.secrets import hash_of

PARAMETER = "lti_storage_target"
PARENT = "_parent"
MAX_TARGET = 255


def target_of(said: Mapping[str, str]) -> str | None:
    """The frame of the LMS that stores for us, as it names it; None when it says none (S1)."""
    name = said.get(PARAMETER, "")
    return name if 0 < len(name) <= MAX_TARGET and name.isprintable() else None


def key_of(state: str) -> str:
    """What the proof of this login is stored under."""
    return f"lti-{hash_of(state)[:16]}"


def proof_of(state_hash: str, *, secret_key: str) -> str:
    """What shows that this browser began the login with this state."""
    message = f"platform storage\0{state_hash}".encode()
    return hmac.new(secret_key.encode(), message, hashlib.sha256).hexdigest()


def is_proven(proof: str, state_hash: str, *, secret_key: str) -> bool:
    """Whether the LMS's storage gave back what we put there."""
    expected = proof_of(state_hash, secret_key=secret_key)
    return hmac.compare_digest(proof.encode("utf-8", "replace"), expected.encode())
