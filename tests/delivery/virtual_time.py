"""An event loop whose time is a number: where nothing is to be done it jumps to the next timer, so hours pass at once."""

import asyncio
import selectors

from clarion.clock import SECOND

from .outbox import START


class _Jumps(selectors.DefaultSelector):
    """Never waits: the loop's time moves on instead."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("everybody waits for somebody else")
        if not ready and timeout is not None:
            self.passed += max(timeout, 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """For `asyncio.Runner(loop_factory=VirtualLoop)`."""

    def __init__(self) -> None:
        self._jumps = _Jumps()
        super().__init__(self._jumps)

    def time(self) -> float:
        return self._jumps.passed


def virtual_clock() -> int:
    """UTC microseconds of the running VirtualLoop."""
    return START + round(asyncio.get_running_loop().time() * SECOND)
