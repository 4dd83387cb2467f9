"""RSA keys for tests: a few are made once and used again, since making one is slow by nature."""

from functools import lru_cache
from itertools import cycle
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from plugin.lti import pairs
from sandbox import tokens

FEW = 4


@lru_cache(maxsize=1)
def _few() -> Any:
    return cycle(
        [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(FEW)]
    )


def _next(*, public_exponent: int, key_size: int) -> rsa.RSAPrivateKey:
    assert (public_exponent, key_size) == (pairs.EXPONENT, pairs.BITS)
    found: rsa.RSAPrivateKey = next(_few())
    return found


def reuse() -> None:
    """Ours and the miniature LMS's keys are some of a few; names of keys stay random."""
    pairs.generate_private_key = _next  # type: ignore[assignment]
    tokens.generate_private_key = _next  # type: ignore[assignment]
