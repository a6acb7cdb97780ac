"""Work beside the event loop: one piece at a time, bounded, seen to its end."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from clarion.api.aside import MOST_WAITING, Aside
from clarion.contract.errors import Refusal


class Gate:
    """Work that lasts until it is let go, and knows how much of it ran at a time."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.begun = asyncio.Semaphore(0)
        self.open = threading.Semaphore(0)
        self.running = self.most = self.done = 0

    def work(self) -> int:
        self.running += 1
        self.most = max(self.most, self.running)
        self.loop.call_soon_threadsafe(self.begun.release)
        assert self.open.acquire(timeout=10)
        self.running -= 1
        self.done += 1
        return self.done


async def test_it_gives_what_the_work_returns_or_raises() -> None:
    aside = Aside()
    assert await aside.do(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await aside.do(lambda: 1 // 0)


async def test_one_at_a_time_in_their_order_and_no_more_than_so_many() -> None:
    aside, gate = Aside(), Gate()
    tasks = [asyncio.create_task(aside.do(gate.work)) for _ in range(MOST_WAITING)]
    await gate.begun.acquire()
    with pytest.raises(Refusal) as refused:
        await aside.do(gate.work)
    assert refused.value.status == 503
    gate.open.release(MOST_WAITING)
    assert await asyncio.gather(*tasks) == list(range(1, MOST_WAITING + 1))
    assert gate.most == 1
    gate.open.release()
    assert await aside.do(gate.work) == MOST_WAITING + 1


@pytest.mark.parametrize("ends", [lambda: None, lambda: 1 // 0], ids=["returns", "raises"])
async def test_the_next_one_waits_also_for_work_that_nobody_wants_any_more(ends: Callable[[], object]) -> None:
    aside, gate = Aside(), Gate()

    def work() -> None:
        gate.work()
        ends()

    given_up = asyncio.create_task(aside.do(work))
    await gate.begun.acquire()
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    after = asyncio.create_task(aside.do(lambda: gate.done))
    gate.open.release()
    assert await after == 1
