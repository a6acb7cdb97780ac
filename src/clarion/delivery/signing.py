"""Signatures of HTTP deliveries after the Standard Webhooks specification, version 1 (symmetric)."""

import binascii
import hmac
from base64 import b64decode, b64encode
from typing import Final

PREFIX: Final = "whsec_"
MIN_SECRET: Final = 24
MAX_SECRET: Final = 64
"""Bytes of a secret that the specification allows."""


def parse_secret(text: str) -> bytes:
    """The bytes of a secret, with or without its prefix. Raises ValueError for what is not base64 of 24 to 64 bytes."""
    try:
        secret = b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a signing secret is whsec_ and base64") from None
    if not MIN_SECRET <= len(secret) <= MAX_SECRET:
        raise ValueError(f"a signing secret has {MIN_SECRET} to {MAX_SECRET} bytes")
    return secret


def signature_headers(secret: bytes, message: str, timestamp: int, body: bytes) -> list[tuple[bytes, bytes]]:
    """The three `webhook-` headers for one attempt.

    `message` is the same for every attempt of a delivery, so receivers know a repeat by it; `timestamp` is the attempt's, in seconds
    since 1970-01-01. A request without a body signs the empty one.
    """
    identity, at = message.encode(), b"%d" % timestamp
    digest = hmac.digest(secret, b"%b.%b.%b" % (identity, at, body), "sha256")
    return [(b"webhook-id", identity), (b"webhook-timestamp", at), (b"webhook-signature", b"v1," + b64encode(digest))]
