"""Receipts: what a receiver did with a push."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec

from clarion.control.errors import Invalid
from clarion.domain.ids import partition_of
from clarion.store.port import NotFound, Store
from clarion.store.records.bodies import Receipt
from clarion.store.records.deliveries import DeliveryRow
from clarion.store.records.entries import Appended, EntryKind, IdempotencyClaim, NewEntry
from clarion.store.records.sites import Site

EVENTS: Final = ("viewed", "clicked", "closed")
ACTIONS: Final = (0, 1)
"""Buttons that a notification can have."""

_REACHED: Final = ("pending", "held", "sent")
"""Statuses of deliveries that may have arrived: the receipt of one can be faster than the report that it was sent."""


async def record_receipt(
    store: Store,
    site: Site,
    delivery: str,
    event: str,
    action: object,
    now: int,
    new_id: Callable[[], str],
    partition: int | None = None,
) -> bool:
    """Tell the engine what a receiver did; returns whether that was news: the same again counts once.

    `partition` is where the delivery is, where that is known. Raises Invalid, and NotFound for what is no push that has arrived or may
    have.
    """
    if event not in EVENTS:
        raise Invalid("event", f"event must be one of {', '.join(EVENTS)}")
    button = action if isinstance(action, int) and not isinstance(action, bool) else None
    if action is not None and (event != "clicked" or button not in ACTIONS):
        raise Invalid("action", "action must be 0 or 1, and only stands beside clicked")
    row = await _find(store, site, delivery, partition)
    subscriber = row.delivery.subscriber
    if subscriber is None or row.status not in _REACHED:
        raise NotFound(f"{delivery[:64]} is no push that has been sent")
    name = event if button is None else f"{event}:{button}"
    entry = NewEntry(
        EntryKind.RECEIPT,
        site.id,
        new_id(),
        msgspec.json.encode(_receipt(row, subscriber, event, button)),
        now,
        partition_of(site.id, subscriber, store.partitions),
        IdempotencyClaim(target=f"r:{row.delivery.id}", event_id=name, content=name),
    )
    return await store.append([entry]) == [Appended.STORED]


async def _find(store: Store, site: Site, delivery: str, partition: int | None) -> DeliveryRow:
    """The delivery; where it is not where it was said to be, anywhere: the database may have been moved to more partitions since."""
    if partition is not None and partition < store.partitions:
        with suppress(NotFound):
            return await store.delivery(site.id, delivery, partition)
    return await store.delivery(site.id, delivery)


def _receipt(row: DeliveryRow, subscriber: str, event: str, action: int | None) -> Receipt:
    sent = row.delivery
    return Receipt(
        event=event,
        delivery=sent.id,
        run=sent.run,
        workflow=sent.workflow,
        version=sent.version,
        step=sent.step,
        profile=sent.profile,
        subscriber=subscriber,
        action=action,
        hops=sent.hops,
    )
