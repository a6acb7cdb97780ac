"""The one connection that writes: takes every job that is queued into one transaction, commits, then answers them all at once.

A small group is written in the event loop's own thread while the disk is quick: handing it to another thread and back costs more than the
commit, for both want the interpreter's lock. A large one, a slow disk, another process's lock and checkpoints go to a thread.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic
from typing import Final, Generic, TypeVar

import apsw

from clarion import faults
from clarion.store.port import StoreError, StoreUnavailable
from clarion.store.sqlite.connection import BUSY_MILLISECONDS, passing, savepoint, translated
from clarion.store.sqlite.wal import WalLimit

T = TypeVar("T")

INBOX: Final = "inbox"
OUTBOX: Final = "outbox"
CONFIGURATION: Final = "configuration"

POLL_SECONDS: Final = 0.25
"""How often to ask whether another process has committed."""

GROUP_JOBS: Final = 64
"""Jobs that share a commit at most: one that waits for them all does not wait long."""


PACE: Final = 0.002
"""Seconds from the start of a commit to the start of the next: what comes meanwhile shares it. The first after a rest starts at once."""

ENOUGH: Final = 24
"""Entries of events; behind so many the next commit starts at once: when that many come at a time, commits are large by themselves."""

LARGE: Final = 100
"""Rows; a group with more is written in the thread, where writing them leaves the event loop free."""

SLOW: Final = 0.01
"""Seconds. A commit of a small group that took longer sends those after it to the thread: the disk is no quick one."""

APART_FOR: Final = 1.0
"""Seconds for which it does."""


class Job(ABC):
    """Something to write. `run` is called in whatever thread writes, the rest in the event loop."""

    __slots__ = ()

    area: str = ""
    """Names its fault points: ingest, engine, report, or none."""

    @property
    def rows(self) -> int:
        """About how many rows it writes."""
        return 1

    @abstractmethod
    def run(self, connection: apsw.Connection) -> None:
        """Write, inside a transaction; keep for `succeeded` what there is to answer. What it raises undoes this job alone."""

    @abstractmethod
    def succeeded(self) -> Iterable[str]:
        """It is durable: answer. Returns what has changed."""

    @abstractmethod
    def failed(self, error: StoreError) -> None:
        """Nothing of it was written: answer."""


class Call(Job, Generic[T]):
    """A job that one coroutine waits for."""

    __slots__ = ("_changes", "_done", "_result", "_rows", "_then", "_write", "area")

    def __init__(
        self,
        write: Callable[[apsw.Connection], T],
        done: "asyncio.Future[T]",
        area: str,
        changes: Iterable[str],
        then: Callable[[], None] | None,
        rows: int,
    ) -> None:
        self._write, self._done, self.area, self._changes, self._then, self._rows = write, done, area, changes, then, rows
        self._result: list[T] = []

    @property
    def rows(self) -> int:
        return self._rows

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
        self._jobs: deque[Job] = deque()
        self._alone: deque[Callable[[], None]] = deque()
        """What is to be done outside of transactions, in the thread."""
        self._loop: asyncio.AbstractEventLoop
        self._pool: ThreadPoolExecutor | None = None
        self._connection: apsw.Connection
        self._wal: WalLimit
        self._seen = 0
        self._open = False
        self._turning: asyncio.Handle | None = None
        self._polling: asyncio.TimerHandle | None = None
        self._away = False
        """Whether the thread has the connection."""
        self._began = self._apart_until = 0.0
        self._lively = False
        """Whether the last group had ENOUGH."""
        self._idle = asyncio.Event()

    # -- life --------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connect; raises what connecting raises."""
        self._loop = asyncio.get_running_loop()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="clarion-store-writer")
        try:
            self._connection = await self._loop.run_in_executor(self._pool, self._connect)
        except BaseException:
            self._pool.shutdown()
            self._pool = None
            raise
        self._wal = WalLimit(self._connection)
        self._seen = _data_version(self._connection)
        self._open = True
        self._idle.set()
        self._polling = self._loop.call_later(POLL_SECONDS, self._poll)

    async def stop(self) -> None:
        """Commit what is queued, then disconnect."""
        self._open = False
        if self._polling is not None:
            self._polling.cancel()
        pool = self._pool
        if pool is None:
            return
        while self._jobs or self._alone or self._away or self._turning is not None:
            self._idle.clear()
            await self._idle.wait()
        self._pool = None
        await self._loop.run_in_executor(pool, self._connection.close)
        pool.shutdown()

    def submit(self, job: Job) -> None:
        """Queue a job. Raises StoreUnavailable when the store is not open."""
        if not self._open:
            raise StoreUnavailable("The store is not open.")
        self._jobs.append(job)
        self._plan()

    async def call(
        self,
        write: Callable[[apsw.Connection], T],
        *,
        area: str = "",
        changes: Iterable[str] = (),
        then: Callable[[], None] | None = None,
        rows: int = 1,
    ) -> T:
        """Run `write` in a transaction and return its result once that is durable; `then` is called even if nobody waits any more."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.submit(Call(write, done, area, changes, then, rows))
        return await done

    async def alone(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run `work` between two transactions, in the thread; all that is to be written waits for it meanwhile."""
        if not self._open:
            raise StoreUnavailable("The store is not open.")
        done: asyncio.Future[T] = self._loop.create_future()
        self._alone.append(partial(self._run_alone, work, done))
        self._plan()
        return await done

    # -- turns, in the event loop ------------------------------------------------------------------------------------

    def _plan(self) -> None:
        """See to it that what is queued gets its turn: after the requests that are at hand just now, and no sooner than the pace allows."""
        if self._turning is not None or self._away:
            return
        wait = 0.0 if self._lively else self._began + PACE - monotonic()
        self._turning = self._loop.call_later(wait, self._turn) if wait > 0 else self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._turning = None
        if self._away:
            return
        if self._alone:
            self._hand_over(self._alone.popleft())
            return
        jobs = [self._jobs.popleft() for _ in range(min(len(self._jobs), GROUP_JOBS))]
        if jobs:
            self._began = monotonic()
            rows = sum(job.rows for job in jobs)
            self._lively = sum(job.rows for job in jobs if job.area == "ingest") >= ENOUGH
            small = rows <= LARGE and self._began >= self._apart_until
            if not small or not self._write_here(jobs):
                self._hand_over(partial(self._write_apart, jobs))
        self._go_on()

    def _write_here(self, jobs: Sequence[Job]) -> bool:
        """Write a group in this thread. Returns False, and nothing is written, when another process is writing."""
        self._connection.set_busy_timeout(0)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except apsw.BusyError:
            return False
        except apsw.Error as error:
            self._answer(jobs, dict.fromkeys(jobs, translated(error)))
            return True
        failures = self._commit(jobs)
        if monotonic() - self._began > SLOW:
            self._apart_until = monotonic() + APART_FOR
        self._answer(jobs, failures)
        if self._wal.due():
            self._hand_over(self._wal.checkpoint)
        return True

    def _hand_over(self, work: Callable[[], None]) -> None:
        """Lend the connection to the thread."""
        if self._pool is not None:
            self._away = True
            self._pool.submit(self._work, work)

    def _back(self) -> None:
        self._away = False
        self._go_on()

    def _go_on(self) -> None:
        if self._jobs or self._alone:
            self._plan()
        elif not self._away:
            self._idle.set()

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

    def _poll(self) -> None:
        """Has another process committed? And is there something to tidy?"""
        self._polling = self._loop.call_later(POLL_SECONDS, self._poll)
        if self._away:
            return
        try:
            version = _data_version(self._connection)
        except apsw.Error:
            return  # the disk fails; it is asked again
        if version != self._seen:
            self._seen = version
            self._signal((INBOX, OUTBOX, CONFIGURATION))
        self._hand_over(self._tidy_up)

    # -- in the thread -----------------------------------------------------------------------------------------------

    def _work(self, work: Callable[[], None]) -> None:
        try:
            self._connection.set_busy_timeout(BUSY_MILLISECONDS)
            work()
        finally:
            self._loop.call_soon_threadsafe(self._back)

    def _write_apart(self, jobs: Sequence[Job]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except apsw.Error as error:
            failures: dict[Job, StoreError] = dict.fromkeys(jobs, translated(error))
        else:
            failures = self._commit(jobs)
        self._loop.call_soon_threadsafe(self._answer, jobs, failures)
        if self._wal.due():
            self._wal.checkpoint()

    def _run_alone(self, work: Callable[[apsw.Connection], T], done: "asyncio.Future[T]") -> None:
        try:
            result = work(self._connection)
        except Exception as error:  # noqa: BLE001 - whatever it was, who waits is told, and the writer lives on
            answer = partial(_fail, done, translated(error))
        else:
            answer = partial(_succeed, done, result)
        self._loop.call_soon_threadsafe(answer)

    def _tidy_up(self) -> None:
        try:
            self._tidy(self._connection)
        except apsw.Error:
            _rollback(self._connection)  # it will be tried again

    # -- in either ---------------------------------------------------------------------------------------------------

    def _commit(self, jobs: Sequence[Job]) -> dict[Job, StoreError]:
        """Run `jobs` in the transaction that has begun, and end it; returns those of which nothing was written."""
        connection = self._connection
        failures: dict[Job, StoreError] = {}
        try:
            if len(jobs) == 1:
                jobs[0].run(connection)  # no savepoint: to undo it is to undo the transaction
            else:
                for job in jobs:
                    _run_apart(connection, job, failures)
            areas = {job.area for job in jobs if job.area and job not in failures}
            for area in areas:
                faults.reach(f"{area}.before_commit")
            connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever it was, those who wait are told, and the writer lives on
            _rollback(connection)
            failure = translated(error)
            return dict.fromkeys(jobs, failure)
        for area in areas:
            faults.reach(f"{area}.after_commit")
        return failures


def _run_apart(connection: apsw.Connection, job: Job, failures: dict[Job, StoreError]) -> None:
    """Run one job of several, so that its failure leaves the others alone. Raises what concerns them all."""
    try:
        with savepoint(connection):
            job.run(connection)
    except Exception as error:
        if passing(error) or not connection.in_transaction:
            raise
        failures[job] = translated(error)


def _succeed(done: "asyncio.Future[T]", result: T) -> None:
    if not done.done():
        done.set_result(result)


def _fail(done: "asyncio.Future[T]", error: StoreError) -> None:
    if not done.done():
        done.set_exception(error)


def _rollback(connection: apsw.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _data_version(connection: apsw.Connection) -> int:
    """Changes when another connection has committed; own commits do not count."""
    return int(connection.execute("PRAGMA data_version").get)
