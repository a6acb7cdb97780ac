"""The delivery part of the store's port in memory, with a clock, keys and deliveries to go with it."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from clarion.clock import DAY, SECOND
from clarion.control.sites import new_vapid_key
from clarion.delivery.credentials import ApnsKey, FcmKey
from clarion.delivery.vapid import VapidKey
from clarion.store.port import StoreError, StoreUnavailable
from clarion.store.records.deliveries import Delivery, Report

from .browser import Browser

START = 1_760_000_000 * SECOND
SECRET = b"k" * 32
PAUSED = "paused-workflow"


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


class FakeKeys:
    """Keys of site 1; nobody else is known."""

    def __init__(self) -> None:
        private, public = new_vapid_key()
        self.key = VapidKey(private, public, "mailto:operator@shop.example")
        self.earlier: dict[int, VapidKey] = {}
        self.secrets: dict[str, str] = {}
        self.fcm_key: FcmKey | None = None
        self.apns_key: ApnsKey | None = None

    def vapid(self, site: int, number: int) -> VapidKey:
        return {1: self.earlier | {0: self.key}}[site][number]

    def fcm(self, site: int) -> FcmKey | None:
        return {1: self.fcm_key}[site]

    def apns(self, site: int) -> ApnsKey | None:
        return {1: self.apns_key}[site]

    def receipt_token(self, site: int, delivery: str, partition: int) -> str:
        return f"{partition}.{delivery}.{site:022}"

    def webhook_secret(self, site: int) -> bytes:
        return {1: SECRET}[site]

    def secret(self, site: int, name: str) -> str | None:
        return {1: self.secrets}[site].get(name)

    def paused(self, site: int, workflow: str) -> bool:
        return workflow == PAUSED


class FakeOutbox:
    """Deliveries by id, who is claimed, and every report in order."""

    def __init__(self) -> None:
        self.waiting: dict[str, Delivery] = {}
        self.claimed: set[str] = set()
        self.reports: list[Report] = []
        self.commits: list[int] = []
        self.claims = 0
        self.down = False
        self.refused: set[str] = set()
        self.gate = asyncio.Event()
        self.gate.set()
        self._changed = asyncio.Condition()

    def put(self, *deliveries: Delivery) -> None:
        self.waiting.update((delivery.id, delivery) for delivery in deliveries)

    async def claim(self, limit: int, now: int) -> tuple[list[Delivery], int | None]:
        self.claims += 1
        await self._answer()
        free = sorted((each for each in self.waiting.values() if each.id not in self.claimed), key=lambda each: (each.due, each.id))
        taken = [each for each in free if each.due <= now][:limit]
        self.claimed.update(each.id for each in taken)
        later = free[len(taken) :]
        return taken, later[0].due if later else None

    async def report(self, reports: Sequence[Report]) -> None:
        await self._answer()
        if any(report.delivery.id in self.refused for report in reports):
            raise StoreError("cannot be stored")
        self.commits.append(len(reports))
        self.reports += reports
        for report in reports:
            assert report.delivery.id in self.claimed
            self.claimed.discard(report.delivery.id)
            if report.outcome is None:
                assert report.retry_at is not None
                self.waiting[report.delivery.id] = msgspec.structs.replace(report.delivery, due=report.retry_at)
            else:
                assert report.retry_at is None
                del self.waiting[report.delivery.id]
        await self._tell()

    async def unclaim(self, deliveries: Sequence[str]) -> None:
        await self._answer()
        assert set(deliveries) <= self.claimed
        self.claimed.difference_update(deliveries)
        await self._tell()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is true of this outbox; it is looked at after every call."""
        async with self._changed:
            await self._changed.wait_for(condition)

    async def until_reported(self, count: int = 1) -> list[Report]:
        await self.until(lambda: len(self.reports) >= count)
        return self.reports

    async def _answer(self) -> None:
        await self._tell()
        await self.gate.wait()
        if self.down:
            raise StoreUnavailable("the database is away")

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def http(number: int, url: str, **job: object) -> Delivery:
    """An HTTP delivery that is due."""
    return _delivery(number, "http", {"method": "POST", "url": url, "body": f'{{"n":{number}}}'} | job)


def push(number: int, endpoint: str, browser: Browser, **job: object) -> Delivery:
    """A push that is due."""
    keys = {"endpoint": endpoint, "p256dh": browser.p256dh, "auth": browser.auth}
    return _delivery(number, "push", keys | {"payload": {"id": f"effect-{number}"}} | job)


def change(delivery: Delivery, **fields: object) -> Delivery:
    return msgspec.structs.replace(delivery, **fields)


def _delivery(number: int, kind: str, job: dict[str, object]) -> Delivery:
    return Delivery(
        id=f"{kind}-{number:06}",
        site=1,
        effect=f"effect-{number}",
        run="run",
        workflow="workflow",
        step="step",
        profile="n:one",
        kind=kind,
        job=msgspec.Raw(msgspec.json.encode(job)),
        created=START,
        due=START,
        expires=START + DAY,
    )
