"""Spreading the tables over a Citus cluster: what is asked of Citus exists here, and a server without it is told of."""

import re

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import pytest

from clarion.store.port import StoreError
from clarion.store.postgres import migrations
from clarion.store.postgres.cluster import statements
from clarion.store.postgres.distributing import distribute
from clarion.store.postgres.migrations import known, migrate

# As Citus declares them; each notes what it was asked.
_CITUS = """
CREATE TABLE public.asked (what text, of text, by text, beside text);
CREATE FUNCTION create_reference_table(table_name regclass) RETURNS void LANGUAGE sql AS $$
    INSERT INTO public.asked (what, of) VALUES ('reference', table_name::text)
$$;
CREATE FUNCTION create_distributed_table(
    table_name regclass, distribution_column text, distribution_type text DEFAULT 'hash', colocate_with text DEFAULT 'default'
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO public.asked VALUES ('table', table_name::text, distribution_column, colocate_with)
$$;
CREATE FUNCTION create_distributed_function(
    function_name regprocedure, distribution_arg_name text DEFAULT NULL, colocate_with text DEFAULT 'default'
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO public.asked VALUES ('function', function_name::regproc::text, distribution_arg_name, colocate_with)
$$;
"""

_TABLES = """
SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
"""


async def test_every_table_and_function_that_is_spread_exists(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        tables = {name for (name,) in await connection.fetch(_TABLES)}
        await connection.execute(_CITUS)
        await connection.execute(statements())
        asked = await connection.fetch("SELECT * FROM asked")
    finally:
        await connection.close()
    assert {row["of"] for row in asked if row["what"] != "function"} == tables
    assert {row["by"] for row in asked if row["what"] == "table"} == {"partition"}
    # All side by side with the first.
    assert [row["of"] for row in asked if row["what"] == "table" and row["beside"] == "none"] == ["partitions"]
    assert {row["beside"] for row in asked if row["what"] != "reference" and row["by"] is not None} == {"none", "partitions"}


async def test_what_a_migration_adds_to_tables_that_are_spread_is_spread(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as first:
        first.setattr(migrations, "known", lambda: {1: known()[1]})
        first.setattr(
            migrations, "functions", lambda: {"periods": "CREATE FUNCTION clarion_ensure_periods(bigint, int) RETURNS int RETURN 0"}
        )
        await migrate(url, partitions=1)
    connection = await asyncpg.connect(url)
    try:
        before = {name for (name,) in await connection.fetch(_TABLES)}
        await connection.execute("DROP FUNCTION clarion_ensure_periods")
        await connection.execute(_CITUS)
        await connection.execute("CREATE TABLE pg_dist_partition (logicalrelid regclass)")
        await connection.execute(
            "INSERT INTO pg_dist_partition SELECT c.oid FROM pg_class AS c WHERE relname = ANY ($1::text[])", list(before)
        )
        assert await migrate(url) == list(known())[1:]
        asked = await connection.fetch("SELECT * FROM asked")
        after = {name for (name,) in await connection.fetch(_TABLES)} - {"asked", "pg_dist_partition"}
        assert await migrate(url) == []
        assert len(await connection.fetch("SELECT * FROM asked")) == len(asked)
    finally:
        await connection.close()
    assert {row["of"] for row in asked if row["what"] != "function"} == after - before
    assert {row["of"] for row in asked if row["what"] == "function"} == set(re.findall(r"_function\('(\w+)'", statements()))


async def test_a_server_without_citus_is_told_of(postgres_url: str) -> None:
    with pytest.raises(StoreError, match=r"has no extension citus — install Citus on its server, then run there: CREATE EXTENSION citus"):
        await distribute(postgres_url)
