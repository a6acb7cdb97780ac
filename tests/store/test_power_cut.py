"""When the power fails, nothing that was acknowledged is missing; the same test sees `synchronous=NORMAL` lose some."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import apsw
import pytest
from tests.store.builders import FAR, entry
from tests.store.power import PowerVFS

from clarion.store.port import StoreUnavailable
from clarion.store.sqlite import wal
from clarion.store.sqlite.connection import Synchronous
from clarion.store.sqlite.store import SqliteStore

COMMITS = 120
SEEDS = (None, 1, 2, 3)
"""None: all that was not synced is gone; else a random part of it, in part torn."""


@pytest.fixture
def power() -> Iterator[PowerVFS]:
    vfs = PowerVFS("clarion-power-cut")
    yield vfs
    vfs.unregister()


@asynccontextmanager
async def opened(path: Path, **how: object) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, **how)  # type: ignore[arg-type]  # passed on as given
    await store.open()
    yield store
    await store.close()


async def kept(path: Path) -> set[str]:
    """Ids in the inbox of what the power cut has left."""
    async with opened(path) as store:
        assert (await store.check())["integrity"] == "ok"
        return {one.id for one in (await store.take(0, 10_000, FAR, 0)).entries}


async def append_while_cutting(path: Path, power: PowerVFS, synchronous: Synchronous, every: int) -> list[tuple[Path, set[str]]]:
    """Append one entry a commit; cut the power at every `every`th write or sync, and at the end.

    Gives for each cut the database that it left and what had been acknowledged by then.
    """
    acknowledged: set[str] = set()
    cuts: list[tuple[Path, set[str]]] = []
    writes = 0

    def cut() -> None:
        for seed in SEEDS:
            left = path.parent / f"cut-{len(cuts)}"
            cuts.append((left / path.name, set(acknowledged)))
            power.cut(left, seed)

    def maybe_cut() -> None:
        nonlocal writes
        writes += 1
        if writes % every == 0:
            cut()

    async with opened(path, synchronous=synchronous, vfs=power.name) as store:
        power.on_write = power.on_sync = maybe_cut
        for number in range(COMMITS):
            one = entry(f"e{number}")
            await store.append([one])
            acknowledged.add(one.id)
        power.on_write = power.on_sync = lambda: None
        cut()
    return cuts


async def test_nothing_acknowledged_is_lost(path: Path, power: PowerVFS, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal, "PAGES", 40)  # so that some of the cuts fall into a checkpoint
    cuts = await append_while_cutting(path, power, "FULL", every=23)
    assert len(cuts) > 100
    assert power.disks[path.name].syncs > 2
    for left, acknowledged in cuts:
        assert acknowledged - await kept(left) == set()


async def test_normal_loses_acknowledged_entries_which_proves_this_test(path: Path, power: PowerVFS) -> None:
    cuts = await append_while_cutting(path, power, "NORMAL", every=FAR)
    left, acknowledged = cuts[0]
    assert len(acknowledged) == COMMITS
    assert len(acknowledged - await kept(left)) > COMMITS // 2


@pytest.mark.parametrize("operation", ["on_write", "on_sync"])
@pytest.mark.parametrize("error", [apsw.FullError, apsw.IOError])
async def test_a_disk_that_fails_is_no_answer_and_stores_nothing(
    path: Path, power: PowerVFS, operation: str, error: type[apsw.Error]
) -> None:
    def fail() -> None:
        raise error("the disk fails")

    async with opened(path, vfs=power.name) as store:
        await store.append([entry("before")])
        sound = getattr(power, operation)
        setattr(power, operation, fail)
        answers = await asyncio.gather(*(store.append([entry(f"e{number}")]) for number in range(5)), store.own(0), return_exceptions=True)
        assert {type(answer) for answer in answers} == {StoreUnavailable}
        setattr(power, operation, sound)
        await store.append([entry("after")])
    assert await kept(path) == {entry("before").id, entry("after").id}


async def test_many_callers_at_once_lose_nothing_either(path: Path, power: PowerVFS) -> None:
    acknowledged: set[str] = set()

    async with opened(path, vfs=power.name) as store:

        async def caller(name: str) -> None:
            for number in range(5):
                one = entry(f"{name}-{number}")
                await store.append([one])
                acknowledged.add(one.id)

        await asyncio.gather(*(caller(str(number)) for number in range(40)))
        power.cut(path.parent / "cut", None)
    assert acknowledged == await kept(path.parent / "cut" / path.name)
