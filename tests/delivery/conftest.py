"""Both event loops, and clients that may reach this machine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest
import uvloop

from clarion.delivery.guard import Guard
from clarion.delivery.http1 import HttpClient

from .authority import Authority


@pytest.fixture(scope="session", params=[asyncio.DefaultEventLoopPolicy, uvloop.EventLoopPolicy], ids=["asyncio", "uvloop"])
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    """Every test with a loop runs on both: transports differ in what they promise."""
    policy = request.param()
    assert isinstance(policy, asyncio.AbstractEventLoopPolicy)
    return policy


Build = Callable[..., HttpClient]


@pytest.fixture
async def build() -> AsyncIterator[Build]:
    """Makes clients that may reach this machine, and closes them."""
    async with AsyncExitStack() as stack:

        def make(**options: object) -> HttpClient:
            guard = options.pop("guard", None) or Guard(dangerous_allow_private_targets=True)
            client = HttpClient(guard, **options)  # type: ignore[arg-type]  # each test names its options
            stack.push_async_callback(client.close)
            return client

        yield make


@pytest.fixture
def client(build: Build) -> HttpClient:
    return build()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))
