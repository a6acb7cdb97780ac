"""One batch, one statement, one transaction, one round trip, however many wait."""

import asyncio
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import pytest
from tests.store.builders import claimed, entry

from clarion.store.postgres import connection
from clarion.store.postgres.ingest import ABREAST
from clarion.store.postgres.store import PostgresStore
from clarion.store.records.entries import Appended

COUNT = 400
MOST = 1 + 2 * ABREAST
"""Batches: the first has what came first, the others what came meanwhile."""


@pytest.mark.parametrize("with_claims", [False, True])
async def test_what_comes_together_is_a_few_statements_of_a_transaction_each(
    with_claims: bool, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    real = connection.connect

    async def connect(*args: Any, **options: Any) -> Any:
        made = await real(*args, **options)
        made.add_query_logger(lambda record: said.append(record.query))
        return made

    monkeypatch.setattr(connection, "connect", connect)
    store = PostgresStore(postgres_url)
    await store.open()
    make = [claimed(f"{number}", f"{number}") if with_claims else entry(f"{number}") for number in range(COUNT)]
    said.clear()
    answers = await asyncio.gather(*(store.append([one]) for one in make))
    commands = [text for text in said if "append" in text or "inbox" in text or text.strip().upper().startswith(("BEGIN", "COMMIT"))]
    watching = await asyncpg.connect(postgres_url)
    commits = await watching.fetchval("SELECT count(DISTINCT xmin::text) FROM inbox")
    await watching.close()
    await store.close()
    assert answers == [[Appended.STORED]] * COUNT
    assert 1 <= commits == len(commands) <= MOST
