"""Deliveries enter the outbox, are put off, and end: the writes."""

from collections.abc import Sequence
from typing import Any

import apsw
import msgspec

from clarion.store.outcomes import Ended, settled
from clarion.store.records.deliveries import Delivery, Report
from clarion.store.sqlite.statements import load, value

_SQL = load("outbox")
_encode = msgspec.json.Encoder().encode


def insert_deliveries(connection: apsw.Connection, partition: int, deliveries: Sequence[Delivery], log_time: int) -> None:
    """Put new deliveries into the outbox; those that are known already stay as they are."""
    after = value(connection, _SQL["last_delivery"])
    connection.execute(_SQL["insert_deliveries"], {"partition": partition, "rows": _encode(deliveries)})
    connection.execute(_SQL["enqueue_deliveries"], {"after": after, "log_time": log_time})


def report(connection: apsw.Connection, reports: Sequence[Report]) -> None:
    """End or put off what is reported; a delivery that is not in the outbox any more is left alone."""
    over, again = settled(reports)
    end(connection, over)
    if again:
        later = [{"id": r.delivery.id, "due": r.at if r.retry_at is None else r.retry_at, "attempts": r.delivery.attempts} for r in again]
        rows = _encode(later)
        connection.execute(_SQL["schedule"], {"rows": rows})
        connection.execute(_SQL["postpone"], {"rows": rows})


def end(connection: apsw.Connection, over: Sequence[Ended]) -> None:
    """Take deliveries out of the outbox and tell the engine."""
    if over:
        rows = _encode([_row(one) for one in over])
        connection.execute(_SQL["outcomes"], {"rows": rows})
        connection.execute(_SQL["dequeue"], {"rows": rows})
        connection.execute(_SQL["end"], {"rows": rows})


def _row(one: Ended) -> dict[str, Any]:
    return {
        "id": one.delivery.id,
        "site": one.delivery.site,
        "entry": one.entry,
        "body": one.told,
        "at": one.at,
        "status": one.told.outcome,
        "attempts": one.delivery.attempts,
    }
