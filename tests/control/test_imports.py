"""Chunks of one import that come at once: none is counted twice, and no line of the report is lost."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from clarion.control.errors import Conflict
from clarion.control.imports import Judged, Progress, add_rows, end_import, start_import
from clarion.control.person_rows import rows_from_lines
from clarion.directory import Directory
from clarion.store.port import Store
from clarion.store.records.jobs import Job
from clarion.store.records.sites import Site
from clarion.vault import Vault

NOW = 1_750_000_000_000_000


class Gate:
    """Where chunks wait once they have been judged, until the test lets them go on."""

    def __init__(self, waiting: int) -> None:
        self._waiting, self._all_wait = waiting, asyncio.Event()
        self._open: list[asyncio.Event] = []

    async def __call__(self, judge: Callable[[], Judged]) -> Judged:
        chunk = judge()
        gate = asyncio.Event()
        self._open.append(gate)
        if len(self._open) == self._waiting:
            self._all_wait.set()
        if len(self._open) <= self._waiting:  # what is judged anew does not wait
            await gate.wait()
        return chunk

    async def all_wait(self) -> None:
        await self._all_wait.wait()

    def let(self, number: int) -> None:
        self._open[number].set()


def rows(*which: int) -> bytes:
    """Rows of a file, by their numbers; even ones are to be refused."""
    return b"\n".join(b'{"profile_id":"p%d"}' % number if number % 2 else b"{}" for number in which)


def progress(job: Job) -> Progress:
    return msgspec.json.decode(job.body, type=Progress)


async def begin(store: Store, shop: Site) -> str:
    return (await start_import(store, shop, "profiles", None, NOW, lambda: "job")).id


def feeding(store: Store, shop: Site, offset: int, body: bytes, gate: Gate) -> "asyncio.Task[Job]":
    issuer = Directory(store, Vault(bytes(32)))
    return asyncio.create_task(add_rows(store, issuer, shop, "job", offset, lambda _: rows_from_lines(body), lambda _: (), NOW, gate))


@pytest.mark.parametrize("first", [0, 1])
async def test_two_that_overlap_are_both_in_the_report(store: Store, shop: Site, first: int) -> None:
    await begin(store, shop)
    gate = Gate(2)
    chunks = [feeding(store, shop, 0, rows(1, 2, 3, 4), gate), feeding(store, shop, 0, rows(1, 2, 3, 4, 5, 6), gate)]
    await gate.all_wait()
    gate.let(first)
    await chunks[first]
    gate.let(1 - first)
    await chunks[1 - first]
    told = progress(await store.job(shop.id, "job"))
    assert (told.rows, told.accepted, told.refused) == (6, 3, 3)
    assert [one.row for one in told.report] == [2, 4, 6]
    assert len((await store.take(0, 100, 0, 0)).entries) == 1 + 3  # with that of the site


async def test_rows_that_were_under_way_when_the_import_was_ended_are_counted(store: Store, shop: Site) -> None:
    await begin(store, shop)
    gate = Gate(1)
    chunk = feeding(store, shop, 0, rows(1, 2), gate)
    await gate.all_wait()
    await end_import(store, shop, "job", "stopped", NOW)
    gate.let(0)
    job = await chunk
    assert job.status == (await store.job(shop.id, "job")).status == "stopped"
    assert [one.row for one in progress(job).report] == [2]
    with pytest.raises(Conflict):
        await feeding(store, shop, 2, rows(3), gate)


async def test_an_end_that_comes_with_chunks_loses_nothing_that_was_counted(store: Store, shop: Site) -> None:
    await begin(store, shop)
    gate = Gate(0)
    chunks = [feeding(store, shop, 0, rows(1, 2), gate) for _ in range(3)]
    counted = progress(await chunks[0])
    await end_import(store, shop, "job", "done", NOW)
    await asyncio.gather(*chunks, return_exceptions=True)  # one that came too late is refused
    job = await store.job(shop.id, "job")
    assert (job.status, progress(job)) == ("done", counted)
    assert counted.rows == 2
