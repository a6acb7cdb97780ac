"""Whatever comes in, an event or a well-formed refusal comes out, and the fast path agrees with the slow one."""

import json
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clarion.contract.errors import Refusal
from clarion.contract.limits import FLAT_BYTES, MAX_DETAILS
from clarion.contract.reading import NotJson, read_json
from clarion.contract.track_event import NUL, TrackEvent, accept, read_event, read_event_value

NOW = 1_795_428_000_000_000

words = st.sampled_from(
    ["", " ", "\u2003", "x", "a\0b", "\\u0000", "PushEngage.x", "PushEngage", "😀" * 64, "n" * 65, "p" * 255, "p" * 256, "é"]
)
moments = st.sampled_from(["2026-11-23T10:05:00Z", "2026-11-23T10:05:00.000001Z", "2026-11-23", "2020-01-01T00:00:00+01:00"])
odd: st.SearchStrategy[object] = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.just([]) | st.just({"a": None})
)
keys = st.sampled_from(["a", "1a", "a-b_c", "_a", "-", "", "a b", "a\n", "é", "a\0", "k" * 255, "k" * 256])
values = words | odd | st.just("v" * 4080) | st.just(10**4200) | st.just(2**64)
flat = st.dictionaries(keys, values, max_size=4)
names = st.sampled_from(["event_name", "device_token_hash", "profile_id", "event_id"])
members = st.one_of(
    st.tuples(names, words | odd),
    st.tuples(st.just("timestamp"), moments | odd),
    st.tuples(st.just("data"), flat | odd),
    st.tuples(st.just("other"), odd),
)
right = st.sampled_from([("event_name", "x"), ("profile_id", "p"), ("data", {"a": 1.5, "b": "x", "c": True})])


def text(pairs: list[tuple[str, Any]], ascii_only: bool) -> bytes:
    """An object with its members as given: repeated keys stay repeated."""
    return b"{" + b",".join(json.dumps(k).encode() + b":" + json.dumps(v, ensure_ascii=ascii_only).encode() for k, v in pairs) + b"}"


bodies = st.builds(text, st.lists(members | right, max_size=9), st.booleans())
headers = st.none() | words | st.just("e" * 129)


def slowly(body: bytes, key: str | None) -> TrackEvent | bytes:
    try:
        return read_event_value(read_json(body), now=NOW, idempotency_key=key)
    except NotJson:
        return b"not JSON"
    except Refusal as refusal:
        return refusal.encode()


@given(bodies, headers)
@example(b'{"event_name":"x","profile_id":"p","other":"\xff"}', None)
@example(b'{"event_name":"x","profile_id":"p","other":"\\ud800"}', None)
@example(b'{"event_name":"x","profile_id":"p","data":{"a":1,"a":null}}', None)
@example(b'{"event_name":"x","profile_id":"p","data":null,"data":{"a":1},"data":null}', None)
@example(b'{"profile_id":"p","event_name":"x","event_name":"y"}', None)
@settings(max_examples=600)
def test_what_the_fast_path_accepts_the_slow_path_accepts_alike(body: bytes, key: str | None) -> None:
    fast = accept(body, NOW, key) if NUL not in body else None
    if fast is not None:
        assert slowly(body, key) == fast


@given(st.lists(right, min_size=3, max_size=6, unique_by=lambda pair: pair[0]), st.none() | st.just("key"))
def test_what_is_right_takes_the_fast_path(pairs: list[tuple[str, Any]], key: str | None) -> None:
    body = text([*pairs, ("event_id", None), ("timestamp", "2020-01-01T00:00:00Z")], ascii_only=True)
    assert accept(body, NOW, key) == slowly(body, key)


def well_formed(refusal: Refusal) -> None:
    assert (refusal.status, refusal.code, refusal.headers) == (400, 1003, ())
    assert 1 <= len(refusal.details) <= MAX_DETAILS
    answer = json.loads(refusal.encode())
    assert list(answer["error"]) == ["message", "code", "details"]
    paths = [tuple(detail["path"]) for detail in answer["error"]["details"]]
    assert len(set(paths)) == len(paths), "one problem per field"


def check(body: bytes, key: str | None) -> None:
    try:
        event = read_event(body, now=NOW, idempotency_key=key)
    except Refusal as refusal:
        well_formed(refusal)
        return
    assert len(event.data) <= FLAT_BYTES
    assert "\0" not in event.event_name + event.target + (event.event_id or "")
    assert all(type(value) in (str, int, float, bool) for value in msgspec.json.decode(event.data).values())
    assert len(event.content_hash()) == 32


@given(bodies, headers)
@settings(max_examples=300)
def test_any_object_is_an_event_or_a_refusal(body: bytes, key: str | None) -> None:
    check(body, key)


@given(st.recursive(odd | words, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=8))
@settings(max_examples=100)
def test_any_json_is_an_event_or_a_refusal(value: object) -> None:
    check(json.dumps(value).encode(), None)


@given(
    st.binary(max_size=80)
    | st.builds(lambda body, at, byte: body[:at] + byte + body[at + 1 :], bodies, st.integers(0, 200), st.binary(max_size=2))
)
@settings(max_examples=300)
def test_any_bytes_are_an_event_or_a_refusal(body: bytes) -> None:
    check(body, None)
