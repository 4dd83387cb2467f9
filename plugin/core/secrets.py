"""Random tokens, their hashes, and encryption of private keys at rest."""

import base64
import hashlib
import hmac
import secrets

from cryptography.fernet import Fernet

TOKEN_BYTES = 24
"""192 bits: more than the 128 that session identifiers and addresses need."""


def new_token() -> str:
    """A random token for cookies and addresses (letters, digits, `-`, `_`)."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_of(token: str) -> str:
    """What the database keeps of a token, so that a copy of the database opens nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


def name_of(purpose: str, about: int | str, *, secret_key: str) -> str:
    """A name for something that cannot be guessed; always the same for the same one."""
    said = f"{purpose}\0{about}".encode()
    return hmac.new(secret_key.encode(), said, hashlib.sha256).hexdigest()[:32]


def _box(encryption_key: str) -> Fernet:
    derived = hashlib.sha256(b"keys at rest\0" + encryption_key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(derived))


def encrypt(plain: bytes, *, encryption_key: str) -> str:
    """`plain`, readable only with the key of the settings."""
    return _box(encryption_key).encrypt(plain).decode()


def decrypt(sealed: str, *, encryption_key: str) -> bytes:
    """What `encrypt` sealed; raises cryptography's InvalidToken with another key."""
    return _box(encryption_key).decrypt(sealed.encode())
