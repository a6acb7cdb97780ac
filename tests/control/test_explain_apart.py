"""Explaining what came to a subscriber's home and is for a profile in another partition (design §3.7)."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from tests.control.shop import HOUR, NOON, new_id
from tests.postgres import databases

from clarion.contract.track_event import read_event
from clarion.control.explain import Whom, explain_absence, explain_event, explain_person
from clarion.control.explain.people import Joining
from clarion.control.sites import create_site
from clarion.control.workflows import publish_workflow
from clarion.domain.ids import partition_of
from clarion.engine.owner import Owner
from clarion.fresh_ids import fresh_id
from clarion.intake import entry_from
from clarion.store.port import NotFound, Store
from clarion.store.postgres.store import PostgresStore
from clarion.store.records.bodies import SubscriberPut
from clarion.store.records.commits import Outcome
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.sites import Site
from clarion.vault import Vault

FOUR = 4
HOME, LIVES, OTHERS = 3, 0, 2
DEVICE, PROFILE = "d1", "ann"
NAPS = "workflow: w\nstart: {on: [{event: go}]}\nsteps: [{id: nap, wait: {for: 9h}}]"


class Apart:
    """A shop of four partitions, each of which applies what it has when the test says so."""

    def __init__(self, store: Store, site: Site) -> None:
        self.store, self.site, self.now = store, site, NOON

    async def put(self, kind: EntryKind, body: object, name: str) -> None:
        partition = partition_of(self.site.id, name, FOUR)
        await self.store.append([NewEntry(kind, self.site.id, new_id(), msgspec.json.encode(body), self.now, partition)])

    async def send(self, name: str) -> str:
        event = read_event(msgspec.json.encode({"event_name": name, "device_token_hash": DEVICE}), now=self.now, idempotency_key=None)
        id = new_id()
        await self.store.append([entry_from(event, self.site.id, self.now, id, FOUR)])
        return id

    async def apply(self, *partitions: int) -> None:
        committed, commit = asyncio.Event(), self.store.commit

        async def commit_and_say_so(outcome: Outcome) -> None:
            await commit(outcome)
            committed.set()

        self.store.commit = commit_and_say_so  # type: ignore[method-assign]  # to hear of commits
        for partition in partitions:
            owner = Owner(self.store, partition, lambda: self.now, fresh_id, steady=lambda: 0, pace=0)
            await owner.start()
            while await self.store.dirty([partition]):
                await committed.wait()
                committed.clear()
            await owner.stop()
        self.store.commit = commit  # type: ignore[method-assign]


@pytest.fixture
async def shop() -> AsyncIterator[Apart]:
    server = databases()
    url = await asyncio.to_thread(server.fresh, FOUR)
    store = PostgresStore(url)
    await store.open()
    made = Apart(store, await create_site(store, Vault(bytes(32)), "Shop", "mailto:ops@shop.example", NOON))
    await publish_workflow(store, made.site, NAPS, NOON, new_id)
    await made.apply(*range(FOUR))
    made.now += HOUR
    await made.put(EntryKind.SUBSCRIBER, SubscriberPut(DEVICE, "https://push.example/d", "k", "a", PROFILE), DEVICE)
    await made.apply(HOME, LIVES)
    made.now += HOUR
    yield made
    await store.close()
    await asyncio.to_thread(server.drop, url)


def test_they_live_apart() -> None:
    assert [partition_of(1, name, FOUR) for name in (DEVICE, PROFILE)] == [HOME, LIVES]


@pytest.mark.parametrize("whom", [Whom(profile_id=PROFILE), Whom(device_token_hash=DEVICE)], ids=["by profile", "by subscriber"])
async def test_an_event_waits_until_its_profile_has_it_wherever_it_is_logged(shop: Apart, whom: Whom) -> None:
    event = await shop.send("go")
    answers = []
    for partition in (None, HOME, LIVES):
        if partition is not None:
            await shop.apply(partition)
        answers.append((await explain_absence(shop.store, shop.site, whom, "w")).conclusion)
    assert [one.answer for one in answers] == ["accepted", "accepted", "waiting"]
    assert [one.event_id for one in answers[:2]] == [event, event]
    assert (await explain_event(shop.store, shop.site, event)).status == "explained"


async def test_a_subscriber_that_is_being_joined_to_a_profile_is_told_of_as_such(shop: Apart) -> None:
    other, new = "bob", "d6"
    assert (partition_of(shop.site.id, new, FOUR), partition_of(shop.site.id, other, FOUR)) == (HOME, OTHERS)
    await shop.put(EntryKind.SUBSCRIBER, SubscriberPut(new, "https://push.example/n", "k", "a", other), new)
    await shop.apply(HOME)
    whom = Whom(device_token_hash=new)
    for ask in (explain_person(shop.store, shop.site, whom), explain_absence(shop.store, shop.site, whom, "w")):
        with pytest.raises(Joining, match="the subscriber is being joined to the profile bob: ask again in a moment"):
            await ask
    with pytest.raises(NotFound, match="there is no such profile"):
        await explain_person(shop.store, shop.site, Whom(other))
    await shop.apply(OTHERS)
    assert (await explain_person(shop.store, shop.site, whom)).profile_id == other


async def test_one_that_concerned_nothing_waits_no_more(shop: Apart) -> None:
    await shop.send("other")
    await shop.apply(HOME, LIVES)
    assert (await explain_absence(shop.store, shop.site, Whom(PROFILE), "w")).conclusion.answer == "no_event"
