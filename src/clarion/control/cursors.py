"""Cursors of lists that go through all partitions: opaque texts that say where to go on."""

import base64
import binascii

import msgspec

from clarion.control.errors import Invalid

LONGEST = 2_048
"""Characters."""


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a list goes on."""

    list: str
    """Which list it is of: one of another list means nothing."""
    partition: int = 0
    after: str = ""
    """Key of the last profile, or hash of the last subscriber, that was looked at in this partition."""
    within: str = ""
    """Of that profile: hash of the last subscriber that was looked at; empty: all of them were."""

    @property
    def text(self) -> str:
        """What a client sends to go on here."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).rstrip(b"=").decode()


def read_cursor(text: str | None, of: str, partitions: int) -> Place:
    """Where a list goes on; its beginning without a cursor. Raises Invalid."""
    if text is None or text == "":
        return Place(of)
    try:
        if len(text) > LONGEST or not text.isascii():
            raise ValueError
        place = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=Place)
        if place.list != of or not 0 <= place.partition < partitions or "\0" in place.after + place.within:
            raise ValueError
    except (ValueError, binascii.Error, msgspec.MsgspecError, UnicodeDecodeError):
        raise Invalid("cursor", "cursor must be that of an earlier answer of the same list") from None
    return place
