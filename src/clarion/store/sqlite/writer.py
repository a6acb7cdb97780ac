"""The one thread that writes: takes every job that is queued into one transaction, commits, then answers them all at once."""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Final, Generic, TypeVar

import apsw

from clarion import faults
from clarion.store.port import StoreError, StoreUnavailable
from clarion.store.sqlite.connection import passing, savepoint, translated
from clarion.store.sqlite.wal import WalLimit

T = TypeVar("T")

INBOX: Final = "inbox"
OUTBOX: Final = "outbox"
CONFIGURATION: Final = "configuration"

POLL_SECONDS: Final = 0.25
"""How often to ask whether another process has committed."""

GROUP_JOBS: Final = 64
"""Jobs that share a commit at most: one that waits for them all does not wait long."""


class Job:
    """Something to write. `run` is called in the writer's thread, the rest in the event loop."""

    __slots__ = ()

    area: str = ""
    """Names its fault points: ingest, engine, report, or none."""

    def run(self, connection: apsw.Connection) -> None:
        """Write, inside a transaction; keep for `succeeded` what there is to answer. What it raises undoes this job alone."""
        raise NotImplementedError

    def succeeded(self) -> Iterable[str]:
        """It is durable: answer. Returns what has changed."""
        raise NotImplementedError

    def failed(self, error: StoreError) -> None:
        """Nothing of it was written: answer."""
        raise NotImplementedError


class Call(Job, Generic[T]):
    """A job that one coroutine waits for."""

    __slots__ = ("_changes", "_done", "_result", "_then", "_write", "area")

    def __init__(
        self,
        write: Callable[[apsw.Connection], T],
        done: "asyncio.Future[T]",
        area: str,
        changes: Iterable[str],
        then: Callable[[], None] | None,
    ) -> None:
        self._write, self._done, self.area, self._changes, self._then = write, done, area, changes, then
        self._result: list[T] = []

    def run(self, connection: apsw.Connection) -> None:
        self._result = [self._write(connection)]

    def succeeded(self) -> Iterable[str]:
        if self._then is not None:
            self._then()
        if not self._done.done():
            self._done.set_result(self._result[0])
        return self._changes

    def failed(self, error: StoreError) -> None:
        if not self._done.done():
            self._done.set_exception(error)


class Writer:
    """Owns the writing connection from `start` to `stop`."""

    def __init__(
        self,
        connect: Callable[[], apsw.Connection],
        signal: Callable[[Iterable[str]], None],
        tidy: Callable[[apsw.Connection], None],
    ) -> None:
        """`signal` is told in the event loop what has changed; `tidy` is lent the connection now and then."""
        self._connect, self._signal, self._tidy = connect, signal, tidy
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop
        self._started: asyncio.Future[None]
        self._stopped: asyncio.Future[None]
        self._thread: threading.Thread | None = None
        self._open = False

    # -- in the event loop -------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connect; raises what connecting raises."""
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.create_future()
        self._stopped = self._loop.create_future()
        self._thread = threading.Thread(target=self._work, name="clarion-store-writer", daemon=True)
        self._thread.start()
        await self._started
        self._open = True

    async def stop(self) -> None:
        """Commit what is queued, then disconnect."""
        if self._open:
            self._open = False
            self._jobs.put(None)
        if self._thread is not None:
            await asyncio.shield(self._stopped)
            self._thread.join()

    def submit(self, job: Job) -> None:
        """Queue a job. Raises StoreUnavailable when the store is not open."""
        if not self._open:
            raise StoreUnavailable("The store is not open.")
        self._jobs.put(job)

    async def call(
        self,
        write: Callable[[apsw.Connection], T],
        *,
        area: str = "",
        changes: Iterable[str] = (),
        then: Callable[[], None] | None = None,
    ) -> T:
        """Run `write` in a transaction and return its result once that is durable; `then` is called even if nobody waits any more."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.submit(Call(write, done, area, changes, then))
        return await done

    def _answer(self, jobs: Sequence[Job], failures: dict[Job, StoreError]) -> None:
        changes: set[str] = set()
        for job in jobs:
            error = failures.get(job)
            if error is None:
                changes.update(job.succeeded())
            else:
                job.failed(error)
        if changes:
            self._signal(changes)

    # -- in the thread -----------------------------------------------------------------------------------------------

    def _post(self, call: Callable[..., None], *args: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *args)

    def _work(self) -> None:
        try:
            connection = self._connect()
            seen = _data_version(connection)
        except Exception as error:  # noqa: BLE001 - it is raised again where `start` waits
            self._post(self._started.set_exception, translated(error))
        else:
            self._post(self._started.set_result, None)
            self._serve(connection, seen)
            connection.close()
        self._post(self._stopped.set_result, None)

    def _serve(self, connection: apsw.Connection, seen: int) -> None:
        wal = WalLimit(connection)
        poll_at = monotonic() + POLL_SECONDS
        going = True
        while going:
            jobs, going = self._next_group(poll_at - monotonic())
            if jobs:
                failures = self._commit(connection, jobs)
                self._post(self._answer, jobs, failures)
                wal.keep()
            if monotonic() >= poll_at:
                poll_at = monotonic() + POLL_SECONDS
                seen = self._look_around(connection, seen)

    def _next_group(self, patience: float) -> tuple[list[Job], bool]:
        """The jobs that are queued now, after waiting for the first; and whether to go on."""
        jobs: list[Job] = []
        try:
            job = self._jobs.get(timeout=max(patience, 0))
            while job is not None:
                jobs.append(job)
                if len(jobs) == GROUP_JOBS:
                    return jobs, True
                job = self._jobs.get_nowait()
        except queue.Empty:
            return jobs, True
        return jobs, False

    def _commit(self, connection: apsw.Connection, jobs: Sequence[Job]) -> dict[Job, StoreError]:
        """One transaction over `jobs`; returns those of which nothing was written."""
        failures: dict[Job, StoreError] = {}
        try:
            connection.execute("BEGIN IMMEDIATE")
            if len(jobs) == 1:
                jobs[0].run(connection)  # no savepoint: to undo it is to undo the transaction
            else:
                for job in jobs:
                    _run_apart(connection, job, failures)
            areas = {job.area for job in jobs if job.area and job not in failures}
            for area in areas:
                faults.reach(f"{area}.before_commit")
            connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever it was, those who wait are told, and the thread lives on
            _rollback(connection)
            failure = translated(error)
            return dict.fromkeys(jobs, failure)
        for area in areas:
            faults.reach(f"{area}.after_commit")
        return failures

    def _look_around(self, connection: apsw.Connection, seen: int) -> int:
        """Tell of other processes' commits after data version `seen`, and do the chores; whatever fails is tried again the next time."""
        try:
            version = _data_version(connection)
            if version != seen:
                seen = version
                self._post(self._signal, (INBOX, OUTBOX, CONFIGURATION))
            self._tidy(connection)
        except apsw.Error:
            _rollback(connection)
        return seen


def _run_apart(connection: apsw.Connection, job: Job, failures: dict[Job, StoreError]) -> None:
    """Run one job of several, so that its failure leaves the others alone. Raises what concerns them all."""
    try:
        with savepoint(connection):
            job.run(connection)
    except Exception as error:
        if passing(error) or not connection.in_transaction:
            raise
        failures[job] = translated(error)


def _rollback(connection: apsw.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _data_version(connection: apsw.Connection) -> int:
    """Changes when another connection has committed; own commits do not count."""
    return int(connection.execute("PRAGMA data_version").get)
