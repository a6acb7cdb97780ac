"""Voluntary application server identification: the `Authorization` header of a push (RFC 8292)."""

from base64 import urlsafe_b64encode
from collections import OrderedDict
from typing import Final

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from clarion.clock import HOUR, SECOND

LIFETIME: Final = 12 * HOUR
"""Of a token; RFC 8292 §2 allows 24 hours, and clocks differ."""
RENEW_BEFORE: Final = HOUR
"""A token with less than this left is made anew."""

_CURVE: Final = ec.SECP256R1()
_ES256: Final = ec.ECDSA(hashes.SHA256())
_JOSE_HEADER: Final = b'{"typ":"JWT","alg":"ES256"}'


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
    claims = msgspec.json.encode({"aud": origin, "exp": expires, "sub": key.subject})
    signed = _base64url(_JOSE_HEADER) + b"." + _base64url(claims)
    # JWS wants r and s side by side, not DER (RFC 7518 §3.4)
    r, s = decode_dss_signature(_load(key.private).sign(signed, _ES256))
    return signed + b"." + _base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def _load(private: bytes) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(private, "big"), _CURVE)


def _base64url(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")
