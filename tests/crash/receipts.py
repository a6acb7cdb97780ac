"""People who look at what they were pushed, and what is known of the receipts that say so."""

import asyncio
import json
from typing import Final

from tests.crash.tally import Tally
from tests.server.client import Client, Response, request

_BROKEN: Final = (ConnectionError, asyncio.IncompleteReadError)
_CLICKING: Final = "01234567"
"""First digits of the deliveries that are clicked, and looked at again: half of them."""

Receipt = tuple[str, str]
"""(delivery, event)."""


def fate_unknown(answer: Response) -> bool:
    """Whether a server says that it cannot know what became of a request, for the database was away for too long."""
    return answer.status == 503 and "Whether it was kept is not known." in answer.body.decode()


class Readers:
    """Every copy that a browser shows is viewed, and of half the deliveries clicked and viewed again.

    What was under way when the server died is told anew, and so is everything about a push that came again: it counts once.
    """

    def __init__(self, key: str, shown: asyncio.Queue[str]) -> None:
        """`shown`: the deliveries that browsers show, as they come."""
        self._key, self._shown = key, shown
        self.told: dict[Receipt, list[str]] = {}
        """What became of each attempt: `counted`, `again` (counted before), `refused`, or `unknown`: never answered."""
        self.looked = Tally()

    @property
    def behind(self) -> int:
        """How much is shown that nobody has looked at."""
        return self._shown.qsize()

    async def look(self, port: int, stop: asyncio.Event) -> None:
        """Look at what comes until told to stop, or until the server is gone."""
        try:
            client = await Client.connect("127.0.0.1", port)
        except ConnectionError:
            return
        while (delivery := await self._next(stop)) is not None:
            try:
                await self._read(client, delivery)
            except (*_BROKEN, TimeoutError):
                self._shown.put_nowait(delivery)
                break
        client.close()

    async def catch_up(self, port: int) -> None:
        """Look at all that was shown and not looked at yet."""
        client = await Client.connect("127.0.0.1", port)
        while not self._shown.empty():
            await self._read(client, self._shown.get_nowait())
        client.close()

    async def _next(self, stop: asyncio.Event) -> str | None:
        """The next delivery that is shown; None to stop."""
        coming, stopping = asyncio.ensure_future(self._shown.get()), asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({coming, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return coming.result() if coming.done() else None
        finally:
            coming.cancel()
            stopping.cancel()

    async def _read(self, client: Client, delivery: str) -> None:
        for event in ("viewed", "clicked", "viewed") if delivery[0] in _CLICKING else ("viewed",):
            await self._tell(client, delivery, event)
        self.looked.add()

    async def _tell(self, client: Client, delivery: str, event: str) -> None:
        fates = self.told.setdefault((delivery, event), [])
        fates.append("unknown")
        headers = (f"Api-Key: {self._key}", "Content-Type: application/json")
        body = json.dumps({"event": event}).encode()
        answer = await client.ask(request("POST", f"/api/v1/deliveries/{delivery}/receipts", body, *headers))
        assert answer.status in {200, 503}, answer
        if fate_unknown(answer):
            return
        fates[-1] = "refused" if answer.status == 503 else "counted" if answer.json["data"]["counted"] else "again"
