"""Leases by the database's clock: who owns what, and when it is free."""

import asyncio

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import msgspec
import pytest
from tests.store.builders import NOW, delivery, entry
from tests.store.test_signals import Watcher

from clarion.clock import SECOND, wall_clock
from clarion.store.port import Fenced, Owned
from clarion.store.postgres.nodes import MOST_COUNTED, DatabaseClock
from clarion.store.postgres.store import PostgresStore
from clarion.store.records.commits import Outcome
from clarion.store.records.lags import Lag
from clarion.store.records.nodes import Node, Roster

ONE, TWO = Node("one", ("api", "engine"), "host a"), Node("two", ("engine",), "host b")
LASTS = 60 * SECOND


async def run_out(url: str, node: str) -> None:
    """As if the time of its lease had passed."""
    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE nodes SET until = clarion_now() WHERE id = $1", node)
    await connection.close()


async def test_a_roster_has_those_who_are_there_and_who_owns_what(postgres: PostgresStore, other: PostgresStore) -> None:
    assert await postgres.beat(ONE, LASTS) == Roster([ONE], {})
    assert await other.beat(TWO, LASTS) == Roster([ONE, TWO], {})
    await postgres.own(0, "one")
    await other.own(3, "two")
    assert await postgres.beat(ONE, LASTS) == Roster([ONE, TWO], {0: "one", 3: "two"})
    changed = msgspec.structs.replace(ONE, roles=("api",))
    assert (await postgres.beat(changed, LASTS)).nodes == [changed, TWO]


async def test_a_node_whose_lease_has_run_out_is_not_there_but_keeps_what_nobody_took(
    postgres: PostgresStore, other: PostgresStore, postgres_url: str
) -> None:
    await postgres.beat(ONE, LASTS)
    await postgres.own(0, "one")
    await run_out(postgres_url, "one")
    assert await other.beat(TWO, LASTS) == Roster([TWO], {0: "one"})
    assert await postgres.beat(ONE, LASTS) == Roster([ONE, TWO], {0: "one"})


async def test_a_partition_is_taken_when_it_is_free_and_not_before(
    postgres: PostgresStore, other: PostgresStore, postgres_url: str
) -> None:
    await postgres.beat(ONE, LASTS)
    await other.beat(TWO, LASTS)
    first = await postgres.own(1, "one")
    with pytest.raises(Owned):
        await other.own(1, "two")
    again = await postgres.own(1, "one")
    assert again.epoch > first.epoch
    await run_out(postgres_url, "one")
    taken = await other.own(1, "two")
    assert taken.epoch > again.epoch
    with pytest.raises(Fenced):
        await postgres.commit(Outcome(again, emitted=[entry("stale")]))
    await postgres.beat(ONE, LASTS)
    with pytest.raises(Owned):
        await postgres.own(1, "one")
    await other.commit(Outcome(taken, emitted=[entry("e")]))


async def test_an_epoch_is_never_given_twice_also_if_the_database_goes_back_in_time(
    postgres: PostgresStore, other: PostgresStore, postgres_url: str
) -> None:
    before = await postgres.own(0)
    lost = await postgres.own(0)
    connection = await asyncpg.connect(postgres_url)  # as a standby has it that did not hear of the last change
    await connection.execute("UPDATE partitions SET epoch = $1 WHERE partition = 0", before.epoch)
    successor = await other.own(0)
    assert successor.epoch > lost.epoch > before.epoch
    with pytest.raises(Fenced):
        await postgres.commit(Outcome(lost, emitted=[entry("stale")]))
    await connection.execute("UPDATE partitions SET epoch = $1 WHERE partition = 0", 2**62)  # and also if its clock does
    await connection.close()
    assert (await other.own(0)).epoch == 2**62 + 1


async def test_of_two_who_want_a_free_partition_one_gets_it(postgres: PostgresStore, other: PostgresStore) -> None:
    await postgres.beat(ONE, LASTS)
    await other.beat(TWO, LASTS)
    for partition in range(postgres.partitions):
        both = await asyncio.gather(postgres.own(partition, "one"), other.own(partition, "two"), return_exceptions=True)
        assert sorted(type(one).__name__ for one in both) == ["Owned", "PartitionState"]


async def test_what_is_given_up_is_free(postgres: PostgresStore, other: PostgresStore) -> None:
    await postgres.beat(ONE, LASTS)
    await other.beat(TWO, LASTS)
    await postgres.own(0, "one")
    await other.disown(0, "two")
    with pytest.raises(Owned):
        await other.own(0, "two")
    await postgres.disown(0, "one")
    await other.own(0, "two")


async def test_who_leaves_leaves_all_of_its_partitions(postgres: PostgresStore, other: PostgresStore) -> None:
    await postgres.beat(ONE, LASTS)
    await other.beat(TWO, LASTS)
    for partition in range(3):
        await postgres.own(partition, "one")
    await postgres.leave("one")
    assert await other.beat(TWO, LASTS) == Roster([TWO], {})
    for partition in range(3):
        await other.own(partition, "two")


async def test_the_others_hear_who_comes_and_goes(postgres: PostgresStore, other: PostgresStore) -> None:
    watcher = Watcher(other)
    await postgres.beat(ONE, LASTS)
    await watcher.until({"roster"})
    await postgres.own(0, "one")
    for step in (postgres.disown(0, "one"), postgres.leave("one")):
        watcher.forget()
        await step
        await watcher.until({"roster"})


async def test_nodes_that_ended_long_ago_are_forgotten(postgres: PostgresStore, other: PostgresStore, postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    await postgres.beat(ONE, -LASTS - SECOND)
    await postgres.beat(msgspec.structs.replace(ONE, id="lately"), -SECOND)
    await other.beat(TWO, LASTS)
    assert [id for (id,) in await connection.fetch("SELECT id FROM nodes ORDER BY id")] == ["lately", "two"]
    await connection.close()


async def test_a_lease_is_never_made_shorter(postgres: PostgresStore) -> None:
    await postgres.beat(ONE, LASTS)
    assert (await postgres.beat(ONE, -LASTS)).nodes == [ONE]


async def test_what_waits_is_told_by_partition(postgres: PostgresStore) -> None:
    assert await postgres.lags() == []
    places = [entry("a", received=NOW + 2), entry("b", received=NOW + 1), entry("c")]
    await postgres.append([msgspec.structs.replace(one, partition=place) for one, place in zip(places, (2, 2, 0), strict=True)])
    state = await postgres.own(1)
    await postgres.commit(Outcome(state, deliveries=[delivery("a"), delivery("b")]))
    assert await postgres.lags() == [Lag(0, 1, NOW, 0), Lag(1, 0, None, 2), Lag(2, 2, NOW + 2, 0)]
    assert await postgres.dirty([0, 1, 2]) == [0, 2]
    assert await postgres.dirty([1, 3]) == []
    assert await postgres.dirty([]) == []


@pytest.mark.parametrize("count", [MOST_COUNTED - 1, MOST_COUNTED, 10 * MOST_COUNTED])
async def test_how_many_wait_is_known_or_well_estimated(count: int, postgres: PostgresStore) -> None:
    mixed = [msgspec.structs.replace(entry(f"{number}"), partition=number % 3) for number in range(3 * count)]
    await postgres.append(mixed)
    for lag in await postgres.lags():
        assert lag.inbox == count if count <= MOST_COUNTED else abs(lag.inbox - count) < count / 100


# -- the database's clock ---------------------------------------------------------------------------------------------


async def test_the_stores_time_is_the_databases(other: PostgresStore, postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    before = await connection.fetchval("SELECT clarion_now()")
    estimated = other.now()
    after = await connection.fetchval("SELECT clarion_now()")
    await connection.close()
    assert before - SECOND // 10 < estimated < after + SECOND // 10
    assert abs(estimated - wall_clock()) < 5 * SECOND  # they run on one machine here


def test_the_quickest_answer_gives_the_time() -> None:
    steady = [0]
    clock = DatabaseClock(lambda: steady[0] * 1_000)

    def ask(took: int, answers: int) -> None:
        began = clock.began()
        steady[0] += took
        clock.measured(began, answers)

    ask(1_000, NOW)
    assert clock() == NOW + 500
    ask(100, NOW + 2_000)
    assert clock() == NOW + 2_050
    ask(4_000, NOW)  # slower: it says less
    assert clock() == NOW + 2_050 + 4_000
    steady[0] += 60 * SECOND
    ask(4_000, NOW)  # but after a minute the clocks may have parted by more than that
    assert clock() == NOW + 2_000


@pytest.mark.parametrize(("jump", "counts"), [(SECOND + 500, False), (SECOND + 501, True), (-SECOND - 500, False), (-SECOND - 501, True)])
def test_a_clock_that_was_set_is_followed_at_once(jump: int, counts: bool) -> None:
    steady = [0]
    clock = DatabaseClock(lambda: steady[0] * 1_000)
    clock.measured(clock.began(), NOW)
    began = clock.began()
    steady[0] += 1_000
    clock.measured(began, NOW + 500 + jump)
    assert clock() == NOW + 1_000 + (jump if counts else 0)
