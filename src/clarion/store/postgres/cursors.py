"""Cursors of the log: a place in each partition's, as a text that can stand in a URL.

A byte with the format's number; the least place; how far the place of each partition lies beyond it: all as unsigned LEB128, in base64url
without padding (RFC 4648 §5). Of 64 partitions that is about 250 bytes.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from typing import Final

from clarion.store.port import BadCursor

BEGINNING: Final = "0"
"""Before everything."""

_FORMAT: Final = 1
_LONGEST_NUMBER: Final = 9
"""Bytes of a place: 63 bits."""


def write_cursor(places: Sequence[int]) -> str:
    """The text of places, by partition: each is the sequence of the last entry that was looked at."""
    least = min(places)
    raw = bytearray((_FORMAT,))
    for number in (least, *(place - least for place in places)):
        _put(raw, number)
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def read_cursor(text: str, partitions: int) -> list[int]:
    """The places in a text, by partition. Raises BadCursor for any text that `write_cursor` does not make of so many places."""
    if text == BEGINNING:
        return [0] * partitions
    if not text.isascii() or len(text) > _longest(partitions):
        raise _bad()
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        format_, *rest = raw
        least, *beyond = _numbers(rest)
    except ValueError:  # it is no base64, or no numbers
        raise _bad() from None
    places = [least + number for number in beyond]
    if format_ != _FORMAT or len(places) != partitions or max(places) >= 2**63 or write_cursor(places) != text:
        raise _bad()
    return places


def _longest(partitions: int) -> int:
    return (1 + _LONGEST_NUMBER * (1 + partitions)) * 4 // 3 + 2


def _put(raw: bytearray, number: int) -> None:
    while number >= 0x80:
        raw.append(number & 0x7F | 0x80)
        number >>= 7
    raw.append(number)


def _numbers(raw: Sequence[int]) -> Iterator[int]:
    number = shift = 0
    for byte in raw:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0
        elif shift > 7 * _LONGEST_NUMBER:
            raise ValueError("a number is too long")
    if shift:
        raise ValueError("it ends amid a number")


def _bad() -> BadCursor:
    return BadCursor("That is no place in the log.")
