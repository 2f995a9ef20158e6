"""Secrets: passwords, tokens, keys at rest, signed values. Nothing here knows what they are for."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.core.errors import Unavailable
from app.core.settings import get_settings

_NONCE_BYTES = 12
_AT_REST = "at-rest"
_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """The argon2id hash of `password`, salt and parameters included."""
    return _hasher.hash(password)


@lru_cache
def _hash_of_nothing() -> str:
    return _hasher.hash(secrets.token_urlsafe())


def password_matches(password: str, stored: str | None) -> bool:
    """Whether `password` is the one behind `stored`; takes as long when there is no stored hash."""
    try:
        _hasher.verify(stored or _hash_of_nothing(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def new_token(prefix: str = "") -> str:
    """A random token of 256 bits, with a prefix that tells people and scanners what it is."""
    return prefix + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is stored of a random token. A plain hash is enough: 256 random bits cannot be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()


def derived_key(purpose: str) -> bytes:
    """32 bytes that only this server can derive; `purpose` keeps uses apart.

    Raises:
        Unavailable: the server has no secret.
    """
    secret = get_settings().secret_key.get_secret_value()
    if not secret:
        msg = "WHETSTONE_SECRET_KEY is not set: set it, or start with `./whetstone up`."
        raise Unavailable(msg)
    return _derived(secret, purpose)


def _derived(secret: str, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=b"whetstone", info=purpose.encode()).derive(secret.encode())


def fingerprint(secret: str) -> str:
    """What tells whether two secrets are the same one, without giving either away: 64 bits derived from it."""
    return HKDF(SHA256(), 8, salt=b"whetstone", info=b"fingerprint").derive(secret.encode()).hex()


def signature(purpose: str, value: str) -> str:
    """An HMAC over `value` that only this server can make; `purpose` keeps uses apart."""
    digest = hmac.digest(derived_key(purpose), value.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def same(left: str, right: str) -> bool:
    """Equality that takes the same time wherever the strings differ."""
    return hmac.compare_digest(left.encode(), right.encode())


def encrypt(plain: str, *, bound_to: str) -> bytes:
    """`plain` under AES-256-GCM; it can only be read back with the same `bound_to` (a row's id)."""
    return _seal(derived_key(_AT_REST), plain, bound_to)


def decrypt(sealed: bytes, *, bound_to: str) -> str:
    """What `encrypt` sealed.

    Raises:
        Unavailable: the secret is not the one that sealed it, or the value was moved or changed.
    """
    plain = _opened(derived_key(_AT_REST), sealed, bound_to)
    if plain is None:
        msg = "A stored key cannot be read: WHETSTONE_SECRET_KEY is not the one it was saved with. Enter the key again."
        raise Unavailable(msg)
    return plain


@dataclass(frozen=True, slots=True)
class Rotation:
    """From one secret of the server to another."""

    old: str = field(repr=False)
    new: str = field(repr=False)

    def resealed(self, sealed: bytes, *, bound_to: str) -> bytes | None:
        """What the old secret sealed, sealed by the new one; as it is where the new one opens it already, so that a
        rotation can be done again. None where neither opens it."""
        new = _derived(self.new, _AT_REST)
        if _opened(new, sealed, bound_to) is not None:
            return sealed
        plain = _opened(_derived(self.old, _AT_REST), sealed, bound_to)
        return None if plain is None else _seal(new, plain, bound_to)


def _seal(key: bytes, plain: str, bound_to: str) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain.encode(), bound_to.encode())


def _opened(key: bytes, sealed: bytes, bound_to: str) -> str | None:
    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, bound_to.encode()).decode()
    except InvalidTag:
        return None
