"""Short texts that we signed ourselves: what they say is ours, and only for a while."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

_UNTIL = "until"


def sign(said: Mapping[str, Any], *, key: str, purpose: str, until: datetime) -> str:
    """The facts as a text for an address; readable by anybody, made by us alone."""
    facts = {**said, _UNTIL: int(until.timestamp())}
    body = _text(json.dumps(facts, separators=(",", ":"), sort_keys=True).encode())
    return f"{body}.{_text(_digest(body, key, purpose))}"


def read(text: str, *, key: str, purpose: str, now: datetime) -> dict[str, Any] | None:
    """What `sign` was told for this purpose; None when it is not ours or its time is over."""
    body, _, signature = text.partition(".")
    try:
        given = base64.urlsafe_b64decode(signature + "==")
    except (binascii.Error, ValueError):
        return None
    if not hmac.compare_digest(given, _digest(body, key, purpose)):
        return None
    facts: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=="))
    return facts if now.timestamp() < facts.pop(_UNTIL) else None


def _digest(body: str, key: str, purpose: str) -> bytes:
    return hmac.new(key.encode(), f"{purpose}\0{body}".encode(), hashlib.sha256).digest()


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
