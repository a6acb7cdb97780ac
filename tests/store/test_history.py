"""What happened to profiles, newest first. The profiles' home is partition 0, as in `test_reading`."""

import msgspec
import pytest
from tests.store.builders import NOW, SITE, Owner, delivery, entry

from clarion.store.port import NotFound, Store
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.explanations import Explanation
from clarion.store.records.poisoned import Poisoned


def told(name: str, profile: str = "n:ann", at: int = NOW, site: int = SITE) -> Explanation:
    return Explanation(site, profile, name, at, msgspec.Raw(b'{"n":1e2}'))


def place(found: Explanation) -> tuple[int, int]:
    return found.at, found.sequence


def names(found: list[Explanation]) -> list[str]:
    return [one.event for one in found]


async def test_explanations_about_profiles_come_newest_first(store: Store, owner: Owner) -> None:
    await owner.commit(
        explanations=[
            told("a", at=NOW),
            told("b", "n:tom", NOW + 1),
            told("c", at=NOW + 2),
            told("d", "n:eve", NOW + 3),
            told("twin", at=NOW + 2),
            told("elsewhere", at=NOW + 9, site=2),
        ]
    )
    both = ["n:ann", "n:tom", "n:ann", "n:nobody"]
    [bobs] = await store.explanations_about(SITE, ["n:tom"], None, 10)
    assert msgspec.structs.replace(bobs, sequence=0) == told("b", "n:tom", NOW + 1)
    assert names(await store.explanations_about(SITE, both, None, 10)) == ["twin", "c", "b", "a"]
    assert names(await store.explanations_about(SITE, both, None, 3)) == ["twin", "c", "b"]
    assert names(await store.explanations_about(SITE, both, (NOW + 3, 0), 2)) == ["twin", "c"]
    assert names(await store.explanations_about(SITE, both, (NOW + 2, 0), 10)) == ["b", "a"]
    assert await store.explanations_about(SITE, both, (NOW, 0), 10) == []
    assert await store.explanations_about(SITE, [], None, 10) == []


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_pages_show_what_happened_at_one_time_once(store: Store, owner: Owner, size: int) -> None:
    at_once = [told(f"e{number}", "n:ann" if number % 2 else "n:tom") for number in range(6)]
    await owner.commit(explanations=[told("earlier", at=NOW - 1), *at_once, told("later", at=NOW + 1)])
    found: list[Explanation] = []
    while page := await store.explanations_about(SITE, ["n:ann", "n:tom"], place(found[-1]) if found else None, size):
        found += page
    assert names(found) == ["later", "e5", "e4", "e3", "e2", "e1", "e0", "earlier"]


async def test_large_ones_come_fewer_at_a_time_but_one_always(store: Store, owner: Owner) -> None:
    large = msgspec.Raw(b'"%s"' % (b"x" * 600 * 1024))
    await owner.commit(explanations=[msgspec.structs.replace(told(f"e{number}"), body=large) for number in range(2)])
    await store.append([entry(f"l{number}", bytes(large)) for number in range(2)])
    await owner.commit(moved=await owner.waiting())
    [newest] = await store.explanations_about(SITE, ["n:ann"], None, 10)
    assert newest.event == "e1"
    assert names(await store.explanations_about(SITE, ["n:ann"], place(newest), 10)) == ["e0"]
    assert [row.id for row in await store.events_about(SITE, ["n:ann"], 10)] == [entry("l1").id]


async def test_events_about_profiles_come_newest_first(store: Store, owner: Owner) -> None:
    for name, profile in (("a", "n:ann"), ("b", "n:tom"), ("c", "n:ann"), ("d", "n:eve"), ("nobodys", "")):
        await store.append([entry(name, b'{"n":1e2}')])
        await owner.commit(moved=await owner.waiting(), profile=profile)
    await store.append([entry("elsewhere", site=2), NewEntry(EntryKind.OUTCOME, SITE, "outcome", b"{}", NOW)])
    await owner.log_all()

    async def about(profiles: list[str], limit: int = 10) -> list[str]:
        return [row.id for row in await store.events_about(SITE, profiles, limit)]

    both = ["n:tom", "n:ann", "n:tom", "n:nobody"]
    assert await about(both) == [entry(name).id for name in "cba"]
    assert await about(both, 2) == [entry(name).id for name in "cb"]
    assert await about(["n:ann"], 1) == [entry("c").id]
    assert await about([""]) == await about([]) == []
    tailed = (await store.events(SITE, "0", 10)).rows
    assert await store.events_about(SITE, ["n:tom"], 10) == [row for row in tailed if row.profile == "n:tom"]


async def test_a_delivery_is_found_by_its_id(store: Store, owner: Owner) -> None:
    one = delivery("a", version=3)
    await owner.commit(deliveries=[one, delivery("b")])
    found = await store.delivery(SITE, one.id)
    assert (found.delivery, found.status, found.finished) == (one, "pending", None)
    for site, name in ((2, one.id), (SITE, "unknown")):
        with pytest.raises(NotFound):
            await store.delivery(site, name)
    assert await store.delivery(SITE, one.id, 0) == found
    for partition in (1, store.partitions, -1, 2**40):
        with pytest.raises(NotFound):
            await store.delivery(SITE, one.id, partition)


async def test_events_about_somebody_that_were_set_aside_come_newest_first(store: Store, owner: Owner) -> None:
    def aside(name: str, body: bytes, at: int = NOW, kind: str = "event", site: int = SITE) -> Poisoned:
        return Poisoned(name, site, kind, msgspec.Raw(body), at, "no luck")

    first = aside("first", b'{"profile_id":"ann","data":{"n":1e2}}')
    await owner.commit(
        poisoned=[
            aside("last", b'{"device_token_hash":"phone"}', NOW + 1),
            first,
            aside("twin", b'{"profile_id":"ann","device_token_hash":"else"}'),
            aside("bobs", b'{"profile_id":"bob","device_token_hash":"phone"}', NOW + 2),
            aside("eves", b'{"device_token_hash":"ann"}', NOW + 2),
            aside("odd", b'["ann"]', NOW + 2),
            aside("timer", b'{"profile_id":"ann"}', NOW + 2, "timer"),
            aside("elsewhere", b'{"profile_id":"ann"}', NOW + 2, site=2),
        ]
    )

    async def about(profile_ids: list[str], devices: list[str], limit: int = 10) -> list[str]:
        return [one.id for one in await store.poisoned_events_about(SITE, profile_ids, devices, limit)]

    assert await about(["ann"], ["phone", "tablet"]) == ["last", "twin", "first"]
    assert await about(["ann"], ["phone"], 2) == ["last", "twin"]
    assert await about(["ann"], []) == ["twin", "first"]
    assert await about([], ["phone"]) == ["last"]
    assert await about([], []) == []
    assert (await store.poisoned_events_about(SITE, ["ann"], [], 10))[1] == first
