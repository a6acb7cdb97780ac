"""One event: what is kept of it, and the rules that the corpus cannot hold."""

import json
from typing import Any

import pytest

from clarion.contract.errors import Refusal
from clarion.contract.track_event import TrackEvent, accept, read_event

NOW = 1_795_428_000_000_000  # 2026-11-23T10:00:00Z


def read(idempotency_key: str | None = None, **fields: object) -> TrackEvent:
    body = json.dumps({"event_name": "x", "profile_id": "p"} | fields, ensure_ascii=False).encode()
    return read_event(body, now=NOW, idempotency_key=idempotency_key)


def problems(idempotency_key: str | None = None, **fields: object) -> list[tuple[str, tuple[str, ...]]]:
    with pytest.raises(Refusal) as refusal:
        read(idempotency_key, **fields)
    assert (refusal.value.status, refusal.value.code) == (400, 1003)
    return [(detail.message, detail.path) for detail in refusal.value.details]


def test_every_field_is_kept() -> None:
    event = read(device_token_hash="d", data={"a": "ä"}, event_id="e", timestamp="2026-11-23T09:00:00Z")
    assert event == TrackEvent("x", "d", "p", '{"a":"ä"}'.encode(), "e", NOW - 3_600_000_000)


def test_what_is_absent() -> None:
    assert read() == read(device_token_hash=None, data=None, event_id=None, timestamp=None) == TrackEvent("x", None, "p", b"{}", None, None)


def test_the_profile_decides_whom_an_event_is_about() -> None:
    assert read(device_token_hash="d").target == "p:p"
    assert read(device_token_hash="d", profile_id=None).target == "d:d"


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b'{ "a" : 1 ,\n"b":\ttrue }', b'{"a":1,"b":true}'),
        (b"{}", b"{}"),
        (b'{"a":123456789012345678901234567890}', b'{"a":123456789012345678901234567890}'),
        (b'{"a":-18446744073709551616}', b'{"a":-18446744073709551616}'),
        (b'{"a":9007199254740993}', b'{"a":9007199254740993}'),
        (b'{"a":99.990}', b'{"a":99.99}'),
        (b'{"a":1.0}', b'{"a":1.0}'),
        (b'{"a":1e2}', b'{"a":100.0}'),
        (b'{"a":1E300}', b'{"a":1e300}'),
        (b'{"a":0.1000000000000000055511151231257827}', b'{"a":0.1}'),
        (b'{"a":-0}', b'{"a":0}'),
        (b'{"a":-0.0}', b'{"a":-0.0}'),
        (b'{"a":"\\u00e9\\/\\ud83d\\ude00\\n"}', '{"a":"é/😀\\n"}'.encode()),
        (b'{"b":1,"a":2,"b":3}', b'{"b":3,"a":2}'),
    ],
)
def test_data_is_kept_as_compact_json(sent: bytes, kept: bytes, slow: bool) -> None:
    body = b'{"event_name":"x","profile_id":"p","data":' + sent + (b',"other":1}' if slow else b"}")
    assert (accept(body, NOW, None) is None) == slow
    assert read_event(body, now=NOW).data == kept


HAPPENED = b'{"event_name":"x","profile_id":"p","timestamp":"2026-11-23T10:00:00Z"}'


@pytest.mark.parametrize("ahead", [-(10**16), 0, 300_000_000])
def test_a_timestamp_may_be_long_past_or_5_minutes_ahead(ahead: int) -> None:
    assert read_event(HAPPENED, now=NOW - ahead).timestamp == NOW


def test_a_timestamp_may_not_be_a_microsecond_more_ahead() -> None:
    with pytest.raises(Refusal) as refusal:
        read_event(HAPPENED, now=NOW - 300_000_001)
    assert [(detail.message, detail.path) for detail in refusal.value.details] == [
        ("timestamp must be at most 5 minutes ahead", ("timestamp",))
    ]


def test_idempotency_key_stands_in_for_event_id() -> None:
    assert read("key").event_id == "key"
    assert read("key", event_id=None).event_id == "key"
    assert read("key", other=1).event_id == "key"
    assert read("key", event_id="body").event_id == "body"
    assert read("k" * 128).event_id == "k" * 128


def test_the_bodys_event_id_beats_a_bad_header() -> None:
    for bad in ("", "k" * 129, "a\0"):
        assert read(bad, event_id="body").event_id == "body"


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", "Idempotency-Key must not be empty"),
        ("k" * 129, "Idempotency-Key must be at most 128 characters"),
        ("a\0", "Idempotency-Key must not contain NUL characters"),
    ],
)
def test_a_bad_idempotency_key(key: str, message: str) -> None:
    assert problems(key) == [(message, ("Idempotency-Key",))]
    assert problems(key, event_id=None, timestamp=1) == [(message, ("Idempotency-Key",)), ("timestamp must be a string", ("timestamp",))]


def test_a_bad_event_id_hides_the_header() -> None:
    assert problems("", event_id=1) == [("event_id must be a string", ("event_id",))]


def test_all_fields_wrong_in_the_contracts_order() -> None:
    fields: dict[str, Any] = {
        "timestamp": "x",
        "event_id": "",
        "data": {"v": [], "_": 1, "w": "v" * 4096},
        "profile_id": " ",
        "device_token_hash": 1,
        "event_name": "PushEngage.x",
    }
    assert [path for _, path in problems(**fields)] == [
        ("event_name",),
        ("device_token_hash",),
        ("profile_id",),
        ("data",),
        ("data", "v"),
        ("data", "_"),
        ("event_id",),
        ("timestamp",),
    ]


def test_the_100th_problem_is_the_last() -> None:
    wrong = {f"-{number}": 1 for number in range(99)}
    assert len(problems(data=wrong)) == 99
    assert problems(data=wrong, event_id=1, timestamp=1)[99:] == [("event_id must be a string", ("event_id",))]
