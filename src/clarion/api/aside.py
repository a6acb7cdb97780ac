"""Work that takes a while, done beside the event loop one piece at a time: events must not wait for it, nor one site for another."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from clarion.contract.errors import unavailable

MOST_OF_ONE: Final = 8
"""Pieces of one site that may be there, under way or waiting."""
MOST: Final = 64
"""Of all sites."""

T = TypeVar("T")


class Aside:
    """Does pieces of work in a thread: those of one site in their order, those of several sites by turns."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[int, deque[Callable[[], None]]] = OrderedDict()
        """By site, the one whose turn it is first."""
        self._held: dict[int, int] = {}
        """Places by site."""
        self._task: asyncio.Task[None] | None = None

    async def do(self, site: int, work: Callable[[], T]) -> T:
        """What `work` returns or raises. Raises Refusal (503) when too many wait already.

        A piece that has begun is seen to its end, also when nobody waits for it any more: the next one must not run beside it.
        """
        if self._held.get(site, 0) >= MOST_OF_ONE or sum(self._held.values()) >= MOST:
            raise unavailable(1)
        self._held[site] = self._held.get(site, 0) + 1
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(site, deque()).append(partial(_work, work, done, asyncio.get_running_loop()))
        if self._task is None:
            self._task = asyncio.create_task(self._work_off())
        return await done

    async def _work_off(self) -> None:
        while self._waiting:
            site, pieces = next(iter(self._waiting.items()))
            piece = pieces.popleft()
            if pieces:
                self._waiting.move_to_end(site)
            else:
                del self._waiting[site]
            await asyncio.to_thread(piece)
            self._let_go(site)
        self._task = None

    def _let_go(self, site: int) -> None:
        self._held[site] -= 1
        if not self._held[site]:
            del self._held[site]


def _work(work: Callable[[], T], done: asyncio.Future[T], loop: asyncio.AbstractEventLoop) -> None:
    """In the thread, unless nobody waits for it any more."""
    if done.cancelled():
        return
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001  # it is for whoever asked
        loop.call_soon_threadsafe(_fail, done, error)
    else:
        loop.call_soon_threadsafe(_succeed, done, result)


def _succeed(done: asyncio.Future[T], result: T) -> None:
    if not done.done():  # else whoever asked has gone
        done.set_result(result)


def _fail(done: asyncio.Future[T], error: BaseException) -> None:
    if not done.done():
        done.set_exception(error)
