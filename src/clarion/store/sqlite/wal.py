"""Keeps the write-ahead log short."""

from typing import Final

import apsw

PAGES: Final = 1_000
"""Checkpoint after so many pages were written: 4 MB, copied in about 5 ms."""


class WalLimit:
    """The writer checkpoints by itself, right after a commit and after those who waited for it were answered.

    Why not leave it to another thread: while commits go on, a checkpoint beside them never reaches the log's end, so the log is never begun
    anew and grows without bound. Done by the writer it always reaches the end, unless a reader still needs older pages; then the next one
    does. Measured at 100,000 entries a second: checkpoints take 6 % of the time whether the limit is 500 or 8,000 pages, but each pause
    grows with it, from 3 ms to 50 ms.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._written = 0

    def due(self) -> bool:
        """Whether it is time."""
        self._written += self._connection.status(apsw.SQLITE_DBSTATUS_CACHE_WRITE, True)[0]
        return self._written >= PAGES

    def checkpoint(self) -> None:
        """Checkpoint. Failing (a full disk, say) loses nothing: the next commit tries again."""
        try:
            in_log, done = self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.Error:
            return
        self._written = in_log - done
