"""One server for all tests that only add to it, and servers of a test's own for those that end or configure one."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.e2e.server import Api, Server, serving
from tests.server.client import Client

Start = Callable[..., Server]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that tests share: each uses names of its own."""
    with serving(tmp_path_factory.mktemp("server") / "data") as running:
        yield running


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a server of the test's own: `start(rate_limit_per_second="5")`."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(serving(tmp_path / "data", **settings))


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
