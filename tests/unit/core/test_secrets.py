"""Tokens are long and random; sealed keys open only with the key that sealed them."""

import pytest
from cryptography.fernet import InvalidToken

from plugin.core import secrets


def test_a_token_carries_at_least_128_bits_and_is_kept_as_a_hash() -> None:
    tokens = {secrets.new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert secrets.TOKEN_BYTES * 8 >= 128
    assert all(token not in secrets.hash_of(token) for token in tokens)


def test_what_is_sealed_opens_with_the_same_key_only() -> None:
    sealed = secrets.encrypt(b"private", encryption_key="k" * 32)
    assert "private" not in sealed
    assert secrets.decrypt(sealed, encryption_key="k" * 32) == b"private"
    with pytest.raises(InvalidToken):
        secrets.decrypt(sealed, encryption_key="x" * 32)
