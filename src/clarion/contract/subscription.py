"""Rules for a push subscription as a browser's `PushSubscription.toJSON()` writes it (W3C Push API §8)."""

import base64
import re
from ipaddress import AddressValueError, IPv6Address
from typing import Final

import msgspec

from clarion.contract.limits import AUTH_BYTES, ENDPOINT_CHARACTERS, P256DH_BYTES
from clarion.contract.problems import Problems
from clarion.contract.text import text_problem

_UNCOMPRESSED: Final = 4
"""First byte of an uncompressed point (SEC 1 §2.3.3)."""

_match_url = re.compile(
    r"(?i:https?)://(?:\[([0-9A-Fa-f:.]+)\]|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?)(?::([0-9]{1,5}))?"
    r"(?:[/?](?:[A-Za-z0-9._~:/?@!$&'()*+,;=\[\]-]|%[0-9A-Fa-f]{2})*)?"
).fullmatch
_match_base64url = re.compile(r"([A-Za-z0-9_-]*)={0,2}").fullmatch


class Subscription(msgspec.Struct, frozen=True):
    """Where and how to push. Keys are base64url without padding."""

    endpoint: str
    p256dh: str
    auth: str


def read_subscription(problems: Problems, value: object, name: str = "subscription") -> Subscription:
    """The subscription in a field called `name`; what is wrong goes to `problems`, and then the result means nothing.

    `p256dh` is checked for its form only: whether the point lies on the curve is for whoever computes with it.
    """
    if not isinstance(value, dict):
        problems.add(f"{name} is required" if value is None else f"{name} must be an object", name)
        return Subscription("", "", "")
    endpoint = _read_endpoint(problems, value.get("endpoint"), name)
    keys = value.get("keys")
    if not isinstance(keys, dict):
        problems.add("keys is required" if keys is None else "keys must be an object", name, "keys")
        return Subscription(endpoint, "", "")
    p256dh = _read_bytes(problems, keys.get("p256dh"), P256DH_BYTES, _UNCOMPRESSED, name, "keys", "p256dh")
    auth = _read_bytes(problems, keys.get("auth"), AUTH_BYTES, None, name, "keys", "auth")
    return Subscription(endpoint, p256dh, auth)


def _read_endpoint(problems: Problems, value: object, name: str) -> str:
    problem = "endpoint is required" if value is None else text_problem("endpoint", value, ENDPOINT_CHARACTERS)
    if problem is None and not is_push_url(str(value)):
        problem = "endpoint must be an absolute URL with http or https, without user name and fragment"
    if problem is not None:
        problems.add(problem, name, "endpoint")
    return str(value)


def is_push_url(text: str) -> bool:
    """Whether a text is an absolute http or https URI (RFC 3986 §4.3) with a host and no user information.

    Nothing that parsers are known to disagree on passes: no backslash, space, control or non-ASCII character, no `@` before the path.
    """
    match = _match_url(text)
    if match is None:
        return False
    try:
        if match[1] is not None:
            IPv6Address(match[1])
    except AddressValueError:
        return False
    return match[2] is None or 0 < int(match[2]) < 65_536


def _read_bytes(problems: Problems, value: object, length: int, first: int | None, *path: str) -> str:
    """Exactly `length` bytes in base64url (RFC 4648 §5), padded or not, without padding in the result."""
    label = path[-1]
    problem = None
    raw = b""
    if value is None:
        problem = f"{label} is required"
    elif not isinstance(value, str):
        problem = f"{label} must be a string"
    elif not value:
        problem = f"{label} must not be empty"
    else:
        raw = _decode_base64url(value)
        if len(raw) != length or (first is not None and raw[0] != first):
            start = "" if first is None else f" and start with byte {first}"
            problem = f"{label} must be {length} bytes in base64url{start}"
    if problem is not None:
        problems.add(problem, *path)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode_base64url(text: str) -> bytes:
    """The bytes, none if it is not base64url."""
    match = _match_base64url(text)
    if match is None or len(match[1]) % 4 == 1:
        return b""
    return base64.urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4))
