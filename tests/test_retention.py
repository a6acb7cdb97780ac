"""Old explanations go, in small steps, with pauses, and nothing else keeps the loop busy."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from clarion.clock import DAY
from clarion.config import Settings
from clarion.retention import AT_ONCE, EVERY, PAUSE, Retention
from clarion.store.port import StoreUnavailable
from clarion.store.records.commits import Outcome
from clarion.store.records.explanations import Explanation
from clarion.stores import migrate_store, open_store

NOW = 1_777_636_800_000_000
KEEP = 30 * DAY
TAKES = 0.25
"""Seconds that a step takes."""


class Kept:
    """The only part of the store that retention needs."""

    def __init__(self, times: list[int]) -> None:
        self.times = times
        self.steps: list[int] = []
        self.away = 0
        self.now = 0.0
        """A clock that does not go back."""

    async def forget_explanations(self, before: int, limit: int) -> int:
        if self.away:
            self.away -= 1
            raise StoreUnavailable("away")
        front, rest = self.times[:limit], self.times[limit:]
        left = [time for time in front if time >= before]
        self.times = [*left, *rest]
        self.steps.append(len(front) - len(left))
        self.now += TAKES
        return len(front) - len(left)


class Slept(Exception):
    """The test has seen enough."""


class Naps:
    """Sleeps that end at once, until there have been enough."""

    def __init__(self, most: int) -> None:
        self.taken: list[float] = []
        self._most = most

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        if len(self.taken) == self._most:
            raise Slept


def retention(kept: Kept, naps: Naps, now: int = NOW) -> Retention:
    return Retention(kept, KEEP, lambda: now, naps, lambda: kept.now)  # type: ignore[arg-type]  # a part of the port is enough


async def test_what_is_too_old_goes_and_the_rest_stays() -> None:
    kept = Kept([NOW - KEEP - 1, NOW - KEEP, NOW])
    assert await retention(kept, Naps(9)).forget() == 1
    assert kept.times == [NOW - KEEP, NOW]


@pytest.mark.parametrize(
    ("old", "steps"),
    [(0, [0]), (AT_ONCE - 1, [AT_ONCE - 1, 0]), (AT_ONCE, [AT_ONCE, 0]), (2 * AT_ONCE + 1, [AT_ONCE, AT_ONCE, 1, 0])],
)
async def test_a_backlog_goes_in_small_steps_with_pauses_as_long_as_they_take(old: int, steps: list[int]) -> None:
    kept, naps = Kept([1] * old), Naps(9)
    assert await retention(kept, naps).forget() == old
    assert kept.steps == steps
    assert naps.taken == [PAUSE * TAKES] * (len(steps) - 1)


async def test_a_newer_one_among_the_oldest_keeps_none_of_the_others() -> None:
    kept = Kept([NOW, *[1] * (3 * AT_ONCE)])
    assert await retention(kept, Naps(9)).forget() == 3 * AT_ONCE
    assert kept.times == [NOW]


async def test_it_looks_every_few_minutes_and_costs_nothing_in_between() -> None:
    kept, naps = Kept([1]), Naps(3)
    with pytest.raises(Slept):
        await retention(kept, naps).run()
    assert (kept.steps, naps.taken) == ([1, 0, 0], [PAUSE * TAKES, EVERY, EVERY])
    assert EVERY >= 60


async def test_a_store_that_is_away_is_asked_again() -> None:
    kept, naps = Kept([1]), Naps(3)
    kept.away = 1
    with pytest.raises(Slept):
        await retention(kept, naps).run()
    assert (kept.steps, naps.taken) == ([1, 0], [EVERY, PAUSE * TAKES, EVERY])


async def test_it_works_on_a_real_store(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    migrate_store(settings)
    store = open_store(settings)
    await store.open()
    state = await store.own(0)
    old = [Explanation(1, "n:p", f"e{number}", NOW - KEEP - 1, msgspec.Raw(b"{}")) for number in range(AT_ONCE + 5)]
    new = Explanation(1, "n:p", "new", NOW - KEEP, msgspec.Raw(b"{}"))
    await store.commit(Outcome(state, explanations=[*old, new]))
    done = asyncio.Event()

    async def nap(seconds: float) -> None:
        if seconds == EVERY:
            done.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(Retention(store, settings.explanations_kept, lambda: NOW, nap).run())
    await done.wait()
    task.cancel()
    assert [one.event for one in await store.explanations_about(1, ["n:p"], None, 10)] == ["new"]
    await store.close()
