"""What the console looks at: newest first, bounded, one site's only."""

import msgspec
import pytest
from tests.store.builders import NOW, SITE, Owner, delivery, entry, run

from clarion.domain.records import Profile, Subscriber
from clarion.store.port import NotFound, Store
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.explanations import Explanation


async def test_events_are_tailed_by_sequence(store: Store, owner: Owner) -> None:
    other = NewEntry(EntryKind.OUTCOME, SITE, "outcome", b"{}", NOW)
    await store.append([entry("a"), other, entry("b"), entry("elsewhere", site=2), entry("c")])
    await owner.log_all()
    everything = await store.events(SITE, 0, 10)
    assert [(row.sequence, row.id) for row in everything] == [(1, entry("a").id), (3, entry("b").id), (5, entry("c").id)]
    assert [row.id for row in await store.events(SITE, 1, 1)] == [entry("b").id]
    assert [row.id for row in await store.events(SITE, 5, 10)] == []
    assert [row.id for row in await store.events(SITE, -1, 2)] == [entry("b").id, entry("c").id]


async def test_a_profile_shows_what_belongs_to_it(store: Store, owner: Owner) -> None:
    ann = Profile("n:ann", {"name": "Ann"}, ("vip",), NOW)
    phone = Subscriber("phone", "n:ann", "https://push.example/1", "key", "secret", created=NOW)
    old = Subscriber("old", "n:ann", "https://push.example/2", "key", "secret", active=False, created=NOW - 1)
    told = [Explanation(SITE, profile, f"e{number}", NOW, msgspec.Raw(b"{}")) for number, profile in enumerate(("n:ann", "n:bob", "n:ann"))]
    await owner.commit(
        profiles=[(SITE, ann)],
        subscribers=[(SITE, old), (SITE, phone)],
        runs=[run("first"), run("second", started=NOW + 1), run("bobs", profile="n:bob")],
        deliveries=[delivery("a"), delivery("b"), delivery("bobs", profile="n:bob")],
        explanations=told,
    )
    view = await store.profile(SITE, "n:ann")
    assert view.profile == ann
    assert view.subscribers == [phone, old]
    assert [one.id for one in view.runs] == [run("second").id, run("first").id]
    assert [one.delivery.id for one in view.deliveries] == [delivery("b").id, delivery("a").id]
    assert view.explanations == [told[2], told[0]]


async def test_a_profiles_lists_are_bounded(store: Store, owner: Owner) -> None:
    await owner.commit(
        profiles=[(SITE, Profile("n:ann"))],
        subscribers=[(SITE, Subscriber(f"s{number}", "n:ann", "https://push.example", "key", "secret")) for number in range(3)],
        runs=[run(f"r{number}") for number in range(3)],
        deliveries=[delivery(f"d{number}") for number in range(3)],
    )
    view = await store.profile(SITE, "n:ann", limit=2)
    assert (len(view.subscribers), len(view.runs), len(view.deliveries)) == (2, 2, 2)


async def test_runs_are_listed_newest_first(store: Store, owner: Owner) -> None:
    await owner.commit(
        runs=[
            run("a", started=NOW),
            run("b", started=NOW + 2, workflow="welcome"),
            run("c", started=NOW + 1, status="failed"),
            run("d", started=NOW + 3, status="failed", workflow="welcome"),
            run("elsewhere", site=2, started=NOW + 9),
        ]
    )

    async def names(workflow: str | None, status: str | None, limit: int = 10) -> list[str]:
        found = {run(name).id: name for name in ("a", "b", "c", "d", "elsewhere")}
        return [found[one.id] for one in await store.runs(SITE, workflow, status, limit)]

    assert await names(None, None) == ["d", "b", "c", "a"]
    assert await names(None, None, 2) == ["d", "b"]
    assert await names("cart", None) == ["c", "a"]
    assert await names(None, "failed") == ["d", "c"]
    assert await names("welcome", "waiting") == ["b"]
    assert await names("nothing", None) == []
    assert await store.run(run("a").id) == run("a")


async def test_deliveries_are_listed_newest_first(store: Store, owner: Owner) -> None:
    one_run = delivery("a").run
    await owner.commit(deliveries=[delivery("a"), delivery("b", run=one_run), delivery("c"), delivery("elsewhere", site=2)])
    assert [row.delivery.id for row in await store.deliveries(SITE, None, 10)] == [delivery(name).id for name in "cba"]
    assert [row.delivery.id for row in await store.deliveries(SITE, one_run, 10)] == [delivery("b").id, delivery("a").id]
    rows = await store.deliveries(SITE, None, 1)
    assert [(row.delivery, row.status, row.finished) for row in rows] == [(delivery("c"), "pending", None)]
    assert await store.deliveries(2, one_run, 10) == []


async def test_a_subscribers_profile(store: Store, owner: Owner) -> None:
    await owner.commit(subscribers=[(SITE, Subscriber("phone", "n:ann", "https://push.example/1", "key", "secret"))])
    assert await store.subscriber_profile(SITE, "phone") == "n:ann"
    with pytest.raises(NotFound):
        await store.subscriber_profile(2, "phone")


async def test_what_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.profile(SITE, "n:ann")
    with pytest.raises(NotFound):
        await store.run("r")
    assert await store.explanations(SITE, "e") == []


async def test_the_doctor_gets_facts(store: Store) -> None:
    await store.append([entry("a", received=NOW - 5), entry("b")])
    found = await store.check()
    assert (found["inbox"], found["outbox"], found["oldest_inbox_entry"], found["integrity"]) == (2, 0, NOW - 5, "ok")
    assert {"engine", "library", "schema"} <= found.keys()
