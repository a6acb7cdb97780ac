"""The readers of `/p/v1` bodies: what they take, and that nothing else gets through."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.contract.errors import Refusal
from clarion.contract.sdk.answers import DONE, failure, triggered
from clarion.contract.sdk.changes import read_attributes, read_names, read_segments, read_status, read_update, read_upgrade
from clarion.contract.sdk.happenings import describe, read_alert, read_goal, read_trigger
from clarion.contract.sdk.limits import SEGMENT_CHARACTERS
from clarion.contract.sdk.reading import SiteName, read_object
from clarion.contract.sdk.receipts import read_receipt
from clarion.contract.sdk.refusals import unknown_subscriber
from clarion.contract.sdk.registration import read_registration
from clarion.contract.sdk.track import Tracked, _accept, _read, read_track
from clarion.workflow.steps.segment import LONGEST_NAME

NOW = 1_800_000_000_000_000
EVENT = {"site_id": 1, "device_token_hash": "h", "event_name": "e", "provider": "P", "event_type": "P.E", "profile_id": None, "data": {}}


def raw(value: object) -> bytes:
    return json.dumps(value).encode()


def outcome(read: Any, body: bytes) -> object:
    """What a reader gives, or how it refuses."""
    try:
        return read(body)
    except Refusal as refusal:
        return (refusal.status, refusal.details)


def test_the_vendors_event_takes_the_fast_path() -> None:
    tracked = _accept(raw(EVENT | {"data": {"price": 1.5, "n": 2**70}}), NOW, None)
    assert tracked is not None
    assert (tracked.site, tracked.device_token_hash, tracked.event.profile_id) == (SiteName(1), "h", None)
    assert tracked.event.data == b'{"price":1.5,"n":%d}' % 2**70


@pytest.mark.parametrize("extra", [{"site_id": "1"}, {"other": 1}, {"provider": 5}, {"event_type": None}, {"app_id": "a"}])
def test_what_the_fast_path_does_not_take_the_slow_one_does(extra: dict[str, object]) -> None:
    assert read_track(raw(EVENT | extra), now=NOW).event.event_name == "e"


MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "site_id": st.none() | st.integers(-5, 2**65) | st.sampled_from(["1", "x", "٣"]) | st.booleans() | st.floats(allow_nan=False),
        "app_id": st.none() | st.text(max_size=4) | st.sampled_from(["a" * 255, "a" * 256, " "]),
        "device_token_hash": st.none() | st.text(max_size=3) | st.just("h"),
        "profile_id": st.none() | st.text(max_size=3),
        "event_name": st.none() | st.text(max_size=3) | st.sampled_from(["PushEngage.X", "e" * 65]),
        "provider": st.none() | st.text(max_size=3) | st.integers(),
        "event_type": st.none() | st.text(max_size=3),
        "data": st.none() | st.dictionaries(st.text(max_size=3), st.none() | st.booleans() | st.integers() | st.text(max_size=3)),
        "event_id": st.none() | st.text(max_size=3),
        "timestamp": st.none() | st.sampled_from(["2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "x"]),
    },
)


@given(MEMBERS, st.none() | st.text(max_size=3))
@settings(max_examples=300)
def test_the_fast_path_takes_nothing_that_the_slow_one_would_not(members: dict[str, Any], key: str | None) -> None:
    body = raw(EVENT | members)
    fast = _accept(body, NOW, key)
    if fast is not None:
        assert fast == _read(body, NOW, key)
    else:
        result = outcome(lambda text: read_track(text, now=NOW, idempotency_key=key), body)
        assert isinstance(result, Tracked | tuple)


NAMES = ["site_id", "subscription", "device_type", "segment", "data", "Data", "name", "type", "endpoint"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=5,
        )
    ),
    max_leaves=10,
)
READERS = [
    read_registration,
    read_update,
    read_attributes,
    read_names,
    read_upgrade,
    read_segments,
    read_goal,
    read_trigger,
    read_alert,
    lambda body: read_status(body, "x"),
    lambda body: read_receipt(read_object(body), "clicked"),
]


@given(st.sampled_from(READERS), ANYTHING)
@settings(max_examples=300)
def test_any_json_is_read_or_refused_with_a_reason(read: Any, value: object) -> None:
    result = outcome(read, raw(value))
    if isinstance(result, tuple) and result and result[0] == 400:
        assert len(result) == 2
        assert result[1], "a reason"


@pytest.mark.parametrize("body", [b"", b"[", b'{"a":NaN}', b'"\\ud800"', b"\xff", b"[" * 200 + b"]" * 200])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    assert all(outcome(read, body)[0] == 400 for read in READERS)  # type: ignore[index]  # it is a refusal


def test_names_of_segments_are_as_long_as_in_a_step() -> None:
    assert SEGMENT_CHARACTERS == LONGEST_NAME


def test_problems_are_named_all_at_once() -> None:
    body: dict[str, object] = {
        "site_id": [],
        "subscription": None,
        "profile_id": 5,
        "attributes": [],
        "language": 1,
        "previous": "",
        "notification_disabled": 2,
    }
    with pytest.raises(Refusal) as refused:
        read_registration(raw(body))
    assert [".".join(detail.path) for detail in refused.value.details] == [
        "site_id",
        "subscription",
        "profile_id",
        "attributes",
        "language",
        "previous",
        "notification_disabled",
    ]


def test_failures_are_worded_for_both_kinds_of_readers() -> None:
    refusal = unknown_subscriber()
    detail = {"message": "There is no such subscriber.", "path": ["device_token_hash"]}
    said = {"error_code": 1004, "error_message": "Not found.", "error": {"message": "Not found.", "code": 1004, "details": [detail]}}
    assert json.loads(failure(refusal)) == said
    assert json.loads(failure(refusal, by_ios=True))["error"]["details"] == {**detail, "path": "device_token_hash"}
    assert "details" not in json.loads(failure(Refusal(429, 1029, "Slow.")))["error"]


def test_answers_are_as_the_sdks_decode_them() -> None:
    assert json.loads(DONE) == {"error_code": 0, "data": {}}
    assert json.loads(triggered("a1", 7)) == {"SequenceNumber": "a1", "ShardId": "shardId-000000000007"}


def test_what_is_logged_stays_on_one_line() -> None:
    assert describe(read_object(b'{"a":"x\\ny","n":1e999}')) == '{"a":"x\\ny","n":1e999}'
