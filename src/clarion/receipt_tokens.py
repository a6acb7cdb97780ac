"""Receipt tokens: what goes along in a push and comes back with its receipts, `<partition>.<delivery id>.<MAC>` (semantics §1).

The MAC is HMAC-SHA256 (RFC 2104) over what stands before it, cut to 128 bits (§5), in base64url without padding: 22 characters.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from typing import Final

import msgspec

MAC_BYTES: Final = 16

_FORM: Final = re.compile(r"(0|[1-9][0-9]{0,8})\.([0-9a-f]{32})\.([A-Za-z0-9_-]{22})")


class Receivable(msgspec.Struct, frozen=True):
    """What a genuine token says."""

    delivery: str
    partition: int


def make_token(key: bytes, delivery: str, partition: int) -> str:
    """The token of a delivery under a site's key."""
    said = f"{partition}.{delivery}"
    return f"{said}.{_mac(key, said)}"


def read_token(key: bytes, token: str) -> Receivable | None:
    """What a token says; None for one that was not made with the key. Takes as long for one wrong MAC as for another."""
    found = _FORM.fullmatch(token)
    if found is None:
        return None
    partition, delivery, mac = found.groups()
    if not hmac.compare_digest(_mac(key, f"{partition}.{delivery}").encode(), mac.encode()):
        return None
    return Receivable(delivery, int(partition))


def _mac(key: bytes, said: str) -> str:
    return urlsafe_b64encode(hmac.digest(key, said.encode(), "sha256")[:MAC_BYTES]).rstrip(b"=").decode()
