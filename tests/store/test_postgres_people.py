"""People in a database of several partitions: at home, beside their profiles, and each page of one partition."""

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import msgspec
import pytest
from tests.store.builders import NOW, SITE, Owner, delivery

from clarion.domain.ids import partition_of
from clarion.domain.records import Profile, Subscriber
from clarion.store.port import NotFound
from clarion.store.postgres.store import PostgresStore
from clarion.store.records.deliveries import Report

HOME, BESIDE = 0, 3
LAPTOP = Subscriber("laptop", "n:ann", "https://push.example/1", "key", "secret", created=NOW)


async def test_a_subscriber_is_read_at_its_home_and_a_copy_where_it_stands(postgres: PostgresStore) -> None:
    assert partition_of(SITE, "laptop", postgres.partitions) == HOME
    copy = msgspec.structs.replace(LAPTOP, last_active=NOW)
    for partition, one in ((HOME, LAPTOP), (BESIDE, copy)):
        owner = await Owner.of(postgres, partition)
        await owner.commit(subscribers=[(SITE, one)], profiles=[(SITE, Profile(f"n:{partition}"))])
    assert await postgres.subscriber(SITE, "laptop") == LAPTOP
    for partition, one in ((HOME, LAPTOP), (BESIDE, copy)):
        assert await postgres.subscribers_page(partition, SITE, "", 10) == [one]
        assert await postgres.subscribers_of(partition, SITE, ["n:ann"]) == [one]
        assert await postgres.profiles_page(partition, SITE, "", 10) == [Profile(f"n:{partition}")]
    assert await postgres.subscribers_page(1, SITE, "", 10) == await postgres.subscribers_of(1, SITE, ["n:ann"]) == []


async def test_what_is_erased_is_of_one_partition(postgres: PostgresStore) -> None:
    owners = [await Owner.of(postgres, partition) for partition in (HOME, BESIDE)]
    for owner in owners:
        await owner.commit(subscribers=[(SITE, LAPTOP)], profiles=[(SITE, Profile("n:ann"))])
    await owners[0].commit(erased=[(SITE, "n:ann")])
    assert [len(await postgres.profiles_page(one, SITE, "", 10)) for one in (HOME, BESIDE)] == [0, 1]
    assert [len(await postgres.subscribers_page(one, SITE, "", 10)) for one in (HOME, BESIDE)] == [0, 1]


async def test_deliveries_of_all_periods_go(postgres: PostgresStore, postgres_url: str) -> None:
    owner = await Owner.of(postgres)
    made = [delivery("now", created=postgres.now()), delivery("default", created=5), delivery("other", profile="n:bob")]
    await owner.commit(deliveries=made)
    connection = await asyncpg.connect(postgres_url)
    try:
        await owner.commit(erased=[(SITE, "n:ann")])
        assert [row["id"] for row in await connection.fetch("SELECT id FROM deliveries")] == [made[2].id]
        assert [row["id"] for row in await connection.fetch("SELECT id FROM outbox")] == [made[2].id]
    finally:
        await connection.close()


async def test_a_delivery_is_looked_up_where_it_is_said_to_be(postgres: PostgresStore) -> None:
    owner, one = await Owner.of(postgres, BESIDE), delivery("a")
    await owner.commit(deliveries=[one])
    [claimed], _ = await postgres.claim(1, NOW)
    await postgres.report([Report(claimed, "sent", NOW)])
    assert (await postgres.delivery(SITE, one.id, BESIDE)).status == (await postgres.delivery(SITE, one.id)).status == "sent"
    with pytest.raises(NotFound):
        await postgres.delivery(SITE, one.id, HOME)


async def test_what_no_text_of_the_database_can_be_is_not_found(postgres: PostgresStore) -> None:
    assert await postgres.profiles_page(0, SITE, "\0", 10) == []
    assert await postgres.subscribers_page(0, SITE, "\ud800", 10) == []
    assert await postgres.subscribers_of(0, SITE, ["\0", "\ud800"]) == []
    assert await postgres.jobs(SITE, "\0", None, 10) == await postgres.jobs(None, None, "\ud800", 10) == []
