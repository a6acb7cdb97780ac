"""What many processes append at once, and commit late, comes out once each."""

import asyncio

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import msgspec
import pytest
from tests.store.builders import NOW, SITE, Owner, claimed, entry

from clarion.store.port import Store, StoreError, StoreOverloaded
from clarion.store.postgres import ingest
from clarion.store.postgres.ingest import AT_ONCE
from clarion.store.postgres.store import PostgresStore
from clarion.store.records.entries import Appended

STORED, DUPLICATE, CONFLICT = Appended.STORED, Appended.DUPLICATE, Appended.CONFLICT

_LATE = """
WITH put AS (
    INSERT INTO inbox (partition, kind, site, id, body, received)
    SELECT 0, 'event', $1, id, '{}', $2 FROM unnest($3::text[]) AS id
    RETURNING position
)
SELECT count(*), pg_sleep(random() * 0.02) FROM put
"""
"""Put entries; the commit comes a while after the positions were given."""
_FIRST = "INSERT INTO inbox (partition, kind, site, id, body, received) VALUES (0, 'event', $1, 'first', '{}', $2)"
_CLAIM = """
INSERT INTO event_ids (partition, site, target, event_id, content, entry, received) VALUES (0, $1, 'p:ann', $2, 'same', 'theirs', 0)
"""


async def test_nobody_who_commits_late_is_skipped_or_taken_twice(postgres: PostgresStore, postgres_url: str) -> None:
    owner = await Owner.of(postgres)
    batches = [[[entry(f"{writer}-{batch}-{one}").id for one in range(3)] for batch in range(25)] for writer in range(8)]

    async def commit_late(mine: list[list[str]]) -> None:
        connection = await asyncpg.connect(postgres_url)
        for ids in mine:
            await connection.fetch(_LATE, SITE, NOW, ids)
        await connection.close()

    first = await asyncpg.connect(postgres_url)  # its positions are the lowest, and it commits when others have been taken
    transaction = first.transaction()
    await transaction.start()
    await first.execute(_FIRST, SITE, NOW)
    writers = asyncio.gather(*(commit_late(mine) for mine in batches))
    taken: list[str] = []
    order: list[int] = []
    while True:
        over = writers.done()
        waiting = await owner.waiting(limit=7)
        if waiting:
            await owner.commit(moved=waiting)
            if not taken:
                await transaction.commit()
        taken += [one.id for one in waiting]
        order += [one.position for one in waiting]
        if over and not waiting:
            break
    await writers
    await first.close()
    assert sorted(taken) == sorted(["first", *(id for mine in batches for ids in mine for id in ids)])
    assert order[0] > order[taken.index("first")]
    for mine in batches:  # what one sender puts in comes out in its order
        wanted = [id for ids in mine for id in ids]
        assert [id for id in taken if id in set(wanted)] == wanted


async def test_of_equal_claims_of_several_processes_one_is_stored(postgres: PostgresStore, other: PostgresStore) -> None:
    stores: list[Store] = [postgres, other]
    for round_ in range(10):
        batches = [
            [claimed(f"{round_}-{caller}-{number}", f"{round_}-{number}") for number in range(20)][:: 1 if caller % 2 else -1]
            for caller in range(8)
        ]
        answers = await asyncio.gather(*(stores[caller % 2].append(batch) for caller, batch in enumerate(batches)))
        flat = [answer for each in answers for answer in each]
        assert (flat.count(STORED), flat.count(DUPLICATE)) == (20, 140)
    owner = await Owner.of(postgres)
    assert len(await owner.waiting()) == 200


async def test_a_claim_that_another_process_is_just_taking_is_waited_for(postgres: PostgresStore, postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    for commits, expected in ((True, [DUPLICATE, CONFLICT, STORED]), (False, [STORED, CONFLICT, STORED])):
        name = str(commits)
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(_CLAIM, SITE, name)
        batch = [claimed(f"{name} a", name), claimed(f"{name} b", name, content="other"), claimed(f"{name} c", name + " too")]
        under_way = asyncio.create_task(postgres.append(batch))
        while not await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            assert not under_way.done()
        await (transaction.commit() if commits else transaction.rollback())
        assert await under_way == expected
    await connection.close()


async def test_a_claim_that_is_forgotten_just_then_is_to_be_had(postgres: PostgresStore, postgres_url: str) -> None:
    """The first of two is held as the batch claims them, and no more when it looks by whom: it waited for the second."""
    await postgres.append([claimed("old", "1")])
    theirs, connection = await asyncpg.connect(postgres_url), await asyncpg.connect(postgres_url)
    transaction = theirs.transaction()
    await transaction.start()
    await theirs.execute(_CLAIM, SITE, "2")
    under_way = asyncio.create_task(postgres.append([claimed("a", "1"), claimed("b", "2")]))
    while not await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
        assert not under_way.done()
    await connection.execute("DELETE FROM event_ids WHERE event_id = '1'")
    await transaction.rollback()
    assert await under_way == [STORED, STORED]
    assert await postgres.append([claimed("c", "1"), claimed("d", "2")]) == [DUPLICATE, DUPLICATE]
    for session in (theirs, connection):
        await session.close()


@pytest.mark.parametrize(("size", "commits"), [(20, 1), (21, 2)])
async def test_a_batch_has_so_many_bytes_at_most(
    size: int, commits: int, postgres: PostgresStore, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "BYTES_AT_ONCE", 40)
    body = b'"' + b"x" * (size - 2) + b'"'
    answers = await asyncio.gather(*(postgres.append([entry(f"{number}", body)]) for number in range(2)))
    assert answers == [[STORED]] * 2
    connection = await asyncpg.connect(postgres_url)
    assert await connection.fetchval("SELECT count(DISTINCT xmin::text) FROM inbox") == commits
    await connection.close()


async def test_entries_go_where_they_belong(postgres: PostgresStore) -> None:
    sent = [
        one
        for partition in range(postgres.partitions)
        for one in (entry(f"{partition}"), claimed(f"claimed {partition}", "1", target=f"p:{partition}"))
    ]
    placed = [type(one)(one.kind, one.site, one.id, one.body, one.received, place // 2, one.claim) for place, one in enumerate(sent)]
    assert await postgres.append(placed) == [STORED] * len(placed)
    for partition in range(postgres.partitions):
        taken = await postgres.take(partition, 10, 0, 0)
        assert [one.id for one in taken.entries] == [one.id for one in placed if one.partition == partition]
    assert await postgres.dirty([1, 3]) == [1, 3]


async def test_a_call_larger_than_a_batch_is_one_batch(postgres: PostgresStore) -> None:
    large = [entry(f"{number}") for number in range(AT_ONCE + 1)]
    assert await postgres.append(large) == [STORED] * len(large)
    spoilt = [*large[:AT_ONCE], entry("bad", b"{")]
    with pytest.raises(StoreError):
        await postgres.append(spoilt)
    [lag] = await postgres.lags()
    assert lag.inbox == AT_ONCE + 1


async def test_no_more_wait_than_may(postgres_url: str) -> None:
    store = PostgresStore(postgres_url, most_waiting=3)
    await store.open()
    first = asyncio.gather(store.append([entry("a"), entry("b")]), store.append([entry("c")]))
    await asyncio.sleep(0)
    with pytest.raises(StoreOverloaded):
        await store.append([entry("d")])
    assert list(await first) == [[STORED, STORED], [STORED]]
    assert await store.append([entry("d")]) == [STORED]
    await store.close()


async def test_what_cannot_even_be_sent_fails_its_call_alone_and_at_once(postgres: PostgresStore) -> None:
    answers = await asyncio.gather(
        postgres.append([entry("good")]),
        postgres.append([msgspec.structs.replace(entry("bad"), id="\ud800")]),
        postgres.append([entry("late", received=2**63)]),
        return_exceptions=True,
    )
    assert answers[0] == [STORED]
    assert [type(answer) for answer in answers[1:]] == [StoreError, StoreError]


@pytest.mark.parametrize("body", [b'{"s":"\xff"}', b"", b"{", b'{"a":1}}'])
async def test_what_is_no_json_fails_its_call_alone(postgres: PostgresStore, body: bytes) -> None:
    answers = await asyncio.gather(
        *(postgres.append([entry(f"good {number}")]) for number in range(3)),
        postgres.append([entry("bad", body)]),
        postgres.append([claimed("claimed", "1"), entry("bad too", body)]),
        return_exceptions=True,
    )
    assert answers[:3] == [[STORED]] * 3
    assert all(isinstance(answer, StoreError) for answer in answers[3:])
    assert await postgres.append([claimed("claimed", "1", content="other")]) == [STORED]
