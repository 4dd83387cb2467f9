"""The names of a certificate: for people, for a QR code, and for typing."""

import re
import secrets

from plugin.core.secrets import new_token

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that could be taken for a digit, and no U."""
GROUP = 4
CREDENTIAL_GROUPS = 2
PASSCODE_GROUPS = 3
MAX_INITIALS = 4
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1"})


def new_address_token() -> str:
    """What stands in the verify address: 192 random bits."""
    return new_token()


def new_credential_id(slug: str) -> str:
    """Initials of the organization and 40 random bits, such as `HW-4KD8-71QX`."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", slug) if word]
    initials = "".join(word[0] for word in words)[:MAX_INITIALS].upper() or "C"
    return f"{initials}-{_groups(CREDENTIAL_GROUPS)}"


def new_passcode() -> str:
    """60 random bits to type from paper, such as `7QXK-M2PD-94TV`."""
    return _groups(PASSCODE_GROUPS)


def typed_passcode(text: str) -> str | None:
    """The passcode somebody meant by `text`, or None when it cannot be one."""
    letters = re.sub(r"[\s\-\u2010-\u2015]+", "", text).upper().translate(_READ_AS)
    if len(letters) != GROUP * PASSCODE_GROUPS or any(each not in ALPHABET for each in letters):
        return None
    return _hyphenated(letters)


def _groups(number: int) -> str:
    return _hyphenated("".join(secrets.choice(ALPHABET) for _ in range(number * GROUP)))


def _hyphenated(letters: str) -> str:
    return "-".join(letters[at : at + GROUP] for at in range(0, len(letters), GROUP))
