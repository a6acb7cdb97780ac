"""What a table comes to: how many rows, and a sum over all of them that no order and no other row in the place of one leaves as it is."""

from hashlib import sha256

import msgspec

from clarion.store.moving.tables import Record

_SEPARATOR = "\x1f"
_NULL = "\x1e"


class Sum(msgspec.Struct):
    """Count and checksum of a table, as `target.sql` computes them too.

    A row is its columns as PostgreSQL writes them, with 0x1F between them and 0x1E for null. It counts with the first 8 bytes of its
    SHA-256, big-endian with sign.
    """

    rows: int = 0
    checksum: int = 0

    def add(self, record: Record) -> None:
        """One more row."""
        self.rows += 1
        text = _SEPARATOR.join([value if type(value) is str else _written(value) for value in record])
        self.checksum += int.from_bytes(sha256(text.encode()).digest()[:8], "big", signed=True)

    def __str__(self) -> str:
        return f"{self.checksum % 2**64:016x}"


def _written(value: object) -> str:
    if value is None:
        return _NULL
    if isinstance(value, bool):
        return "t" if value else "f"
    return "\\x" + value.hex() if isinstance(value, bytes) else str(value)
