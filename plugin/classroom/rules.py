"""When a session takes presence, and the short codes that prove being in its room. Pure."""

import hashlib
import hmac
from datetime import datetime, timedelta

WINDOW_SECONDS = 30
WINDOWS = 2
"""A code holds while it is shown and for one window more: at most a minute."""
BEFORE = timedelta(minutes=30)
AFTER = timedelta(hours=2)
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 6


def takes_presence(starts_at: datetime, ends_at: datetime, *, now: datetime) -> bool:
    """From half an hour before the start until two hours after the end."""
    return starts_at - BEFORE <= now < ends_at + AFTER


def code(secret: str, now: datetime) -> str:
    """What is shown in the room now."""
    return _code(secret, _window(now))


def is_shown(given: str, secret: str, now: datetime) -> bool:
    """Whether the code is shown in the room, or was a moment ago; as people type it."""
    typed = "".join(each for each in given.upper() if each.isalnum())
    window = _window(now)
    return any(
        hmac.compare_digest(typed.encode(), _code(secret, window - back).encode())
        for back in range(WINDOWS)
    )


def _window(now: datetime) -> int:
    return int(now.timestamp()) // WINDOW_SECONDS


def _code(secret: str, window: int) -> str:
    digest = hmac.new(secret.encode(), f"class:{window}".encode(), hashlib.sha256).digest()
    return "".join(ALPHABET[each % len(ALPHABET)] for each in digest[:LENGTH])
