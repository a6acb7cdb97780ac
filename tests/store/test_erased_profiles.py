"""A profile that is erased goes with all that belongs to it, before anything else of the commit is written."""

from typing import Any

import pytest
from tests.store.builders import FAR, NOW, SITE, Owner, delivery, run

from clarion.domain.records import Profile, Subscriber
from clarion.store.port import Fenced, NotFound, Store
from clarion.store.records.batches import Asked, SiteProfile
from clarion.store.records.commits import Outcome
from clarion.store.records.deliveries import Report
from clarion.store.records.runs import EntryMemory
from clarion.store.records.states import WorkflowState

SEVERAL = 3


def everything(site: int, profile: str) -> dict[str, Any]:
    """Fields of an outcome: several of everything that belongs to a profile."""
    names = [f"{site} {profile} {number}" for number in range(SEVERAL)]
    return {
        "profiles": [(site, Profile(profile, {"x": 1}, recheck=NOW))],
        "subscribers": [(site, Subscriber(one, profile, "", "", "", active=place > 0)) for place, one in enumerate(names)],
        "runs": [
            run(one, site=site, profile=profile, due=NOW if place else None, status="waiting" if place else "failed")
            for place, one in enumerate(names)
        ],
        "memory": [EntryMemory(site, "cart", profile, one, NOW, "r") for one in names],
        "deliveries": [delivery(one, site=site, profile=profile, due=NOW + place) for place, one in enumerate(names)],
    }


async def known(store: Store, site: int, profile: str) -> list[int]:
    """How many of everything there are."""
    who = SiteProfile(site, profile)
    facts = await store.facts(0, Asked(profiles=[who], merging=[who]))
    subscribers = await store.subscribers_of(0, site, [profile])
    deliveries = [one for one in await store.deliveries(site, None, 100) if one.delivery.profile == profile]
    return [len(facts.profiles), len(subscribers), len(facts.runs), len(facts.memory), len(deliveries)]


ALL = [1, SEVERAL, SEVERAL, SEVERAL, SEVERAL]
OTHERS = [(SITE, "n:bob"), (SITE, "n:an"), (SITE, "n:ann2"), (2, "n:ann")]


async def fill(owner: Owner) -> None:
    for site, profile in [(SITE, "n:ann"), (SITE, "a1:phone"), *OTHERS]:
        await owner.commit(**everything(site, profile))


async def test_all_of_it_goes_and_nothing_else(store: Store, owner: Owner) -> None:
    await fill(owner)
    assert await known(store, SITE, "n:ann") == ALL
    await owner.commit(erased=[(SITE, "n:ann"), (SITE, "a1:phone"), (SITE, "n:unknown")])
    for profile in ("n:ann", "a1:phone"):
        assert await known(store, SITE, profile) == [0] * 5
        with pytest.raises(NotFound):
            await store.profile(SITE, profile)
    for site, profile in OTHERS:
        assert await known(store, site, profile) == ALL
    due = (await store.take(0, 0, FAR, 100)).due
    assert {(one.site, one.profile) for one in due} == set(OTHERS)
    claimed, _ = await store.claim(100, FAR)
    assert sorted((one.site, one.profile) for one in claimed) == sorted(OTHERS * SEVERAL)


async def test_what_the_same_commit_writes_stays(store: Store, owner: Owner) -> None:
    await fill(owner)
    new = Profile("n:ann", {"new": True}, created=NOW + 1)
    await owner.commit(erased=[(SITE, "n:ann")], profiles=[(SITE, new)], runs=[run("new")], deliveries=[delivery("new")])
    assert await known(store, SITE, "n:ann") == [1, 0, 1, 0, 1]
    assert (await store.profile(SITE, "n:ann")).profile == new


async def test_what_is_being_sent_or_held_goes_too_and_nobody_is_told(store: Store, owner: Owner) -> None:
    await owner.commit(**everything(SITE, "n:ann"))
    [claimed], _ = await store.claim(1, NOW)
    paused = WorkflowState(SITE, "cart", 1, "paused")
    await owner.commit(hold=[(SITE, "cart")], workflows=[paused])
    await owner.commit(erased=[(SITE, "n:ann")])
    await store.report([Report(claimed, "sent", NOW)])
    await owner.commit(release=[(SITE, "cart", FAR)])
    assert await owner.waiting() == []
    assert await known(store, SITE, "n:ann") == [0] * 5
    assert await store.claim(100, FAR) == ([], None)
    made = delivery("after", created=NOW + 1)
    await owner.commit(deliveries=[made])
    assert [one.id for one in (await store.claim(100, FAR))[0]] == [made.id]


async def test_an_owner_that_is_fenced_erases_nothing(store: Store, owner: Owner) -> None:
    await owner.commit(**everything(SITE, "n:ann"))
    await Owner.of(store)
    with pytest.raises(Fenced):
        await store.commit(Outcome(owner.state, erased=[(SITE, "n:ann")]))
    assert await known(store, SITE, "n:ann") == ALL
