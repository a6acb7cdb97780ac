"""HMAC-SHA256 of short texts under keys that are used once (RFC 2104 §2).

`hmac.digest` sets up a context of OpenSSL for each call, which takes longer than the hashing, and a push takes five of them.
"""

from hashlib import sha256
from typing import Final

_BLOCK: Final = 64
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))


def hmac256(key: bytes, text: bytes) -> bytes:
    """The 32 bytes. Raises ValueError for a key of over 64 bytes."""
    padded = _pad(key)
    return sha256(padded.translate(_OUTER) + sha256(padded.translate(_INNER) + text).digest()).digest()


def hmac256_pair(key: bytes, one: bytes, other: bytes) -> tuple[bytes, bytes]:
    """Those of two texts under one key. Raises ValueError for a key of over 64 bytes."""
    padded = _pad(key)
    outer, inner = padded.translate(_OUTER), padded.translate(_INNER)
    return sha256(outer + sha256(inner + one).digest()).digest(), sha256(outer + sha256(inner + other).digest()).digest()


def _pad(key: bytes) -> bytes:
    if len(key) > _BLOCK:
        raise ValueError("a key of over 64 bytes is to be hashed first")
    return key.ljust(_BLOCK, b"\0")
