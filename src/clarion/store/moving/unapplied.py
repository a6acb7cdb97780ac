"""Where explanations of events stand that were applied to no profile."""

from collections.abc import Iterator

from clarion.store.moving.addresses import Addresses

LoggedEvent = tuple[int, str, int, str]
"""Log time, id, site, body."""


class Unapplied:
    """Finds the events of explanations that name no profile. Both are read in the order of the log, so one pass over each is enough."""

    def __init__(self, addresses: Addresses, events: Iterator[LoggedEvent]) -> None:
        self._addresses = addresses
        self._events = events
        self._next: LoggedEvent | None = None
        self._time = -1
        self._known: dict[str, int] = {}

    def partition_of(self, site: int, event: str, at: int) -> int:
        """The partition of the event that an explanation is of; where the event is not known any more, one by the event's id."""
        while self._time < at and self._read_one_time():
            pass
        found = self._known.get(event) if self._time == at else None
        return self._addresses.of_subscriber(site, event) if found is None else found

    def _read_one_time(self) -> bool:
        """Read all events of the next log time; False where there are none left."""
        first = self._next or next(self._events, None)
        if first is None:
            self._time, self._known = 2**63, {}
            return False
        self._time, self._known, self._next = first[0], {}, None
        row: LoggedEvent | None = first
        while row is not None and row[0] == self._time:
            self._known[row[1]] = self._addresses.of_entry("event", row[2], row[1], row[3])[0]
            row = next(self._events, None)
        self._next = row
        return True
