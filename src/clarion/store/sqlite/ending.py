"""Deliveries enter the outbox, are put off, and end: the writes."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import apsw
import msgspec

from clarion.domain.ids import caused_event_id
from clarion.domain.records import Scalar
from clarion.store.records.bodies import DeliveryOutcome
from clarion.store.records.deliveries import Delivery, Report
from clarion.store.sqlite.statements import load, value

_SQL = load("outbox")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Delivery]).decode

STALE: Final = "stale"

_STALE_AT_ONCE: Final = 1_000
"""Deliveries held in memory while a release ends them."""


def insert_deliveries(connection: apsw.Connection, partition: int, deliveries: Sequence[Delivery], log_time: int) -> None:
    """Put new deliveries into the outbox; those that are known already stay as they are."""
    after = value(connection, _SQL["last_delivery"])
    connection.execute(_SQL["insert_deliveries"], {"partition": partition, "rows": _encode(deliveries)})
    connection.execute(_SQL["enqueue_deliveries"], {"after": after, "log_time": log_time})


def report(connection: apsw.Connection, reports: Sequence[Report]) -> None:
    """End or put off what is reported; a delivery that is not in the outbox any more is left alone."""
    latest: dict[str, Report] = {}
    for one in reports:
        known = latest.get(one.delivery.id)
        if known is None or known.outcome is None:  # what has ended stays ended
            latest[one.delivery.id] = one
    end(connection, [_ended(r.delivery, r.outcome, r.at, r.status, r.reason, r.response) for r in latest.values() if r.outcome is not None])
    later = [
        {"id": r.delivery.id, "due": r.at if r.retry_at is None else r.retry_at, "attempts": r.delivery.attempts}
        for r in latest.values()
        if r.outcome is None
    ]
    if later:
        rows = _encode(later)
        connection.execute(_SQL["schedule"], {"rows": rows})
        connection.execute(_SQL["postpone"], {"rows": rows})


def end(connection: apsw.Connection, ended: Sequence[dict[str, Any]]) -> None:
    """Take deliveries out of the outbox and tell the engine."""
    if ended:
        rows = _encode(ended)
        connection.execute(_SQL["outcomes"], {"rows": rows})
        connection.execute(_SQL["dequeue"], {"rows": rows})
        connection.execute(_SQL["end"], {"rows": rows})


def release(connection: apsw.Connection, site: int, workflow: str, cutoff: int, at: int, claimed: Collection[int]) -> None:
    """Let a workflow's held deliveries go; pushes from before `cutoff` that are not just being sent (`claimed`) end as stale."""
    asked = {"site": site, "workflow": workflow, "cutoff": cutoff, "claimed": _encode(list(claimed)), "limit": _STALE_AT_ONCE}
    while stale := _decode(value(connection, _SQL["stale"], asked)):
        end(connection, [_ended(delivery, STALE, at) for delivery in stale])
    connection.execute(_SQL["release"], {"site": site, "workflow": workflow})


def _ended(
    delivery: Delivery,
    outcome: str,
    at: int,
    status: int | None = None,
    reason: str | None = None,
    response: Mapping[str, Scalar] | None = None,
) -> dict[str, Any]:
    told = DeliveryOutcome(
        delivery=delivery.id,
        effect=delivery.effect,
        run=delivery.run,
        workflow=delivery.workflow,
        step=delivery.step,
        kind=delivery.kind,
        outcome=outcome,
        profile=delivery.profile,
        subscriber=delivery.subscriber,
        status=status,
        reason=reason,
        hops=delivery.hops,
        version=delivery.version,
        response=None if response is None else dict(response),
    )
    return {
        "id": delivery.id,
        "site": delivery.site,
        "entry": caused_event_id(delivery.id, "outcome", 0),
        "body": told,
        "at": at,
        "status": outcome,
        "attempts": delivery.attempts,
    }
