"""The event that the benchmarks send: the documented example of the Track Event API."""

from typing import Final

import msgspec

ACCEPTED: Final = b'{"error_code":0,"data":{}}'
"""Body of the answer to an event that was accepted."""

PROFILES: Final = 1_000
"""How many profiles the events are about, in turn."""


def example(profile: str) -> dict[str, object]:
    """The example event about a profile."""
    return {
        "event_name": "add_to_cart",
        "device_token_hash": "DEVICE_TOKEN_HASH",
        "profile_id": profile,
        "data": {"product_name": "Running Shoes", "price": 99.99},
    }


def request(path: str, key: str, body: bytes) -> bytes:
    """A whole request on a connection that is kept alive."""
    fields = {"Host": "127.0.0.1", "Api-Key": key, "Content-Type": "application/json", "Content-Length": len(body)}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def encode(value: object) -> bytes:
    """Compact JSON."""
    return msgspec.json.encode(value)
