"""What happened to profiles, newest first; and what is forgotten of it."""

import msgspec
import pytest
from tests.store.builders import NOW, SITE, Owner, delivery, entry

from clarion.store.port import NotFound, Store
from clarion.store.records import EntryKind, Explanation, NewEntry


def told(name: str, profile: str = "n:ann", at: int = NOW, site: int = SITE) -> Explanation:
    return Explanation(site, profile, name, at, msgspec.Raw(b'{"n":1e2}'))


def names(found: list[Explanation]) -> list[str]:
    return [one.event for one in found]


async def test_explanations_about_profiles_come_newest_first(store: Store, owner: Owner) -> None:
    await owner.commit(
        explanations=[
            told("a", at=NOW),
            told("b", "n:bob", NOW + 1),
            told("c", at=NOW + 2),
            told("d", "n:eve", NOW + 3),
            told("twin", at=NOW + 2),
            told("elsewhere", at=NOW + 9, site=2),
        ]
    )
    both = ["n:ann", "n:bob", "n:ann", "n:nobody"]
    assert await store.explanations_about(SITE, ["n:bob"], None, 10) == [told("b", "n:bob", NOW + 1)]
    assert names(await store.explanations_about(SITE, both, None, 10)) == ["twin", "c", "b", "a"]
    assert names(await store.explanations_about(SITE, both, None, 3)) == ["twin", "c", "b"]
    assert names(await store.explanations_about(SITE, both, NOW + 3, 2)) == ["twin", "c"]
    assert names(await store.explanations_about(SITE, both, NOW + 2, 10)) == ["b", "a"]
    assert await store.explanations_about(SITE, both, NOW, 10) == []
    assert await store.explanations_about(SITE, [], None, 10) == []


async def test_events_about_profiles_come_newest_first(store: Store, owner: Owner) -> None:
    for name, profile in (("a", "n:ann"), ("b", "n:bob"), ("c", "n:ann"), ("d", "n:eve"), ("nobodys", "")):
        await store.append([entry(name, b'{"n":1e2}')])
        await owner.commit(moved=await owner.waiting(), profile=profile)
    await store.append([entry("elsewhere", site=2), NewEntry(EntryKind.OUTCOME, SITE, "outcome", b"{}", NOW)])
    await owner.log_all()

    async def about(profiles: list[str], limit: int = 10) -> list[str]:
        return [row.id for row in await store.events_about(SITE, profiles, limit)]

    both = ["n:bob", "n:ann", "n:bob", "n:nobody"]
    assert await about(both) == [entry(name).id for name in "cba"]
    assert await about(both, 2) == [entry(name).id for name in "cb"]
    assert await about(["n:ann"], 1) == [entry("c").id]
    assert await about([""]) == await about([]) == []
    tailed = await store.events(SITE, 0, 10)
    assert await store.events_about(SITE, ["n:bob"], 10) == [row for row in tailed if row.profile == "n:bob"]


async def test_old_explanations_are_forgotten_oldest_first(store: Store, owner: Owner) -> None:
    await owner.commit(explanations=[told(f"e{number}", at=NOW + number) for number in range(5)])
    assert await store.forget_explanations(NOW, 10) == 0
    assert await store.forget_explanations(NOW + 3, 2) == 2
    assert names(await store.explanations_about(SITE, ["n:ann"], None, 10)) == ["e4", "e3", "e2"]
    assert await store.forget_explanations(NOW + 3, 2) == 1
    assert await store.forget_explanations(NOW + 3, 2) == 0
    assert names(await store.explanations_about(SITE, ["n:ann"], None, 10)) == ["e4", "e3"]
    assert await store.explanations(SITE, "e2") == []


async def test_a_delivery_is_found_by_its_id(store: Store, owner: Owner) -> None:
    one = delivery("a", version=3)
    await owner.commit(deliveries=[one, delivery("b")])
    found = await store.delivery(SITE, one.id)
    assert (found.delivery, found.status, found.finished) == (one, "pending", None)
    for site, name in ((2, one.id), (SITE, "unknown")):
        with pytest.raises(NotFound):
            await store.delivery(site, name)
