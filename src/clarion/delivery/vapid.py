"""Voluntary application server identification: the `Authorization` header of a push (RFC 8292)."""

from collections import OrderedDict
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from clarion.clock import HOUR, SECOND
from clarion.delivery.jws import es256

LIFETIME: Final = 12 * HOUR
"""Of a token; RFC 8292 §2 allows 24 hours, and clocks differ."""
RENEW_BEFORE: Final = HOUR
"""A token with less than this left is made anew."""

_CURVE: Final = ec.SECP256R1()


class VapidKey(msgspec.Struct, frozen=True):
    """A site's key pair as it is sent with; `public` must belong to `private`."""

    private: bytes
    """The P-256 scalar, 32 bytes, big-endian."""
    public: str
    """The uncompressed point, base64url without padding: browsers get it as `applicationServerKey`."""
    subject: str
    """`mailto:` or `https:` URI at which the push service reaches the operator (RFC 8292 §2.1)."""

    def __repr__(self) -> str:
        return f"VapidKey(public={self.public!r})"


class VapidTokens:
    """Makes the headers and keeps each until shortly before it expires; the least recently used go first."""

    def __init__(self, *, capacity: int = 4096) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[tuple[str, str, str], tuple[int, bytes]] = OrderedDict()

    def authorization(self, key: VapidKey, origin: str, now: int) -> bytes:
        """The value of `Authorization` for a push to `origin` (scheme, host, and port where it is not the default)."""
        cache_key = (key.public, key.subject, origin)
        kept = self._kept.get(cache_key)
        # a clock set back leaves a token that would live too long: it is made anew as well
        if kept is not None and RENEW_BEFORE < kept[0] - now <= LIFETIME:
            self._kept.move_to_end(cache_key)
            return kept[1]
        expires = now + LIFETIME
        header = b"vapid t=" + _token(key, origin, expires // SECOND) + b", k=" + key.public.encode()
        self._kept[cache_key] = (expires, header)
        self._kept.move_to_end(cache_key)
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        return header


def _token(key: VapidKey, origin: str, expires: int) -> bytes:
    private = ec.derive_private_key(int.from_bytes(key.private, "big"), _CURVE)
    return es256({"typ": "JWT"}, {"aud": origin, "exp": expires, "sub": key.subject}, private)
