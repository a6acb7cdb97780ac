"""Many nodes on one PostgreSQL database: the processes that an operator would start on several machines."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it carries no types
from tests.e2e.server import CLARION, LISTENING, Listener, command, environment

LOST = "another owner has this partition now; nothing more is written here"
"""What an engine logs whose write was refused because another has the partition."""


class Peer(Listener):
    """One node: a process with roles."""

    def __init__(self, cluster: "Cluster", roles: str) -> None:
        self._cluster, self.roles = cluster, roles
        self._log = cluster.data / f"{len(cluster.peers)}-{roles}.log"
        self._process: subprocess.Popen[str] | None = None
        self.port, self.key = 0, cluster.key
        cluster.peers.append(self)

    def start(self) -> None:
        """Begin to start it."""
        arguments: list[str | Path] = [CLARION, "serve", "--data", self._cluster.data, "--port", "0", "--roles", self.roles]
        with self._log.open("a") as log:
            self._process = subprocess.Popen(arguments, env=self._cluster.environment, stdout=subprocess.PIPE, stderr=log, text=True)

    def listens(self) -> None:
        """Wait until it does."""
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith(LISTENING), (line, self._log.read_text())
        self.port = int(line.rpartition(":")[2])

    @property
    def runs(self) -> bool:
        return self._process is not None

    @property
    def id(self) -> str:
        """The node's id, as it says itself; of its last start."""
        return str(next(line["node"] for line in reversed(self.log) if line["event"] == "this node"))

    @property
    def log(self) -> list[dict[str, Any]]:
        """What it wrote."""
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def told(self, event: str) -> int:
        """How often it logged this."""
        return sum(line["event"] == event for line in self.log)

    def send(self, number: signal.Signals) -> None:
        """Send a signal; returns at once."""
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        self._process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it, and wait until it has ended as it should."""
        self.send(number)
        self.ended(number)

    def ended(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Wait until it has ended by a signal that was sent, as it should."""
        process, self._process = self._process, None
        assert process is not None
        with process:
            code = process.wait(30)
        assert code == (os.EX_OK if number == signal.SIGTERM else -number), self._log.read_text()
        assert "Traceback" not in self._log.read_text(), self._log.read_text()


class Cluster:
    """A database, and the nodes that were started on it."""

    def __init__(self, data: Path, url: str, settings: Mapping[str, str]) -> None:
        self.data, self.url = data, url
        self.environment = environment({"CLARION_DATABASE_URL": url, "CLARION_LOG_FORMAT": "json", **settings})
        self.peers: list[Peer] = []
        self.key: str = command("init", "--data", data, variables=self.environment)["key"]
        """With all scopes."""

    async def run(self, *arguments: object) -> Any:
        """Run a command on the cluster's data directory; returns what it printed."""
        return await asyncio.to_thread(command, *arguments, "--data", self.data, variables=self.environment)

    def running(self, role: str) -> list[Peer]:
        """The nodes that run and have a role."""
        return [peer for peer in self.peers if peer.runs and role in peer.roles]

    def start(self, *roles: str) -> list[Peer]:
        """Start a node with each of these roles (`api`, or `engine,delivery`); returns once all listen."""
        peers = [Peer(self, each) for each in roles]
        for peer in peers:
            peer.start()
        for peer in peers:
            peer.listens()
        return peers

    def stop(self) -> None:
        """End what runs."""
        for peer in self.peers:
            if peer.runs:
                peer.end()

    def kill(self) -> None:
        """End what runs, at once."""
        for peer in self.peers:
            if peer.runs:
                peer.end(signal.SIGKILL)

    async def look(self, sql: str, *arguments: object) -> list[Any]:
        """Rows of a query: what is looked at is read by plain SQL, not through the code under test."""
        connection = await asyncpg.connect(self.url)
        try:
            return list(await connection.fetch(sql, *arguments))
        finally:
            await connection.close()

    async def owned(self) -> dict[str, int]:
        """By node: how many partitions it owns; those that nobody has stand under the empty string."""
        rows = await self.look("SELECT coalesce(owner, '') AS node, count(*) AS count FROM partitions GROUP BY 1")
        return {row["node"]: row["count"] for row in rows}

    async def is_spread(self, *engines: Peer) -> bool:
        """Whether these have everything, as evenly as can be."""
        owned = await self.owned()
        return owned.keys() == {peer.id for peer in engines} and max(owned.values()) - min(owned.values()) <= 1


@contextmanager
def clustered(data: Path, url: str, **settings: str) -> Iterator[Cluster]:
    """A cluster without nodes yet; those that are started end with the block, and end well. Settings are variables without their prefix."""
    with ExitStack() as stack:
        cluster = Cluster(data, url, {f"CLARION_{name.upper()}": value for name, value in settings.items()})
        stack.callback(cluster.kill)
        yield cluster
        cluster.stop()
