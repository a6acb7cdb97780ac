"""A count that can be waited for."""

import asyncio


class Tally:
    """Grows; whoever waits for a number is told when it is reached."""

    def __init__(self) -> None:
        self.value = 0
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    def add(self, more: int = 1) -> None:
        self.value += more
        for number, reached in self._waiting:
            if number <= self.value and not reached.done():
                reached.set_result(None)
        self._waiting = [(number, reached) for number, reached in self._waiting if not reached.done()]

    async def reach(self, number: int) -> None:
        """Wait until the count is at least `number`."""
        if self.value < number:
            reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((number, reached))
            await reached
