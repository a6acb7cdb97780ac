"""System events that inputs bring: about a subscriber, and about a push. Whoever asks beforehand what they will say finds it here too."""

from collections.abc import Mapping

import msgspec

from clarion.domain import system_events
from clarion.domain.ids import caused_event_id, lone_subscriber, public_profile_id
from clarion.domain.records import Event, Scalar, Subscriber
from clarion.store.records.bodies import DeliveryOutcome, Receipt, SubscriberChange

_RECEIPTS = {"viewed": system_events.VIEWED, "clicked": system_events.CLICKED, "closed": system_events.CLOSED}

_encode = msgspec.json.Encoder().encode


def is_from_outside(event: Event) -> bool:
    """Whether an event shows its subscriber to be active: one that a run sent does not, nor one that tells of a segment."""
    return event.cause is None and not event.name.startswith(system_events.PREFIX)


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


def about_profile(id: str, name: str, profile: str, told: Mapping[str, Scalar], received: int, device: str | None = None) -> Event:
    """A system event about a profile, by its key; `device` is the subscriber that was named, if any."""
    profile_id = public_profile_id(profile)
    raw = msgspec.Raw(_encode(told))
    if profile_id is None:
        return Event(id, name, device or lone_subscriber(profile), None, raw, received=received, profile=profile)
    return Event(id, name, device, profile_id, raw, received=received)


def about_change(change: SubscriberChange, subscriber: Subscriber, entry: str, received: int) -> Event | None:
    """The system event about a change of a subscriber, which was as `subscriber` before it; None: there is nothing to tell."""
    device = change.device_token_hash
    match change.change:
        case "unsubscribe":
            return about_subscriber(entry, system_events.SUBSCRIBER_REMOVED, device, subscriber.facts, received)
        case "forget":
            gone = about_subscriber(entry, system_events.SUBSCRIBER_REMOVED, device, subscriber.facts, received)
            return gone if subscriber.active else None
        case "subscribe":
            return about_subscriber(entry, system_events.SUBSCRIBER_ADDED, device, subscriber.facts, received)
        case "update":
            return about_subscriber(entry, system_events.SUBSCRIBER_UPDATED, device, {}, received, told=change.facts)
    raise ValueError(f"unknown change {change.change!r} of a subscriber")


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
