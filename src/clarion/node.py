"""A node: everything that one process runs, wired together, started and stopped in order."""

import asyncio
import gc
import os
import random
import signal
import socket
import sys
from collections.abc import Callable, Collection, Coroutine
from contextlib import AsyncExitStack, suppress
from functools import partial

import structlog

from clarion.api.access import Access
from clarion.api.app import body_limit, direct_routes, make_app, make_status_app
from clarion.api.context import Context
from clarion.api.documents import DocumentReader
from clarion.api.limits import RateLimit
from clarion.api.sdk.desk import Desk
from clarion.api.server import HttpServer
from clarion.clock import SECOND
from clarion.config import Settings
from clarion.delivery.guard import Guard, PushAllowList
from clarion.delivery.http1 import HttpClient
from clarion.delivery.limits import HostLimits
from clarion.delivery.worker import DeliveryWorker, Ready
from clarion.directory import Directory
from clarion.engine.fleet import Fleet
from clarion.engine.log_clock import steady_clock
from clarion.engine.owner import Owner
from clarion.engine.placement import ENGINE
from clarion.engine.shared import Shared
from clarion.fresh_ids import fresh_id
from clarion.freshness import Freshness
from clarion.heartbeat import Heartbeat
from clarion.logs import configure_logs
from clarion.metrics.exposition import Metrics
from clarion.outage import Outage
from clarion.retention.policy import Retention
from clarion.serve_lock import serve_lock
from clarion.store.port import Store, StoreError, StoreUnavailable
from clarion.store.records import nodes
from clarion.stores import open_store
from clarion.vault import open_vault

API, DELIVERY = "api", "delivery"

GRACE = 10.0
"""Seconds that requests, batches and deliveries under way get to finish on shutdown."""
USAGE_INTERVAL = 10.0
"""Seconds between notes of when keys were last used."""
USAGE_PATIENCE = 2.0
"""Seconds that one may take; at the end nobody waits for long for a store that does not answer, and otherwise the next one says it too."""
TURNS = 6
"""Owners that may be at a batch at a time: each needs a connection or two of the store's."""
CALM = SECOND
"""Microseconds without a failure after which a store that others share is said to be back."""
SWITCH_INTERVAL = 0.000_1
"""Seconds; the store's writer gets the interpreter back soon after each commit, even while the event loop is busy."""

COLLECT_AFTER = (20_000, 20, 50)
"""Thresholds of the cyclic garbage collector: nearly everything here is freed by counting references."""

_log = structlog.get_logger(__name__)


class Node:
    """One process with its roles."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._refresh = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()
        self._failed = False
        self._fleet: Fleet | None = None
        self._worker: DeliveryWorker | None = None
        self._server: HttpServer | None = None

    async def run(self, ready: Callable[[str, int], None], stop: asyncio.Event) -> None:
        """Start, call `ready(host, port)`, and stop in order once `stop` is set.

        Raises AlreadyServed when another node works on a database of one process, StoreError when a part ends by itself.
        """
        settings = self._settings
        roles = settings.roles
        vault = open_vault(settings.data, os.environ) if {API, DELIVERY} & set(roles) else None
        async with AsyncExitStack() as stack:
            if settings.database is not None:
                stack.enter_context(serve_lock(settings.database))
            store = open_store(settings)
            stack.push_async_callback(store.close)
            await store.open()
            metrics = Metrics.over(store, settings)
            outage = Outage(calm=CALM if store.shared else 0)
            heartbeat = self._heartbeat(store, outage)
            directory = Directory(store, vault)
            freshness = Freshness(steady_clock, lambda: heartbeat.silent if store.shared else None)
            client = HttpClient(Guard(dangerous_allow_private_targets=settings.dangerous_allow_private_targets))
            stack.push_async_callback(client.close)
            store.on_change(partial(self._changed, heartbeat))
            await directory.refresh()
            if store.shared:
                await heartbeat.start()
                _log.info("this node", node=heartbeat.node, roles=",".join(roles))
                stack.push_async_callback(heartbeat.leave)
                self._spawn(heartbeat.run(), stop)
            self._spawn(self._keep_directory(directory, freshness, outage), stop)
            if API in roles:
                self._spawn(self._note_usage(directory), stop)
                await metrics.pressure.judge()
                self._spawn(metrics.pressure.run(), stop)
            stack.push_async_callback(self._cancel_background)
            stack.push_async_callback(self._wind_up, store, heartbeat)
            if DELIVERY in roles:
                await self._deliver(store, directory, client, outage, metrics)
            if ENGINE in roles:
                await self._run_engine(store, heartbeat, outage, metrics, stop)
            host, port = await self._listen(store, directory, freshness, heartbeat, outage, metrics)
            ready(host, port)
            await stop.wait()
            _log.info("shutting down")
            if self._failed or (self._fleet is not None and self._fleet.failed):
                raise StoreError("a part of the server ended by itself; the log says which")

    # -- the parts ---------------------------------------------------------------------------------------------------

    def _heartbeat(self, store: Store, outage: Outage) -> Heartbeat:
        me = nodes.Node(fresh_id(), self._settings.roles, socket.gethostname())
        rng = random.Random()  # noqa: S311  # spreads beats, guards nothing
        return Heartbeat(store, me, outage, rng, steady_clock, lease=self._settings.node_lease_seconds * SECOND)

    async def _deliver(self, store: Store, directory: Directory, client: HttpClient, outage: Outage, metrics: Metrics) -> None:
        settings = self._settings
        limits: HostLimits[Ready] = HostLimits(
            total=settings.delivery_concurrency, per_host=settings.delivery_per_host, per_push_host=settings.delivery_concurrency
        )
        rng = random.Random()  # noqa: S311  # spreads retries, guards nothing
        worker = DeliveryWorker(store, directory, client, store.now, rng, allow=self._allowed(), limits=limits, outage=outage)
        await worker.start()
        self._worker = metrics.worker = worker

    async def _run_engine(self, store: Store, heartbeat: Heartbeat, outage: Outage, metrics: Metrics, stop: asyncio.Event) -> None:
        settings = self._settings
        shared = Shared.of(store, outage, TURNS)

        def new_owner(partition: int) -> Owner:
            return Owner(store, partition, store.now, fresh_id, node=heartbeat.node, entries=settings.engine_batch, shared=shared)

        errand = Retention(store, settings, store.now).run
        fleet = Fleet(store, heartbeat.node, new_owner, outage, ask=heartbeat.hasten, errand=errand)
        metrics.applying, metrics.owned = shared.tally, lambda: len(fleet.owned)
        await fleet.start()
        self._fleet = fleet
        heartbeat.on_roster(lambda roster: fleet.heed(roster, spares=heartbeat.is_returning))
        heartbeat.hasten()
        self._spawn(fleet.ended(), stop)

    async def _listen(
        self, store: Store, directory: Directory, freshness: Freshness, heartbeat: Heartbeat, outage: Outage, metrics: Metrics
    ) -> tuple[str, int]:
        """Listen for requests, or for those who ask how the process is."""
        settings = self._settings

        def is_ready() -> bool:
            return not freshness.is_stale() and (heartbeat.holds or not store.shared)

        access = Access(directory, store.now, RateLimit(settings.rate_limit_per_second, steady_clock), lambda: not is_ready())
        shared = Context(
            store,
            directory,
            access,
            store.now,
            fresh_id,
            DocumentReader(),
            self._allowed(),
            metrics=metrics,
            is_ready=is_ready,
            outage=outage,
            desk=_desk(settings),
        )
        if API in settings.roles:
            server = HttpServer(make_app(shared), direct_routes(shared), settings.host, settings.port, body_limit=body_limit)
        else:
            server = HttpServer(make_status_app(shared), {}, settings.host, settings.port)
        address = await server.start()
        self._server = metrics.server = server
        return address

    def _allowed(self) -> PushAllowList:
        settings = self._settings
        return PushAllowList(settings.push_endpoint_hosts, dangerous_allow_private_targets=settings.dangerous_allow_private_targets)

    def _changed(self, heartbeat: Heartbeat, what: str, partitions: Collection[int]) -> None:
        match what:
            case "inbox" if self._fleet is not None:
                self._fleet.wake(partitions)
            case "outbox" if self._worker is not None:
                self._worker.wake()
            case "configuration":
                self._refresh.set()
            case "roster":
                heartbeat.hasten()

    async def _wind_up(self, store: Store, heartbeat: Heartbeat) -> None:
        """Stop the parts that were started.

        Where others can go on, they get the partitions at once, and clients their last answers meanwhile. The node stays known until its
        deliveries are reported, for those that it has claimed are free as soon as it is gone.
        """
        stops = [part.stop(GRACE) for part in (self._server, self._fleet, self._worker) if part is not None]
        if not store.shared:
            for each in stops:
                await each
            return
        if self._fleet is not None:
            with suppress(StoreUnavailable):
                await heartbeat.resign(ENGINE)
        await asyncio.gather(*stops)

    # -- in the background -------------------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[None, None, None], stop: asyncio.Event) -> None:
        """Run something as long as the node runs. A node without one of its parts is of no use: it ends, for a supervisor to start anew."""

        def ended(task: asyncio.Task[None]) -> None:
            self._background.discard(task)
            if task.cancelled():
                return
            error = task.exception()
            if error is not None:
                self._failed = True
                _log.error("a part of the server failed", part=task.get_coro(), exc_info=error)
            stop.set()

        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(ended)

    async def _cancel_background(self) -> None:
        for task in list(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    async def _keep_directory(self, directory: Directory, freshness: Freshness, outage: Outage) -> None:
        """Read the configuration again after each change; when that fails, until it succeeds: a revoked key must not live on."""
        wait = random.Random()  # noqa: S311  # spreads tries, guards nothing
        while True:
            await self._refresh.wait()
            self._refresh.clear()
            freshness.changed()
            try:
                await directory.refresh()
            except StoreError as error:
                outage.failed(error)
                self._refresh.set()
                await asyncio.sleep(wait.uniform(0.1, 0.3))
            else:
                freshness.read()

    async def _note_usage(self, directory: Directory) -> None:
        while True:
            try:
                await asyncio.sleep(USAGE_INTERVAL)
            finally:
                with suppress(StoreError, TimeoutError):
                    async with asyncio.timeout(USAGE_PATIENCE):
                        await directory.flush_usage()


def _desk(settings: Settings) -> Desk:
    return Desk(
        per_app=settings.sdk_rate_per_app,
        per_address=settings.sdk_rate_per_address,
        per_subscriber=settings.sdk_rate_per_subscriber,
        trusted_proxies=settings.trusted_proxies,
        public_url=settings.public_url,
    )


async def serve(settings: Settings, ready: Callable[[str, int], None]) -> None:
    """Run a node until SIGTERM or SIGINT. `ready(host, port)` is called once it listens.

    Raises AlreadyServed, StoreError, VaultError, OSError.
    """
    configure_logs(settings.log_level, settings.log_format)
    sys.setswitchinterval(SWITCH_INTERVAL)
    # What is loaded by now stays for good: the collector need not walk it again and again, for 30 ms each time, while requests wait.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await Node(settings).run(ready, stop)
