"""Encryption of a Web Push message: RFC 8291 over the `aes128gcm` coding of RFC 8188, always one record."""

import os
from binascii import Error, a2b_base64
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from clarion.delivery.errors import BadRequest
from clarion.delivery.hmac256 import hmac256, hmac256_pair

RECORD_SIZE: Final = 4096
HEADER_SIZE: Final = 86
"""Salt 16, record size 4, key length 1, uncompressed P-256 point 65 (RFC 8188 §2.1)."""
MAX_PLAINTEXT: Final = RECORD_SIZE - HEADER_SIZE - 17
"""3993 bytes: push services need not take more than 4096 (RFC 8291 §4); 17 are the tag and the delimiter."""

_CURVE: Final = ec.SECP256R1()
_ECDH: Final = ec.ECDH()
_POINT_SIZE: Final = 65
_AUTH_SIZE: Final = 16
_LAST_RECORD: Final = b"\x02"
_SIZE_FIELD: Final = RECORD_SIZE.to_bytes(4, "big")
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")


class PayloadTooLarge(BadRequest):
    """The message does not fit into one record that every push service takes."""


class BadSubscription(BadRequest):
    """The subscription's keys are no P-256 point and 16-byte secret."""


def encrypt(plaintext: bytes, p256dh: str, auth: str, *, salt: bytes, private_key: ec.EllipticCurvePrivateKey) -> bytes:
    """The body of a push message (RFC 8291 §3).

    `p256dh` and `auth` are the subscription's, base64url with or without padding. `salt` (16 bytes) and `private_key` (P-256) must be
    fresh for every message: `encrypt_fresh` draws them. Raises PayloadTooLarge, BadSubscription.
    """
    if len(plaintext) > MAX_PLAINTEXT:
        raise PayloadTooLarge(f"payload of {len(plaintext)} bytes is over {MAX_PLAINTEXT}")
    receiver = _decode(p256dh, _POINT_SIZE)
    try:
        shared = private_key.exchange(_ECDH, ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, receiver))
    except ValueError as error:
        raise BadSubscription("p256dh is no point of P-256") from error
    sender = private_key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    prk = hmac256(_decode(auth, _AUTH_SIZE), shared)
    ikm = hmac256(prk, b"WebPush: info\0" + receiver + sender + b"\x01")
    return seal(plaintext, ikm, salt=salt, key_id=sender)


def encrypt_fresh(plaintext: bytes, p256dh: str, auth: str) -> bytes:
    """`encrypt` with a salt and an ephemeral key of its own, drawn here.

    The key pair belongs to one message (RFC 8291 §2): it is not kept for a second one, though to make it and to agree on a secret takes
    more than half of the time.
    """
    return encrypt(plaintext, p256dh, auth, salt=os.urandom(16), private_key=ec.generate_private_key(_CURVE))


def seal(plaintext: bytes, ikm: bytes, *, salt: bytes, key_id: bytes) -> bytes:
    """One `aes128gcm` record with its header (RFC 8188 §2): salt, record size, key id, ciphertext."""
    key, nonce = hmac256_pair(hmac256(salt, ikm), b"Content-Encoding: aes128gcm\0\x01", b"Content-Encoding: nonce\0\x01")
    header = salt + _SIZE_FIELD + bytes((len(key_id),)) + key_id
    return header + AESGCM(key[:16]).encrypt(nonce[:12], plaintext + _LAST_RECORD, None)


def check_subscription(p256dh: str, auth: str) -> None:
    """Raises BadSubscription where `encrypt` would, so that a registration can be refused at the edge."""
    _decode(auth, _AUTH_SIZE)
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, _decode(p256dh, _POINT_SIZE))
    except ValueError as error:
        raise BadSubscription("p256dh is no point of P-256") from error


def _decode(text: str, size: int) -> bytes:
    try:
        raw = a2b_base64(text.encode("ascii").translate(_FROM_URL) + b"=" * (-len(text) % 4), strict_mode=True)
    except (Error, UnicodeEncodeError) as error:
        raise BadSubscription("a key of the subscription is not base64url") from error
    if len(raw) != size:
        raise BadSubscription(f"a key of the subscription has {len(raw)} bytes, not {size}")
    return raw
