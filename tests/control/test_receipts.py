"""Receipts: of pushes that went out, each counted once."""

from typing import Any

import msgspec
import pytest
from tests.control.documents import NOW, inbox, new_id
from tests.store.builders import Owner, delivery

from clarion.control.errors import Invalid
from clarion.control.receipts import record_receipt
from clarion.control.sites import create_site
from clarion.store.port import NotFound, Store
from clarion.store.records.bodies import Receipt
from clarion.store.records.deliveries import Attempt, Delivery, Report
from clarion.store.records.entries import EntryKind
from clarion.store.records.sites import Site
from clarion.vault import Vault


async def put(store: Store, outcome: str | None = None, **fields: Any) -> Delivery:
    """A delivery on its way, or one that has ended."""
    made = delivery("d", version=3, hops=2, expires=NOW * 2, **fields)
    await (await Owner.of(store)).commit(deliveries=[made])
    if outcome is not None:
        await store.claim(10, NOW)
        tried = msgspec.structs.replace(made, attempts=(Attempt(NOW, 5, 201),))
        await store.report([Report(tried, outcome, NOW)])
    return made


async def told(store: Store) -> list[Receipt]:
    return [msgspec.json.decode(entry.body, type=Receipt) for entry in await inbox(store, EntryKind.RECEIPT)]


async def record(store: Store, site: Site, made: Delivery, event: str, action: object = None) -> bool:
    return await record_receipt(store, site, made.id, event, action, NOW, new_id)


@pytest.mark.parametrize("outcome", [None, "sent"])
async def test_a_receipt_goes_to_the_engine(store: Store, shop: Site, outcome: str | None) -> None:
    made = await put(store, outcome)
    assert await record(store, shop, made, "clicked", 1)
    assert await told(store) == [
        Receipt("clicked", made.id, made.run, "cart", 3, "remind", "n:ann", "laptop", 1, 2),
    ]


async def test_the_same_counts_once_and_another_counts_too(store: Store, shop: Site) -> None:
    made = await put(store)
    every = [("viewed", None), ("clicked", None), ("clicked", 0), ("clicked", 1), ("closed", None)]
    assert [await record(store, shop, made, *one) for one in every] == [True] * 5
    assert [await record(store, shop, made, *one) for one in every] == [False] * 5
    assert [(one.event, one.action) for one in await told(store)] == every


@pytest.mark.parametrize("outcome", ["failed", "gone", "expired"])
async def test_what_never_arrived_has_no_receipt(store: Store, shop: Site, outcome: str) -> None:
    made = await put(store, outcome)
    with pytest.raises(NotFound):
        await record(store, shop, made, "viewed")
    assert await told(store) == []


async def test_requests_other_sites_and_unknown_ones_have_no_receipt(store: Store, shop: Site) -> None:
    made = await put(store, kind="http", subscriber=None)
    other = await create_site(store, Vault(bytes(32)), "Other", "mailto:ops@shop.example", NOW)
    with pytest.raises(NotFound):
        await record(store, shop, made, "viewed")
    with pytest.raises(NotFound):
        await record(store, other, made, "viewed")
    with pytest.raises(NotFound):
        await record_receipt(store, shop, "missing", "viewed", None, NOW, new_id)


@pytest.mark.parametrize(
    ("event", "action", "path"),
    [
        *(("opened", None, "event"), ("", None, "event"), ("viewed", 0, "action"), ("closed", 1, "action")),
        *(("clicked", 2, "action"), ("clicked", -1, "action"), ("clicked", True, "action"), ("clicked", 1.0, "action")),
        *(("clicked", "1", "action"), ("clicked", [], "action")),
    ],
)
async def test_what_is_no_receipt_is_refused(store: Store, shop: Site, event: str, action: object, path: str) -> None:
    made = await put(store)
    with pytest.raises(Invalid) as refused:
        await record(store, shop, made, event, action)
    assert refused.value.path == path
    assert await told(store) == []


@pytest.mark.parametrize("partition", [None, 0, 1, 63])
async def test_a_delivery_is_found_also_where_the_database_has_other_partitions_by_now(
    store: Store, shop: Site, partition: int | None
) -> None:
    made = await put(store)
    assert await record_receipt(store, shop, made.id, "viewed", None, NOW, new_id, partition)
    with pytest.raises(NotFound):
        await record_receipt(store, shop, "f" * 32, "viewed", None, NOW, new_id, partition)
