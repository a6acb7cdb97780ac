"""The timers of a batch that are due, in the order in which they fire."""

import heapq
from collections.abc import Iterable

from clarion.engine.ledger import Person
from clarion.store.records.runs import DueRun
from clarion.workflow.run import Run


class Timers:
    """Timers due at or before the batch's time, by (due, run, site, profile). Where there is no run, a profile is to be looked at again.

    It knows nothing of the batch: whoever sets timers holds on to this alone, so that a batch is gone as soon as it is done with, not when
    the collector of cycles comes by.
    """

    __slots__ = ("_heap", "_log_time")

    def __init__(self, due: Iterable[DueRun], log_time: int) -> None:
        self._heap = [(one.due, one.id, one.site, one.profile) for one in due]
        heapq.heapify(self._heap)
        self._log_time = log_time

    def __bool__(self) -> bool:
        return bool(self._heap)

    def arm(self, run: Run) -> None:
        """A run has a timer now: it fires in this batch if it is due."""
        if run.due is not None and run.due <= self._log_time:
            heapq.heappush(self._heap, (run.due, run.id, run.site, run.profile))

    def recheck(self, person: Person, at: int) -> None:
        """A profile is to be looked at again: in this batch if that is due."""
        if at <= self._log_time:
            heapq.heappush(self._heap, (at, "", *person))

    @property
    def first(self) -> int:
        """When the first is due. Raises IndexError if there is none."""
        return self._heap[0][0]

    def pop(self) -> DueRun:
        """Take out the first. Raises IndexError if there is none."""
        due, run, site, profile = heapq.heappop(self._heap)
        return DueRun(run, due, site, profile)
