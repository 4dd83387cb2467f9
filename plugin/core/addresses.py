"""Web addresses as browsers read them (pure)."""

from urllib.parse import urlsplit

from plugin.core.settings import is_loopback


def origin_of(address: str) -> str | None:
    """Scheme, host and port of a web address as a browser writes them, or None."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host or not address.isprintable():
        return None
    if any(sign in host for sign in " ;,'\"\\*") or "\\" in parts.netloc or "@" in parts.netloc:
        return None
    name = f"[{host}]" if ":" in host else _ascii(host)
    if name is None:
        return None
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{name}" + (f":{port}" if port not in {None, usual} else "")


def _ascii(host: str) -> str | None:
    """The host as it is sent on the wire (RFC 3490), since a header holds nothing else.

    None for signs that only look like others, such as wide letters and other full stops: what a
    person reads as one host must not be compared as another.
    """
    labels = host.split(".")
    try:
        sent = [label if label.isascii() else label.encode("idna").decode() for label in labels]
    except UnicodeError:
        return None
    is_plain = all(
        label.isascii() or (new.startswith("xn--") and "." not in new)
        for label, new in zip(labels, sent, strict=True)
    )
    return ".".join(sent) if is_plain else None


def is_secure_address(address: str) -> bool:
    """Whether we may talk to an address: https, or http on this machine."""
    origin = origin_of(address)
    if origin is None or urlsplit(address).fragment:
        return False
    return origin.startswith("https://") or is_loopback(urlsplit(address).hostname or "")
