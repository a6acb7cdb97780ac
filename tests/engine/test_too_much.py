"""What a batch needs may be more than the store can give at once, or in time: then less is taken, and nothing stops."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.engine.real import SECOND, Bench, opened

from clarion.control.workflows import publish_document
from clarion.engine.portion import SMALLEST, Portion
from clarion.fresh_ids import fresh_id
from clarion.store.port import StoreError, StoreUnavailable
from clarion.store.records.batches import Asked, Facts
from clarion.workflow.source import read_document

NAPS = "workflow: slow\nstart: {on: [{event: go}]}\nsteps: [{id: nap, wait: {for: 1h}}]"
COUNT = 60
FAILURES = pytest.mark.parametrize("error", [StoreError("too large"), StoreUnavailable("too slow")], ids=["too large", "too slow"])


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async for made in opened(tmp_path, NAPS):
        yield made


def gives(bench: Bench, monkeypatch: pytest.MonkeyPatch, most: int, error: StoreError) -> None:
    """The store gives what it has of so many profiles at once."""
    read = bench.store.facts

    async def facts(partition: int, asked: Asked) -> Facts:
        if len(asked.profiles) > most:
            raise error
        return await read(partition, asked)

    monkeypatch.setattr(bench.store, "facts", facts)


async def everybody_comes(bench: Bench) -> None:
    for number in range(COUNT):
        await bench.send(f"e{number}", profile=f"p{number}")


async def reasons(bench: Bench) -> set[str | None]:
    return {(await bench.run("slow", f"e{number}")).reason for number in range(COUNT)}


@FAILURES
async def test_inputs_are_taken_in_smaller_batches(bench: Bench, monkeypatch: pytest.MonkeyPatch, error: StoreError) -> None:
    gives(bench, monkeypatch, COUNT // 2, error)
    await everybody_comes(bench)
    await bench.owner.start()
    await bench.applied(f"p{COUNT - 1}")
    assert await reasons(bench) == {None}
    assert await bench.store.poisoned(10) == []


@FAILURES
async def test_runs_hear_of_a_publish_a_few_at_a_time(bench: Bench, monkeypatch: pytest.MonkeyPatch, error: StoreError) -> None:
    await bench.owner.start()
    await everybody_comes(bench)
    await bench.applied(f"p{COUNT - 1}")
    gives(bench, monkeypatch, COUNT // 2, error)
    bench.passes(SECOND)
    text = NAPS.replace("1h", "2h")
    await publish_document(bench.store, bench.site, read_document(text), text, bench.wall, fresh_id, "end")
    await bench.until(lambda outcome: any(state.version == 2 and not state.directives for state in outcome.workflows))
    assert await reasons(bench) == {"ended"}


async def test_where_not_even_one_input_can_be_read_for_nothing_is_set_aside(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the store that is broken."""
    gives(bench, monkeypatch, 0, StoreError("broken"))
    await everybody_comes(bench)
    await bench.owner.start()
    await bench.owner.ended()
    assert bench.owner.failed
    with pytest.raises(StoreError, match="broken"):
        await bench.owner.stop()
    assert await bench.store.poisoned(10) == []
    bench.owner = bench.new_owner()


def test_half_of_the_smallest_portion_is_the_smallest() -> None:
    portion = Portion(1_000)
    portion.halve()
    assert portion.of(1_000) == 500
    for _ in range(20):
        portion.halve()
    assert (portion.of(10_000), portion.of(1)) == (int(10_000 * SMALLEST), 1)
