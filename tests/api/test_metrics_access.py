"""Which clients of `/metrics` are on this machine."""

import pytest
from starlette.requests import Request

from clarion.api.routes.metrics import is_local


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("192.0.2.1", False),
        ("::ffff:192.0.2.1", False),
        ("2001:db8::1", False),
        ("", False),
        ("localhost", False),
    ],
)
def test_loopback_is_local(host: str, local: bool) -> None:
    assert is_local(Request({"type": "http", "headers": [], "client": (host, 1)})) is local


def test_nobody_is_not_local() -> None:
    assert not is_local(Request({"type": "http", "headers": [], "client": None}))


@pytest.mark.parametrize("name", [b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via"])
def test_a_proxy_is_not_local(name: bytes) -> None:
    assert not is_local(Request({"type": "http", "headers": [(name, b"")], "client": ("127.0.0.1", 1)}))
