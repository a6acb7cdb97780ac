"""The bodies of what the server itself answers, before any route has a say."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

_encode = msgspec.json.Encoder().encode


def envelope(message: str, code: int, *details: str) -> bytes:
    """The error envelope as compact JSON; each detail is a message about the request as a whole."""
    error: dict[str, object] = {"message": message, "code": code}
    if details:
        error["details"] = [{"message": detail, "path": []} for detail in details]
    return _encode({"error": error})


def _invalid(detail: str) -> bytes:
    return envelope("Invalid data", 1003, detail)


def body_too_large(limit: int) -> bytes:
    """The body of a 413 for a limit in bytes."""
    return _invalid(f"Request body must be at most {limit} bytes")


@dataclass(frozen=True, slots=True)
class Envelopes:
    """Bodies by what went wrong."""

    malformed: bytes = _invalid("Malformed HTTP request")
    not_found: bytes = envelope("Not found.", 1004)
    method_not_allowed: bytes = envelope("Method not allowed.", 1005)
    timed_out: bytes = _invalid("The request did not arrive in time")
    too_large: Callable[[int], bytes] = body_too_large
    target_too_long: bytes = _invalid("Request target is too long")
    headers_too_large: bytes = _invalid("Request header section is too large")
    failed: bytes = envelope("Something went wrong.", 1001)
    unavailable: bytes = envelope("Service temporarily unavailable. Please retry.", 1053)
