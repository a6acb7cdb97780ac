"""Taking a batch apart into its events as they were sent, whatever is in them."""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from clarion.contract.errors import Detail, invalid, not_json
from clarion.contract.limits import MAX_BATCH_EVENTS
from clarion.contract.problems import Problems
from clarion.contract.reading import UNREADABLE, NotJson, read_json


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    """The shape that the fast path takes; why other fields are refused is said in `clarion.contract.track_event`."""

    events: list[msgspec.Raw]


_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_name = msgspec.json.Decoder(str).decode

_Match = Callable[[bytes, int], re.Match[bytes] | None]

_WHITESPACE: Final = b" \t\n\r"
"""RFC 8259 §2."""
_EVENTS: Final = b'"events"'
_MEMBER: Final = b"0"
"""Stands for each member where the envelope is judged without them."""
_COMMA, _ARRAY_END, _OBJECT_END = b",]}"
_CLOSERS: Final = bytes.maketrans(b"[{", b"]}")

_STRING: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'


def _shallow(levels: int) -> str:
    """Pattern of text whose brackets pair, at most `levels` deep.

    An atomic group, not `*+`: before Python 3.11.5 a group repeated possessively is matched wrongly if its inside can backtrack.
    """
    inner = _shallow(levels - 1) if levels else ""
    nested = rf"|\[{inner}\]|\{{{inner}\}}" if levels else ""
    return f'(?>(?:[^][{{}}"]++|{_STRING}{nested})*)'


def _compile(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.encode(), re.DOTALL)


# an event with its data is two levels deep: one match takes all of it
_match_one = _compile(rf'(?>(?:[^][{{}}",]++|{_STRING}|\[{_shallow(2)}\]|\{{{_shallow(2)}\}})*)').match
_match_all = _compile(_shallow(3)).match
_match_start = _compile(r"[ \t\n\r]*+\{").match
_match_array = _compile(rf"[ \t\n\r]*+({_STRING})[ \t\n\r]*+:[ \t\n\r]*+\[").match
_brackets = _compile(rf'{_STRING}|([\[{{]++)|([\]}}]++)|"').finditer


def read_members(problems: Problems, body: bytes) -> list[bytes] | None:
    """The members of `events` as they were sent, without the space around them; None, and a problem, where there is no such array.

    The members are told apart by brackets, quotes and commas alone, so one that is no JSON text leaves the others readable. All else has to
    be JSON; of a repeated `events` the last one counts. Raises Refusal (400) when the body is no JSON object or its members cannot be told
    apart. Time is linear in the body's size.
    """
    try:
        return [bytes(member) for member in _decode_envelope(body).events]
    except UNREADABLE:
        pass
    try:
        envelope, members = _take_apart(body)
        value = read_json(envelope)
    except NotJson:
        raise not_json() from None
    if not isinstance(value, dict):
        raise invalid(Detail("Request body must be a JSON object"))
    events = value.get("events")
    if isinstance(events, list):
        return members
    problems.add("events is required" if events is None else "events must be an array", "events")
    return None


def _take_apart(body: bytes) -> tuple[bytes, list[bytes]]:
    """The body with `_MEMBER` for every member of `events`, and the members of the last `events`.

    Whether the envelope is JSON is not judged here. Raises NotJson when quotes or brackets do not pair.
    """
    envelope: list[bytes] = []
    members: list[bytes] = []
    outermost = _match_start(body)
    copied = 0
    start = len(body) if outermost is None else outermost.end()
    while start < len(body):
        array = _match_array(body, start)
        if array is not None and _is_events(array[1]):
            members, end = _split(body, array.end())
            # an empty member leaves a comma too many, which is no JSON; alone it is an empty array
            envelope += (body[copied : array.end()], b",".join([member and _MEMBER for member in members]))
            members = [] if members == [b""] else members
            copied, start = end, end + 1
        end = _end(body, start)
        if body[end] == _OBJECT_END:
            break
        start = end + 1
    envelope.append(body[copied:])
    return b"".join(envelope), members


def _split(body: bytes, start: int) -> tuple[list[bytes], int]:
    """The members of the array whose first member starts at `start`, and the place of its closing bracket.

    What follows the first `MAX_BATCH_EVENTS` members counts as one more.
    """
    members: list[bytes] = []
    while True:
        end = _end(body, start, _match_one if len(members) < MAX_BATCH_EVENTS else _match_all)
        members.append(body[start:end].strip(_WHITESPACE))
        if body[end] == _ARRAY_END:
            return members, end
        if body[end] != _COMMA:
            raise NotJson
        start = end + 1


def _end(body: bytes, start: int, match: _Match = _match_one) -> int:
    """The place of the first closing bracket, or comma if `match` stops there, that is in no string and no pair of brackets."""
    while True:
        if (shallow := match(body, start)) is not None:
            start = shallow.end()
        mark = body[start : start + 1]
        if mark not in (b"[", b"{"):
            break
        start = _after_pair(body, start)
    if mark in (b"", b'"'):
        raise NotJson
    return start


def _after_pair(body: bytes, start: int) -> int:
    """The place after the bracket that closes the one at `start`, however deep it nests between them."""
    opened = bytearray()
    for token in _brackets(body, start):
        openers, closers = token.groups()
        if openers:
            opened += openers
        elif closers:
            closers = closers[: len(opened)]
            rest = len(opened) - len(closers)
            if opened[rest:].translate(_CLOSERS)[::-1] != closers:
                raise NotJson
            del opened[rest:]
            if not opened:
                return token.start() + len(closers)
        elif token[0] == b'"':
            raise NotJson
    raise NotJson


def _is_events(name: bytes) -> bool:
    if name == _EVENTS or b"\\" not in name:
        return name == _EVENTS
    try:
        return _decode_name(name) == "events"
    except UNREADABLE:
        return False
