"""Jobs that are over are forgotten after 30 days, on every store; those that run never are."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.postgres import databases
from tests.retention.log import NOW
from tests.retention.test_events import no_sleep

from clarion.clock import DAY
from clarion.config import Settings
from clarion.retention.policy import AT_ONCE, KEPT_JOBS, Retention
from clarion.store.port import Store
from clarion.store.records.jobs import Job
from clarion.stores import migrate_store, opened_store

OLD = 2 * AT_ONCE
"""Jobs, so that it takes several steps."""


@pytest.fixture(params=["postgres", "sqlite"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    if request.param == "sqlite":
        made = Settings(data=tmp_path)
        migrate_store(made)
        yield made
        return
    url = databases().fresh(4)
    yield Settings(data=tmp_path, database_url=url)
    databases().drop(url)


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    async with opened_store(settings) as opened:
        yield opened


async def test_jobs_go_30_days_after_their_end(store: Store, settings: Settings) -> None:
    assert KEPT_JOBS == 30 * DAY

    async def put(id: str, status: str, changed: int) -> None:
        await store.put_job(Job(1, id, "import", status, msgspec.Raw(b"{}"), changed, changed))

    for number in range(OLD):
        await put(f"old {number}", ("done", "failed", "stopped")[number % 3], NOW - KEPT_JOBS - 1)
    await put("just", "done", NOW - KEPT_JOBS)
    await put("runs", "running", NOW - 2 * KEPT_JOBS)
    removed = await Retention(store, settings, lambda: NOW, no_sleep).forget()
    assert removed["jobs"] == OLD
    assert {one.id for one in await store.jobs(None, None, None, OLD)} == {"just", "runs"}
