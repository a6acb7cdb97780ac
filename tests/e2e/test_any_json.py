"""Whatever is posted, the answer is 200 or a well-formed refusal, never a failure of the server's."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.e2e.server import Server

from clarion.contract.schemas import FAILURE

TAKEN = [{"error_code": 0, "data": {}}]
NAMES = [
    "event_name",
    "device_token_hash",
    "profile_id",
    "data",
    "event_id",
    "timestamp",
    "events",
    "subscription",
    "keys",
    "endpoint",
    "x",
]
PATHS = ["/api/v1/events", "/api/v1/events/batch", "/api/v1/subscribers", "/api/v1/workflows/validate"]

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70)
names = st.sampled_from(NAMES) | st.text(max_size=8)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6), max_leaves=12)
events = st.fixed_dictionaries(
    {},
    optional={
        "event_name": st.text(max_size=70) | scalars,
        "profile_id": st.text(min_size=1, max_size=20) | scalars,
        "device_token_hash": st.text(max_size=20) | scalars,
        "data": st.dictionaries(st.text("aZ0-_ \x00é", max_size=6), scalars, max_size=5),
        "event_id": st.text(max_size=20) | scalars,
        "timestamp": st.datetimes().map(lambda when: when.isoformat() + "Z") | scalars,
    },
)
# what json.dumps writes with NaN, Infinity and lone surrogates in it is not JSON, and has to be refused as such
bodies = (events | st.fixed_dictionaries({"events": st.lists(events, max_size=3)}) | values).map(lambda value: json.dumps(value).encode())
garbage = st.binary(max_size=200) | st.builds(lambda body, cut: body[:cut], bodies, st.integers(0, 60))


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[http.client.HTTPConnection]:
    """One connection for all examples."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)) as opened:
        yield opened


def check(connection: http.client.HTTPConnection, server: Server, path: str, body: bytes) -> None:
    connection.request("POST", path, body, {"Api-Key": server.key, "Content-Type": "application/json"})
    response = connection.getresponse()
    answer: Any = json.loads(response.read())
    assert response.headers["Content-Type"] == "application/json"
    if response.status == 200:
        assert path != PATHS[0] or answer in TAKEN
    else:
        assert 400 <= response.status < 500, answer
        jsonschema.validate(answer, FAILURE)


@settings(max_examples=120, deadline=None)
@given(path=st.sampled_from(PATHS), body=bodies)
def test_any_json(connection: http.client.HTTPConnection, server: Server, path: str, body: bytes) -> None:
    check(connection, server, path, body)


@settings(max_examples=60, deadline=None)
@given(path=st.sampled_from(PATHS), body=garbage)
def test_any_bytes(connection: http.client.HTTPConnection, server: Server, path: str, body: bytes) -> None:
    check(connection, server, path, body)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"event_name":"x","profile_id":"p","data":{"n":' + b"9" * 60_000 + b"}}",
        b'{"event_name":"x","profile_id":"p","data":{"n":1e' + b"9" * 60_000 + b"}}",
        b'{"event_name":"x","profile_id":"p","data":{' + b",".join(b'"%d":null' % n for n in range(5_000)) + b"}}",
        b'{"event_name":"\\ud800","profile_id":"p"}',
        b"\xef\xbb\xbf{}",
        b'{"event_name":"\xff","profile_id":"p"}',
        b"\x00",
    ],
    ids=[
        "nested lists",
        "nested objects",
        "a long integer",
        "a long exponent",
        "many problems",
        "a lone surrogate",
        "a BOM",
        "no UTF-8",
        "NUL",
    ],
)
@pytest.mark.parametrize("path", PATHS)
def test_hostile_bodies(connection: http.client.HTTPConnection, server: Server, path: str, body: bytes) -> None:
    check(connection, server, path, body)
