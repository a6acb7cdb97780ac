"""How long a process may act on what it has read of the configuration, without knowing that it still stands."""

from collections.abc import Callable
from typing import Final

from clarion.clock import SECOND

LONGEST: Final = 30 * SECOND
"""A key that was revoked meanwhile, elsewhere, is not taken for longer than that, even by a process that cannot hear of it."""


class Freshness:
    """Stale after half a minute in which nothing was heard of the store, or a change that was heard of could not be read.

    A process whose configuration is stale answers its clients 503: most likely the store is away anyway. Shorter outages are bridged; where
    others share the store, only as long as the process's lease runs (`Heartbeat.holds`), for they go on without it.
    """

    def __init__(self, steady: Callable[[], int], silent: Callable[[], int | None]) -> None:
        """`steady` gives microseconds that nobody can set; `silent` says for how many nothing was heard of the store.

        None where that says nothing.
        """
        self._steady, self._silent = steady, silent
        self._unread_since: int | None = None

    def changed(self) -> None:
        """The configuration is another now, or may be."""
        if self._unread_since is None:
            self._unread_since = self._steady()

    def read(self) -> None:
        """It was read, after the last change."""
        self._unread_since = None

    def is_stale(self) -> bool:
        """Whether nothing may be done any more with what is known."""
        if self._unread_since is not None and self._steady() - self._unread_since > LONGEST:
            return True
        silent = self._silent()
        return silent is not None and silent > LONGEST
