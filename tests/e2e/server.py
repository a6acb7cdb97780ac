"""A real server: the command that an operator starts, on a port of its own, and a client that speaks to it over real sockets."""

import asyncio
import json
import os
import signal
import subprocess
import sysconfig
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import uuid4

from tests.server.client import Client, Response, request

CLARION: Final = Path(sysconfig.get_path("scripts")) / "clarion"
PATIENCE: Final = 15.0
"""Seconds after which a test has failed; none waits for them to pass."""
LISTENING: Final = "Clarion is listening on "

Seen = TypeVar("Seen")


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without its settings and proxies, with receivers on loopback allowed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLARION_") and not name.lower().endswith("_proxy")}
    return {**kept, "CLARION_DANGEROUS_ALLOW_PRIVATE_TARGETS": "true", **settings}


def command(*arguments: object, variables: Mapping[str, str] | None = None) -> Any:
    """Run `clarion … --json` to its end, with these variables or none of ours; returns what it printed."""
    given = environment({}) if variables is None else variables
    done = subprocess.run([CLARION, *map(str, arguments), "--json"], env=given, capture_output=True, timeout=60, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Listener:
    """Takes requests on a port of loopback."""

    port: int
    key: str
    """An API key with all scopes."""

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Client]:
        """A connection of its own for the block."""
        client = await Client.connect("127.0.0.1", self.port)
        try:
            yield client
        finally:
            client.close()

    @asynccontextmanager
    async def api(self, key: str | None = None) -> AsyncIterator["Api"]:
        """A backend of a shop on a connection of its own; without a key it has the one with all scopes."""
        async with self.connect() as client:
            yield Api(client, key or self.key)


class Server(Listener):
    """A data directory and the process that serves it."""

    def __init__(self, data: Path, settings: Mapping[str, str]) -> None:
        self.data = data
        self.environment = environment(settings)
        """The variables of whatever works on it."""
        made = command("init", "--data", data, variables=self.environment)
        self.key = made["key"]
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, port: int = 0) -> None:
        """Start the process, on a port of its choice unless told; returns as soon as it says that it listens."""
        with (self.data / "server.log").open("a") as log:
            arguments: list[str | Path] = [CLARION, "serve", "--data", self.data, "--port", str(port)]
            self._process = subprocess.Popen(arguments, env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith(LISTENING), (line, self.log())
        self.port = int(line.rpartition(":")[2])

    def stop(self) -> None:
        """End the process as a supervisor does; it has to end well, and nothing may have broken inside while it ran."""
        assert self._end(signal.SIGTERM) == 0, self.log()
        assert "Traceback" not in self.log(), self.log()

    def kill(self) -> None:
        """End the process as a power cut does."""
        assert self._end(signal.SIGKILL) == -signal.SIGKILL

    def died(self) -> None:
        """The process has ended as by a power cut, by itself: at the fault that its variables name."""
        process, self._process = self._process, None
        assert process is not None
        with process:
            assert process.wait(30) == -signal.SIGKILL, self.log()

    def _end(self, how: signal.Signals) -> int:
        process, self._process = self._process, None
        assert process is not None
        assert process.poll() is None, f"the server has ended by itself: {self.log()}"
        process.send_signal(how)
        with process:
            return process.wait(30)

    @property
    def running(self) -> bool:
        return self._process is not None

    def log(self) -> str:
        """What the process wrote to standard error."""
        return (self.data / "server.log").read_text()

    async def run(self, *arguments: object) -> Any:
        """Run a command of another process on the same data directory; returns what it printed."""
        return await asyncio.to_thread(command, *arguments, "--data", self.data, variables=self.environment)

    async def apply(self, document: str | Mapping[str, Any]) -> None:
        """Publish a workflow with the command."""
        file = self.data / f"{uuid4().hex}.yaml"
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        await self.run("workflows", "apply", file)


@contextmanager
def serving(data: Path, **settings: str) -> Iterator[Server]:
    """A server that runs until the end of the block, unless it is stopped there; settings are its variables, without their prefix.

    Tests that wait for something look again and again: unless they say otherwise, `/p/v1` lets one address and one subscriber do so.
    """
    given = {"sdk_rate_per_address": "0", "sdk_rate_per_subscriber": "0", **settings}
    server = Server(data, {f"CLARION_{name.upper()}": value for name, value in given.items()})
    server.start()
    try:
        yield server
    except BaseException:
        if server.running:
            server.kill()
        raise
    if server.running:
        server.stop()


class Api:
    """A shop's backend: one connection that is kept open, and an API key."""

    def __init__(self, client: Client, key: str) -> None:
        self._client = client
        self._key = key

    async def ask(self, method: str, path: str, body: object = None, *headers: str, content_type: str = "application/json") -> Response:
        """Send a request; `body` is bytes, or goes out as JSON."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        lines = (f"Api-Key: {self._key}", f"Content-Type: {content_type}", *headers)
        return await self._client.ask(request(method, f"/api/v1{path}", raw, *lines))

    async def track(self, event_name: str, *headers: str, **fields: object) -> Response:
        """Post an event as it is, about the profile `p` unless somebody else is named."""
        whom = {} if {"profile_id", "device_token_hash"} & fields.keys() else {"profile_id": "p"}
        return await self.ask("POST", "/events", {"event_name": event_name, **whom, **fields}, *headers)

    async def accept(self, event_name: str, **fields: object) -> None:
        """Post an event, which has to be taken."""
        answer = await self.track(event_name, **fields)
        assert answer.status == 200, answer

    async def get(self, path: str) -> Any:
        """The data of an answer; None for a 404."""
        answer = await self.ask("GET", path)
        assert answer.status in {200, 404}, answer
        return None if answer.status == 404 else answer.json["data"]

    async def profile(self, profile_id: str) -> Any:
        """A profile with all that belongs to it; None while there is none."""
        return await self.get(f"/profiles/{profile_id}")

    async def profile_when(self, profile_id: str, holds: Callable[[Any], object]) -> Any:
        """The profile as soon as there is one for which `holds`."""
        return await eventually(lambda: self.profile(profile_id), lambda seen: seen is not None and holds(seen))

    async def verdict(self, profile_id: str, workflow: str, event_name: str) -> Any:
        """The newest thing that an event of this name meant to a workflow, of those that were accepted before this call."""
        await self.place(profile_id)
        profile = await self.profile(profile_id)
        histories = [line["explanation"] for line in profile["explanations"] if line["explanation"]["name"] == event_name]
        return next(verdict for history in histories for verdict in history.get("verdicts", []) if verdict["workflow"] == workflow)

    async def place(self, *people: str, device: str | None = None) -> str:
        """Where the log stands once it has taken everything about these profiles, or `p`, and this subscriber that was accepted before.

        A cursor. Others may be in other partitions, which take what is theirs at their own pace.
        """
        markers = await self._mark(people, device)

        async def newest() -> Any:
            return await self.get("/log?limit=200")

        seen = await eventually(newest, lambda page: markers <= {one["event_name"] for one in page["events"]})
        return str(seen["cursor"])

    async def events_since(self, place: str, *people: str, device: str | None = None) -> list[Any]:
        """What the log took after `place`; of what was accepted about these profiles, or `p`, and this subscriber before, all."""
        markers = await self._mark(people, device)
        events: list[Any] = []

        async def read_on() -> list[int]:
            nonlocal place
            page = await self.get(f"/log?after={place}&limit=1000")
            place = page["cursor"]
            events.extend(page["events"])
            return [at for at, one in enumerate(events) if one["event_name"] in markers]

        marked = await eventually(read_on, lambda found: len(found) == len(markers))
        return [one for at, one in enumerate(events[: marked[-1]]) if at not in marked]

    async def _mark(self, people: Sequence[str], device: str | None) -> set[str]:
        """Events that stand in the log behind everything that was accepted about somebody before; what runs do may stand behind them."""
        about = [{"profile_id": person} for person in people or ("p",)]
        if device is not None:
            about = [{"device_token_hash": device}] + (about if people else [])
        markers = [unique("marker") for _ in about]
        for marker, whom in zip(markers, about, strict=True):
            await self.accept(marker, **whom)
        return set(markers)


def unique(name: str) -> str:
    """A name that nothing else on the server has."""
    return f"{name}-{uuid4().hex[:12]}"


async def eventually(look: Callable[[], Awaitable[Seen]], holds: Callable[[Seen], object], within: float = PATIENCE) -> Seen:
    """Look again and again until it holds; each look is a round trip to the server, so nothing sleeps here."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        seen = await look()
        if holds(seen):
            return seen
        assert loop.time() < deadline, f"not within {within} s: {seen}"
