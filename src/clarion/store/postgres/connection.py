"""`Database`: this process's connections to one PostgreSQL database, made when they are needed, and made anew when the server is back.

All areas of the store build on it. Every call is one statement, prepared once a connection, in one round trip and one transaction;
`transaction` is for what is rare. Errors are the port's.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any, Final, Protocol
from urllib.parse import urlsplit, urlunsplit

import asyncpg  # type: ignore[import-untyped]  # it carries no types

from clarion.store.port import StoreError, StoreUnavailable
from clarion.store.postgres.circuit import Circuit
from clarion.store.postgres.errors import ends_session, translated

OLDEST_SERVER: Final = 15
"""Major version of PostgreSQL."""

CONNECT_SECONDS: Final = 3.0
ENDING_SECONDS: Final = 0.3
"""How long an attempt to connect goes on that is not wanted any more."""
CALL_SECONDS: Final = 35.0
"""For one statement: a little longer than the server gives it, so that the server is the one to say so."""
PATIENCE_SECONDS: Final = 5.0
"""How long to wait for one of the connections to be free."""
CONNECTING_AT_ONCE: Final = 2
"""Connections that are made at a time: a server that has just started is not run over."""
STATEMENTS_KEPT: Final = 500
"""Prepared statements a connection; more than there are."""

_SETTINGS: Final = {
    "application_name": "clarion",
    "client_encoding": "UTF8",
    "default_transaction_isolation": "read committed",
    "idle_in_transaction_session_timeout": "3s",
    "lock_timeout": "5s",
    "statement_timeout": "30s",
    "synchronous_commit": "on",
    "timezone": "UTC",
    # A client that is gone without a word lets go of its locks soon.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10s",
    # Short statements on few rows: compiling them takes longer than they do. Nor are plans for a partition worth making anew.
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
}


class Row(Protocol):
    """A row of a result: by place, by name, or unpacked."""

    def __getitem__(self, key: int | str) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __len__(self) -> int: ...


class Connection(Protocol):
    """What areas use of a connection, inside a transaction; its errors are the driver's until `transaction` translates them."""

    async def fetch(self, query: str, *args: Any) -> list[Row]: ...
    async def fetchrow(self, query: str, *args: Any) -> Row | None: ...
    async def fetchval(self, query: str, *args: Any) -> Any: ...
    async def execute(self, query: str, *args: Any) -> str: ...


class Database:
    """Up to `most` connections. Calls raise StoreUnavailable at once while the server is known to be away."""

    def __init__(
        self,
        url: str,
        *,
        most: int = 8,
        patience: float = PATIENCE_SECONDS,
        statement_seconds: float | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`url` as libpq takes it, `postgresql://…`.

        Calls wait for one of the `most` connections to be free for `patience` seconds, and take at most `statement_seconds`. `settings`: of
        the sessions, in place of the usual ones of these names.
        """
        self.url = url
        self._most, self._patience = most, patience
        self._settings = dict(settings or {})
        self._call_seconds = CALL_SECONDS
        if statement_seconds is not None:
            self._settings["statement_timeout"] = f"{round(statement_seconds * 1_000)}ms"
            self._call_seconds = statement_seconds + CONNECT_SECONDS
        self._idle: list[Any] = []
        self._count = 0
        """Connections that are open or being made."""
        self._established: set[Any] = set()
        """Those that are open."""
        self._heard = 0.0
        """When one of them last gave an answer."""
        self._waiters: deque[asyncio.Future[Any]] = deque()
        """Each gets a connection, or None: it is to look again."""
        self._making = asyncio.Semaphore(CONNECTING_AT_ONCE)
        self._circuit = Circuit(self._try)
        self._open = False

    # -- life --------------------------------------------------------------------------------------------------------

    async def open(self, *, lazily: bool = False) -> None:
        """Connect once; `lazily`: when it is needed.

        Raises StoreUnavailable where the server cannot be reached, StoreError where it is too old or does not let us in.
        """
        if lazily:
            self._open = True
            return
        try:
            first = await connect(self.url, self._settings)
        except Exception as error:
            raise translated(error) from error
        try:
            require_server(first)
        except StoreError:
            first.terminate()
            raise
        self._open = True
        self._count = 1
        self._established.add(first)
        self._idle.append(first)

    async def close(self) -> None:
        """Disconnect. What is under way ends first, by itself."""
        self._open = False
        self._circuit.stop()
        idle, self._idle = self._idle, []
        await asyncio.gather(*map(self._part_from, idle))
        self._wake(len(self._waiters))

    async def _part_from(self, connection: Any) -> None:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await connection.close(timeout=CONNECT_SECONDS)
        self._drop(connection)

    def require(self) -> None:
        """Raise StoreUnavailable if the server is known to be away, or this is not open."""
        if not self._open:
            raise StoreUnavailable("The store is not open.")
        if self._circuit.broken and not self._established:
            raise StoreUnavailable("The database is away.")

    def gone(self, since: float) -> None:
        """The database is out of reach since then, by `time.monotonic`, as far as somebody else can tell.

        If nothing has been heard of it here either, all connections are given up; for calls under way it is as if they broke.
        """
        if not self._open or self._heard >= since:
            return
        self._circuit.failed()
        idle, self._idle = self._idle, []
        for connection in idle:
            self._drop(connection)
        given_up, self._established = self._established, set()
        for connection in given_up:
            connection.terminate()
        self._wake(len(self._waiters))

    def there(self) -> None:
        """Somebody else has heard of the database: no need to wait for long until the next try."""
        self._circuit.hasten()

    # -- calls -------------------------------------------------------------------------------------------------------

    async def fetch(self, query: str, *args: Any, timeout: float | None = None) -> list[Row]:  # noqa: ASYNC109 - the driver's own
        """All rows of one statement."""
        return await self._run("fetch", query, args, timeout)  # type: ignore[no-any-return]  # by the driver's method of this name

    async def fetchrow(self, query: str, *args: Any, timeout: float | None = None) -> Row | None:  # noqa: ASYNC109
        """The first row of one statement, or None."""
        return await self._run("fetchrow", query, args, timeout)  # type: ignore[no-any-return]

    async def fetchval(self, query: str, *args: Any, timeout: float | None = None) -> Any:  # noqa: ASYNC109
        """The first value of the first row of one statement, or None."""
        return await self._run("fetchval", query, args, timeout)

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109
        """Run one statement; returns its tag, as `DELETE 3`."""
        return await self._run("execute", query, args, timeout)  # type: ignore[no-any-return]

    @asynccontextmanager
    async def transaction(self, *, isolation: str | None = None, readonly: bool = False) -> AsyncIterator[Connection]:
        """A connection in a transaction, which is committed at the end of the block, or undone where the block raises."""
        async with self.connection() as connection, connection.transaction(isolation=isolation, readonly=readonly):
            yield connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """A connection of the driver's for a while; errors inside are translated. Nothing of a session may be left behind on it."""
        connection = await self._acquire()
        try:
            yield connection
        except Exception as error:
            failure = translated(error)
            self._give_back(connection, error)
            if failure is error:
                raise
            raise failure from error
        except BaseException:
            self._drop(connection)
            raise
        self._release(connection)

    async def _run(self, method: str, query: str, args: tuple[Any, ...], limit: float | None) -> Any:
        connection = self._idle.pop() if self._idle else None
        if connection is None or connection.is_closed():
            if connection is not None:
                self._drop(connection)
            connection = await self._acquire()
        try:
            result = await getattr(connection, method)(query, *args, timeout=self._call_seconds if limit is None else limit)
        except Exception as error:
            self._give_back(connection, error)
            raise translated(error) from error
        except BaseException:
            self._drop(connection)  # its answer may still come
            raise
        self._release(connection)
        return result

    # -- connections -------------------------------------------------------------------------------------------------

    async def _acquire(self) -> Any:
        try:
            async with asyncio.timeout(self._patience):
                while True:
                    self.require()
                    if self._idle:
                        connection = self._idle.pop()
                    elif self._count < self._most and not self._circuit.broken:
                        connection = await self._make()
                    else:
                        connection = await self._wait()
                    if connection is not None:
                        if not connection.is_closed():
                            return connection
                        self._drop(connection)
        except TimeoutError as error:
            raise StoreUnavailable("The database is busy: none of the connections to it has become free.") from error

    async def _wait(self) -> Any:
        """A connection that another call gives back; or None: look again."""
        waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():  # it was this one's turn; it is the next one's
                if waiter.result() is None:
                    self._wake(1)
                else:
                    self._release(waiter.result())
            raise

    async def _make(self) -> Any:
        """One more connection; the circuit breaks when that fails."""
        self._count += 1
        try:
            async with self._making:
                if self._circuit.broken:  # while this one waited
                    raise StoreUnavailable("The database is away.")
                connection = await connect(self.url, self._settings)
        except BaseException as error:
            self._count -= 1
            if isinstance(error, Exception):
                if not isinstance(error, StoreUnavailable):
                    self._circuit.failed()
                self._wake(len(self._waiters))
                raise StoreUnavailable(str(translated(error))) from error
            self._wake(1)
            raise
        self._established.add(connection)
        self._heard = monotonic()
        if not self._open:
            self._drop(connection)
            raise StoreUnavailable("The store is not open.")
        return connection

    async def _try(self) -> bool:
        """Whether the server is back; then the connection that showed it is there to be used."""
        try:
            connection = await connect(self.url, self._settings)
        except Exception:  # noqa: BLE001 - whatever it is, it is tried again
            return False
        if not self._open:
            connection.terminate()
            return True
        self._count += 1
        self._established.add(connection)
        self._release(connection)
        return True

    def _give_back(self, connection: Any, error: BaseException) -> None:
        """After an error: a session that the server has ended, or that may still get an answer, is of no use."""
        if isinstance(error, TimeoutError) or ends_session(error):
            self._drop(connection)
        else:
            self._release(connection)

    def _release(self, connection: Any) -> None:
        if connection.is_closed() or not self._open:
            self._drop(connection)
            return
        self._heard = monotonic()
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        self._idle.append(connection)

    def _drop(self, connection: Any) -> None:
        self._count -= 1
        self._established.discard(connection)
        connection.terminate()
        self._wake(1 if self._count else len(self._waiters))

    def _wake(self, count: int) -> None:
        while count and self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                count -= 1


async def connect(url: str, settings: Mapping[str, str] | None = None) -> Any:
    """One connection of the driver's, with our sessions' settings. Raises the driver's errors.

    When it is cancelled, the attempt gets a moment to end: broken off in its first steps, the driver leaves an error behind that nobody
    takes, and a command that has done its work would print that.
    """
    attempt = asyncio.create_task(first_of(url, {**_SETTINGS, **(settings or {})}, STATEMENTS_KEPT))
    try:
        return await asyncio.shield(attempt)
    except asyncio.CancelledError:
        await asyncio.wait([attempt], timeout=ENDING_SECONDS)
        if not attempt.cancel() and not attempt.cancelled() and attempt.exception() is None:
            attempt.result().terminate()
        raise


async def first_of(url: str, settings: Mapping[str, str], statements: int) -> Any:
    """A connection to the first server of a URL that lets us in, with room for so many prepared statements.

    Each has its share of the time: one that is silent leaves some to the others. Raises what the driver does, and ConnectionRefusedError
    where the last one is not what the URL asks for: a standby, say, that has not taken over yet.
    """
    urls = _hosts(url)
    for place, one in enumerate(urls, 1):
        try:
            return await asyncpg.connect(
                one,
                timeout=CONNECT_SECONDS / len(urls),
                statement_cache_size=statements,
                max_cached_statement_lifetime=0,
                server_settings=dict(settings),
            )
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.TargetServerAttributeNotMatched) as error:
            if place == len(urls):
                if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
                    raise ConnectionRefusedError(str(error)) from error
                raise
    raise AssertionError("a URL names one server at least")


def _hosts(url: str) -> list[str]:
    """A URL of several servers, `postgresql://user@a:1,b:2/name`, as one for each: the driver would give them one timeout together."""
    parts = urlsplit(url)
    user, at, servers = parts.netloc.rpartition("@")
    return [urlunsplit(parts._replace(netloc=f"{user}{at}{server}")) for server in servers.split(",")]


def require_server(connection: Any) -> None:
    """Raise StoreError if the server's version is not one of those that are supported."""
    version = connection.get_server_version()
    if version.major < OLDEST_SERVER:
        raise StoreError(f"PostgreSQL {version.major} is too old; {OLDEST_SERVER} or newer is needed.")
