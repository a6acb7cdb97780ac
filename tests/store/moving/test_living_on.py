"""After a move PostgreSQL says what SQLite said, and life goes on there as it would have."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.control.shop import HOUR
from tests.store.moving.history import PROFILES, Everywhere, History, track
from tests.store.moving.watching import PARTITIONS, Watcher

from clarion.control.receipts import record_receipt
from clarion.directory import Directory
from clarion.fresh_ids import fresh_id
from clarion.store.moving.move import move
from clarion.store.postgres.store import PostgresStore
from clarion.store.records.entries import Appended
from clarion.store.sqlite.store import SqliteStore
from clarion.vault import Vault

# -- life goes on ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def stores(path: Path, url: str, history: History) -> AsyncIterator[tuple[SqliteStore, PostgresStore]]:
    """Both sides after the move, open."""
    await move(path, url, PARTITIONS, Watcher())
    before, after = SqliteStore(path), PostgresStore(url, clock=lambda: history.shop.now)
    await before.open()
    await after.open()
    yield before, after
    await before.close()
    await after.close()


async def test_both_say_the_same(stores: tuple[SqliteStore, PostgresStore], history: History) -> None:
    before, after = stores
    site = history.shop.site.id
    assert await after.configuration() == await before.configuration()
    assert await after.draft(site, "later") == await before.draft(site, "later")
    for profile in PROFILES:
        one, other = await before.profile(site, f"n:{profile}"), await after.profile(site, f"n:{profile}")
        assert plain(one) == plain(other)
    for event in history.events:
        assert await after.explanations(site, event) == await before.explanations(site, event)
    for workflow in ("cart", "asks", "fails", "soon"):
        assert await after.counters(site, workflow, "total", 0, 2**62, 1_000) == await before.counters(
            site, workflow, "total", 0, 2**62, 1_000
        )
        assert sorted(await after.run_counts(site, workflow), key=str) == sorted(await before.run_counts(site, workflow), key=str)
    newest = [await store.events(site, "", 1_000) for store in stores]
    assert {row.id for row in newest[0].rows} == {row.id for row in newest[1].rows}
    assert Counter(one.id for one in await after.waiting_events(site, 100)) == Counter(
        one.id for one in await before.waiting_events(site, 100)
    )
    assert {one.id: one.body for one in await after.poisoned(100, site)} == {one.id: one.body for one in await before.poisoned(100, site)}


def plain(value: Any) -> Any:
    """A profile's view without the partitions that its parts stand in, and the order of those of one time."""
    view = msgspec.to_builtins(value, enc_hook=bytes)
    for row in view["deliveries"]:
        row["delivery"].pop("partition", None)
    for part in ("deliveries", "explanations", "runs"):
        view[part] = sorted(view[part], key=msgspec.json.encode)
    return view


async def test_life_goes_on_as_it_would_have(stores: tuple[SqliteStore, PostgresStore], history: History) -> None:
    """What waits is applied, timers fire, what was held goes on, each delivery goes out once: on both alike."""
    sides = Everywhere(stores[0], history.shop.now), Everywhere(stores[1], history.shop.now)
    for side in sides:
        await side.apply()
        await side.deliver()
        await side.change(history.shop.site, "soon", "resume")
        for hours in (1, 1, 25, 200, 200):
            side.now += hours * HOUR
            await side.apply()
            await side.deliver()
    before, after = sides
    assert Counter(after.delivered) == Counter(before.delivered)
    assert set(Counter(after.delivered).values()) == {1}
    assert set(history.claimed) <= set(after.delivered)
    told = [await side.tell(history.shop.site.id, ("cart", "asks", "fails", "soon"), PROFILES) for side in sides]
    assert told[1] == told[0]
    assert {status for status, _, _ in told[1].runs.values()} == {"completed", "failed"}


async def test_event_ids_are_known_and_new_ones_are_not(stores: tuple[SqliteStore, PostgresStore], history: History) -> None:
    _, after = stores
    assert await track(after, history.shop, "order-1", "ann") is Appended.DUPLICATE
    assert await track(after, history.shop, "order-1", "ann", other=1) is Appended.CONFLICT
    assert await track(after, history.shop, "order-1", "bob") is Appended.STORED
    # A receipt that was counted is not counted again.
    [clicked] = [one for one in await after.deliveries(history.shop.site.id, None, 100) if one.delivery.id == history.clicked]
    now = history.shop.now
    assert not await record_receipt(after, history.shop.site, clicked.delivery.id, "clicked", None, now, fresh_id)
    assert await record_receipt(after, history.shop.site, clicked.delivery.id, "closed", None, now, fresh_id)


async def test_api_keys_and_secrets_still_open(stores: tuple[SqliteStore, PostgresStore], history: History) -> None:
    directory = Directory(stores[1], Vault(bytes(32)))
    await directory.refresh()
    credential = directory.credential(history.key.encode(), history.shop.now)
    assert credential is not None
    assert credential.site == history.shop.site.id
    assert directory.secret(credential.site, "CRM_KEY") == "s3cret"
    assert directory.vapid(credential.site) is not None
