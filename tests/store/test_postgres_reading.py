"""What is looked at in many partitions at once: the log, and what is asked for by its id alone."""

import asyncio
import random
from collections.abc import Sequence

import msgspec
import pytest
from tests.store.builders import NOW, SITE, Owner, delivery, entry, run

from clarion.domain.ids import partition_of
from clarion.domain.records import Profile, Subscriber
from clarion.store.port import NotFound
from clarion.store.postgres.store import PostgresStore
from clarion.store.records.bodies import Forwarded
from clarion.store.records.counters import Count, CounterRow
from clarion.store.records.deliveries import Report
from clarion.store.records.entries import EntryKind, LogRow, NewEntry
from clarion.store.records.explanations import Explanation
from clarion.store.records.poisoned import Poisoned
from clarion.store.records.workflows import WorkflowVersion

ANN = partition_of(SITE, "ann", 4)
BOB = partition_of(SITE, "bob", 4)


@pytest.fixture
async def owners(postgres: PostgresStore) -> list[Owner]:
    """The owner of each partition."""
    return [await Owner.of(postgres, partition) for partition in range(postgres.partitions)]


async def log(owner: Owner, *names: str, log_time: int = NOW, profile: str = "n:ann", site: int = SITE, body: bytes = b"{}") -> None:
    """Have events accepted and logged in a partition."""
    entries = [msgspec.structs.replace(entry(name, body, site=site), partition=owner.state.partition) for name in names]
    await owner.store.append(entries)
    await owner.commit(moved=await owner.waiting(), log_time=log_time, profile=profile)


def names(rows: Sequence[LogRow]) -> list[str]:
    known = {entry(name).id: name for name in (f"{letter}{number}" for letter in "abcdefgh" for number in range(30))}
    return [known[row.id] for row in rows]


# -- the log -------------------------------------------------------------------------------------------------------------


async def test_partitions_are_read_as_one_log(postgres: PostgresStore, owners: list[Owner]) -> None:
    assert ANN != BOB
    for number in range(6):
        await log(owners[number % 3], f"a{number}", log_time=NOW + number // 2 * 2)
    await log(owners[3], "b0", log_time=NOW + 3)
    await log(owners[3], "h0", log_time=NOW + 9, site=2)
    everything = await postgres.events(SITE, "0", 100)
    assert names(everything.rows) == ["a0", "a1", "a3", "a2", "b0", "a4", "a5"]
    assert [row.partition for row in everything.rows] == [0, 1, 0, 2, 3, 1, 2]
    assert (await postgres.events(SITE, everything.cursor, 100)) == msgspec.structs.replace(everything, rows=[])
    newest = await postgres.events(SITE, "", 3)
    assert names(newest.rows) == ["b0", "a4", "a5"]
    assert newest.cursor == everything.cursor


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
async def test_pages_of_any_size_show_each_event_once(postgres: PostgresStore, owners: list[Owner], limit: int) -> None:
    expected = []
    for number, partition in enumerate([0] * 12 + [1, 3] * 5 + [2] * 3):
        await log(owners[partition], f"c{number}", log_time=NOW + number)
        expected.append(f"c{number}")
    seen: list[str] = []
    cursor = "0"
    while (page := await postgres.events(SITE, cursor, limit)).rows:
        assert len(page.rows) == min(limit, len(expected) - len(seen))
        seen += names(page.rows)
        cursor = page.cursor
    assert seen == expected
    for count in range(1, 27, 5):
        assert names((await postgres.events(SITE, "", count)).rows) == expected[-count:]


async def test_what_is_committed_late_is_not_skipped(postgres: PostgresStore, owners: list[Owner]) -> None:
    await log(owners[0], "a0", log_time=NOW + 10)
    page = await postgres.events(SITE, "0", 10)
    await log(owners[1], "a1", log_time=NOW + 1)  # logged before it, and visible after it
    assert names((await postgres.events(SITE, page.cursor, 10)).rows) == ["a1"]
    newest = await postgres.events(SITE, "", 1)
    assert names(newest.rows) == ["a0"]
    await log(owners[2], "a2", log_time=NOW)
    assert names((await postgres.events(SITE, newest.cursor, 10)).rows) == ["a2"]


async def test_a_reader_beside_writers_misses_nothing(postgres: PostgresStore, owners: list[Owner]) -> None:
    random.seed(4)
    rounds, seen, done = 12, [], asyncio.Event()
    cursor = (await postgres.events(SITE, "", 5)).cursor

    async def write(owner: Owner, letter: str) -> None:
        at = NOW
        for number in range(rounds):
            at += random.randrange(3)
            await log(owner, f"{letter}{number}", f"{letter}{number + rounds}", log_time=at)

    async def read(cursor: str) -> None:
        while True:
            last = done.is_set()
            page = await postgres.events(SITE, cursor, random.randrange(1, 9))
            assert sorted(page.rows, key=lambda row: (row.log_time, row.partition, row.sequence)) == page.rows
            seen.extend(names(page.rows))
            cursor = page.cursor
            if last and not page.rows:
                return

    reading = asyncio.create_task(read(cursor))
    await asyncio.gather(*(write(owner, letter) for owner, letter in zip(owners, "abcd", strict=True)))
    done.set()
    await reading
    assert sorted(seen) == sorted(f"{letter}{number}" for letter in "abcd" for number in range(2 * rounds))
    for letter in "abcd":
        assert [name for name in seen if name[0] == letter] == [f"{letter}{n + part}" for n in range(rounds) for part in (0, rounds)]


async def test_a_page_of_large_events_ends_early(postgres: PostgresStore, owners: list[Owner], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clarion.store.postgres.events.MOST_BYTES_OF_PAGE", 2_500)
    large = b'"%s"' % (b"x" * 998)
    for number in range(5):
        await log(owners[number % 4], f"a{number}", log_time=NOW + number, body=large)
    await log(owners[0], "b0", log_time=NOW + 9, body=b'"%s"' % (b"x" * 5_000))
    pages = [await postgres.events(SITE, "0", 100)]
    while pages[-1].rows:
        pages.append(await postgres.events(SITE, pages[-1].cursor, 100))
    assert [names(page.rows) for page in pages] == [["a0", "a1"], ["a2", "a3"], ["a4"], ["b0"], []]
    newest = await postgres.events(SITE, "", 100)
    assert names(newest.rows) == ["b0"]
    assert (await postgres.events(SITE, newest.cursor, 100)).rows == []


async def test_an_event_is_found_wherever_it_is(postgres: PostgresStore, owners: list[Owner]) -> None:
    for number, owner in enumerate(owners):
        await log(owner, f"a{number}", log_time=NOW + number)
    for number in range(4):
        found = await postgres.find_event(SITE, entry(f"a{number}").id, NOW - 5)  # its explanation may be of another partition's time
        assert found is not None
        assert (found.partition, found.log_time) == (number, NOW + number)


async def test_what_waits_anywhere_comes_in_its_order(postgres: PostgresStore) -> None:
    passed_on = Forwarded(EntryKind.EVENT, "e9", msgspec.Raw(b'{"id":"e9","n":1e2}'), NOW - 7, "n:ann")
    outcome = msgspec.structs.replace(passed_on, kind=EntryKind.OUTCOME)
    entries = [msgspec.structs.replace(entry(f"a{number}"), partition=number % 4) for number in range(6)]
    entries[2:2] = [
        NewEntry(EntryKind.FORWARD, SITE, "f1", msgspec.json.encode(passed_on), NOW, 3),
        NewEntry(EntryKind.FORWARD, SITE, "f2", msgspec.json.encode(outcome), NOW, 3),
    ]
    for one in entries:
        await postgres.append([one])
    waiting = await postgres.waiting_events(SITE, 10)
    assert [one.id for one in waiting] == [entry("a0").id, entry("a1").id, "e9", *(entry(f"a{number}").id for number in range(2, 6))]
    assert (waiting[2].kind, bytes(waiting[2].body), waiting[2].received) == (EntryKind.EVENT, b'{"id":"e9","n":1e2}', NOW - 7)
    assert await postgres.waiting_events(SITE, 3) == waiting[:3]


async def test_what_was_for_somebody_is_found_at_the_homes_too(postgres: PostgresStore, owners: list[Owner]) -> None:
    for number in range(8):
        await log(owners[number % 4], f"a{number}", log_time=NOW + number, profile="n:ann" if number < 6 else "n:bob")
    home = partition_of(SITE, "phone", 4)
    for partition in (home, (home + 1) % 4):  # the second one is not where it could be
        await log(owners[partition], f"b{partition}", log_time=NOW + 20, profile="a:phone")
    assert names(await postgres.events_about(SITE, ["n:ann"], 10)) == ["a5", "a4", "a3", "a2", "a1", "a0"]
    assert names(await postgres.events_about(SITE, ["n:ann", "a:phone", "n:bob"], 4)) == [f"b{home}", "a7", "a6", "a5"]


# -- by key or id --------------------------------------------------------------------------------------------------------


async def test_a_profile_is_read_where_it_lives(postgres: PostgresStore, owners: list[Owner]) -> None:
    phone = Subscriber("phone", "n:bob", "https://push.example/1", "key", "secret", created=NOW)
    said = Explanation(SITE, "n:bob", "e", NOW, msgspec.Raw(b"{}"))
    for owner in (owners[BOB], owners[ANN]):  # what does not belong into the second one is not looked for there
        here = owner.state.partition
        await owner.commit(
            profiles=[(SITE, Profile("n:bob", {"in": here}, merged="n:ann"))],
            subscribers=[(SITE, phone)],
            runs=[run(f"r{here}", profile="n:bob")],
            deliveries=[delivery(f"d{here}", profile="n:bob")],
            explanations=[said],
        )
    view = await postgres.profile(SITE, "n:bob")
    assert view.profile == Profile("n:bob", {"in": BOB}, merged="n:ann")
    assert (view.subscribers, [one.id for one in view.runs]) == ([phone], [run(f"r{BOB}").id])
    assert [(one.delivery.id, one.delivery.partition) for one in view.deliveries] == [(delivery(f"d{BOB}").id, BOB)]
    assert view.explanations == [said]


async def test_a_subscribers_home_says_whose_it_is(postgres: PostgresStore, owners: list[Owner]) -> None:
    home = partition_of(SITE, "phone", 4)
    for partition, profile in ((home, "n:ann"), ((home + 1) % 4, "n:bob")):
        await owners[partition].commit(subscribers=[(SITE, Subscriber("phone", profile, "https://push.example/1", "key", "secret"))])
    assert await postgres.subscriber_profile(SITE, "phone") == "n:ann"


async def test_runs_of_all_partitions_come_newest_first(postgres: PostgresStore, owners: list[Owner]) -> None:
    for workflow in ("cart", "welcome", "none"):
        await postgres.publish(WorkflowVersion(SITE, workflow, 0, msgspec.Raw(b"{}"), "", NOW), workflow, [])
    rows = [
        run(
            f"r{number}",
            started=NOW + number // 3,
            workflow="welcome" if number % 5 == 0 else "cart",
            status="failed" if number % 7 else "waiting",
        )
        for number in range(40)
    ]
    for number, row in enumerate(rows):
        await owners[0 if number > 20 else number % 4].commit(runs=[row])
    rows.sort(key=lambda row: (row.started, row.id), reverse=True)
    for limit in (1, 3, 17, 40, 100):
        assert await postgres.runs(SITE, None, None, limit) == rows[:limit]
        assert await postgres.runs(SITE, "cart", None, limit) == [row for row in rows if row.workflow == "cart"][:limit]
        assert await postgres.runs(SITE, None, "waiting", limit) == [row for row in rows if row.status == "waiting"][:limit]
    assert await postgres.runs(SITE, None, "gone", 10) == await postgres.runs(SITE, "\0", None, 10) == []
    assert [await postgres.run(row.id) for row in rows] == rows
    counted = await postgres.run_counts(SITE, "cart")
    assert sum(one.count for one in counted) == len([row for row in rows if (row.workflow, row.status) == ("cart", "waiting")])


async def test_deliveries_of_all_partitions_come_newest_first(postgres: PostgresStore, owners: list[Owner]) -> None:
    for number in range(12):
        await owners[0 if number > 7 else number % 4].commit(deliveries=[delivery(f"d{number}", run=run(f"r{number % 2}").id)])
    ids = [delivery(f"d{number}").id for number in reversed(range(12))]
    for limit in (1, 5, 12, 50):
        assert [row.delivery.id for row in await postgres.deliveries(SITE, None, limit)] == ids[:limit]
    assert [row.delivery.id for row in await postgres.deliveries(SITE, run("r1").id, 10)] == ids[::2]
    found = await postgres.delivery(SITE, ids[-4])
    assert (found.delivery.partition, found.status) == (3, "pending")
    claimed, _ = await postgres.claim(100, NOW)
    [one] = [one for one in claimed if one.id == ids[-4]]
    await postgres.report([Report(one, "sent", NOW + 5, status=201)])
    found = await postgres.delivery(SITE, ids[-4])
    assert (found.status, found.finished) == ("sent", NOW + 5)


async def test_what_is_explained_in_several_partitions_comes_together(postgres: PostgresStore, owners: list[Owner]) -> None:
    def told(profile: str, at: int, event: str = "e1") -> Explanation:
        return Explanation(SITE, profile, event, at, msgspec.Raw(b'{"n":1e2}'))

    home = partition_of(SITE, "phone", 4)
    await owners[BOB].commit(explanations=[told("n:bob", NOW + 3), told("n:bob", NOW + 5, "e2")])
    await owners[home].commit(explanations=[told("a:phone", NOW + 1), told("a:phone", NOW + 4, "e3")])
    await owners[ANN].commit(explanations=[told("n:bob", NOW + 9, "e4"), told("n:ann", NOW + 2)])
    assert await postgres.explanations(SITE, "e1") == [told("a:phone", NOW + 1), told("n:ann", NOW + 2), told("n:bob", NOW + 3)]
    found: list[Explanation] = []
    while page := await postgres.explanations_about(
        SITE, ["n:bob", "a:phone", "n:ann"], (found[-1].at, found[-1].sequence) if found else None, 2
    ):
        found += page
    assert [(one.at - NOW, one.event) for one in found] == [(5, "e2"), (4, "e3"), (3, "e1"), (2, "e1"), (1, "e1")]


async def test_counters_are_summed_over_partitions(postgres: PostgresStore, owners: list[Owner]) -> None:
    day = 24 * 3_600 * 1_000_000
    for number, owner in enumerate(owners):
        counts = [Count(SITE, "cart", 1, f"s{step}", "entered", "", step * day, number + 1) for step in range(number, 4)]
        await owner.commit(counts=[*counts, Count(SITE, "cart", 2, "", "value", "", 0, 2**62)])
    shown = [CounterRow(1, f"s{step}", "entered", "", step * day, count) for step, count in enumerate((1, 3, 6, 10))]
    rows = [shown[0], CounterRow(2, "", "value", "", 0, 2**63 - 1), *shown[1:]]
    for limit in (1, 2, 3, 5, 9):
        assert await postgres.counters(SITE, "cart", "day", 0, 2**62, limit) == rows[:limit]
    assert await postgres.counters(SITE, "cart", "hour", day, 3 * day, 9) == rows[2:4]
    total = [msgspec.structs.replace(row, start=0) for row in (*shown, rows[1])]
    assert await postgres.counters(SITE, "cart", "total", 0, 0, 9) == total


async def test_what_was_set_aside_is_found_wherever_it_is(postgres: PostgresStore, owners: list[Owner]) -> None:
    def aside(name: str, body: bytes, at: int = NOW, kind: str = "event") -> Poisoned:
        return Poisoned(name, SITE, kind, msgspec.Raw(body), at, "no luck")

    passed_on = Forwarded(EntryKind.EVENT, "e9", msgspec.Raw(b'{"device_token_hash":"phone"}'), NOW, "n:ann")
    await owners[3].commit(
        poisoned=[aside("x", b'{"profile_id":"ann"}', NOW + 1), aside("f", msgspec.json.encode(passed_on), NOW, "forward")]
    )
    await owners[1].commit(poisoned=[aside("y", b'{"profile_id":"ann"}', NOW + 2)])
    assert [(one.id, one.partition) for one in await postgres.poisoned(10)] == [("y", 1), ("x", 3), ("f", 3)]
    assert [one.id for one in await postgres.poisoned(2, SITE)] == ["y", "x"]
    assert (await postgres.poisoned_input(SITE, "x")).partition == 3
    found = await postgres.poisoned_events_about(SITE, ["ann", "\0"], ["phone", "\ud800"], 10)
    assert [(one.id, one.kind, one.partition) for one in found] == [("y", "event", 1), ("x", "event", 3), ("e9", "event", 3)]
    assert bytes(found[2].body) == b'{"device_token_hash":"phone"}'
    with pytest.raises(NotFound):
        await postgres.poisoned_input(SITE, "x\0")
