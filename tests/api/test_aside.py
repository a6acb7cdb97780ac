"""Work beside the event loop: one piece at a time, bounded, seen to its end."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial

import pytest

from clarion.api.aside import MOST, MOST_OF_ONE, Aside
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
    assert await aside.do(1, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await aside.do(1, lambda: 1 // 0)


async def test_one_at_a_time_in_their_order_and_no_more_than_so_many() -> None:
    aside, gate = Aside(), Gate()
    tasks = [asyncio.create_task(aside.do(1, gate.work)) for _ in range(MOST_OF_ONE)]
    await gate.begun.acquire()
    with pytest.raises(Refusal) as refused:
        await aside.do(1, gate.work)
    assert refused.value.status == 503
    gate.open.release(MOST_OF_ONE)
    assert await asyncio.gather(*tasks) == list(range(1, MOST_OF_ONE + 1))
    assert gate.most == 1
    gate.open.release()
    assert await aside.do(1, gate.work) == MOST_OF_ONE + 1


@pytest.mark.parametrize("ends", [lambda: None, lambda: 1 // 0], ids=["returns", "raises"])
async def test_the_next_one_waits_also_for_work_that_nobody_wants_any_more(ends: Callable[[], object]) -> None:
    aside, gate = Aside(), Gate()

    def work() -> None:
        gate.work()
        ends()

    given_up = asyncio.create_task(aside.do(1, work))
    await gate.begun.acquire()
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    after = asyncio.create_task(aside.do(1, lambda: gate.done))
    gate.open.release()
    assert await after == 1


async def test_sites_have_their_turns_one_after_the_other() -> None:
    aside, gate, order = Aside(), Gate(), list[str]()
    first = asyncio.create_task(aside.do(1, gate.work))
    await gate.begun.acquire()
    pieces = [(site, f"{site}{number}") for site in (1, 2, 3) for number in range(3)]
    waiting = [asyncio.create_task(aside.do(site, partial(order.append, name))) for site, name in pieces]
    await asyncio.sleep(0)  # all of them wait
    gate.open.release()
    await asyncio.gather(first, *waiting)
    assert order == ["10", "20", "30", "11", "21", "31", "12", "22", "32"]


async def test_one_site_leaves_places_to_the_others_and_all_have_so_many() -> None:
    aside, gate = Aside(), Gate()
    tasks = [asyncio.create_task(aside.do(number // MOST_OF_ONE, gate.work)) for number in range(MOST)]
    await gate.begun.acquire()
    with pytest.raises(Refusal):
        await aside.do(MOST, gate.work)
    gate.open.release(MOST)
    assert len(await asyncio.gather(*tasks)) == MOST
    assert await aside.do(MOST, lambda: 1) == 1


async def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    aside, gate = Aside(), Gate()
    first, second = (asyncio.create_task(aside.do(1, gate.work)) for _ in range(2))
    await gate.begun.acquire()
    second.cancel()
    gate.open.release()
    assert await first == 1
    assert await aside.do(1, lambda: gate.done) == 1
