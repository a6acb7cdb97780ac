"""Work that takes a while, done beside the event loop one piece at a time: events must not wait for it."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from clarion.contract.errors import unavailable

MOST_WAITING: Final = 8

T = TypeVar("T")


class Aside:
    """Does pieces of work in a thread, in their order."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._tasks: set[asyncio.Task[object]] = set()

    async def do(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises. Raises Refusal (503) when too many wait already.

        A piece that has begun is seen to its end, also when nobody waits for it any more: the next one must not run beside it.
        """
        if self._waiting >= MOST_WAITING:
            raise unavailable(1)
        self._waiting += 1
        task = asyncio.create_task(self._in_turn(work))
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    async def _in_turn(self, work: Callable[[], T]) -> T:
        async with self._turn:
            return await asyncio.to_thread(work)

    def _done(self, task: asyncio.Task[object]) -> None:
        self._waiting -= 1
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever asked may have gone; then it is nobody's
