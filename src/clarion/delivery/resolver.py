"""Names to addresses, with a small cache."""

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from clarion.delivery.errors import ConnectFailed

Lookup = Callable[[str], Awaitable[tuple[str, ...]]]
"""Resolves a name to addresses as canonical text, in the order to try them; raises OSError or UnicodeError."""

MAX_ADDRESSES: Final = 8
"""Tried for one name at most."""
_THREADS: Final = 16


class Resolver:
    """Resolves names through the machine's own resolver, each name once at a time.

    It has threads of its own: the event loop's few would let a handful of dead name servers hold up every other name.
    """

    def __init__(self, *, ttl: float = 30.0, failed_ttl: float = 5.0, capacity: int = 2048, lookup: Lookup | None = None) -> None:
        """Seconds that an answer, or its failure, is kept; how many names are; `lookup` replaces the machine's resolver."""
        self._ttl = ttl
        self._failed_ttl = failed_ttl
        self._capacity = capacity
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolve") if lookup is None else None
        self._lookup = lookup or self._getaddrinfo
        self._known: OrderedDict[str, tuple[float, tuple[str, ...]]] = OrderedDict()
        self._running: dict[str, asyncio.Task[tuple[str, ...]]] = {}

    async def resolve(self, host: str) -> tuple[str, ...]:
        """Addresses of a name. Raises ConnectFailed when there are none."""
        known = self._known.get(host)
        if known is not None and known[0] > asyncio.get_running_loop().time():
            addresses = known[1]
        else:
            task = self._running.get(host)
            if task is None:
                task = self._running[host] = asyncio.create_task(self._find(host))
            # shielded: the one that gives up must not take the answer from those who still wait
            addresses = await asyncio.shield(task)
        if not addresses:
            raise ConnectFailed("the host's name does not resolve")
        return addresses

    async def close(self) -> None:
        """End what is under way; threads that are inside the machine's resolver end when it answers."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def _find(self, host: str) -> tuple[str, ...]:
        try:
            try:
                addresses = (await self._lookup(host))[:MAX_ADDRESSES]
            except (OSError, UnicodeError):
                addresses = ()
            until = asyncio.get_running_loop().time() + (self._ttl if addresses else self._failed_ttl)
            self._known[host] = (until, addresses)
            self._known.move_to_end(host)
            if len(self._known) > self._capacity:
                self._known.popitem(last=False)
            return addresses
        finally:
            del self._running[host]

    async def _getaddrinfo(self, host: str) -> tuple[str, ...]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _getaddrinfo, host)


def _getaddrinfo(host: str) -> tuple[str, ...]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    # a scoped v6 address has a zone id in its text, which the guard refuses
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
