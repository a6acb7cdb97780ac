"""What the console looks at: newest first, bounded, one site's only.

Those whose profile is read by its key have their home in partition 0, however many partitions a database of these tests has.
"""

import msgspec
import pytest
from tests.store.builders import NOW, SITE, Owner, delivery, entry, run

from clarion.domain.records import Profile, Subscriber
from clarion.store.port import BadCursor, NotFound, Store
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.explanations import Explanation
from clarion.store.records.workflows import WorkflowVersion


async def test_events_are_tailed_by_sequence(store: Store, owner: Owner) -> None:
    other = NewEntry(EntryKind.OUTCOME, SITE, "outcome", b"{}", NOW)
    await store.append([entry("a"), other, entry("b"), entry("elsewhere", site=2), entry("c")])
    await owner.log_all()
    everything = await store.events(SITE, "0", 10)
    assert [(row.sequence, row.id) for row in everything.rows] == [(1, entry("a").id), (3, entry("b").id), (5, entry("c").id)]
    first = await store.events(SITE, "0", 1)
    second = await store.events(SITE, first.cursor, 1)
    assert [row.id for page in (first, second) for row in page.rows] == [entry("a").id, entry("b").id]
    newest = await store.events(SITE, "", 2)
    assert [row.id for row in newest.rows] == [entry("b").id, entry("c").id]
    for page in (everything, newest, await store.events(SITE, second.cursor, 10)):
        assert (await store.events(SITE, page.cursor, 10)).rows == []
    await store.append([entry("d")])
    await owner.log_all()
    for page in (everything, newest):
        assert [row.id for row in (await store.events(SITE, page.cursor, 10)).rows] == [entry("d").id]


async def test_a_log_without_events_has_a_place_to_go_on_from(store: Store, owner: Owner) -> None:
    pages = [await store.events(SITE, after, 10) for after in ("", "0")]
    pages += [await store.events(SITE, page.cursor, 10) for page in pages]
    assert [page.rows for page in pages] == [[]] * 4
    await store.append([entry("a")])
    await owner.log_all()
    for page in pages:
        assert [row.id for row in (await store.events(SITE, page.cursor, 10)).rows] == [entry("a").id]


@pytest.mark.parametrize("cursor", ["-1", " 1", "x", "1.5", "٣", "\0", "\ud800", "é", "9" * 30, "A" * 100_000, "../..", "0 "])
async def test_what_is_no_cursor_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(BadCursor):
        await store.events(SITE, cursor, 10)


async def test_an_event_of_the_log_is_found_by_its_id(store: Store, owner: Owner) -> None:
    dated = msgspec.structs.replace(entry("dated"), id=f"{NOW // 1000:012x}7{'0' * 19}")
    other = NewEntry(EntryKind.OUTCOME, SITE, "outcome", b"{}", NOW)
    await store.append([entry("a"), other, dated, entry("elsewhere", site=2)])
    assert await store.find_event(SITE, dated.id) is None
    await owner.log_all()
    found = await store.find_event(SITE, dated.id)
    assert found is not None
    assert (found.id, found.sequence, found.log_time, found.profile) == (dated.id, 3, NOW, "n:ann")
    assert await store.find_event(SITE, dated.id, NOW) == found
    by_time = await store.find_event(SITE, entry("a").id, NOW)
    assert by_time is not None
    assert by_time.sequence == 1
    for site, id_ in ((2, dated.id), (SITE, entry("elsewhere").id), (SITE, other.id), (SITE, ""), (SITE, "é\0"), (SITE, "\ud800")):
        assert await store.find_event(site, id_, NOW) is None


async def test_events_that_wait_come_in_the_order_of_their_arrival(store: Store, owner: Owner) -> None:
    other = NewEntry(EntryKind.OUTCOME, SITE, "outcome", b"{}", NOW)
    await store.append([entry("b", b'{"n":1e2}', received=NOW + 1), other, entry("a"), entry("elsewhere", site=2), entry("c")])
    waiting = await store.waiting_events(SITE, 10)
    assert [one.id for one in waiting] == [entry(name).id for name in "bac"]
    assert (bytes(waiting[0].body), waiting[0].received, waiting[0].kind) == (b'{"n":1e2}', NOW + 1, EntryKind.EVENT)
    assert await store.waiting_events(SITE, 2) == waiting[:2]
    await owner.log_all()
    assert await store.waiting_events(SITE, 10) == []


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
    for site, workflow in ((SITE, "cart"), (SITE, "welcome"), (2, "cart")):
        await store.publish(WorkflowVersion(site, workflow, 0, msgspec.Raw(b"{}"), "", NOW), workflow, [])
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
    await owner.commit(subscribers=[(SITE, Subscriber("laptop", "n:ann", "https://push.example/1", "key", "secret"))])
    assert await store.subscriber_profile(SITE, "laptop") == "n:ann"
    for site, unknown in ((2, "laptop"), (SITE, "phone"), (SITE, "lap\0top")):
        with pytest.raises(NotFound):
            await store.subscriber_profile(site, unknown)


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
