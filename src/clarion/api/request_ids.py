"""Ids of requests: the client's own where it sent a usable one, else a new one that costs next to nothing."""

import re
import secrets
from collections.abc import Callable
from itertools import count

_USABLE = re.compile(rb"[A-Za-z0-9._-]{1,128}").fullmatch


def usable_request_id(value: bytes) -> bool:
    """True if a client's `X-Request-Id` may be echoed: 1 to 128 characters of `[A-Za-z0-9._-]`."""
    return _USABLE(value) is not None


def request_ids(prefix: bytes | None = None) -> Callable[[], bytes]:
    """A source of ids, each new: a prefix drawn once (48 random bits unless given), a hyphen and a count in hexadecimal digits."""
    start = secrets.token_hex(6).encode("ascii") if prefix is None else prefix
    return map((start.replace(b"%", b"%%") + b"-%x").__mod__, count(1)).__next__
