"""Finds the GOAWAY frames in what comes in over HTTP/2 (RFC 9113 §4.1, §6.8).

The protocol library takes a GOAWAY for the end of the connection and refuses every later frame; the other side means it as the last
call: requests that it has begun are still answered. So GOAWAY is taken out, and the library sees all other frames.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

_HEAD: Final = 9
_GOAWAY: Final = 0x7
_SHORTEST: Final = 8
_LONGEST: Final = 16_384
"""Bytes of a frame that the other side may send unasked (RFC 9113 §4.2)."""


class Goaway(NamedTuple):
    """The other side ends the connection."""

    last_stream: int
    """Requests with higher numbers were not looked at."""
    code: int


class MalformedFrame(Exception):
    """A frame that is too large, or a GOAWAY that is none."""


class GoawaySplitter:
    """Passes on what it is fed, without the GOAWAY frames, which come in their place."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._passing = 0
        self._goaway: bytearray | None = None
        self._missing = 0

    def feed(self, data: bytes) -> Iterator[bytes | Goaway]:
        """Pieces of any other frames, and each GOAWAY as it is complete. Raises MalformedFrame."""
        view = memoryview(data)
        start = at = 0
        while at < len(view):
            if self._goaway is not None:
                taken = min(self._missing, len(view) - at)
                self._goaway += view[at : at + taken]
                self._missing -= taken
                at += taken
                start = at
                if not self._missing:
                    yield _read(bytes(self._goaway))
                    self._goaway = None
            elif self._passing:
                taken = min(self._passing, len(view) - at)
                self._passing -= taken
                at += taken
            else:
                taken = min(_HEAD - len(self._head), len(view) - at)
                self._head += view[at : at + taken]
                if at > start:
                    yield bytes(view[start:at])
                at += taken
                start = at
                if len(self._head) == _HEAD:
                    yield from self._begin()
        if at > start:
            yield bytes(view[start:at])

    def _begin(self) -> Iterator[bytes]:
        head = bytes(self._head)
        self._head.clear()
        length = int.from_bytes(head[:3], "big")
        if length > _LONGEST:
            raise MalformedFrame  # at once: the library would wait for the whole of it
        if head[3] == _GOAWAY:
            if length < _SHORTEST:
                raise MalformedFrame
            self._goaway, self._missing = bytearray(), length
        else:
            self._passing = length
            yield head


def _read(payload: bytes) -> Goaway:
    return Goaway(int.from_bytes(payload[:4], "big") & 0x7FFFFFFF, int.from_bytes(payload[4:8], "big"))
