"""Several nodes send one database's deliveries: each is claimed by one of them, and what one leaves lying another takes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import msgspec
import pytest
from tests.store.builders import NOW, SITE, Owner, delivery
from tests.store.conftest import PARTITIONS, Clockwork

from clarion.clock import MINUTE, SECOND
from clarion.domain.ids import digest, partition_of
from clarion.store.port import StoreUnavailable
from clarion.store.postgres import outbox
from clarion.store.postgres.agenda import Agenda
from clarion.store.postgres.spreading import Spreading
from clarion.store.postgres.store import PostgresStore
from clarion.store.records.deliveries import Attempt, Delivery, Report
from clarion.store.records.nodes import Node
from clarion.store.records.states import WorkflowState

Opened = Callable[[], Any]
LASTS = MINUTE


@pytest.fixture
async def another(postgres_url: str, clock: Clockwork) -> AsyncIterator[Opened]:
    """Opens another process's view of the database."""
    stores: list[PostgresStore] = []

    async def opened() -> PostgresStore:
        store = PostgresStore(postgres_url, clock=clock)
        stores.append(store)
        await store.open()
        return store

    yield opened
    for store in stores:
        await store.close()


def node(name: str) -> Node:
    return Node(name, ("delivery",))


async def owners(store: PostgresStore) -> list[Owner]:
    return [await Owner.of(store, partition) for partition in range(PARTITIONS)]


async def put(owner: Owner, *names: str, **fields: Any) -> None:
    await owner.commit(deliveries=[delivery(name, **fields) for name in names])


async def names(store: PostgresStore, limit: int = 1_000, now: int = NOW) -> set[str]:
    return {one.id for one in (await store.claim(limit, now))[0]}


def ids(*given: str) -> set[str]:
    return {delivery(name).id for name in given}


def again(one: Delivery, at: int) -> Report:
    return Report(msgspec.structs.replace(one, attempts=(*one.attempts, Attempt(NOW, 1, 500))), None, NOW, at)


def sent(one: Delivery) -> Report:
    return Report(one, "sent", NOW, status=201)


# -- many at a time ------------------------------------------------------------------------------------------------------


async def test_claimers_at_the_same_time_never_get_the_same_and_together_get_all(postgres: PostgresStore, another: Opened) -> None:
    """Overdue, so that nobody leaves anything to another."""
    due = NOW - 2 * SECOND
    for owner in await owners(postgres):
        await put(owner, *(f"{owner.state.partition}.{number}" for number in range(60)), due=due)
    stores = [await another() for _ in range(3)]
    for number, store in enumerate(stores):
        await store.beat(node(f"n{number}"), LASTS)
    for number, store in enumerate(stores):
        await store.beat(node(f"n{number}"), LASTS)  # each has heard of all
    taken: list[str] = []

    async def work(store: PostgresStore) -> None:
        now = NOW
        for _ in range(200):
            found, next_due = await store.claim(7, now)
            taken.extend(one.id for one in found)
            if not found and next_due is None:
                return
            now = max(now, next_due or now)
        raise AssertionError("it never ends")

    await asyncio.gather(*(work(store) for store in stores))
    assert len(taken) == len(set(taken)) == 60 * PARTITIONS


async def test_a_node_leaves_what_another_is_first_for_until_it_is_overdue(
    postgres: PostgresStore, another: Opened, clock: Clockwork
) -> None:
    first, second = await another(), await another()
    for _ in range(2):
        await first.beat(node("first"), LASTS)
        await second.beat(node("second"), LASTS)
    for owner in await owners(postgres):
        await put(owner, f"of {owner.state.partition}")
    everything = ids(*(f"of {number}" for number in range(PARTITIONS)))
    mine = ids(*(f"of {number}" for number in Spreading().first_of("first", ["first", "second"], PARTITIONS)))
    assert 0 < len(mine) < PARTITIONS
    assert await names(first) == mine
    clock.now += SECOND
    await first._outbox.poll()  # as it does once a second
    assert await names(first, now=clock.now) == everything - mine
    assert await names(second, now=clock.now) == set()


async def test_no_partition_waits_for_one_that_has_very_much_to_do(postgres: PostgresStore) -> None:
    busy, *others = await owners(postgres)
    await put(busy, *(f"d{number}" for number in range(500)))
    for owner in others:
        await put(owner, f"of {owner.state.partition}")
    found = (await postgres.claim(64, NOW))[0]
    assert len(found) == 64
    assert {one.partition for one in found} == set(range(PARTITIONS))


async def test_a_claim_ends_though_there_is_always_somebody_in_line(postgres: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """As under load: while it asks, everywhere something comes due that is too late for it."""
    for owner in await owners(postgres):
        await put(owner, f"of {owner.state.partition}")
        await put(owner, f"later of {owner.state.partition}", due=NOW + 1)
    real = postgres._database.fetchval

    async def fetchval(query: str, *args: Any) -> Any:
        postgres._outbox.note(range(PARTITIONS))
        return await real(query, *args)

    monkeypatch.setattr(postgres._database, "fetchval", fetchval)
    async with asyncio.timeout(10):
        found, next_due = await postgres.claim(64, NOW)
        assert {one.id for one in found} == ids(*(f"of {number}" for number in range(PARTITIONS)))
        assert next_due == NOW  # there is somebody in line
        assert await names(postgres, now=NOW + 1) == ids(*(f"later of {number}" for number in range(PARTITIONS)))


async def test_a_delivery_says_where_it_is_and_ends_there(postgres: PostgresStore) -> None:
    """A push is told where its subscriber is at home, an HTTP request where it was made."""
    two = (await owners(postgres))[2]
    home = next(f"s{number}" for number in range(99) if partition_of(SITE, f"s{number}", PARTITIONS) == 3)
    await two.commit(deliveries=[delivery("push", subscriber=home), delivery("call", kind="http", subscriber=None)])
    push, call = (await postgres.claim(10, NOW))[0]
    assert [push.partition, call.partition] == [2, 2]
    await postgres.report([sent(push), sent(call)])
    told = {partition: (await postgres.take(partition, 10, 0, 0)).entries for partition in range(PARTITIONS)}
    assert {partition: len(entries) for partition, entries in told.items()} == {0: 0, 1: 0, 2: 1, 3: 1}
    assert msgspec.json.decode(told[3][0].body)["delivery"] == push.id
    assert {row.status for row in await postgres.deliveries(SITE, None, 10)} == {"sent"}


async def test_stale_pushes_are_told_where_their_subscribers_are_at_home(postgres: PostgresStore) -> None:
    two = (await owners(postgres))[2]
    home = next(f"s{number}" for number in range(99) if partition_of(SITE, f"s{number}", PARTITIONS) == 1)
    await two.commit(deliveries=[delivery("old", subscriber=home)], hold=[(SITE, "cart")])
    await two.commit(release=[(SITE, "cart", NOW + 1)])
    await two.work_holds()
    assert [len((await postgres.take(partition, 10, 0, 0)).entries) for partition in range(PARTITIONS)] == [0, 1, 0, 0]


# -- nodes that are gone -------------------------------------------------------------------------------------------------


async def test_what_a_dead_node_had_claimed_is_offered_again_and_a_live_ones_not(postgres: PostgresStore, another: Opened) -> None:
    await put(await Owner.of(postgres), "a", "b")
    dead, alive, heir = await another(), await another(), await another()
    await alive.beat(node("alive"), LASTS)
    assert len(await names(alive, 1)) == 1
    await dead.beat(node("dead"), 0)
    assert await names(dead) == ids("b")
    await dead.beat(node("dead"), 0)  # its lease is over at once
    await heir.beat(Node("heir", ("api",)), LASTS)
    assert await names(heir) == ids("b")


@pytest.mark.parametrize("returns", [True, False])
async def test_after_an_outage_the_others_have_time_to_come_back(
    returns: bool, postgres: PostgresStore, another: Opened, clock: Clockwork
) -> None:
    """Nobody could renew a lease: the first that is back does not take the others for dead, who are still sending."""
    await put(await Owner.of(postgres), "a")
    first, second = await another(), await another()
    await first.beat(node("first"), LASTS)
    await second.beat(node("second"), 0)
    assert await names(second) == ids("a")
    clock.now += LASTS
    await first.beat(node("first"), LASTS)
    assert await names(first, now=clock.now) == set()
    if returns:
        await second.beat(node("second"), LASTS)
    clock.now += LASTS
    await first._outbox.poll()
    assert await names(first, now=clock.now) == (set() if returns else ids("a"))


async def test_whoever_is_left_hears_that_another_node_has_gone(postgres: PostgresStore, another: Opened) -> None:
    await put(await Owner.of(postgres), "a", due=NOW - 2 * SECOND)
    gone, left = await another(), await another()
    await gone.beat(node("gone"), LASTS)
    assert await names(gone) == ids("a")
    await left.beat(node("left"), LASTS)
    assert await names(left) == set()
    told = asyncio.Event()
    left.on_change(lambda what, _: told.set() if what == "outbox" else None)
    await gone.leave("gone")
    await left.beat(node("left"), LASTS)
    await asyncio.wait_for(told.wait(), 10)
    assert await names(left) == ids("a")


async def test_a_pause_leaves_what_a_live_node_sends_and_a_resume_ends_what_a_dead_one_had(
    postgres: PostgresStore, another: Opened
) -> None:
    owner = await Owner.of(postgres)
    await put(owner, "a", "b")
    alive, dead = await another(), await another()
    await alive.beat(node("alive"), LASTS)
    assert await names(alive, 1) == ids("a")
    await dead.beat(node("dead"), 0)
    assert await names(dead, 1) == ids("b")
    await owner.commit(hold=[(SITE, "cart")], workflows=[WorkflowState(SITE, "cart", 1, "paused")])
    await owner.commit(release=[(SITE, "cart", NOW + 1)], workflows=[WorkflowState(SITE, "cart", 1, "active")])
    await owner.work_holds()
    assert {row.delivery.id: row.status for row in await postgres.deliveries(SITE, None, 10)} == {
        digest("a"): "held",  # until the node that sends it has reported
        digest("b"): "stale",
    }


# -- answers that are lost -----------------------------------------------------------------------------------------------


def lose(monkeypatch: pytest.MonkeyPatch, store: PostgresStore, statement: str, partition: int) -> None:
    """The next answer to a statement in a partition is lost, after it was done."""
    database = store._database
    real = database.fetchval
    lost: list[bool] = []

    async def fetchval(query: str, *args: Any) -> Any:
        answer = await real(query, *args)
        if not lost and query == outbox._SQL[statement] and args[0] == partition:
            lost.append(True)
            raise StoreUnavailable("The connection to the database was lost.")
        return answer

    monkeypatch.setattr(database, "fetchval", fetchval)


async def test_what_was_claimed_though_the_answer_was_lost_is_claimed_again(
    postgres: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await postgres.beat(node("me"), LASTS)
    await put(await Owner.of(postgres), "a", "b", "c")
    held = await names(postgres, 1)
    lose(monkeypatch, postgres, "claim", 0)
    with pytest.raises(StoreUnavailable):
        await postgres.claim(10, NOW)
    assert await names(postgres, now=NOW + SECOND) == ids("a", "b", "c") - held


async def test_a_lost_answer_of_one_partition_costs_the_others_nothing(postgres: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    zero, one, *_ = await owners(postgres)
    await put(zero, "a")
    await put(one, "b")
    lose(monkeypatch, postgres, "claim", 0)
    first, next_due = await postgres.claim(64, NOW)
    assert [found.id for found in first] == [digest("b")]
    assert next_due is not None
    assert await names(postgres, now=next_due) == ids("a")


async def test_a_claim_that_was_broken_off_leaves_nothing_claimed(postgres: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for owner in await owners(postgres):
        await put(owner, f"of {owner.state.partition}")
    assert await postgres.claim(10, NOW - 1) == ([], NOW)
    real, waits = postgres._database.fetchval, asyncio.Event()

    async def fetchval(query: str, *args: Any) -> Any:
        answer = await real(query, *args)
        if query == outbox._SQL["claim"] and args[0] == 3:
            waits.set()
            await asyncio.Event().wait()
        return answer

    monkeypatch.setattr(postgres._database, "fetchval", fetchval)
    claiming = asyncio.create_task(postgres.claim(10, NOW))
    await waits.wait()
    claiming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await claiming
    monkeypatch.undo()
    assert await names(postgres, now=NOW + SECOND) == ids(*(f"of {number}" for number in range(PARTITIONS)))


async def test_reports_are_repeated_without_harm_when_those_of_one_partition_have_failed(
    postgres: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    zero, one, *_ = await owners(postgres)
    await put(zero, "ended", "retried")
    await put(one, "elsewhere")
    found = {each.id: each for each in (await postgres.claim(10, NOW))[0]}
    ended, retried, elsewhere = (found[digest(name)] for name in ("ended", "retried", "elsewhere"))
    reports = [sent(ended), again(retried, NOW + 5), sent(elsewhere)]
    lose(monkeypatch, postgres, "report", 1)
    with pytest.raises(StoreUnavailable):
        await postgres.report(reports)
    claimed_again = (await postgres.claim(10, NOW + 5))[0]
    assert [each.id for each in claimed_again] == [retried.id]
    await postgres.report(reports)
    told = [entry.id for partition in range(PARTITIONS) for entry in (await postgres.take(partition, 10, 0, 0)).entries]
    assert len(told) == len(set(told)) == 2
    assert await names(postgres, now=NOW + 99) == set()  # what was claimed meanwhile is still being sent
    await postgres.report([sent(claimed_again[0])])
    assert {row.status for row in await postgres.deliveries(SITE, None, 10)} == {"sent"}


async def test_a_node_that_was_taken_for_dead_takes_nothing_from_its_heir(postgres: PostgresStore, another: Opened) -> None:
    await put(await Owner.of(postgres), "a", "b")
    late, heir = await another(), await another()
    await late.beat(node("late"), 0)
    a, b = (await late.claim(10, NOW))[0]
    await heir.beat(node("heir"), LASTS)
    assert await names(heir) == {a.id, b.id}
    await late.report([again(a, NOW + 5)])
    await late.unclaim([b.id])
    assert await names(postgres, now=NOW + MINUTE) == set()
    await late.report([sent(a)])
    await heir.report([Report(a, "failed", NOW), sent(b)])
    assert {row.status for row in await postgres.deliveries(SITE, None, 10)} == {"sent"}


# -- whose locks come first ----------------------------------------------------------------------------------------------


async def test_a_report_locks_by_id_whatever_it_says(postgres: PostgresStore, postgres_url: str) -> None:
    """As a pause does, which else could have the first and wait for the second, while the report has that and waits for the first."""
    await put(await Owner.of(postgres), "a", "b")
    first, second = sorted((await postgres.claim(2, NOW))[0], key=lambda one: one.id)
    session = await asyncpg.connect(postgres_url)
    transaction = session.transaction()
    await transaction.start()
    lock = "SELECT FROM outbox WHERE id = $1 FOR UPDATE NOWAIT"
    await session.execute(lock, first.id)
    reporting = asyncio.create_task(postgres.report([sent(second), again(first, NOW + 5)]))
    while not await session.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
        assert not reporting.done()
    await session.execute(lock, second.id)
    await transaction.rollback()
    await reporting
    assert await names(postgres, now=NOW + 5) == {first.id}
    await session.close()


# -- whose turn it is ----------------------------------------------------------------------------------------------------


def test_an_agenda_goes_round() -> None:
    agenda = Agenda()
    for partition in (3, 1, 2, 3):
        agenda.now(partition)
    assert agenda.take(2) == [3, 1]
    agenda.now(3)
    assert (agenda.take(9), len(agenda)) == ([2, 3], 0)


def test_an_agenda_knows_the_earliest_time_of_each() -> None:
    agenda = Agenda()
    agenda.at(1, 30)
    agenda.at(2, 20)
    agenda.at(1, 10)
    agenda.at(1, 40)
    assert agenda.next_time() == 10
    agenda.ripen(9)
    assert len(agenda) == 0
    agenda.ripen(10)
    assert agenda.take(9) == [1]
    assert agenda.next_time() == 20
    agenda.now(2)
    assert agenda.take(9) == [2]
    assert agenda.next_time() is None


def test_partitions_are_spread_over_the_nodes_and_only_a_lost_ones_share_moves() -> None:
    nodes, count = [f"node-{number}" for number in range(5)], 256
    shares = {name: Spreading().first_of(name, nodes, count) for name in nodes}
    assert sorted(number for share in shares.values() for number in share) == list(range(count))
    assert all(25 <= len(share) <= 85 for share in shares.values())
    for name in nodes[1:]:
        assert Spreading().first_of(name, nodes[1:], count) >= shares[name]
    assert Spreading().first_of("nobody", nodes, 4) == frozenset(range(4))
