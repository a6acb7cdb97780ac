"""A node: everything that one process runs, wired together, started and stopped in order."""

import asyncio
import gc
import os
import random
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress

import structlog

from clarion.api.access import Access
from clarion.api.app import body_limit, direct_routes, make_app
from clarion.api.context import Context
from clarion.api.documents import DocumentReader
from clarion.api.limits import RateLimit
from clarion.api.server import HttpServer
from clarion.clock import wall_clock
from clarion.config import Settings
from clarion.delivery.guard import Guard, PushAllowList
from clarion.delivery.http1 import HttpClient
from clarion.delivery.limits import HostLimits
from clarion.delivery.worker import DeliveryWorker
from clarion.directory import Directory
from clarion.engine.log_clock import steady_clock
from clarion.engine.owner import Owner
from clarion.fresh_ids import fresh_id
from clarion.logs import configure_logs
from clarion.retention import Retention
from clarion.serve_lock import serve_lock
from clarion.store.port import Store, StoreError
from clarion.stores import open_store
from clarion.vault import open_vault

GRACE = 10.0
"""Seconds that requests and deliveries under way get to finish on shutdown."""
USAGE_INTERVAL = 10.0
"""Seconds between notes of when keys were last used."""
SWITCH_INTERVAL = 0.000_1
"""Seconds; the store's writer gets the interpreter back soon after each commit, even while the event loop is busy."""

COLLECT_AFTER = (20_000, 20, 50)
"""Thresholds of the cyclic garbage collector: nearly everything here is freed by counting references."""

_log = structlog.get_logger(__name__)


class Node:
    """One process with all roles."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._refresh = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()
        self._failed = False

    async def run(self, ready: Callable[[str, int], None], stop: asyncio.Event) -> None:
        """Start, call `ready(host, port)`, and stop in order once `stop` is set.

        Raises AlreadyServed when another node works on the database, StoreError when the engine ends by itself.
        """
        settings = self._settings
        vault = open_vault(settings.data, os.environ)
        async with AsyncExitStack() as stack:
            stack.enter_context(serve_lock(settings.database))
            store = open_store(settings)
            stack.push_async_callback(store.close)
            await store.open()
            directory = Directory(store, vault)
            owner = Owner(store, 0, wall_clock, fresh_id, entries=settings.engine_batch)
            private = settings.dangerous_allow_private_targets
            allowed = PushAllowList(settings.push_endpoint_hosts, dangerous_allow_private_targets=private)
            client = HttpClient(Guard(dangerous_allow_private_targets=private))
            stack.push_async_callback(client.close)
            worker = DeliveryWorker(
                store,
                directory,
                client,
                wall_clock,
                random.Random(),  # noqa: S311  # spreads retries, guards nothing
                allow=allowed,
                limits=HostLimits(
                    total=settings.delivery_concurrency, per_host=settings.delivery_per_host, per_push_host=settings.delivery_concurrency
                ),
            )
            self._wire(store, owner, worker)
            await directory.refresh()
            self._spawn(self._keep_directory(directory), stop)
            self._spawn(self._note_usage(directory), stop)
            self._spawn(Retention(store, settings.explanations_kept, wall_clock).run(), stop)
            stack.push_async_callback(self._cancel_background)
            await worker.start()
            stack.push_async_callback(worker.stop, GRACE)
            await owner.start()
            stack.push_async_callback(owner.stop)
            self._spawn(owner.ended(), stop)
            server = self._server(store, directory, allowed)
            host, port = await server.start()
            stack.push_async_callback(server.stop, GRACE)
            ready(host, port)
            await stop.wait()
            _log.info("shutting down")
            if owner.failed or self._failed:
                raise StoreError("a part of the server ended by itself; the log says which")

    def _wire(self, store: Store, owner: Owner, worker: DeliveryWorker) -> None:
        wakes = {"inbox": owner.wake, "outbox": worker.wake, "configuration": self._refresh.set}

        def changed(what: str) -> None:
            wakes[what]()

        store.on_change(changed)

    def _server(self, store: Store, directory: Directory, allowed: PushAllowList) -> HttpServer:
        settings = self._settings
        access = Access(directory, wall_clock, RateLimit(settings.rate_limit_per_second, steady_clock))
        shared = Context(store, directory, access, wall_clock, fresh_id, DocumentReader(), allowed)
        return HttpServer(make_app(shared), direct_routes(shared), settings.host, settings.port, body_limit=body_limit)

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

    async def _keep_directory(self, directory: Directory) -> None:
        """Read the configuration again after each change; when that fails, until it succeeds: a revoked key must not live on."""
        while True:
            await self._refresh.wait()
            self._refresh.clear()
            try:
                await directory.refresh()
            except StoreError as error:
                _log.warning("the configuration could not be read; trying again", error=str(error))
                self._refresh.set()
                await asyncio.sleep(0.1)

    async def _note_usage(self, directory: Directory) -> None:
        while True:
            try:
                await asyncio.sleep(USAGE_INTERVAL)
            finally:
                with suppress(StoreError):
                    await directory.flush_usage()


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
