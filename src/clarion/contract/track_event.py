"""Reading one event: a fast path that accepts what is right, and a slow one that says all that is wrong."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from clarion.contract.errors import Detail, invalid, not_json
from clarion.contract.flat import EMPTY, encode_flat, is_key, read_flat
from clarion.contract.limits import (
    EVENT_ID_CHARACTERS,
    EVENT_NAME_CHARACTERS,
    FLAT_BYTES,
    IDENTITY_CHARACTERS,
    KEY_CHARACTERS,
    RESERVED_PREFIX,
    TIMESTAMP_AHEAD_MINUTES,
)
from clarion.contract.problems import Problems
from clarion.contract.reading import UNREADABLE, NotJson, read_json
from clarion.contract.text import read_text, text_problem
from clarion.contract.timestamps import read_timestamp
from clarion.domain.ids import digest

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
_AHEAD: Final = TIMESTAMP_AHEAD_MINUTES * 60_000_000


class TrackEvent(msgspec.Struct, frozen=True, gc=False):
    """An event as it was accepted."""

    event_name: str
    device_token_hash: str | None
    profile_id: str | None
    data: bytes
    """Compact UTF-8 JSON object; `{}` where none was sent. Integers keep every digit; other numbers are the doubles that any IEEE 754
    reader gets (RFC 8259 §6), written as the shortest text that reads back as the same double."""
    event_id: str | None
    """The client's own id for the event, from the body or else from the header."""
    timestamp: int | None
    """When the client says that it happened, UTC microseconds."""

    @property
    def target(self) -> str:
        """Whom it names: `p:` + profile_id, which decides, or else `d:` + device_token_hash."""
        return f"d:{self.device_token_hash}" if self.profile_id is None else f"p:{self.profile_id}"

    def content_hash(self) -> str:
        """32 hexadecimal characters that are the same for the same name, target, data and timestamp.

        Data counts as JSON values: the order of keys and the spelling of strings and numbers do not matter, and numbers of equal value are
        the same (`1`, `1.0`, `1e0`; `0`, `-0.0`), while `1`, `true` and `"1"` differ. Data that is absent, null or empty is the same.
        """
        values = {key: _by_value(value) for key, value in _decode_flat(self.data).items()}
        timestamp = "" if self.timestamp is None else str(self.timestamp)
        return digest("content", self.event_name, self.target, _encode_sorted(values).decode(), timestamp)


def _by_value(value: str | float | bool) -> str | int | float | bool:
    return int(value) if isinstance(value, float) and value.is_integer() else value


_decode_flat = msgspec.json.Decoder(dict[str, str | int | float | bool]).decode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode


class Wire(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The shape that the fast path takes.

    Other fields are left to the slow path: msgspec skips over a field without looking whether it is UTF-8.
    """

    event_name: Annotated[str, Meta(min_length=1, max_length=EVENT_NAME_CHARACTERS)]
    device_token_hash: Annotated[str, Meta(min_length=1, max_length=IDENTITY_CHARACTERS)] | None = None
    profile_id: Annotated[str, Meta(min_length=1, max_length=IDENTITY_CHARACTERS)] | None = None
    data: dict[Annotated[str, Meta(max_length=KEY_CHARACTERS)], str | int | float | bool] | None = None
    event_id: Annotated[str, Meta(min_length=1, max_length=EVENT_ID_CHARACTERS)] | None = None
    timestamp: str | None = None


_decode = msgspec.json.Decoder(Wire).decode
NUL: Final = b"\\u0000"
"""The only way to write a NUL in JSON."""


def read_event(body: bytes, *, now: int, idempotency_key: str | None = None, what: str = "Request body") -> TrackEvent:
    """The event that a JSON text holds.

    `now` is the time in UTC microseconds; `idempotency_key` is the value of the header of that name, which counts where the body has no
    `event_id`; `what` names the text in a message. Raises Refusal (400) with every problem. The text's size is the caller's to limit
    (`MAX_EVENT_BODY`).
    """
    event = accept(body, now, idempotency_key) if NUL not in body else None
    if event is not None:
        return event
    try:
        value = read_json(body)
    except NotJson:
        raise not_json(what) from None
    return read_event_value(value, now=now, idempotency_key=idempotency_key, what=what)


def accept(source: bytes, now: int, idempotency_key: str | None) -> TrackEvent | None:
    """The fast path: the event if it is beyond doubt right, else None, which says nothing about it. `source` must not contain `NUL`."""
    try:
        wire = _decode(source)
    except UNREADABLE:
        return None
    return judge(wire, now, idempotency_key)


def judge(wire: Wire, now: int, idempotency_key: str | None) -> TrackEvent | None:
    """The event that a decoded text without `NUL` holds, if it is beyond doubt right, else None, which says nothing about it."""
    name, token, profile, data = wire.event_name, wire.device_token_hash, wire.profile_id, wire.data
    encoded = encode_flat(data) if data else EMPTY
    header = idempotency_key if wire.event_id is None else None
    timestamp = None if wire.timestamp is None else read_timestamp(wire.timestamp)
    if (
        (token is None and profile is None)
        or name.isspace()
        or name.startswith(RESERVED_PREFIX)
        or (token is not None and token.isspace())
        or (profile is not None and profile.isspace())
        or len(encoded) > FLAT_BYTES
        or (data and not all(map(is_key, data)))
        or (header is not None and text_problem(IDEMPOTENCY_KEY, header, EVENT_ID_CHARACTERS, blank=True))
        or (wire.timestamp is not None and (timestamp is None or timestamp > now + _AHEAD))
    ):
        return None
    return TrackEvent(name, token, profile, encoded, wire.event_id or header, timestamp)


def read_event_value(value: object, *, now: int, idempotency_key: str | None = None, what: str = "Request body") -> TrackEvent:
    """The event that a value from `read_json` holds; `what` names the value in a message. Raises Refusal (400) with every problem.

    This is the slow path, and the rule: what it accepts and what it says is the contract.
    """
    if not isinstance(value, dict):
        raise invalid(Detail(f"{what} must be a JSON object"))
    problems = Problems()
    name = _read_name(problems, value.get("event_name"))
    if value.get("device_token_hash") is None and value.get("profile_id") is None:
        problems.add("device_token_hash or profile_id is required")
    token = read_text(problems, value.get("device_token_hash"), IDENTITY_CHARACTERS, "device_token_hash")
    profile = read_text(problems, value.get("profile_id"), IDENTITY_CHARACTERS, "profile_id")
    data = read_flat(problems, value.get("data"), "data", "data")
    event_id = read_text(problems, value.get("event_id"), EVENT_ID_CHARACTERS, "event_id", blank=True)
    if value.get("event_id") is None:
        event_id = read_text(problems, idempotency_key, EVENT_ID_CHARACTERS, IDEMPOTENCY_KEY, blank=True)
    timestamp = _read_when(problems, value.get("timestamp"), now)
    problems.refuse()
    return TrackEvent(name, token, profile, data, event_id, timestamp)


def _read_name(problems: Problems, value: object) -> str:
    problem = "event_name is required"
    if value is not None:
        problem = text_problem("event_name", value, EVENT_NAME_CHARACTERS, reserved=RESERVED_PREFIX) or ""
    if problem:
        problems.add(problem, "event_name")
    return str(value)


def _read_when(problems: Problems, value: object, now: int) -> int | None:
    if value is None:
        return None
    timestamp = None
    if not isinstance(value, str):
        problems.add("timestamp must be a string", "timestamp")
    elif (timestamp := read_timestamp(value)) is None:
        problems.add("timestamp must be an ISO 8601 date and time with offset", "timestamp")
    elif timestamp > now + _AHEAD:
        problems.add(f"timestamp must be at most {TIMESTAMP_AHEAD_MINUTES} minutes ahead", "timestamp")
    return timestamp
