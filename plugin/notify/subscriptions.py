"""The handshake of Amazon SNS: a subscription sends nothing until its address was visited."""

import json
import re
from urllib.parse import urlsplit

CONFIRMATION = "SubscriptionConfirmation"
SERVERS = re.compile(r"sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")


def confirmation_url(content: bytes) -> str | None:
    """Where to say yes, if this asks for it; only at a server of SNS itself, over TLS."""
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("Type") != CONFIRMATION:
        return None
    url = said.get("SubscribeURL")
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
    except ValueError:
        return None
    is_theirs = parts.scheme == "https" and SERVERS.fullmatch(parts.netloc)
    return url if is_theirs else None
