"""Where webhooks and pushes arrive: every copy is remembered by the id that it carries."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.crash.orders import DECLINED, PROFILES, device
from tests.crash.tally import Tally
from tests.delivery.browser import Browser
from tests.delivery.receiver import OK, Received, receiving

from clarion.domain.ids import delivery_id

LOOPBACK = "127.0.0.1"
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
_BAD = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"
_CREATED = b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n"


class Sink:
    """A receiver of webhooks at `/hook`, one that refuses them all, and the push service of one browser for each profile at `/push/N`."""

    def __init__(self, failing: float) -> None:
        self._failing = failing
        self.browsers = [Browser.new() for _ in range(PROFILES)]
        self.arrived: dict[str, list[str]] = {}
        """By effect id: the content of each copy."""
        self.arrivals = Tally()
        self.shown: asyncio.Queue[str] = asyncio.Queue()
        """The delivery of each copy of a push that was taken, as they came."""
        self.url = ""
        self.forget: Callable[[], object] = list
        """Empties the receiver's own record, which a long test has no use for."""
        self._wanted: set[str] = set()
        self._complete = asyncio.Event()

    @property
    def repeats(self) -> int:
        """How many copies came beyond the first of each."""
        return self.arrivals.value - len(self.arrived)

    def endpoint(self, profile: int) -> str:
        """Where the pushes of a profile's browser go."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}/push/{profile}"

    async def has(self, effects: Iterable[str], within: float) -> None:
        """Wait until each of these has come at least once; raises TimeoutError after `within` seconds."""
        self._wanted = set(effects) - self.arrived.keys()
        self._complete.clear()
        if self._wanted:
            async with asyncio.timeout(within):
                await self._complete.wait()

    async def answer(self, request: Received, writer: asyncio.StreamWriter) -> None:
        """Remember, then answer: what is answered was remembered."""
        if request.path.startswith("/push/"):
            message = json.loads(self.browsers[int(request.path.rpartition("/")[2])].read(request.body))
            effect, content = message["id"], message["message"]
        else:
            effect, content = request.header("webhook-id") or "", request.body.decode()
        self.forget()
        self.arrived.setdefault(effect, []).append(content)
        self.arrivals.add()
        self._wanted.discard(effect)
        if not self._wanted:
            self._complete.set()
        if len(self.arrived[effect]) == 1 and int(effect[:8], 16) < self._failing * 2**32:
            writer.write(_BUSY)
            return
        if request.path.startswith("/push/"):
            self.shown.put_nowait(delivery_id(effect, device(f"customer-{request.path.rpartition('/')[2]}")))
            writer.write(_CREATED)
        else:
            writer.write(_BAD if request.path.endswith(DECLINED) else OK)


@asynccontextmanager
async def sinking(failing: float, host: str = LOOPBACK) -> AsyncIterator[Sink]:
    """A sink that is listening; `failing` is the share of effects whose first copy it answers with 503.

    Where `host` is not the loopback, nodes have to know it as `localhost`: by http, pushes go nowhere else.
    """
    sink = Sink(failing)
    async with receiving(sink.answer, host=host) as receiver:
        sink.url = receiver.url if host == LOOPBACK else receiver.url.replace(host, "localhost")
        sink.forget = receiver.requests.clear
        yield sink
