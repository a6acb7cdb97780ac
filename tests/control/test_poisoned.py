"""Inputs that were set aside: tried again as they came, or given up."""

import msgspec
import pytest
from tests.control.documents import NOW, inbox, new_id
from tests.store.builders import Owner, run

from clarion.control.poisoned import discard_poisoned, list_poisoned, retry_poisoned
from clarion.control.run_views import poisoned_view
from clarion.control.sites import create_site
from clarion.store.port import NotFound, Store
from clarion.store.records.bodies import RunChange, SubscriberPut
from clarion.store.records.entries import EntryKind
from clarion.store.records.poisoned import Poisoned
from clarion.store.records.sites import Site
from clarion.vault import Vault


def aside(id: str, kind: str, body: object, site: int = 1, at: int = NOW) -> Poisoned:
    return Poisoned(id, site, kind, msgspec.Raw(msgspec.json.encode(body)), at, "ValueError: no")


async def test_an_entry_is_tried_again_as_it_came(store: Store, shop: Site) -> None:
    one = aside("e1", "event", {"id": "e1", "name": "add_to_cart", "profile_id": "ann"})
    await (await Owner.of(store)).commit(poisoned=[one])
    assert await retry_poisoned(store, shop, "e1", NOW + 5, new_id) == one
    [entry] = await inbox(store, EntryKind.EVENT)
    assert (entry.id, entry.site, bytes(entry.body), entry.received) == ("e1", shop.id, bytes(one.body), NOW + 5)
    assert await list_poisoned(store, shop, 10) == []
    with pytest.raises(NotFound, match="no input e1 is set aside — see: clarion poisoned list"):
        await retry_poisoned(store, shop, "e1", NOW, new_id)


async def test_a_timer_is_set_anew(store: Store, shop: Site) -> None:
    row = run("a", due=None)
    await (await Owner.of(store)).commit(runs=[row], poisoned=[aside(row.id, "timer", row)])
    await retry_poisoned(store, shop, row.id, NOW, new_id)
    [entry] = await inbox(store, EntryKind.RUN)
    assert msgspec.json.decode(entry.body, type=RunChange) == RunChange(row.id, "cart", "rearm", profile=row.profile)
    assert entry.id != row.id
    assert await list_poisoned(store, shop, 10) == []


async def test_what_is_discarded_is_not_tried_again(store: Store, shop: Site) -> None:
    before = (await store.take(0, 100, 0, 0)).entries
    await (await Owner.of(store)).commit(poisoned=[aside("e1", "event", {})])
    assert (await discard_poisoned(store, shop, "e1")).id == "e1"
    assert await list_poisoned(store, shop, 10) == []
    assert (await store.take(0, 100, 0, 0)).entries == before
    with pytest.raises(NotFound):
        await discard_poisoned(store, shop, "e1")


async def test_another_sites_inputs_are_not_seen(store: Store, shop: Site) -> None:
    other = await create_site(store, Vault(bytes(32)), "Other", "mailto:ops@shop.example", NOW)
    await (await Owner.of(store)).commit(poisoned=[aside("e1", "event", {}), aside("e2", "event", {}, other.id, NOW + 1)])
    assert [one.id for one in await list_poisoned(store, shop, 1)] == ["e1"]
    assert [one.id for one in await list_poisoned(store, other, 10)] == ["e2"]
    with pytest.raises(NotFound):
        await retry_poisoned(store, shop, "e2", NOW, new_id)
    with pytest.raises(NotFound):
        await discard_poisoned(store, shop, "e2")


async def test_a_crowd_of_another_site_hides_nothing(store: Store, shop: Site) -> None:
    mine = aside("mine", "event", {}, at=NOW - 1)
    await (await Owner.of(store)).commit(poisoned=[mine, *(aside(f"x{number}", "event", {}, 2) for number in range(1_001))])
    assert await list_poisoned(store, shop) == [mine]
    assert await retry_poisoned(store, shop, "mine", NOW, new_id) == mine
    assert await list_poisoned(store, shop) == []


async def test_a_timer_whose_run_is_gone_stays_set_aside(store: Store, shop: Site) -> None:
    await (await Owner.of(store)).commit(poisoned=[aside("r1", "timer", run("a"))])
    with pytest.raises(NotFound, match="there is no run r1"):
        await retry_poisoned(store, shop, "r1", NOW, new_id)
    assert [one.id for one in await list_poisoned(store, shop, 10)] == ["r1"]


def test_a_subscriptions_keys_are_not_shown() -> None:
    put = SubscriberPut("hash", "https://push.example/secret", "key", "auth", "ann", {"plan": "pro"})
    view = poisoned_view(aside("s1", "subscriber", put))
    assert view == {
        "id": "s1",
        "kind": "subscriber",
        "at": NOW,
        "error": "ValueError: no",
        "body": {"device_token_hash": "hash", "profile_id": "ann", "attributes": {"plan": "pro"}},
    }
