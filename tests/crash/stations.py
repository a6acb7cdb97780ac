"""A shop served by two nodes with all roles, each on a host of its own, with the database on a third."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from tests.crash.hosts import Host, Network
from tests.crash.load import Load
from tests.crash.places import PostgresPlace
from tests.crash.process import Process
from tests.crash.tally import Tally
from tests.crash.wire import Wire
from tests.server.client import Client, Response, request

_SAID = re.compile(r"this node\s+node=(\w+)")
_BROKEN = (ConnectionError, TimeoutError, asyncio.IncompleteReadError)


@dataclass
class Station:
    """A host with its node, and the door by which clients get there from the loopback, as through a balancer: `process.port` is the door's.

    A door that is shut sends its clients to another one.
    """

    host: Host
    process: Process
    port: int
    """Where the node listens, on its host."""
    door: Wire
    node: str
    """Id of the node."""
    is_open: bool = True
    answers: list[Response] = field(default_factory=list)
    """What `asking` was answered."""
    answered: Tally = field(default_factory=Tally)
    """How often it was."""

    def shut(self) -> None:
        """Its clients are to go elsewhere."""
        self.is_open = False
        self.door.cut()

    def open(self) -> None:
        """They may come again."""
        self.door.mend()
        self.is_open = True

    async def connect(self) -> Client:
        """A connection from this machine straight to the node."""
        return await Client.connect(self.host.front, self.port)

    async def says(self, path: str) -> int:
        """The status that the node answers to whoever looks after it."""
        client = await self.connect()
        try:
            return (await client.ask(request("GET", path))).status
        finally:
            client.close()

    @asynccontextmanager
    async def asking(self, load: Load, every: int) -> AsyncIterator[None]:
        """Until the end of the block, send one order after the other straight to the node, and keep the answers.

        Between two, so many others have to be acknowledged, whoever does that.
        """
        task = asyncio.create_task(self._ask_on(load, every))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _ask_on(self, load: Load, every: int) -> None:
        while True:
            client = await self.connect()
            try:
                while True:
                    self.answers.append(await load.post(client))
                    self.answered.add()
                    await load.acknowledgements.reach(load.acknowledgements.value + every)
            except _BROKEN:
                pass  # asked anew, on another connection
            finally:
                client.close()


class Stations:
    """Both of them."""

    def __init__(self, one: Station, other: Station) -> None:
        self.one, self.other = one, other

    def other_than(self, station: Station) -> Station:
        return self.other if station is self.one else self.one

    def ports(self) -> list[int]:
        """The doors that are open."""
        return [station.process.port for station in (self.one, self.other) if station.is_open]

    async def stop(self) -> None:
        """End both as a supervisor does; each has to end well."""
        for station in (self.one, self.other):
            await station.process.stop()


@asynccontextmanager
async def serving(place: PostgresPlace, network: Network) -> AsyncIterator[Stations]:
    """Both nodes until the end of the block."""
    async with AsyncExitStack() as stack:
        yield Stations(*[await stack.enter_async_context(_station(place, network, host)) for host in (network.one, network.other)])


@asynccontextmanager
async def _station(place: PostgresPlace, network: Network, host: Host) -> AsyncIterator[Station]:
    url = place.url.replace(network.database.front, network.database.back)
    settings = {"CLARION_DATABASE_URL": url, "CLARION_HOST": host.front}
    process = await Process.start(place.data, log=place.data / f"{host.name}.log", settings=settings, within=host.within)
    try:
        assert await process.listens(), process.log()
        said = _SAID.search(process.log())
        assert said, process.log()
        port = process.port
        async with Wire.to(f"http://{host.front}:{port}") as (door, _):
            process.port = door.port
            yield Station(host, process, port, door, said[1])
    finally:
        if not process.ended:
            process.signal(signal.SIGKILL)
            await process.end()
