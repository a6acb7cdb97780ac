"""One server for all tests that only add to it, and servers of a test's own for those that end or configure one."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.e2e.engines import ENGINES, database
from tests.e2e.server import Api, Server, serving
from tests.server.client import Client

Start = Callable[..., Server]


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Which engine the stores of the test's servers have."""
    return str(request.param)


@pytest.fixture(scope="session")
def server(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that tests share: each uses names of its own. It is as an operator has it who sets nothing but the database."""
    with database(engine, None) as where, serving(tmp_path_factory.mktemp("server") / "data", **where) as running:
        yield running


@pytest.fixture
def start(engine: str, tmp_path: Path) -> Iterator[Start]:
    """Start a server of the test's own: `start(rate_limit_per_second="5")`."""
    with database(engine) as where, ExitStack() as stack:
        yield lambda **settings: stack.enter_context(serving(tmp_path / "data", **where, **settings))


@pytest.fixture
async def api(server: Server) -> AsyncIterator[Api]:
    """A client of the shared server with the key that has all scopes."""
    async with server.api() as api:
        yield api


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    """A bare connection to the shared server."""
    async with server.connect() as client:
        yield client
