"""What an id_token must be before its message is read (pure; 1EdTech security framework 5.1.3)."""

import hmac
import json
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NoReturn

from plugin.core.secrets import hash_of
from plugin.lti.tool.claim_values import is_id
from plugin.lti.tool.encoding import bytes_of
from plugin.lti.tool.errors import KeyUnknownError, NonceError, TokenRefusedError, TokenTimeError

ALGORITHM = "RS256"
LEEWAY = timedelta(seconds=60)
MAX_AGE = timedelta(minutes=10)
MAX_TOKEN = 64 * 1024
PARTS = 3
_FOREIGN_KEYS = frozenset({"jku", "jwk", "x5c", "x5u"})
_OTHER_RULES = frozenset({"b64", "crit", "enc", "zip"})


def split_token(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a compact token, not yet verified."""
    if len(token) > MAX_TOKEN:
        raise TokenRefusedError("size")
    parts = token.split(".")
    if len(parts) != PARTS:
        raise TokenRefusedError("format")
    return _object(parts[0]), _object(parts[1])


def key_id(header: Mapping[str, Any]) -> str:
    """The `kid` of a header we accept: RS256, no key and no rules of its own."""
    if header.get("alg") != ALGORITHM:
        raise TokenRefusedError("alg")
    if _FOREIGN_KEYS & header.keys():
        raise TokenRefusedError("foreign key")
    if _OTHER_RULES & header.keys():
        raise TokenRefusedError("crit")
    kid = header.get("kid")
    if kid is None:
        raise TokenRefusedError("kid")
    if not is_id(kid):
        raise KeyUnknownError
    return str(kid)


def check_audience(claims: Mapping[str, Any], *, issuer: str, client_id: str) -> None:
    """From exactly this issuer, for us and nobody else."""
    if claims.get("iss") != issuer:
        raise TokenRefusedError("iss")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if not audiences or any(each != client_id for each in audiences):
        raise TokenRefusedError("aud")
    if len(audiences) > 1 and "azp" not in claims:
        raise TokenRefusedError("azp")
    if "azp" in claims and claims["azp"] != client_id:
        raise TokenRefusedError("azp")


def check_times(claims: Mapping[str, Any], *, now: datetime, max_age: timedelta = MAX_AGE) -> None:
    """Issued lately and not in the future, not expired; a minute of clock error is forgiven."""
    at = now.timestamp()
    leeway = LEEWAY.total_seconds()
    expires, issued = _moment(claims, "exp"), _moment(claims, "iat")
    if expires + leeway <= at:
        raise TokenTimeError("exp")
    if issued - leeway > at:
        raise TokenTimeError("iat in the future")
    if issued + max_age.total_seconds() + leeway <= at:
        raise TokenTimeError("iat too old")
    if "nbf" in claims and _moment(claims, "nbf") - leeway > at:
        raise TokenTimeError("nbf")


def check_nonce(claims: Mapping[str, Any], *, nonce_hash: str) -> None:
    """The nonce of this login and no other."""
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not nonce.isascii():
        raise NonceError
    if not hmac.compare_digest(hash_of(nonce), nonce_hash):
        raise NonceError


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenTimeError(f"{name} missing")
    try:
        moment = float(value)
    except OverflowError:
        raise TokenTimeError(f"{name} not a time") from None
    if not math.isfinite(moment):
        raise TokenTimeError(f"{name} not a time")
    return moment


def _object(segment: str) -> dict[str, Any]:
    try:
        found = json.loads(bytes_of(segment).decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise TokenRefusedError("format") from None
    if not isinstance(found, dict):
        raise TokenRefusedError("format")
    return found


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")
