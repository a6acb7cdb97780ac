"""Batches: each event is judged alone."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clarion.contract.batch import MAX_BATCH_EVENTS, MAX_EVENT_BODY, Batch, Rejected, encode_batch_result, read_batch
from clarion.contract.errors import Refusal, event_id_conflict
from clarion.contract.limits import MAX_DEPTH, MAX_DETAILS
from clarion.contract.track_event import read_event

NOW = 1_795_428_000_000_000
GOOD = b'{"event_name":"x","profile_id":"p"}'


def array(*events: bytes, more: bytes = b"") -> Batch:
    return read_batch(b'{"events":[' + b",".join(events) + b"]" + more + b"}", content_type_is_ndjson=False, now=NOW)


def lines(*events: bytes) -> Batch:
    return read_batch(b"\n".join(events), content_type_is_ndjson=True, now=NOW)


def refusal(body: bytes, ndjson: bool = False, key: str | None = None) -> list[tuple[str, tuple[str, ...]]]:
    with pytest.raises(Refusal) as caught:
        read_batch(body, content_type_is_ndjson=ndjson, now=NOW, idempotency_key=key)
    assert (caught.value.status, caught.value.code) == (400, 1003)
    return [(detail.message, detail.path) for detail in caught.value.details]


def verdicts(batch: Batch) -> dict[int, str]:
    """By index: the event's name, or what is wrong with it."""
    told = {index: event.event_name for index, event in batch.events}
    told |= {rejected.index: rejected.refusal.details[0].message for rejected in batch.rejected}
    assert [index for index, _ in batch.events] == sorted(index for index, _ in batch.events)
    assert [rejected.index for rejected in batch.rejected] == sorted(rejected.index for rejected in batch.rejected)
    assert len(told) == len(batch.events) + len(batch.rejected)
    return dict(sorted(told.items()))


MIXED = [
    GOOD,
    b'{"event_name":""}',
    b"5",
    b'{"event_name":"y","device_token_hash":"d","other":{}}',
    b'{"event_name":"a\\u0000","profile_id":"p"}',
    GOOD,
]
TOLD = {
    0: "x",
    1: "event_name must not be empty",
    2: "Event must be a JSON object",
    3: "y",
    4: "event_name must not contain NUL characters",
    5: "x",
}


def test_a_bad_event_does_not_spoil_its_neighbours() -> None:
    assert verdicts(array(*MIXED)) == TOLD
    assert verdicts(array(*MIXED, more=b',"other":[1e999]')) == TOLD
    assert verdicts(lines(*MIXED)) == TOLD


def test_a_rejection_keeps_no_memory_of_its_request() -> None:
    for rejected in [*array(*MIXED).rejected, *lines(*MIXED, b"{").rejected]:
        assert rejected.refusal.__traceback__ is None
        assert rejected.refusal.__context__ is None


def test_every_problem_of_an_event_is_told() -> None:
    (rejected,) = array(b'{"event_name":""}').rejected
    with pytest.raises(Refusal) as alone:
        read_event(b'{"event_name":""}', now=NOW)
    assert rejected.refusal.encode() == alone.value.encode()


@pytest.mark.parametrize("count", [1, MAX_BATCH_EVENTS])
def test_1_to_1000_events(count: int) -> None:
    assert [index for index, _ in array(*[GOOD] * count).events] == list(range(count))
    assert [index for index, _ in lines(*[GOOD] * count).events] == list(range(count))
    assert len(array(*[GOOD] * count, more=b',"other":1').events) == count


def test_more_than_1000_events() -> None:
    told = [("events must have at most 1000 entries", ("events",))]
    assert refusal(b'{"events":[' + b",".join([GOOD] * 1001) + b"]}") == told
    assert refusal(b'{"events":[' + b",".join([b"1"] * 1001) + b'],"other":1}') == told
    assert refusal(b"\n".join([GOOD] * 1001), ndjson=True) == told


@pytest.mark.parametrize(
    ("body", "message", "path"),
    [
        (b"", "Request body must be valid JSON", ()),
        (b'{"events":[1]', "Request body must be valid JSON", ()),
        (b'{"events":[' + GOOD + b"]}]", "Request body must be valid JSON", ()),
        (b'{"events":[' + GOOD + b"}}", "Request body must be valid JSON", ()),
        (b'{"events":[' + GOOD + b"}", "Request body must be valid JSON", ()),
        (b'{"events":[' + GOOD + b",]}", "Request body must be valid JSON", ()),
        (b'{"events":[,' + GOOD + b"]}", "Request body must be valid JSON", ()),
        (b'{"events":[,]}', "Request body must be valid JSON", ()),
        (b'{"events":[' + GOOD + b',{"a":"]}', "Request body must be valid JSON", ()),
        (b'{"events":[' + GOOD + b',{"a":[}]}', "Request body must be valid JSON", ()),
        (b'{"events":[' + GOOD + b"," + b"[" * 200 + b"]" * 199 + b"}]}", "Request body must be valid JSON", ()),
        (b'{"events":[' + GOOD + b"," + b"[" * 200 + b'"' + b"]" * 200 + b"]}", "Request body must be valid JSON", ()),
        (b'{"events":[' + GOOD + b'],"other":NaN}', "Request body must be valid JSON", ()),
        (b'{"events":[' + GOOD + b'],"other":' + b"[" * 200 + b"]" * 200 + b"}", "Request body must be valid JSON", ()),
        (b'{"events":[' + GOOD + b'],"\\ud800":1}', "Request body must be valid JSON", ()),
        (b'{"\\q":[' + GOOD + b"]}", "Request body must be valid JSON", ()),
        (b'{"events"[' + GOOD + b"]}", "Request body must be valid JSON", ()),
        (b'{"events":[' + GOOD + b"],", "Request body must be valid JSON", ()),
        (b"\xef\xbb\xbf" + b'{"events":[' + GOOD + b"]}", "Request body must be valid JSON", ()),
        (b'{"events":[' + GOOD + b'],"other":"\xff"}', "Request body must be valid JSON", ()),
        (b"[]", "Request body must be a JSON object", ()),
        (b'{"event":[]}', "events is required", ("events",)),
        (b'{"events":null}', "events is required", ("events",)),
        (b'{"events":{}}', "events must be an array", ("events",)),
        (b'{"events":"x"}', "events must be an array", ("events",)),
        (b'{"events":[]}', "events must not be empty", ("events",)),
        (b'{"other":[{"events":[1]}],"events":[ \n]}', "events must not be empty", ("events",)),
        (b'{"other":{"events":[1]}}', "events is required", ("events",)),
    ],
)
def test_a_body_that_is_no_batch(body: bytes, message: str, path: tuple[str, ...]) -> None:
    assert refusal(body) == [(message, path)]


NO_JSON = [
    b'{"event_name":"\\ud800","profile_id":"q"}',
    b'{"event_name":"x","profile_id":"q","data":{"\\udc00":1}}',
    b'{"event_name":"x","profile_id":"q","other":"\\ud800"}',
    b'{"event_name":"\xff","profile_id":"q"}',
    b'{"event_name":"x","profile_id":"q","other":"\xc3"}',
    b'{"event_name":"x","profile_id":"q","data":{"a":NaN}}',
    b'{"event_name":"x","profile_id":"q","other":' + b"[" * 200 + b"]" * 200 + b"}",
    b'{"event_name":"x","profile_id":"q","other":' + b'{"a":[' * 8000 + b"]}" * 8000 + b"}",
    b'{"event_name":"x" "profile_id":"q"}',
    b'{"event_name":"a\\q]","profile_id":"q"}',
    b'{"event_name":"a\t","profile_id":"q"}',
    b"{[,{}],}",
    b"-Infinity",
    b"nothing",
    b"01",
    b"[1] [2]",
    b"\x0c",
]


@pytest.mark.parametrize("bad", NO_JSON)
@pytest.mark.parametrize("more", [b"", b',"other":[1,"]"]'])
def test_a_member_that_is_no_json_is_rejected_alone(bad: bytes, more: bytes) -> None:
    assert verdicts(array(GOOD, bad, GOOD, more=more)) == {0: "x", 1: "Event must be valid JSON", 2: "x"}


def test_an_event_may_nest_as_deep_as_one_that_comes_alone() -> None:
    def nested(levels: int) -> bytes:
        return GOOD[:-1] + b',"other":' + b"[" * levels + b"]" * levels + b"}"

    fits, exceeds = nested(MAX_DEPTH - 1), nested(MAX_DEPTH)
    assert verdicts(array(GOOD, fits, exceeds, GOOD)) == {0: "x", 1: "x", 2: "Event must be valid JSON", 3: "x"}


def test_the_name_of_events_may_be_escaped() -> None:
    body = b' {"other":"events","\\u0065vents" : [NaN,' + GOOD + b"]} "
    assert verdicts(read_batch(body, content_type_is_ndjson=False, now=NOW)) == {0: "Event must be valid JSON", 1: "x"}


@pytest.mark.parametrize("kept", [[100], [100] * 10, [100] * 9 + [99, 1], [100] * 9 + [98, 1, 1]])
def test_at_most_1000_details_in_all(kept: list[int]) -> None:
    many = b'{"event_name":"x","profile_id":"p","data":{' + b",".join(b'"_%d":1' % number for number in range(MAX_DETAILS)) + b"}}"
    for batch in (array(*[GOOD, many] * len(kept)), lines(*[GOOD, many] * len(kept))):
        assert [len(each.refusal.details) for each in batch.rejected] == kept


def test_every_rejected_event_keeps_its_first_detail() -> None:
    batch = array(*[b'{"event_name":""}'] * MAX_BATCH_EVENTS)
    assert [[detail.message for detail in each.refusal.details] for each in batch.rejected] == [["event_name must not be empty"]] * 1000


@pytest.mark.parametrize("body", [b"", b"\n", b" \r\n\t\n" * 100_000])
def test_lines_without_events(body: bytes) -> None:
    assert refusal(body, ndjson=True) == [("events must not be empty", ("events",))]


def test_the_header_is_refused_on_a_batch() -> None:
    told = ("Idempotency-Key is not allowed on a batch", ("Idempotency-Key",))
    assert refusal(b'{"events":[' + GOOD + b"]}", key="k") == [told]
    assert refusal(GOOD, ndjson=True, key="") == [told]
    assert refusal(b'{"events":5}', key="k") == [("events must be an array", ("events",)), told]


def test_lines_of_whitespace_hold_no_event_but_count() -> None:
    assert verdicts(lines(b"", GOOD, b"", b" \t\r", b'{"event_name":""}\r', GOOD, b"", b"")) == {
        1: "x",
        4: "event_name must not be empty",
        5: "x",
    }


def test_a_line_that_is_no_json_is_rejected_alone() -> None:
    told = verdicts(lines(GOOD, b"{", b'{"event_name":"\xff"}', GOOD + GOOD, b"[" * 9999, b"\xef\xbb\xbf" + GOOD, b"\x00", GOOD))
    assert told == {0: "x"} | dict.fromkeys(range(1, 7), "Event must be valid JSON") | {7: "x"}


def padded(size: int) -> bytes:
    start = b'{"event_name":"x","profile_id":"p","other":"'
    return start + b"x" * (size - len(start) - 2) + b'"}'


def spaced(size: int) -> bytes:
    return GOOD[:-1] + b" " * (size - len(GOOD)) + b"}"


@pytest.mark.parametrize("make", [padded, spaced])
def test_each_event_obeys_the_single_events_size(make: Any) -> None:
    fits, exceeds = make(MAX_EVENT_BODY), make(MAX_EVENT_BODY + 1)
    assert (len(fits), len(exceeds)) == (65_536, 65_537)
    for batch in (array(GOOD, fits, exceeds, GOOD), array(GOOD, fits, exceeds, GOOD, more=b',"a":1'), lines(GOOD, fits, exceeds, GOOD)):
        assert verdicts(batch) == {0: "x", 1: "x", 2: "Event must be at most 65536 bytes", 3: "x"}


def test_space_around_an_event_does_not_count() -> None:
    assert len(array(b" " * 70_000 + GOOD + b"\n" * 70_000).events) == 1


def test_the_last_of_repeated_events_counts() -> None:
    body = b'{"events":5,"events":[1],"events":[' + GOOD + b"]}"
    assert verdicts(read_batch(body, content_type_is_ndjson=False, now=NOW)) == {0: "x"}


def test_the_answer_lists_what_was_rejected_by_index() -> None:
    rejected = [*array(GOOD, b"1").rejected, Rejected(0, event_id_conflict())]
    assert encode_batch_result(3, rejected) == (
        b'{"error_code":0,"data":{"accepted":3,"rejected":['
        b'{"index":0,"error":{"message":"event_id was already used with different content.","code":1009}},'
        b'{"index":1,"error":{"message":"Invalid data","code":1003,"details":[{"message":"Event must be a JSON object","path":[]}]}}]}}'
    )
    assert encode_batch_result(1, []) == b'{"error_code":0,"data":{"accepted":1,"rejected":[]}}'


samples = st.sampled_from(
    [
        *MIXED,
        *NO_JSON,
        b'{"event_name":"z","profile_id":"p","data":{"a":1e999}}',
        b'{"event_name":"z","profile_id":"p","data":{"_":1}}',
        b"null",
    ]
)


@given(st.lists(samples, min_size=1, max_size=8), st.sampled_from([b"", b',"other":1']))
@settings(max_examples=150)
def test_each_event_is_judged_as_if_it_came_alone(events: list[bytes], more: bytes) -> None:
    def alone(event: bytes) -> object:
        try:
            return read_event(event, now=NOW, what="Event")
        except Refusal as caught:
            return caught.encode()

    for batch in (array(*events, more=more), lines(*events)):
        told: dict[int, object] = dict(batch.events) | {each.index: each.refusal.encode() for each in batch.rejected}
        assert told == {index: alone(event) for index, event in enumerate(events)}


strings = st.binary(max_size=8).map(lambda raw: b'"' + raw.replace(b"\\", b"").replace(b'"', b'\\"') + b'"')
loose = st.sampled_from([b"NaN", b"1e", b":", b" ", b"\n", b"\xff", b"\\", b"nul", b'"\\ud800"', b'"\\\\"', b'"]},"', b"\x00"]) | strings
balanced = st.recursive(
    loose,
    lambda inner: st.lists(inner, max_size=3).flatmap(
        lambda parts: st.sampled_from([b"[%s]", b"{%s}", b"[[[%s]]]"]).map(lambda pair: pair % b",".join(parts))
    ),
)


@given(
    st.lists(st.just(GOOD) | balanced.filter(lambda text: text.strip(b" \t\r\n")), min_size=1, max_size=8),
    st.sampled_from([b"", b" ", b',"other":"]}"', b',"other":[[[[[1]]]]]']),
)
@settings(max_examples=200)
def test_whatever_is_between_them_exactly_the_good_ones_are_taken(members: list[bytes], more: bytes) -> None:
    batch = array(*members, more=more)
    good = [index for index, member in enumerate(members) if member == GOOD]
    assert [index for index, _ in batch.events] == good
    assert [each.index for each in batch.rejected] == [index for index in range(len(members)) if index not in good]


pieces = st.sampled_from([b'{"events":', b"[", b"]", b"}", b",", GOOD, b"\n", b"\xff", b'"', b"\\u0000", b"1e999", b" ", b"{", b'"a":'])


@given(st.binary(max_size=60) | st.lists(pieces, max_size=10).map(b"".join), st.booleans())
@example(b'{"events":[1e999]}', False)
@settings(max_examples=300)
def test_any_bytes_are_a_batch_or_a_refusal(body: bytes, ndjson: bool) -> None:
    try:
        batch = read_batch(body, content_type_is_ndjson=ndjson, now=NOW)
    except Refusal as caught:
        refused: Refusal | None = caught
    else:
        refused = None
        assert batch.events or batch.rejected
        json.loads(encode_batch_result(len(batch.events), batch.rejected))
    assert refused is None or (refused.status, refused.code) == (400, 1003)
