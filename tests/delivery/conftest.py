"""Both event loops, and clients that may reach this machine."""

import asyncio
import random
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest
import uvloop

from clarion.clock import Clock, wall_clock
from clarion.delivery.guard import Guard, PushAllowList
from clarion.delivery.http1 import HttpClient
from clarion.delivery.limits import HostLimits
from clarion.delivery.worker import DeliveryWorker

from .authority import Authority
from .outbox import SECRET, FakeClock, FakeKeys, FakeOutbox


@pytest.hookimpl(optionalhook=True)  # older releases of pytest-asyncio run on one loop only
def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every test with a loop runs on both: transports differ in what they promise."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


Build = Callable[..., HttpClient]


class Post:
    """A worker with its outbox, clock, keys and client."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        guard: Guard | None = None,
        per_host: int = 32,
        batch: int = 256,
        max_unreported: int = 8192,
        http2_tls: ssl.SSLContext | None = None,
    ) -> None:
        self.outbox = FakeOutbox()
        self.keys = FakeKeys()
        self.secret = "whsec_" + b64encode(SECRET).decode()
        self._moved = FakeClock()
        self.now = clock or self._moved
        self._client = HttpClient(guard or Guard(dangerous_allow_private_targets=True), http2_tls=http2_tls)
        self.worker = DeliveryWorker(
            self.outbox,
            self.keys,
            self._client,
            self.now,
            random.Random(1),
            allow=PushAllowList(dangerous_allow_private_targets=True),
            limits=HostLimits(per_host=per_host),
            batch=batch,
            max_unreported=max_unreported,
            store_backoff=(0.001, 0.01),
        )

    async def start(self) -> None:
        await self.worker.start()

    def move_to(self, now: int) -> None:
        """Set the clock and let the worker look."""
        self._moved.now = now
        self.worker.wake()

    async def idle(self) -> None:
        """Until the worker has looked at the outbox once more, and at what came of that."""
        claims = self.outbox.claims
        self.worker.wake()
        await self.outbox.until(lambda: self.outbox.claims > claims)

    async def __aenter__(self) -> "Post":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.outbox.gate.set()
        self.outbox.down = False
        await self.worker.stop(grace=0.5)
        await self._client.close()


@pytest.fixture
def build_post() -> type[Post]:
    return Post


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    """A worker that may reach this machine, with a clock that stands still."""
    async with Post() as made:
        yield made


@pytest.fixture
async def post_http2(authority: Authority) -> AsyncIterator[Post]:
    """The same, for services of the tests' authority that speak HTTP/2."""
    async with Post(http2_tls=authority.client()) as made:
        yield made


@pytest.fixture
async def guarded() -> AsyncIterator[Post]:
    """A worker that may reach the public Internet only."""
    async with Post(guard=Guard()) as made:
        yield made


@pytest.fixture
async def live() -> AsyncIterator[Post]:
    """A worker on the machine's clock."""
    async with Post(clock=wall_clock) as made:
        yield made


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
