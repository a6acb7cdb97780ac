"""What is said of a store that is away: one line when it goes and one when it is back, however many notice."""

import time
from collections.abc import Callable

import structlog

_log = structlog.get_logger(__name__)


def _microseconds() -> int:
    return time.monotonic_ns() // 1_000


class Outage:
    """Whether the store is away, as all parts of a process see it together."""

    def __init__(self, steady: Callable[[], int] = _microseconds, calm: int = 0) -> None:
        """`calm`: microseconds without a failure after which one success means that it is over.

        Where somebody tries at least that often, single failures around a success do not make it over and begun again.
        """
        self._steady, self._calm = steady, calm
        self._began: int | None = None
        self._last = 0
        self._failures = 0

    @property
    def lasts(self) -> bool:
        """Whether the store is away."""
        return self._began is not None

    def failed(self, error: Exception) -> None:
        """The store could not be reached, or could not commit."""
        self._last = self._steady()
        self._failures += 1
        if self._began is None:
            self._began = self._last
            _log.warning("the store is away; trying until it is back", error=str(error))

    def answered(self) -> None:
        """The store did what it was asked."""
        if self._began is None or self._steady() - self._last < self._calm:
            return
        seconds = round((self._steady() - self._began) / 1_000_000, 3)
        _log.warning("the store is back", after_seconds=seconds, failures=self._failures)
        self._began, self._failures = None, 0
