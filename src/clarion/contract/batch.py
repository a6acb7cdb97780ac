"""Reading a batch of events: each is judged alone, so a bad one never spoils its neighbours."""

import re
from collections.abc import Iterable, Sequence
from itertools import islice
from operator import attrgetter, itemgetter

import msgspec

from clarion.contract.errors import Detail, ErrorBody, Refusal, invalid, not_json, success, too_large
from clarion.contract.limits import MAX_BATCH_BODY, MAX_BATCH_EVENTS, MAX_EVENT_BODY
from clarion.contract.problems import Problems
from clarion.contract.reading import UNREADABLE, NotJson, read_json
from clarion.contract.track_event import IDEMPOTENCY_KEY, NUL, TrackEvent, accept, read_event, read_event_value

__all__ = ["MAX_BATCH_BODY", "MAX_BATCH_EVENTS", "MAX_EVENT_BODY", "Batch", "Rejected", "encode_batch_result", "read_batch"]


class Rejected(msgspec.Struct, frozen=True):
    """An event of a batch that is not taken, and why."""

    index: int
    refusal: Refusal


class Batch(msgspec.Struct, frozen=True):
    """What a batch holds, each list by index; an index is the event's place in `events`, or its line, from 0."""

    events: list[tuple[int, TrackEvent]]
    rejected: list[Rejected]


class _Result(msgspec.Struct):
    index: int
    error: ErrorBody


class _BatchResult(msgspec.Struct):
    accepted: int
    rejected: list[_Result]


def read_batch(body: bytes, *, content_type_is_ndjson: bool, now: int, idempotency_key: str | None = None) -> Batch:
    """The events of a batch: `{"events": […]}`, or one JSON object a line.

    Each event obeys the single event's limits, its size as sent included. A blank line holds no event but counts for the index; a line
    that is not JSON is rejected alone. `now` is in UTC microseconds; `idempotency_key` is the header's value, which a batch must not have.
    Raises Refusal (400) for the whole batch when it cannot be read or does not hold 1 to `MAX_BATCH_EVENTS` events. The body's size is the
    caller's to limit (`MAX_BATCH_BODY`).
    """
    return _read_lines(body, now, idempotency_key) if content_type_is_ndjson else _read_array(body, now, idempotency_key)


def encode_batch_result(accepted: int, rejected: Iterable[Rejected]) -> bytes:
    """Body of the answer to a batch: how many events were taken, and the others with their errors, by index."""
    results = [_Result(each.index, each.refusal.error) for each in sorted(rejected, key=attrgetter("index"))]
    return success(_BatchResult(accepted, results))


_LINE = re.compile(rb"[^ \t\r\n].*")


def _read_lines(body: bytes, now: int, idempotency_key: str | None) -> Batch:
    lines = list(islice(_LINE.finditer(body), MAX_BATCH_EVENTS + 1))
    problems = Problems()
    _check(problems, lines, idempotency_key)
    problems.refuse()
    batch = Batch([], [])
    index = counted = 0
    for match in lines:
        index += body.count(b"\n", counted, match.start())
        counted = match.start()
        line = match[0]
        try:
            if len(line) > MAX_EVENT_BODY:
                raise too_large(MAX_EVENT_BODY, "Event")
            batch.events.append((index, read_event(line, now=now, what="Event")))
        except Refusal as refusal:
            batch.rejected.append(Rejected(index, refusal.detached()))
    return batch


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    """The shape that the fast path takes; why other fields are refused is said in `clarion.contract.track_event`."""

    events: list[msgspec.Raw]


class _LooseEnvelope(msgspec.Struct):
    events: msgspec.Raw


_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_loose_envelope = msgspec.json.Decoder(_LooseEnvelope).decode
_decode_sources = msgspec.json.Decoder(list[msgspec.Raw]).decode


def _read_array(body: bytes, now: int, idempotency_key: str | None) -> Batch:
    sources, values = _split(body, idempotency_key)
    batch = Batch([], [])
    doubtful = []
    nul_free = NUL not in body
    for index, source in enumerate(sources):
        fits = len(source) <= MAX_EVENT_BODY and (nul_free or NUL not in bytes(source))
        event = accept(source, now, None) if fits else None
        if event is None:
            doubtful.append(index)
        else:
            batch.events.append((index, event))
    if doubtful:
        # what spoils an event may also make the whole body no JSON
        values = _read_values(body, idempotency_key) if values is None else values
        for index in doubtful:
            try:
                if len(sources[index]) > MAX_EVENT_BODY:
                    raise too_large(MAX_EVENT_BODY, "Event")
                batch.events.append((index, read_event_value(values[index], now=now, what="Event")))
            except Refusal as refusal:
                batch.rejected.append(Rejected(index, refusal.detached()))
        batch.events.sort(key=itemgetter(0))
    return batch


def _split(body: bytes, idempotency_key: str | None) -> tuple[list[msgspec.Raw], list[object] | None]:
    """The events of a batch as sent, unread, and their values where reading them could not be avoided."""
    try:
        sources = _decode_envelope(body).events
    except UNREADABLE:
        sources = []
    if 0 < len(sources) <= MAX_BATCH_EVENTS and idempotency_key is None:
        return sources, None
    values = _read_values(body, idempotency_key)
    return _decode_sources(_decode_loose_envelope(body).events), values


def _read_values(body: bytes, idempotency_key: str | None) -> list[object]:
    """The values of `events`. Raises Refusal for the whole batch."""
    try:
        value = read_json(body)
    except NotJson:
        raise not_json() from None
    if not isinstance(value, dict):
        raise invalid(Detail("Request body must be a JSON object"))
    values = value.get("events")
    problems = Problems()
    if values is None:
        problems.add("events is required", "events")
    elif not isinstance(values, list):
        problems.add("events must be an array", "events")
    _check(problems, values if isinstance(values, list) else None, idempotency_key)
    problems.refuse()
    return values if isinstance(values, list) else []


def _check(problems: Problems, members: Sequence[object] | None, idempotency_key: str | None) -> None:
    """Judge the batch as a whole; `members` are None where there is nothing to count."""
    if members is not None and not members:
        problems.add("events must not be empty", "events")
    if members is not None and len(members) > MAX_BATCH_EVENTS:
        problems.add(f"events must have at most {MAX_BATCH_EVENTS} entries", "events")
    if idempotency_key is not None:
        problems.add(f"{IDEMPOTENCY_KEY} is not allowed on a batch", IDEMPOTENCY_KEY)
