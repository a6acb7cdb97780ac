"""What is kept for a while is forgotten in small steps: event ids by the writer itself, all else when it is told to."""

from typing import Final

import apsw

from clarion.clock import DAY, HOUR, MINUTE, Clock
from clarion.store.sqlite.statements import load, rows, value

KEPT: Final = 48 * HOUR
"""The contract promises 24 h."""
KEPT_OF_RECEIPTS: Final = 30 * DAY
"""A push can live for 28 days, and be clicked again on the last."""

AT_ONCE: Final = 1_000
"""Ids removed in one step, a few milliseconds of the writer's time."""

_SQL = load("ingest")
_RETENTION = load("retention")


def forget(connection: apsw.Connection, kind: str, before: int, limit: int) -> int:
    """As in the port: a step goes from the front of a table that is in order of time, or by an index."""
    connection.execute(_RETENTION[f"forget_{kind}"], {"before": before, "limit": limit})
    return connection.changes()


class Forgetting:
    """The writer's chore, event ids: a step a minute, or one after the other while there is a backlog.

    Receipts' ids stay longer than the others, so that the front of the table is theirs; how far that goes is remembered.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next = 0
        self._after = 0
        """Up to here there are none but of receipts."""

    def __call__(self, connection: apsw.Connection) -> None:
        now = self._clock()
        if now < self._next:
            return
        connection.execute(_SQL["forget_all_claims"], {"before": now - KEPT_OF_RECEIPTS, "limit": AT_ONCE})
        backlog = connection.changes() == AT_ONCE
        asked = {"after": self._after, "before": now - KEPT, "limit": AT_ONCE}
        [(read, until)] = rows(connection, _SQL["oldest_claims"], asked)
        if until is not None and until > self._after:
            connection.execute(_SQL["forget_claims"], {"after": self._after, "until": until})
            backlog = backlog or read == AT_ONCE
            self._after = until
        # Numbers at the table's end are given again once their rows are gone.
        self._after = min(self._after, value(connection, _SQL["last_claim"]))
        self._next = now if backlog else now + MINUTE
