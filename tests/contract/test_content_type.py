"""Which media types are read."""

import pytest

from clarion.contract.content_type import is_json, is_ndjson


@pytest.mark.parametrize(
    "value",
    [
        b"application/json",
        b"Application/JSON",
        b" application/json ",
        b"application/json;charset=utf-8",
        b"application/json ; a=b; c",
        b"application/json;",
    ],
)
def test_json(value: bytes) -> None:
    assert is_json(value)
    assert not is_ndjson(value)


@pytest.mark.parametrize("value", [b"application/x-ndjson", b"APPLICATION/X-NDJSON; charset=utf-8"])
def test_ndjson(value: bytes) -> None:
    assert is_ndjson(value)
    assert not is_json(value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b";application/json",
        b"application/jsonp",
        b"application/json, text/html",
        b"text/json",
        b"application/problem+json",
        b"json",
        b"\xff",
    ],
)
def test_neither(value: bytes | None) -> None:
    assert not is_json(value)
    assert not is_ndjson(value)
