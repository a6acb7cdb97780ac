"""What is kept for a while is forgotten in small steps: event ids by the writer itself, explanations when it is told to."""

from typing import Final

import apsw

from clarion.clock import HOUR, MINUTE, Clock
from clarion.store.sqlite.statements import load

KEPT: Final = 48 * HOUR
"""The contract promises 24 h."""

AT_ONCE: Final = 1_000
"""Ids removed in one step, a few milliseconds of the writer's time."""

_SQL = load("ingest")


def forget_explanations(connection: apsw.Connection, before: int, limit: int) -> int:
    """As in the port. Their numbers grow with time, so the oldest are the first of the table."""
    connection.execute(_SQL["forget_explanations"], {"before": before, "limit": limit})
    return connection.changes()


class Forgetting:
    """The writer's chore, event ids: a step a minute, or one after the other while there is a backlog."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next = 0

    def __call__(self, connection: apsw.Connection) -> None:
        now = self._clock()
        if now < self._next:
            return
        connection.execute(_SQL["forget_claims"], {"before": now - KEPT, "limit": AT_ONCE})
        self._next = now if connection.changes() == AT_ONCE else now + MINUTE
