"""Takes due deliveries from the outbox and sees each to its report."""

import asyncio
import random
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec
import structlog

from clarion.clock import SECOND, Clock
from clarion.delivery.alarm import Alarm
from clarion.delivery.backoff import Backoff
from clarion.delivery.client import Client
from clarion.delivery.errors import Blocked
from clarion.delivery.guard import PushAllowList
from clarion.delivery.jobs import HttpJob, PushJob
from clarion.delivery.keys import SiteKeys
from clarion.delivery.limits import HostLimits
from clarion.delivery.reporter import Outbox, Reporter
from clarion.delivery.sender import Attempted, Sender
from clarion.delivery.target import parse_target
from clarion.outage import Outage
from clarion.store.port import StoreError, StoreUnavailable
from clarion.store.records.deliveries import Delivery, Report
from clarion.tallies import Delivering

HELD_FOR: Final = SECOND
"""How long a paused workflow's deliveries stay claimed before they go back: the engine's hold reaches the store meanwhile."""
LOOK_PAST: Final = SECOND // 40
"""After a claim of which some had to be put off, the next waits this long, or until half of the parked are under way: what the worker
itself has no time for is better left in the store, and others behind a busy host do not wait for long.
"""

_PUSH: Final = msgspec.json.Decoder(PushJob)
_HTTP: Final = msgspec.json.Decoder(HttpJob)
_log: Final = structlog.get_logger("clarion.delivery")


class Ready(NamedTuple):
    """A claimed delivery, read and assigned to its host."""

    delivery: Delivery
    job: PushJob | HttpJob
    host: str


class DeliveryWorker:
    """Claims, sends and reports, until stopped.

    It sleeps until `wake` (call it on the store's change `outbox`) or until the next delivery is due; it does not poll. Deliveries go out
    side by side within `limits`. Whatever is claimed and not reported when the process dies is sent again, with the same id.
    """

    def __init__(
        self,
        store: Outbox,
        keys: SiteKeys,
        client: Client,
        clock: Clock,
        rng: random.Random,
        *,
        allow: PushAllowList | None = None,
        limits: HostLimits[Ready] | None = None,
        batch: int = 256,
        max_unreported: int = 8192,
        store_backoff: tuple[float, float] = (0.1, 5.0),
        outage: Outage | None = None,
    ) -> None:
        """`batch` is how many deliveries one claim takes at most.

        `max_unreported` bounds what is claimed and not yet reported, so also what an unavailable store leaves in memory;
        `store_backoff` is the first and the longest wait, in seconds, when the store is unavailable.
        """
        self._store = store
        self._keys = keys
        self._clock = clock
        self._sender = Sender(keys, client, clock, rng, allow or PushAllowList())
        self._limits: HostLimits[Ready] = limits or HostLimits()
        self._batch = batch
        self._max_unreported = max_unreported
        self._outage = outage or Outage()
        self._backoff = Backoff(*store_backoff)
        self._reporter = Reporter(store, self._reported, Backoff(*store_backoff), self._outage)
        self._woken = asyncio.Event()
        self._alarm = Alarm(clock, self._woken.set)
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._held: list[str] = []
        self._held_until = 0
        self._look_past = 0
        self._enough = 0
        self._short = False
        self._stopping = False
        self._claiming: asyncio.Task[None] | None = None
        self._reporting: asyncio.Task[None] | None = None
        self.tally = Delivering()

    @property
    def under_way(self) -> int:
        """Deliveries that are being sent."""
        return len(self._sending)

    @property
    def taken_on(self) -> int:
        """Deliveries that are claimed and not reported: sent just now, waiting for their host, or waiting for their report's commit."""
        return len(self._sending) + self._limits.parked + self._reporter.pending + len(self._held)

    async def start(self) -> None:
        """Begin; the outbox is looked at once without being woken. Raises RuntimeError when started before."""
        if self._claiming is not None:
            raise RuntimeError("a delivery worker starts once")
        self._woken.set()
        self._reporting = asyncio.create_task(self._reporter.run(), name="delivery reports")
        self._claiming = asyncio.create_task(self._run(), name="delivery claims")

    def wake(self) -> None:
        """Look at the outbox: something may be due."""
        self._woken.set()

    async def stop(self, grace: float) -> None:
        """Claim nothing more, let what is under way end within `grace` seconds, give the rest back, and write the last reports.

        Returns within twice `grace`. May be called twice. Where the store does not answer, what is left is sent again after the
        restart.
        """
        if self._claiming is None or self._reporting is None:
            return
        self._stopping = True
        self._woken.set()
        self._alarm.cancel()
        back = [ready.delivery.id for ready in self._limits.drain()]
        await _finish([self._claiming, *self._sending.values()], grace)
        # each that is sent takes itself out at its end: what is still there was cancelled before its report
        back += [*self._held, *self._sending]
        self._held = []
        self._sending.clear()
        self._reporter.stop()
        await asyncio.gather(self._give_back(back, grace), _finish([self._reporting], grace))

    async def _give_back(self, deliveries: list[str], grace: float) -> None:
        try:
            async with asyncio.timeout(grace):
                if deliveries:
                    await self._store.unclaim(deliveries)
        except (StoreError, TimeoutError) as error:
            _log.warning("claimed deliveries were not given back", deliveries=len(deliveries), error=str(error))

    # -- claiming ----------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            if self._stopping:
                return
            self._woken.clear()
            try:
                await self._cycle()
            except Exception as error:  # noqa: BLE001 - claims go on whatever happens to one of them
                if isinstance(error, StoreUnavailable):
                    self._outage.failed(error)
                else:
                    _log.warning("the outbox cannot be read", error=str(error), exc_info=error)
                await self._backoff.wait()
                self._woken.set()
            else:
                self._backoff.reset()
                self._outage.answered()

    async def _cycle(self) -> None:
        if self._held:
            if self._clock() >= self._held_until:
                await self._store.unclaim(self._held)
                self._held = []
            else:
                self._alarm.at(self._held_until)  # again: an earlier alarm than this one has taken its place
        limit = min(self._batch, self._limits.free, self._max_unreported - self.taken_on)
        now = self._clock()
        self._short = limit <= 0
        if limit > 0 and now < self._look_past and self._limits.parked >= self._enough:
            self._short = True
            self._alarm.at(self._look_past)
        if self._short:
            return
        deliveries, next_due = await self._store.claim(limit, now)
        if self._stopping:
            self._held += [delivery.id for delivery in deliveries]
            return
        for delivery in deliveries:
            try:
                self._admit(delivery)
            except Exception as error:  # noqa: BLE001 - a job that cannot be read is that delivery's trouble only
                _log.exception("a delivery cannot be read", delivery=delivery.id)
                broken = self._sender.broken(delivery, error)
                self.tally.add(delivery.kind, broken.outcome)
                self._reporter.add(broken)
        self._enough = self._limits.parked // 2
        if len(deliveries) == limit:
            self._woken.set()
        elif next_due is not None:
            self._alarm.at(next_due)

    def _admit(self, delivery: Delivery) -> None:
        now = self._clock()
        if self._keys.paused(delivery.site, delivery.workflow):
            self._hold(delivery, now)
            return
        ready = _read(delivery)
        if self._limits.start(ready.host, now, push=delivery.kind == "push"):
            self._send(ready)
        elif not self._limits.park(ready.host, ready, now):
            self._postpone(ready, now)
            self._look_past = now + LOOK_PAST

    def _hold(self, delivery: Delivery, now: int) -> None:
        if not self._held:
            self._held_until = now + HELD_FOR
            self._alarm.at(self._held_until)
        self._held.append(delivery.id)

    def _postpone(self, ready: Ready, now: int) -> None:
        # an expired delivery is to end as soon as it has expired
        at = min(self._limits.postponed_until(ready.host, now), max(ready.delivery.expires + 1, now + 1))
        self._reporter.add(Report(ready.delivery, None, now, at))

    # -- sending -----------------------------------------------------------------------------------------------------

    def _send(self, ready: Ready) -> None:
        self._sending[ready.delivery.id] = asyncio.create_task(self._deliver(ready))

    async def _deliver(self, ready: Ready) -> None:
        began = self._clock()
        attempted = await self._sender.attempt(ready.delivery, ready.job)
        # in one turn of the loop, so that whoever counts what is taken on counts it once
        self._reporter.add(attempted.report)
        self.tally.add(ready.delivery.kind, attempted.report.outcome)
        del self._sending[ready.delivery.id]
        now = self._clock()
        self._release(ready.host, now, now - began, attempted)

    def _release(self, host: str, now: int, took: int, attempted: Attempted) -> None:
        released = self._limits.release(host, now, took=max(took, 0), answered=attempted.answered, slow_down=attempted.slow_down)
        if self._stopping:
            return
        starting = deque(released.start)
        while starting:
            ready = starting.popleft()
            if self._keys.paused(ready.delivery.site, ready.delivery.workflow):  # it was not yet when this one was parked
                self._hold(ready.delivery, now)
                starting.extend(self._limits.give_back(ready.host, now))
            else:
                self._send(ready)
        for ready in released.postpone:
            self._postpone(ready, now)
        if self._short:
            self._woken.set()

    def _reported(self, reports: Sequence[Report]) -> None:
        soonest = _soonest(reports)
        if soonest is not None:
            self._alarm.at(soonest)
        if self._short:
            self._woken.set()


def _read(delivery: Delivery) -> Ready:
    if delivery.kind == "push":
        push = _PUSH.decode(delivery.job)
        # the quotas of app services are each site's own, so one that has used up its own delays nobody else
        host = _origin(push.endpoint) if push.provider == "webpush" else f"{push.provider} {delivery.site}"
        return Ready(delivery, push, f"push {host}")
    http = _HTTP.decode(delivery.job)
    return Ready(delivery, http, f"http {_origin(http.url)}")


def _origin(url: str) -> str:
    try:
        return parse_target(url).origin
    except Blocked:
        return ""  # the attempt says why; it goes nowhere


def _soonest(reports: Iterable[Report]) -> int | None:
    return min((report.retry_at for report in reports if report.retry_at is not None), default=None)


async def _finish(tasks: list[asyncio.Task[None]], grace: float) -> None:
    """Wait for tasks, then cancel what is left."""
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=grace)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
