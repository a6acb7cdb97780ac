"""The engines of the store that a server's database may be on: a setting says which, and nothing else is different for its users."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from typing import Any, Final

import apsw
import asyncpg  # type: ignore[import-untyped]  # it carries no types
from tests.e2e.server import Server
from tests.postgres import databases, databases_on

from clarion.config import DATABASE_FILE
from clarion.domain.ids import partition_of

ENGINES: Final = ("postgres", "sqlite")

PARTITIONS: Final = 16
"""Of a PostgreSQL database that one test has for itself."""

SITE: Final = 1
"""The one that `clarion init` makes."""


@contextmanager
def database(engine: str, partitions: int | None = PARTITIONS, *, version: str | None = None) -> Iterator[dict[str, str]]:
    """The settings, without their prefix, for a fresh database that is there for the block.

    Without a count of partitions it has no tables: `clarion init` makes them, and as many partitions as it does unless told otherwise.
    `version` is that of the PostgreSQL server, where it is not to be the one that all tests use.
    """
    if engine == "sqlite":
        yield {}
        return
    server = databases() if version is None else databases_on(version)
    url = server.empty() if partitions is None else server.fresh(partitions)
    try:
        yield {"database_url": url}
    finally:
        server.drop(url)


def partitions(engine: str) -> int:
    """How many a test's own database has."""
    return 1 if engine == "sqlite" else PARTITIONS


def living_in(engine: str, who: str) -> int:
    """In which partition of a test's own database a profile or a subscriber is at home."""
    return partition_of(SITE, who, partitions(engine))


# -- past the server, by plain SQL ---------------------------------------------------------------------------------------------


def _url(server: Server) -> str | None:
    return server.environment.get("CLARION_DATABASE_URL")


async def change(server: Server, *statements: str) -> int:
    """Change the database of a server, all or nothing; returns how many rows were changed."""
    url, changed = _url(server), 0
    if url is None:
        with closing(apsw.Connection(str(server.data / DATABASE_FILE))) as file, file:
            for sql in statements:
                file.execute(sql)
            return file.total_changes()
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            for sql in statements:
                changed += int((await connection.execute(sql)).rpartition(" ")[2])
    finally:
        await connection.close()
    return changed


async def forget_nodes(server: Server) -> None:
    """Let the leases of nodes that were killed be over, which take seconds: others take over at once what those had."""
    if _url(server) is not None:
        await change(server, "UPDATE nodes SET until = 0")


async def column(server: Server, sql: str) -> list[Any]:
    """The first value of each row of a query."""
    url = _url(server)
    if url is None:
        with closing(apsw.Connection(str(server.data / DATABASE_FILE))) as file:
            return [row[0] for row in file.execute(sql)]
    connection = await asyncpg.connect(url)
    try:
        return [row[0] for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def dump(server: Server) -> bytes:
    """All that is kept in the database of a server that is stopped, as text or as the bytes of its files."""
    url = _url(server)
    if url is None:
        return b"".join(file.read_bytes() for file in sorted(server.data.glob(f"{DATABASE_FILE}*")))
    connection = await asyncpg.connect(url)
    try:
        names = await connection.fetch(
            "SELECT format('%I', relname) AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        rows = [await connection.fetchval(f"SELECT string_agg(t::text, E'\\n') FROM {row['name']} AS t") for row in names]
    finally:
        await connection.close()
    return "\n".join(filter(None, rows)).encode()


@asynccontextmanager
async def without_commits(server: Server) -> AsyncIterator[None]:
    """No engine of the server commits anything during the block, which reads all the same."""
    url = _url(server)
    if url is None:
        with closing(apsw.Connection(str(server.data / DATABASE_FILE))) as file:
            file.set_busy_timeout(5_000)
            file.execute("BEGIN IMMEDIATE")
            yield
        return
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT FROM partitions FOR UPDATE")
            yield
    finally:
        await connection.close()
