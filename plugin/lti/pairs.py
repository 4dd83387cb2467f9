"""RSA key pairs for signed messages: made here, sealed at rest."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from plugin.core.base import JsonDict
from plugin.core.secrets import decrypt, encrypt, new_token
from plugin.lti.tool.encoding import text_of_number

BITS = 2048
EXPONENT = 65537


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A new pair; its `kid` is random and never used again."""

    kid: str
    sealed: str
    public_jwk: JsonDict


def new_pair(*, encryption_key: str) -> Pair:
    """A pair for RS256; the private half is readable only with the key of the settings."""
    private = generate_private_key(public_exponent=EXPONENT, key_size=BITS)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    kid = new_token()
    numbers = private.public_key().public_numbers()
    jwk = {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": kid,
        "n": text_of_number(numbers.n),
        "e": text_of_number(numbers.e),
    }
    return Pair(kid=kid, sealed=encrypt(pem, encryption_key=encryption_key), public_jwk=jwk)


def load_private(sealed: str, *, encryption_key: str) -> RSAPrivateKey:
    """The private half, for signing; raises cryptography's InvalidToken with another key.

    The seal proves that it is what we made: checking once more that its numbers are prime takes
    longer than everything else a token or an answer needs.
    """
    pem = decrypt(sealed, encryption_key=encryption_key)
    private = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(private, RSAPrivateKey):
        raise TypeError("not an RSA key")
    return private
