"""Killed just before a commit nothing of it is there; killed just after it all of it is."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.store.builders import FAR, NOW, SITE, Owner, delivery

from clarion.store.sqlite.store import SqliteStore

CHILD = """
import asyncio, pathlib, sys
from tests.store.builders import NOW, Owner, delivery, entry
from clarion.store.records.counters import Count
from clarion.store.records.deliveries import Report
from clarion.store.sqlite.store import SqliteStore

async def main():
    store = SqliteStore(pathlib.Path(sys.argv[1]))
    await store.open()
    owner = await Owner.of(store)
    await store.append([entry("a"), entry("b")])
    await owner.commit(moved=await owner.waiting(), deliveries=[delivery("d")], counts=[Count(1, "cart", 1, "", "started", "", 0, 2)])
    one = (await store.claim(1, NOW))[0][0]
    await store.report([Report(one, "sent", NOW)])
    await store.close()

asyncio.run(main())
"""


async def left(path: Path) -> tuple[int, int, list[str]]:
    """Entries in the inbox, sequence of the log, deliveries to be claimed. What is counted is as far as the log."""
    store = SqliteStore(path)
    await store.open()
    state = (await Owner.of(store)).state
    found = (
        len((await store.take(0, 10, FAR, 0)).entries),
        state.sequence,
        [one.id for one in (await store.claim(10, NOW))[0]],
    )
    counted = [row.count for period in ("hour", "day", "total") for row in await store.counters(SITE, "cart", period, 0, 1, 10)]
    assert counted == [state.sequence] * (3 if state.sequence else 0)
    await store.close()
    return found


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("ingest.before_commit", (0, 0, [])),
        ("ingest.after_commit", (2, 0, [])),
        ("engine.before_commit", (2, 0, [])),
        ("engine.after_commit", (0, 2, [delivery("d").id])),
        ("report.before_commit", (0, 2, [delivery("d").id])),
        ("report.after_commit", (1, 2, [])),
        ("none", (1, 2, [])),
    ],
)
async def test_a_commit_is_all_or_nothing(path: Path, fault: str, expected: tuple[int, int, list[str]]) -> None:
    root = Path(__file__).parents[2]
    child = subprocess.run(  # noqa: ASYNC221 - nothing else goes on here
        [sys.executable, "-c", CHILD, str(path)], check=False, cwd=root, env={**os.environ, "CLARION_FAULT": fault}
    )
    assert child.returncode == (0 if fault == "none" else -signal.SIGKILL)
    assert await left(path) == expected
