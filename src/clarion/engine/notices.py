"""System events that inputs bring: about a subscriber, and about a push. Whoever asks beforehand what they will say finds it here too."""

from collections.abc import Mapping

import msgspec

from clarion.domain import system_events
from clarion.domain.ids import caused_event_id
from clarion.domain.records import Event, Scalar
from clarion.store.records.bodies import DeliveryOutcome, Receipt

_RECEIPTS = {"viewed": system_events.VIEWED, "clicked": system_events.CLICKED, "closed": system_events.CLOSED}

_encode = msgspec.json.Encoder().encode


def about_subscriber(
    cause: str,
    name: str,
    device_token_hash: str,
    facts: Mapping[str, Scalar],
    received: int,
    hops: int = 0,
    *,
    told: Mapping[str, Scalar] | None = None,
) -> Event:
    """A system event about a subscriber: its facts, and what else was `told` of its profile."""
    data = {**(told or {}), **facts, "device_token_hash": device_token_hash}
    return Event(caused_event_id(cause, name, 0), name, device_token_hash, data=msgspec.Raw(_encode(data)), received=received, hops=hops)


def name_of(source: DeliveryOutcome | Receipt) -> str:
    """Name of the system event about a push; empty for an unknown receipt."""
    if isinstance(source, Receipt):
        return _RECEIPTS.get(source.event, "")
    return system_events.SENT if source.outcome == "sent" else system_events.FAILED


def about_push(source: DeliveryOutcome | Receipt, device_token_hash: str, entry: str, received: int) -> Event:
    """A system event about a push: what became of it, or what its receiver did. Raises ValueError for an unknown receipt."""
    name = name_of(source)
    if not name:
        raise ValueError("a receipt that is none of a notification viewed, clicked or closed")
    data: dict[str, Scalar] = {
        "workflow": source.workflow,
        "step": source.step,
        "run": source.run,
        "delivery": source.delivery,
        "device_token_hash": device_token_hash,
    }
    if isinstance(source, Receipt):
        if source.action is not None:
            data["action"] = source.action
    elif source.reason is not None:
        data["reason"] = source.reason
    return Event(
        caused_event_id(entry, name, 0),
        name,
        device_token_hash,
        data=msgspec.Raw(_encode(data)),
        received=received,
        hops=source.hops,
        cause=source.run,
    )
