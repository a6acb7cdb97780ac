"""What only a database shared by many has to get right: commits among other commits, and every byte through one function call."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import msgspec
import pytest
from tests.store.builders import NOW, SITE, Owner, claimed, delivery, entry, run

from clarion.clock import HOUR
from clarion.domain.ids import digest
from clarion.domain.records import Profile, Subscriber
from clarion.store.port import Fenced, NotFound, StoreError
from clarion.store.postgres.store import PostgresStore
from clarion.store.records.batches import Asked, SiteProfile
from clarion.store.records.commits import LogMove, Outcome
from clarion.store.records.counters import Count
from clarion.store.records.deliveries import Attempt, Report
from clarion.store.records.entries import NewEntry
from clarion.store.records.explanations import Explanation
from clarion.store.records.poisoned import Poisoned
from clarion.store.records.runs import RunRow
from clarion.store.records.states import Directive, WorkflowState

LATE = "INSERT INTO inbox (partition, kind, site, id, body, received) VALUES (0, 'event', 1, $1, '{}', 0)"
MOST = 2**63 - 1


@pytest.fixture
async def owner(postgres: PostgresStore) -> Owner:
    return await Owner.of(postgres)


@pytest.fixture
async def session(postgres_url: str, postgres: PostgresStore) -> AsyncIterator[Any]:
    """Somebody else's connection."""
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


def emitted(name: str, partition: int = 0) -> NewEntry:
    return msgspec.structs.replace(entry(name), partition=partition)


async def ids(owner: Owner) -> list[str]:
    return [one.id for one in await owner.waiting()]


# -- the inbox -----------------------------------------------------------------------------------------------------------


async def test_an_entry_that_is_committed_late_before_others_is_neither_lost_nor_logged(owner: Owner, session: Any) -> None:
    """Its position is lower than that of what was taken, and it shows only after that was taken."""
    await owner.store.append([entry("a")])
    transaction = session.transaction()
    await transaction.start()
    await session.execute(LATE, "late")
    await owner.store.append([entry("b"), entry("c")])
    taken = await owner.waiting()
    assert [one.id for one in taken] == [digest("a"), digest("b"), digest("c")]
    await transaction.commit()
    await owner.commit(moved=taken)
    assert await ids(owner) == ["late"]
    await owner.log_all()
    assert await session.fetch("SELECT sequence, id FROM log ORDER BY sequence") == [
        (1, digest("a")),
        (2, digest("b")),
        (3, digest("c")),
        (4, "late"),
    ]


async def test_of_moves_that_are_not_all_there_nothing_is_logged_though_there_are_as_many(owner: Owner, session: Any) -> None:
    """One is gone and another one stands between them: as many entries, but not these."""
    await owner.store.append([entry("a"), entry("b"), entry("c"), entry("d")])
    a, b, c, d = await owner.waiting()
    await session.execute("DELETE FROM inbox WHERE id = $1", b.id)
    with pytest.raises(StoreError, match="only 2"):
        await owner.commit(moved=[a, b, d])
    assert await ids(owner) == [a.id, c.id, d.id]
    assert await session.fetchval("SELECT count(*) FROM log") == 0


async def test_moves_come_in_the_order_of_their_positions(owner: Owner) -> None:
    await owner.store.append([entry("a"), entry("b")])
    first, second = await owner.waiting()
    with pytest.raises(StoreError):
        await owner.commit(moved=[second, first])
    await owner.commit(moved=[first, second])


async def test_a_sequence_is_used_once_whatever_its_time(owner: Owner) -> None:
    """The log's key has the time in it."""
    await owner.store.append([entry("a"), entry("b")])
    first, second = await owner.waiting()
    await owner.commit(moved=[first])
    with pytest.raises(Fenced, match="does not end where its owner left it"):
        await owner.store.commit(Outcome(owner.state, moved=[LogMove(second.position, 1, NOW + 1, "")]))
    assert await ids(owner) == [second.id]


async def test_what_one_sender_sends_to_one_inbox_comes_in_its_order(owner: Owner) -> None:
    """Three senders at the same time, each with one commit after the other, over many connections."""
    senders = {number: await Owner.of(owner.store, number) for number in (1, 2, 3)}

    async def send(number: int) -> None:
        for batch in range(20):
            await senders[number].commit(emitted=[emitted(f"{number}.{batch}.{one}") for one in range(5)])

    await asyncio.gather(*(send(number) for number in senders))
    came = await ids(owner)
    for number in senders:
        sent = [digest(f"{number}.{batch}.{one}") for batch in range(20) for one in range(5)]
        assert [one for one in came if one in set(sent)] == sent


async def test_entries_go_to_the_partitions_that_they_name_and_claims_are_kept_there(owner: Owner) -> None:
    other = await Owner.of(owner.store, 2)
    first, again = (msgspec.structs.replace(claimed(name, "1", name), partition=2) for name in ("first", "again"))
    twin = msgspec.structs.replace(first, id=digest("twin"))
    await owner.commit(emitted=[emitted("x", 2), first, twin, emitted("y"), emitted("z", 2)])
    await owner.commit(emitted=[again])
    assert await ids(other) == [digest("x"), first.id, digest("z")]
    assert await ids(owner) == [digest("y")]


# -- what goes to another partition ---------------------------------------------------------------------------------------


async def test_what_is_on_its_way_to_another_partition_is_no_longer_here(owner: Owner) -> None:
    phone, laptop = (Subscriber(name, "n:ann", "https://push.example/", "key", "secret") for name in ("phone", "laptop"))
    await owner.commit(runs=[run("a"), run("b")], subscribers=[(SITE, phone), (SITE, laptop), (2, phone)])
    await owner.commit(gone_runs=[run("a").id, "unknown"], gone_subscribers=[(SITE, "phone"), (SITE, "unknown")])
    facts = await owner.store.facts(0, Asked([SiteProfile(SITE, "phone"), SiteProfile(2, "phone")], [SiteProfile(SITE, "n:ann")]))
    assert sorted(facts.subscribers, key=repr) == sorted([(SITE, laptop), (2, phone)], key=repr)
    assert [one.id for one in facts.runs] == [run("b").id]
    with pytest.raises(NotFound):
        await owner.store.run(run("a").id)


async def test_what_a_profile_has_become_part_of_is_kept(owner: Owner) -> None:
    merged = Profile("a:phone", created=NOW, merged="n:ann")
    await owner.commit(profiles=[(SITE, merged)])
    asked = Asked(profiles=[SiteProfile(SITE, "a:phone")])
    assert (await owner.store.facts(0, asked)).profiles == [(SITE, merged)]
    await owner.commit(profiles=[(SITE, Profile("a:phone"))])
    assert (await owner.store.facts(0, asked)).profiles == [(SITE, Profile("a:phone"))]


async def test_what_runs_from_elsewhere_may_not_have_heard_is_kept(owner: Owner) -> None:
    state = WorkflowState(SITE, "cart", 3, "active", heard=(Directive(2, "move", NOW), Directive(3, "ended", NOW + 1)))
    await owner.commit(workflows=[state])
    assert await owner.store.workflow_states(0) == [state]


# -- every byte ----------------------------------------------------------------------------------------------------------

VERBATIM = [
    b'{"n":1.10e5,"m":1e400,"o":-0.0,"p":1E+2,"q":12345678901234567890123456789.0}',
    b'{"a":1,"a":2,"b":{"c":1,"c":[]}}',
    b'{"s":"\\u0000","t":"\\\\u0000","u":"\\u00e9 \\ud83d\\ude00 \\/"}',
    b'{ "spaces" :\t[ 1 , 2 ] }',
    '{"s":"é 😀 \u2028"}'.encode(),
    b'"\\u0041\\u0000"',
    b"1.0",
]


@pytest.mark.parametrize("body", VERBATIM)
async def test_json_comes_back_byte_for_byte(owner: Owner, session: Any, body: bytes) -> None:
    raw = msgspec.Raw(body)
    await owner.commit(
        runs=[run("r", state=raw)],
        explanations=[Explanation(SITE, "n:ann", "e", NOW, raw)],
        poisoned=[Poisoned("p", SITE, "event", raw, NOW, "broke")],
        deliveries=[delivery("d", job=raw)],
        emitted=[msgspec.structs.replace(entry("e"), body=body)],
        logged=[msgspec.structs.replace(entry("l"), body=body)],
    )
    waiting = await owner.waiting()
    assert bytes(waiting[0].body) == body
    await owner.commit(moved=waiting)
    assert bytes((await owner.store.facts(0, Asked(profiles=[SiteProfile(SITE, "n:ann")]))).runs[0].state) == body
    assert bytes((await owner.store.claim(1, NOW))[0][0].job) == body
    kept = "SELECT body FROM log UNION ALL SELECT body FROM explanations UNION ALL SELECT body FROM poisoned"
    assert [row["body"].encode() for row in await session.fetch(kept)] == [body] * 4


async def test_a_character_that_the_database_cannot_hold_is_replaced_in_words_and_kept_in_json(owner: Owner) -> None:
    odd = "a\0b \\u0000 \\\0"
    shown = "a\ufffdb \\u0000 \\\ufffd"
    tried = (Attempt(NOW, 1, None, odd),)
    failed = run("r", status="failed", ended=NOW, reason=odd)
    await owner.commit(runs=[failed], poisoned=[Poisoned("p", SITE, "event", msgspec.Raw(b"{}"), NOW, odd)], deliveries=[delivery("d")])
    assert (await owner.store.run(failed.id)).reason == shown
    assert (await owner.store.poisoned(1))[0].error == shown
    one = (await owner.store.claim(1, NOW))[0][0]
    await owner.store.report([Report(msgspec.structs.replace(one, attempts=tried), None, NOW, NOW + 1)])
    assert (await owner.store.claim(1, NOW + 1))[0][0].attempts == tried


# -- counters ------------------------------------------------------------------------------------------------------------


async def test_a_counter_stays_at_the_smallest_number_too(owner: Owner) -> None:
    def grew(count: int) -> Count:
        return Count(SITE, "cart", 1, "", "value", "", NOW - NOW % HOUR, count)

    async def counted() -> int:
        return (await owner.store.counters(SITE, "cart", "hour", 0, 2**62, 10))[0].count

    await owner.commit(counts=[grew(-MOST), grew(-1), grew(-MOST)])
    assert await counted() == -MOST - 1
    await owner.commit(counts=[grew(-1)])
    assert await counted() == -MOST - 1
    await owner.commit(counts=[grew(MOST)])
    assert await counted() == -1
    await owner.commit(counts=[grew(MOST), grew(MOST)])
    assert await counted() == MOST - 1
    await owner.commit(counts=[grew(2)])
    assert await counted() == MOST


# -- what names one thing twice -------------------------------------------------------------------------------------------


async def test_of_what_is_named_twice_the_last_counts(owner: Owner) -> None:
    later = msgspec.structs.replace(run("r"), step="later")
    states = [WorkflowState(SITE, "cart", version, "active") for version in (1, 2)]
    await owner.commit(profiles=[(SITE, Profile("n:ann")), (SITE, Profile("n:ann", created=7))], runs=[run("r"), later], workflows=states)
    facts = await owner.store.facts(0, Asked(profiles=[SiteProfile(SITE, "n:ann")]))
    found: tuple[list[tuple[int, Profile]], list[RunRow]] = (facts.profiles, facts.runs)
    assert found == ([(SITE, Profile("n:ann", created=7))], [later])
    assert await owner.store.workflow_states(0) == states[1:]
