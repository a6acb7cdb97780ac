"""A shop served by several processes on one database, each with a network of its own to it."""

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from tests.crash.places import PostgresPlace
from tests.crash.process import Process
from tests.crash.wire import Wire

ROLES = ("api", "api", "api", "engine", "engine", "engine", "delivery", "delivery")


@dataclass
class Node:
    """One place for a process, which may be started there again and again."""

    roles: str
    wire: Wire
    url: str
    process: Process


class Nodes:
    """One process for each of `roles`: of eight, three take requests, three own partitions, two deliver."""

    def __init__(self, place: PostgresPlace, stack: AsyncExitStack, roles: Sequence[str] = ROLES) -> None:
        self._place, self._stack, self._roles = place, stack, roles
        self._numbers = itertools.count(1)
        self.all: list[Node] = []

    def __iter__(self) -> Iterator[Node]:
        return iter(self.all)

    def ports(self) -> list[int]:
        """Of those that take requests and live."""
        return [node.process.port for node in self.all if node.roles == "api" and not node.process.ended and node.process.port]

    def of(self, *roles: str) -> list[Node]:
        """Those with one of these roles."""
        return [node for node in self.all if node.roles in roles]

    async def start(self) -> None:
        """Start them all."""
        for roles in self._roles:
            wire, url = await self._stack.enter_async_context(Wire.to(self._place.url))
            self.all.append(Node(roles, wire, url, await self._process(roles, url)))
        await asyncio.gather(*(self._listening(node) for node in self.all))

    async def kill(self, node: Node) -> None:
        """kill -9, and another process in its place."""
        await node.process.kill()
        await self.restart(node)

    async def restart(self, node: Node) -> None:
        """Start a process where one has ended."""
        node.process = await self._process(node.roles, node.url)
        await self._listening(node)

    async def stop(self) -> None:
        """End them all as a supervisor does, those that take requests first; each has to end well."""
        for node in self.all:
            await node.process.stop()

    async def abandon(self) -> None:
        """Kill whatever is left."""
        for node in self.all:
            if not node.process.ended:
                node.process.signal(signal.SIGCONT)
                node.process.signal(signal.SIGKILL)
                await node.process.end()

    def log(self) -> str:
        """What they wrote to standard error."""
        files = sorted(self._place.data.glob("node-*.log"))
        return "\n".join(f"== {file.name}\n{file.read_text()[-2_000:]}" for file in files if file.stat().st_size)

    def said(self, words: str) -> int:
        """How often a line of theirs had these words."""
        return sum(file.read_text().count(words) for file in self._place.data.glob("node-*.log"))

    async def _process(self, roles: str, url: str) -> Process:
        log = self._place.data / f"node-{next(self._numbers):03}-{roles}.log"
        return await Process.start(self._place.data, log=log, settings={"CLARION_DATABASE_URL": url}, roles=roles)

    @staticmethod
    async def _listening(node: Node) -> None:
        assert await node.process.listens(), node.process.log()


@asynccontextmanager
async def serving(place: PostgresPlace, roles: Sequence[str] = ROLES) -> AsyncIterator[Nodes]:
    """All nodes until the end of the block."""
    async with AsyncExitStack() as stack:
        nodes = Nodes(place, stack, roles)
        try:
            await nodes.start()
            yield nodes
        finally:
            await nodes.abandon()
