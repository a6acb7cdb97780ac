"""Signed tokens in compact form (RFC 7515), as push services and their authorities want them."""

from base64 import urlsafe_b64encode
from typing import Final

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

Claims = dict[str, str | int]

_SHA256: Final = hashes.SHA256()
_ES256: Final = ec.ECDSA(_SHA256)
_RS256: Final = PKCS1v15()


def es256(header: Claims, claims: Claims, key: ec.EllipticCurvePrivateKey) -> bytes:
    """A token signed by a P-256 key; `alg` is added to the header."""
    signed = _signed(header | {"alg": "ES256"}, claims)
    # r and s side by side, not DER (RFC 7518 §3.4)
    r, s = decode_dss_signature(key.sign(signed, _ES256))
    return signed + b"." + _base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def rs256(header: Claims, claims: Claims, key: RSAPrivateKey) -> bytes:
    """A token signed by an RSA key (RFC 7518 §3.3); `alg` is added to the header."""
    signed = _signed(header | {"alg": "RS256"}, claims)
    return signed + b"." + _base64url(key.sign(signed, _RS256, _SHA256))


def _signed(header: Claims, claims: Claims) -> bytes:
    return _base64url(msgspec.json.encode(header)) + b"." + _base64url(msgspec.json.encode(claims))


def _base64url(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")
