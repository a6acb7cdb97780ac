"""The server that the examples talk to, and how they are run."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.e2e.engines import ENGINES, database
from tests.e2e.server import Api, Server, serving
from tests.installed import installed

EXAMPLES = Path(__file__).parents[2] / "examples"


class Ended(NamedTuple):
    """How an example ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def interpreter(program: str) -> str:
    """Where the program is."""
    return sys.executable if program == "python3" else installed(program, "its example")


@asynccontextmanager
async def running(program: str, file: str, *arguments: str, **variables: str) -> AsyncIterator[Process]:
    """An example as a process, with these variables and none of ours; it is ended with the block."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLARION_") and not name.lower().endswith("_proxy")}
    environment: Mapping[str, str] = {**kept, **variables}
    process = await asyncio.create_subprocess_exec(
        interpreter(program), EXAMPLES / file, *arguments, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def run(program: str, file: str, *arguments: str, **variables: str) -> Ended:
    """Run an example to its end."""
    async with running(program, file, *arguments, **variables) as process, asyncio.timeout(30):
        out, err = await process.communicate()
        return Ended(await process.wait(), out.decode(), err.decode())


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Which engine the store of the server has."""
    return str(request.param)


@pytest.fixture(scope="session")
def server(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that the examples' tests share."""
    with database(engine) as where, serving(tmp_path_factory.mktemp("examples") / "data", **where) as running:
        yield running


@pytest.fixture
async def api(server: Server) -> AsyncIterator[Api]:
    """A client of that server with the key that has all scopes."""
    async with server.api() as api:
        yield api
