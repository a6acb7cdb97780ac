"""Facts about a PostgreSQL database: who is there, and how large it is."""

from typing import TYPE_CHECKING

from clarion.clock import MINUTE
from clarion.store.records.nodes import Node

if TYPE_CHECKING:
    from clarion.store.postgres.store import PostgresStore


async def test_nodes_are_counted_by_role_as_long_as_their_leases_run(postgres: "PostgresStore") -> None:
    async def alive() -> list[int]:
        facts = await postgres.check()
        return [int(facts[name]) for name in ("nodes_api", "nodes_engine", "nodes_delivery", "partitions_owned")]

    assert await alive() == [0, 0, 0, 0]
    await postgres.beat(Node("a", ("api", "engine")), MINUTE)
    await postgres.beat(Node("b", ("engine", "delivery")), MINUTE)
    await postgres.beat(Node("c", ("api", "engine", "delivery")), 0)
    for partition, node in enumerate(("a", "b", "c")):
        await postgres.own(partition, node)
    assert await alive() == [1, 2, 1, 2]
    await postgres.leave("b")
    assert await alive() == [1, 1, 0, 1]


async def test_its_size_is_known(postgres: "PostgresStore") -> None:
    assert await postgres.database_bytes() > 1_000_000
