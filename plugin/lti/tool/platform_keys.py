"""The public keys of the LMSs: remembered, fetched again when needed and never too often."""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from plugin.core.http import OutgoingError, Reply
from plugin.core.log import log
from plugin.lti.tool.encoding import number_of
from plugin.lti.tool.errors import KeysUnavailableError, KeyUnknownError

Fetch = Callable[[str], Reply]
"""Reads an address within the limits of `core.http`; raises OutgoingError."""

PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})
"""Of each of these the private half follows (RFC 7518, 6.3.2)."""
MIN_BITS = 2048
MAX_BITS = 8192
MAX_KEYS = 100
OK = 200
DEFAULT_LIFE = timedelta(hours=1)
MAX_LIFE = timedelta(hours=24)
MAX_STALE = timedelta(hours=24)
"""How long an outdated set serves while the platform is silent."""
PAUSE = timedelta(seconds=30)
"""Between two fetches for unknown kids; also how long a `no-store` set is used."""
PAUSE_AFTER_FAILURE = timedelta(seconds=5)
"""Between two fetches while we have no key at all."""
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age=\"?(\d{1,9})")
_NEVER = re.compile(r"no-store|no-cache")


@dataclass(slots=True)
class _Set:
    """What we know of one key set address."""

    keys: Mapping[str, RSAPublicKey] = field(default_factory=dict)
    fresh_until: datetime | None = None
    next_fetch_at: datetime | None = None
    lock: Lock = field(default_factory=Lock)


class PlatformKeys:
    """One per process. Threads that miss the same set wait for one fetch."""

    def __init__(self) -> None:
        self._sets: dict[str, _Set] = {}
        self._lock = Lock()

    def key(self, url: str, kid: str, *, fetch: Fetch, now: datetime) -> RSAPublicKey:
        """The key `kid` published at `url`; raises KeyUnknownError or KeysUnavailableError."""
        known = self._set(url)
        found = known.keys.get(kid)
        if found is not None and _is_fresh(known, now):
            return found
        if known.lock.acquire(blocking=found is None):
            try:
                _refresh(known, url, fetch=fetch, now=now)
            finally:
                known.lock.release()
        if not known.keys or not _is_usable(known, now):
            raise KeysUnavailableError
        found = known.keys.get(kid)
        if found is None:
            raise KeyUnknownError
        return found

    def forget(self) -> None:
        """Nothing is remembered any more."""
        with self._lock:
            self._sets.clear()

    def _set(self, url: str) -> _Set:
        with self._lock:
            return self._sets.setdefault(url, _Set())


def _is_fresh(known: _Set, now: datetime) -> bool:
    return known.fresh_until is not None and now < known.fresh_until


def _is_usable(known: _Set, now: datetime) -> bool:
    return known.fresh_until is not None and now < known.fresh_until + MAX_STALE


def _refresh(known: _Set, url: str, *, fetch: Fetch, now: datetime) -> None:
    """Fetch once, unless another thread just did or the pause is not over: who came while it waited
    for nothing does not wait for nothing again."""
    if known.next_fetch_at is not None and now < known.next_fetch_at:
        return
    began = time.monotonic()
    try:
        reply = fetch(url)
        keys = usable_keys(reply)
    except (OutgoingError, KeysUnavailableError) as error:
        log.warning("lti.keys_not_read", reason=type(error).__name__, known=len(known.keys))
        waited = timedelta(seconds=round(time.monotonic() - began))
        known.next_fetch_at = now + waited + (PAUSE if known.keys else PAUSE_AFTER_FAILURE)
        return
    known.keys = keys
    known.fresh_until = now + life_of(reply.headers)
    known.next_fetch_at = now + PAUSE


def life_of(headers: Mapping[str, str]) -> timedelta:
    """How long a key set may be used without asking again (its Cache-Control, within reason)."""
    said = " ".join(text for name, text in headers.items() if name.lower() == "cache-control")
    said = said.lower()
    if _NEVER.search(said):
        return PAUSE
    age = _MAX_AGE.search(said)
    if age is None:
        return DEFAULT_LIFE
    return min(max(timedelta(seconds=int(age[1])), PAUSE), MAX_LIFE)


def usable_keys(reply: Reply) -> dict[str, RSAPublicKey]:
    """The keys of a key set that can verify RS256, by `kid`; others are passed over."""
    if reply.status != OK:
        raise KeysUnavailableError
    try:
        found = json.loads(reply.body)
    except (ValueError, RecursionError):
        raise KeysUnavailableError from None
    listed = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(listed, list):
        raise KeysUnavailableError
    keys: dict[str, RSAPublicKey] = {}
    for each in listed[:MAX_KEYS]:
        if isinstance(each, dict) and (key := _key(each)) is not None:
            keys.setdefault(each["kid"], key)
    return keys


def _key(said: Mapping[str, Any]) -> RSAPublicKey | None:
    """What is null was not said: some LMSs write every name a key could have."""
    jwk = {name: value for name, value in said.items() if value is not None}
    operations = jwk.get("key_ops")
    if (
        jwk.get("kty") != "RSA"
        or jwk.get("use", "sig") != "sig"
        or jwk.get("alg", "RS256") != "RS256"
        or (isinstance(operations, list) and "verify" not in operations)
        or not isinstance(jwk.get("kid"), str)
        or PRIVATE & jwk.keys()  # published: anybody could sign with it
    ):
        return None
    try:
        modulus, exponent = number_of(jwk.get("n")), number_of(jwk.get("e"))
        if not MIN_BITS <= modulus.bit_length() <= MAX_BITS:
            return None
        return RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError:
        return None
