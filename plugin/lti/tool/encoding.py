"""Numbers and bytes as JOSE writes them (RFC 7515, 7518)."""

import base64
import binascii


def bytes_of(text: object) -> bytes:
    """What an unpadded base64url text says; raises ValueError for anything else."""
    if not isinstance(text, str):
        raise ValueError("not a text")
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not base64url") from error


def number_of(text: object) -> int:
    """A number of a JSON web key; raises ValueError."""
    return int.from_bytes(bytes_of(text), "big")


def text_of(raw: bytes) -> str:
    """Bytes as unpadded base64url."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def text_of_number(number: int) -> str:
    """A number of a JSON web key."""
    return text_of(number.to_bytes((number.bit_length() + 7) // 8, "big"))
