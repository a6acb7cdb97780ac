"""Old things go, in small steps, with rests; each kind by its own age; where one kind fails, the others have their turn."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clarion.clock import DAY, HOUR
from clarion.config import Settings
from clarion.retention import Retention
from clarion.retention.pace import PAUSE
from clarion.retention.policy import AT_ONCE, EVERY, LOOKS
from clarion.store.port import StoreError, StoreUnavailable
from clarion.store.records.commits import Outcome
from clarion.store.records.entries import LogRow
from clarion.store.records.explanations import Explanation
from clarion.store.records.jobs import Job
from clarion.store.records.snapshots import Snapshot
from clarion.store.records.upkeep import Upkeep
from clarion.stores import migrate_store, open_store

NOW = 1_777_636_800_000_000
TAKES = 0.25
"""Seconds that a step takes."""
KEEP = {"events": 365 * DAY, "explanations": 30 * DAY, "deliveries": 90 * DAY, "runs": 90 * DAY}
"""By default."""
KEPT = (*KEEP, "jobs")
"""What is told of."""


class Kept:
    """The only part of a store that retention needs, without a log."""

    partitions = 1

    def __init__(self, **times: list[int]) -> None:
        self.times = {kind: times.get(kind, []) for kind in KEEP}
        self.steps: list[tuple[str, int]] = []
        self.away: list[str] = []
        """Kinds that the store fails at, once each."""
        self.error: StoreError = StoreUnavailable("away")
        self.now = 0.0
        """A clock that does not go back."""

    async def forget(self, kind: str, before: int, limit: int) -> int:
        if kind in self.away:
            self.away.remove(kind)
            raise self.error
        front, rest = self.times[kind][:limit], self.times[kind][limit:]
        left = [time for time in front if time >= before]
        self.times[kind] = [*left, *rest]
        self.steps.append((kind, len(front) - len(left)))
        self.now += TAKES
        return len(front) - len(left)

    async def log_page(self, *_: Any) -> list[LogRow]:
        return []

    async def snapshots(self, _: int) -> list[Snapshot]:
        return []

    async def forget_snapshots(self, *_: Any) -> int:
        return 0

    async def jobs(self, *_: Any) -> list[Job]:
        return []

    async def forget_jobs(self, *_: Any) -> int:
        return 0

    async def upkeep(self) -> Upkeep:
        return Upkeep()


class Slept(Exception):
    """The test has seen enough."""


class Naps:
    """Sleeps that end at once, until there have been enough."""

    def __init__(self, most: int = 1_000) -> None:
        self.taken: list[float] = []
        self._most = most

    async def __call__(self, seconds: float) -> None:
        if seconds:
            self.taken.append(seconds)
        if len(self.taken) == self._most:
            raise Slept


def retention(kept: Kept, tmp_path: Path, naps: Naps | None = None, changed: Mapping[str, str] | None = None) -> Retention:
    given = msgspec.structs.replace(Settings(data=tmp_path), **(changed or {}))
    return Retention(kept, given, lambda: NOW, naps or Naps(), lambda: kept.now)  # type: ignore[arg-type]  # a part of the port is enough


@pytest.mark.parametrize("kind", KEEP)
async def test_what_is_too_old_goes_and_the_rest_stays(kind: str, tmp_path: Path) -> None:
    edge = NOW - KEEP[kind]
    kept = Kept(**{kind: [edge - 1, edge, NOW]})
    assert (await retention(kept, tmp_path).forget())[kind] == 1
    assert kept.times[kind] == [edge, NOW]


@pytest.mark.parametrize("kind", KEEP)
async def test_each_kind_has_its_own_age(kind: str, tmp_path: Path) -> None:
    times = [NOW - 2 * HOUR - 1, NOW - 2 * HOUR]
    kept = Kept(**dict.fromkeys(KEEP, times))
    assert await retention(kept, tmp_path, changed={f"keep_{kind}": "2h"}).forget() == {**dict.fromkeys(KEPT, 0), kind: 1}


async def test_what_is_kept_forever_stays(tmp_path: Path) -> None:
    kept = Kept(**{kind: [1] for kind in KEEP})
    assert await retention(kept, tmp_path, changed={f"keep_{kind}": "forever" for kind in KEEP}).forget() == dict.fromkeys(KEPT, 0)
    assert kept.steps == []


@pytest.mark.parametrize(
    ("old", "steps"),
    [(0, [0]), (AT_ONCE - 1, [AT_ONCE - 1, 0]), (AT_ONCE, [AT_ONCE, 0]), (2 * AT_ONCE + 1, [AT_ONCE, AT_ONCE, 1, 0])],
)
async def test_a_backlog_goes_in_small_steps_with_rests_as_long_as_they_take(old: int, steps: list[int], tmp_path: Path) -> None:
    kept, naps = Kept(runs=[1] * old), Naps()
    assert (await retention(kept, tmp_path, naps).forget())["runs"] == old
    assert [count for kind, count in kept.steps if kind == "runs"] == steps
    assert naps.taken == [PAUSE * TAKES] * (len(steps) - 1)


async def test_a_newer_one_among_the_oldest_keeps_none_of_the_others(tmp_path: Path) -> None:
    kept = Kept(explanations=[NOW, *[1] * (3 * AT_ONCE)])
    assert (await retention(kept, tmp_path).forget())["explanations"] == 3 * AT_ONCE
    assert kept.times["explanations"] == [NOW]


async def test_it_looks_every_few_minutes_and_costs_nothing_in_between(tmp_path: Path) -> None:
    kept, naps = Kept(deliveries=[1]), Naps(LOOKS + 2)
    with pytest.raises(Slept):
        await retention(kept, tmp_path, naps).run()
    assert naps.taken == [PAUSE * TAKES, *[EVERY] * (LOOKS + 1)]
    assert [step for step in kept.steps if step[0] == "deliveries"] == [("deliveries", 1), ("deliveries", 0), ("deliveries", 0)]
    assert EVERY * LOOKS >= 60


@pytest.mark.parametrize("error", [StoreUnavailable("away"), StoreError("damaged")])
@pytest.mark.parametrize("kind", KEEP)
async def test_where_the_store_fails_the_other_kinds_have_their_turn_and_it_is_asked_again(
    kind: str, error: StoreError, tmp_path: Path
) -> None:
    kept = Kept(**{kind: [1] for kind in KEEP})
    kept.away, kept.error = [kind], error
    policy = retention(kept, tmp_path)
    assert await policy.forget() == {other: 1 for other in KEEP if other != kind} | {"jobs": 0}
    assert (await policy.forget())[kind] == 1


async def test_it_works_on_a_real_store(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    migrate_store(settings)
    store = open_store(settings)
    await store.open()
    state = await store.own(0)
    edge = NOW - KEEP["explanations"]
    old = [Explanation(1, "n:p", f"e{number}", edge - 1, msgspec.Raw(b"{}")) for number in range(AT_ONCE + 5)]
    new = Explanation(1, "n:p", "new", edge, msgspec.Raw(b"{}"))
    await store.commit(Outcome(state, explanations=[*old, new]))
    done = asyncio.Event()

    async def nap(seconds: float) -> None:
        if seconds == EVERY:
            done.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(Retention(store, settings, lambda: NOW, nap).run())
    await done.wait()
    task.cancel()
    assert [one.event for one in await store.explanations_about(1, ["n:p"], None, 10)] == ["new"]
    await store.close()
