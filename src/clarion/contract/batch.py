"""Reading a batch of events: each is judged alone, so a bad one never spoils its neighbours."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter

import msgspec

from clarion.contract.envelope import read_members
from clarion.contract.errors import ErrorBody, Refusal, success, too_large
from clarion.contract.limits import MAX_BATCH_BODY, MAX_BATCH_DETAILS, MAX_BATCH_EVENTS, MAX_EVENT_BODY
from clarion.contract.problems import Problems
from clarion.contract.track_event import IDEMPOTENCY_KEY, TrackEvent, read_event

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

    Each event obeys the single event's limits, its size as sent included. A blank line holds no event but counts for the index; a line or a
    member of `events` that is not JSON is rejected alone. The rejected events have at most `MAX_BATCH_DETAILS` details together: each its
    first, and further ones, by index, as long as there is room.

    `now` is in UTC microseconds; `idempotency_key` is the header's value, which a batch must not have. Raises Refusal (400) for the whole
    batch when its events cannot be told apart, what is around them is not JSON, or they are not 1 to `MAX_BATCH_EVENTS`. The body's size is
    the caller's to limit (`MAX_BATCH_BODY`).
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
    return _judge(_numbered(body, lines), now)


def _numbered(body: bytes, lines: Iterable[re.Match[bytes]]) -> Iterator[tuple[int, bytes]]:
    index = counted = 0
    for match in lines:
        index += body.count(b"\n", counted, match.start())
        counted = match.start()
        yield index, match[0]


def _read_array(body: bytes, now: int, idempotency_key: str | None) -> Batch:
    problems = Problems()
    members = read_members(problems, body)
    _check(problems, members, idempotency_key)
    return _judge(enumerate(members or ()), now)


def _judge(texts: Iterable[tuple[int, bytes]], now: int) -> Batch:
    """Judge each text by itself, as if it had come alone."""
    batch = Batch([], [])
    for index, text in texts:
        try:
            if len(text) > MAX_EVENT_BODY:
                raise too_large(MAX_EVENT_BODY, "Event")
            batch.events.append((index, read_event(text, now=now, what="Event")))
        except Refusal as refusal:
            batch.rejected.append(Rejected(index, refusal.detached()))
    _shorten(batch.rejected)
    return batch


def _shorten(rejected: list[Rejected]) -> None:
    """Leave at most `MAX_BATCH_DETAILS` details: the first of each event, and further ones in order as long as there is room."""
    room = MAX_BATCH_DETAILS - len(rejected)
    for each in rejected:
        further = min(len(each.refusal.details) - 1, room)
        room -= further
        each.refusal.details = each.refusal.details[: 1 + further]


def _check(problems: Problems, members: Sequence[object] | None, idempotency_key: str | None) -> None:
    """Judge the batch as a whole; `members` are None where there is nothing to count. Raises Refusal (400) with every problem."""
    if members is not None and not members:
        problems.add("events must not be empty", "events")
    if members is not None and len(members) > MAX_BATCH_EVENTS:
        problems.add(f"events must have at most {MAX_BATCH_EVENTS} entries", "events")
    if idempotency_key is not None:
        problems.add(f"{IDEMPOTENCY_KEY} is not allowed on a batch", IDEMPOTENCY_KEY)
    problems.refuse()
