"""The log as it is read from its oldest end: page by page, by sequence."""

import apsw
import msgspec

from clarion.store.records.entries import LogRow
from clarion.store.sqlite.connection import savepoint
from clarion.store.sqlite.statements import load, rows, value

MOST_BYTES = 1024 * 1024
"""Of the bodies in one page."""

_SQL = load("retention")
_decode_log = msgspec.json.Decoder(list[LogRow]).decode


def log_place(connection: apsw.Connection, partition: int, at: int) -> int:
    """As in the port. The log is in order of time, so halving finds the place without an index by time."""
    with savepoint(connection):
        low, high = 0, int(value(connection, _SQL["log_last"], {"partition": partition}))
        while low < high:
            middle = (low + high) // 2
            found = rows(connection, _SQL["log_next"], {"partition": partition, "after": middle})
            if found and found[0][1] < at:
                low = found[0][0]
            else:
                high = middle
    return low


def log_page(connection: apsw.Connection, partition: int, after: int, before: int, limit: int) -> list[LogRow]:
    """As in the port."""
    asked = {"partition": partition, "after": after, "before": before, "limit": limit, "bytes": MOST_BYTES}
    return _decode_log(value(connection, _SQL["log_page"], asked))
