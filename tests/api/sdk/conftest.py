"""The world that the tests of `/p/v1` ask."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop
from tests.api.sdk.world import World


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """What the server runs on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Three sites, two subscribers of the first, no limits."""
    made = World()
    await made.start()
    yield made
    await made.stop()
