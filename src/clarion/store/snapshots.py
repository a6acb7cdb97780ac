"""How snapshots are kept, on every engine: JSON of one section a part, compressed (zlib, RFC 1950)."""

import zlib
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from clarion.store.records.snapshots import Snapshot, SnapshotPart

SECTIONS: Final = ("sites", "workflows", "segments", "sweeps", "profiles", "subscribers", "memory", "runs")
"""The order in which a snapshot is written."""

MOST_ROWS: Final = 500
MOST_BYTES: Final = 256 * 1024
"""Of JSON; a part ends with the row that goes beyond it, so that neither memory nor a step of the writer grows with the database."""

HEADER: Final = 0
"""Number of the part that is written last and says that the snapshot is whole."""

_LEVEL: Final = 6

_decode_part = msgspec.json.Decoder(SnapshotPart).decode
_decode_header = msgspec.json.Decoder(Snapshot).decode


def pack(section: str, rows: Sequence[bytes]) -> bytes:
    """A part of rows that are JSON already."""
    return zlib.compress(b'{"%s":[%s]}' % (section.encode(), b",".join(rows)), _LEVEL)


def pack_part(part: SnapshotPart) -> bytes:
    """A part that `unpack` has read, with other content."""
    return zlib.compress(msgspec.json.encode(part), _LEVEL)


def unpack(body: bytes) -> SnapshotPart:
    """What `pack` made."""
    return _decode_part(zlib.decompress(body))


def pack_header(snapshot: Snapshot) -> bytes:
    """The part that makes a snapshot whole."""
    return zlib.compress(msgspec.json.encode(snapshot), _LEVEL)


def unpack_header(body: bytes) -> Snapshot:
    """What `pack_header` made."""
    return _decode_header(zlib.decompress(body))


def next_rows(rows: Iterator[bytes]) -> list[bytes]:
    """The next rows of one part; empty at the end."""
    taken: list[bytes] = []
    size = 0
    for row in rows:
        taken.append(row)
        size += len(row)
        if len(taken) >= MOST_ROWS or size >= MOST_BYTES:
            break
    return taken
