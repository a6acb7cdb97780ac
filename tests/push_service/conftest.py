"""A push service with a clock that stands still until a test moves it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from tests.push_service.sender_like import Sender
from tests.push_service.service import PushService, pushing

BEGIN = 1_800_000_000_000_000


@dataclass
class Clock:
    """Stands still."""

    now: int = BEGIN

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The service's."""
    return Clock()


@pytest.fixture
async def service(clock: Clock) -> AsyncIterator[PushService]:
    """A service of the test's own."""
    async with pushing(clock) as service:
        yield service


@pytest.fixture
def sender(clock: Clock) -> Sender:
    """An application server at the same time."""
    return Sender(clock.now)
