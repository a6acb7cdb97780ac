"""Profiles and subscribers as they were kept, whole, and page by page."""

import pytest
from tests.store.builders import NOW, SITE, Owner

from clarion.domain.records import APNS, FCM, Profile, Subscriber
from clarion.store.port import NotFound, Store
from clarion.store.records.batches import Asked, MemoryKey, SiteProfile
from clarion.store.records.runs import EntryMemory

ANN = Profile("n:ann", {"age": 30}, ("vip",), NOW, {"": (NOW,)}, None, NOW + 5, ("b1", "b2"))
APP = Subscriber("phone", "n:ann", "token", "", "", False, NOW, NOW + 1, {"country": "PT"}, FCM, 0, 7)
BROWSER = Subscriber("laptop", "n:ann", "https://push.example/1", "key", "secret", vapid=3)


def named(count: int) -> list[Profile]:
    return [Profile(f"n:{number:03}") for number in range(count)]


async def test_what_is_known_of_people_is_read_as_it_was_kept(store: Store, owner: Owner) -> None:
    await owner.commit(profiles=[(SITE, ANN)], subscribers=[(SITE, APP), (SITE, BROWSER)])
    facts = await store.facts(0, Asked(named=[SiteProfile(SITE, "phone")], profiles=[SiteProfile(SITE, "n:ann")]))
    assert facts.profiles == [(SITE, ANN)]
    assert sorted(facts.subscribers, key=str) == sorted([(SITE, APP), (SITE, BROWSER)], key=str)
    assert await store.profiles_page(0, SITE, "", 10) == [ANN]
    assert await store.subscribers_of(0, SITE, ["n:ann"]) == [BROWSER, APP]
    assert await store.subscriber(SITE, "laptop") == BROWSER
    plain = Profile("n:ann"), Subscriber("phone", "n:ann", "", "", "", provider=APNS)
    await owner.commit(profiles=[(SITE, plain[0])], subscribers=[(SITE, plain[1])])
    assert await store.profiles_page(0, SITE, "", 10) == [plain[0]]
    assert (await store.facts(0, Asked(named=[SiteProfile(SITE, "phone")]))).subscribers[0] in [(SITE, plain[1]), (SITE, BROWSER)]
    assert await store.subscribers_of(0, SITE, ["n:ann"]) == [BROWSER, plain[1]]


async def test_a_page_of_profiles_is_as_long_as_was_asked_for(store: Store, owner: Owner) -> None:
    people = named(5)
    await owner.commit(profiles=[(SITE, one) for one in people])
    assert await store.profiles_page(0, SITE, "", 4) == people[:4]
    assert await store.profiles_page(0, SITE, "", 5) == people
    assert await store.profiles_page(0, SITE, "", 6) == people
    assert await store.profiles_page(0, SITE, "n:003", 4) == people[4:]
    assert await store.profiles_page(0, SITE, "n:004", 4) == []


async def test_profiles_come_in_the_order_of_their_bytes(store: Store, owner: Owner) -> None:
    keys = ["a10:x", "a2:x", "a:x", "n:", "n:A", "n:Z", "n:_", "n:a", "n:a b", "n:aa", "n:é", "n:\uffff", "n:\U0001f600"]
    assert keys == sorted(keys, key=str.encode)
    await owner.commit(profiles=[(SITE, Profile(key)) for key in reversed(keys)])
    found, after = [], ""
    while page := await store.profiles_page(0, SITE, after, 3):
        after = page[-1].key
        found += [one.key for one in page]
    assert found == keys


async def test_a_page_is_of_one_site(store: Store, owner: Owner) -> None:
    await owner.commit(profiles=[(1, Profile("n:a")), (2, Profile("n:b"))], subscribers=[(2, BROWSER)])
    assert [one.key for one in await store.profiles_page(0, 1, "", 9)] == ["n:a"]
    assert [one.key for one in await store.profiles_page(0, 2, "", 9)] == ["n:b"]
    assert (await store.subscribers_page(0, 1, "", 9), await store.subscribers_of(0, 1, ["n:ann"])) == ([], [])
    assert await store.subscribers_page(0, 2, "", 9) == await store.subscribers_of(0, 2, ["n:ann"]) == [BROWSER]


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
async def test_who_has_become_part_of_another_is_passed_over_and_ends_nothing(limit: int, store: Store, owner: Owner) -> None:
    people = [Profile(f"n:{number:02}", merged=None if number % 7 == 3 else "n:x") for number in range(20)]
    await owner.commit(profiles=[(SITE, one) for one in people])
    found, after = [], ""
    while page := await store.profiles_page(0, SITE, after, limit):
        assert len(page) <= limit
        after = page[-1].key
        found += page
    assert found == [one for one in people if one.merged is None]
    await owner.commit(profiles=[(SITE, Profile(one.key, merged="n:x")) for one in people])
    assert await store.profiles_page(0, SITE, "", limit) == []


async def test_subscribers_come_by_the_bytes_of_their_hash(store: Store, owner: Owner) -> None:
    hashes = ["A", "Z", "_", "a", "b", "é"]
    people = [Subscriber(one, "n:ann", "", "", "", active=one != "b") for one in hashes]
    await owner.commit(subscribers=[(SITE, one) for one in reversed(people)])
    assert await store.subscribers_page(0, SITE, "", 6) == people
    assert await store.subscribers_page(0, SITE, "", 5) == people[:5]
    assert await store.subscribers_page(0, SITE, "_", 2) == people[3:5]
    assert await store.subscribers_page(0, SITE, "é", 2) == []


async def test_all_subscribers_of_profiles_are_found_once(store: Store, owner: Owner) -> None:
    people = [Subscriber(f"d{number}", f"n:{number % 3}", "", "", "", active=number > 2) for number in range(6)]
    await owner.commit(subscribers=[(SITE, one) for one in people])
    assert await store.subscribers_of(0, SITE, ["n:0", "n:2", "n:0", "n:none"]) == [people[0], people[2], people[3], people[5]]
    assert await store.subscribers_of(0, SITE, []) == []


async def test_a_subscriber_is_read_at_its_home(store: Store, owner: Owner) -> None:
    await owner.commit(subscribers=[(SITE, BROWSER)])  # its home is the first partition, however many there are
    assert await store.subscriber(SITE, "laptop") == BROWSER
    for site, device in ((SITE, "other"), (2, "laptop"), (SITE, "lap\0top")):
        with pytest.raises(NotFound):
            await store.subscriber(site, device)


async def test_all_is_read_of_profiles_that_are_to_be_joined_to_others(store: Store, owner: Owner) -> None:
    memory = [EntryMemory(SITE, "cart", profile, key, NOW, "r") for profile in ("a:x", "n:ann") for key in ("", "k")]
    await owner.commit(memory=memory)
    left = SiteProfile(SITE, "a:x")
    assert (await store.facts(0, Asked(profiles=[left]))).memory == []
    found = (await store.facts(0, Asked(profiles=[left], merging=[left]))).memory
    assert sorted(found, key=lambda one: one.key) == memory[:2]
    asked = Asked(profiles=[left], merging=[left], memory=[MemoryKey(SITE, "cart", "k", "n:ann")])
    assert len((await store.facts(0, asked)).memory) == 3
