"""Who sends: the check of `Authorization: vapid t=…, k=…` (RFC 8292)."""

import binascii
import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from tests.push_service.messages import Unacceptable

from clarion.clock import HOUR, SECOND

LONGEST: Final = 24 * HOUR
"""A token may not be good for longer from now on (RFC 8292 §2)."""

_HEADER_CHARACTERS: Final = 4096
_parameter = re.compile(r'([A-Za-z]+)=(?:"([^"\\]*)"|([A-Za-z0-9._~+/=-]*))').fullmatch
_contact = re.compile(r"mailto:[^@\s]+@[^@\s]+|https://[^\s/]+.*").fullmatch


def check_sender(authorization: str | None, origin: str, key: bytes | None, now: int) -> None:
    """Judge the header of a message to a subscription of `origin`.

    `key` is the application server key that the subscription is restricted to, 65 bytes, or None. Raises Unacceptable: 401 without the
    header, 403 for one that does not hold (RFC 8292 §4.2). A subscription without a key takes messages without the header.
    """
    if authorization is None:
        if key is None:
            return
        raise Unacceptable(401, "the subscription wants vapid authentication", {"WWW-Authenticate": "vapid"})
    token, sender = _read(authorization)
    _verify(token, sender)
    _check_claims(_claims(token), origin, now)
    if key is not None and sender != key:
        raise _forbidden("the subscription was made for another key")


def decode(text: str) -> bytes:
    """Base64url without padding (RFC 7515 §2). Raises ValueError."""
    if "=" in text or "+" in text or "/" in text:
        raise ValueError("not base64url")
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error


def read_key(text: str) -> bytes:
    """An application server key as a browser or a header names it: an uncompressed point of P-256. Raises ValueError."""
    raw = decode(text)
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    if len(raw) != 65:
        raise ValueError("not an uncompressed point")
    return raw


def _read(authorization: str) -> tuple[str, bytes]:
    """The token and the key (RFC 8292 §3)."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "vapid" or len(authorization) > _HEADER_CHARACTERS:
        raise _forbidden("no vapid scheme")
    parameters = [_parameter(part.strip()) for part in rest.split(",")]
    named = {match[1].lower(): match[2] or match[3] or "" for match in parameters if match is not None}
    if None in parameters or len(named) != len(parameters) or not {"t", "k"} <= named.keys():
        raise _forbidden("t and k have to be there, once each")
    try:
        return named["t"], read_key(named["k"])
    except ValueError as error:
        raise _forbidden("k is no key") from error


def _verify(token: str, sender: bytes) -> None:
    """ES256 over header and claims (RFC 7515 §5.2, RFC 7518 §3.4)."""
    signed, _, signature = token.rpartition(".")
    try:
        head, raw = json.loads(decode(signed.partition(".")[0])), decode(signature)
    except (ValueError, RecursionError) as error:
        raise _forbidden("t is no JWT") from error
    if not isinstance(head, dict) or head.get("alg") != "ES256" or len(raw) != 64:
        raise _forbidden("t is not signed with ES256")
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender).verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise _forbidden("the signature is not that of k") from error


def _claims(token: str) -> Mapping[str, object]:
    try:
        claims = json.loads(decode(token.split(".")[1]))
    except (ValueError, RecursionError) as error:
        raise _forbidden("the claims are no JSON") from error
    if not isinstance(claims, dict):
        raise _forbidden("the claims are no object")
    return claims


def _check_claims(claims: Mapping[str, object], origin: str, now: int) -> None:
    """`aud`, `exp` (RFC 8292 §2) and `sub`, which large services insist on (§2.1)."""
    audience, expires, subject = claims.get("aud"), claims.get("exp"), claims.get("sub")
    if origin not in (audience if isinstance(audience, list) else [audience]):
        raise _forbidden(f"aud is not {origin}")
    if not isinstance(expires, int | float) or isinstance(expires, bool) or not now <= expires * SECOND <= now + LONGEST:
        raise _forbidden("exp is not within the next 24 hours")
    if not isinstance(subject, str) or _contact(subject) is None:
        raise _forbidden("sub is no mailto: or https: URI")


def _forbidden(reason: str) -> Unacceptable:
    return Unacceptable(403, reason)
