"""A server for the benchmarks on PostgreSQL: that of the tests, not synced, with few connections and little memory."""

from collections.abc import Iterator

import pytest
from bench.postgres.server import Postgres
from tests.postgres import Server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Server()
    yield Postgres(server)
    server.close()
