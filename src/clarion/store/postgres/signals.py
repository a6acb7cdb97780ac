"""Hints of what has changed: at once in this process, and to the others by NOTIFY, sent after the commit and apart from it.

A NOTIFY inside a commit would make commits wait for each other. Hints may be lost; what must not be missed is asked for once a second.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import msgspec

from clarion.store.port import OnChange, StoreError
from clarion.store.postgres.connection import Database, connect

INBOX: Final = "inbox"
OUTBOX: Final = "outbox"
CONFIGURATION: Final = "configuration"
ROSTER: Final = "roster"

CHANNEL: Final = "clarion"
PACE: Final = 0.003
"""Seconds from one notification to the next; what changes meanwhile goes into one."""
_FOR_NODES: Final = frozenset({INBOX, OUTBOX})
"""What only nodes act on."""
LAST_SECONDS: Final = 0.5
"""For what is still to be told when it ends."""
POLL: Final = 1.0
"""Seconds between two looks at the configuration's generation."""
AGAIN: Final = 1.0
"""Seconds, on average, until the next try to listen."""
ASK_EVERY: Final = 10.0
"""Seconds between two questions whether the connection that listens is still one."""
ANSWER_SECONDS: Final = 5.0
"""For the answer to that one, and to a notification."""
MOST_NAMED: Final = 750
"""Partitions, of inbox and of outbox, in a notification, which has less than 8,000 bytes: a number and its comma have five at most.
Where more have changed, it says none: it may be anywhere."""

_SETTINGS: Final = {"synchronous_commit": "off", "statement_timeout": "5s"}


class _Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """A notification's payload."""

    sender: str
    changes: dict[str, list[int]] = {}
    """Where what has changed; an empty list: it may be anywhere."""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Note).decode


class Signals:
    """Tells those who watch of every change, whoever made it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._sender = f"{random.getrandbits(64):016x}"
        self._watchers: list[OnChange] = []
        self._known: int | None = None
        """Generation of the configuration that was last told of."""
        self._alone = False
        self._unsent: dict[str, set[int] | None] = {}
        """None: it may be anywhere."""
        self._ready, self._told = asyncio.Event(), asyncio.Event()
        self._told.set()
        self._tasks: list[asyncio.Task[None]] = []

    def watch(self, callback: OnChange) -> None:
        """Have `callback` called in the event loop with each change."""
        self._watchers.append(callback)

    async def start(self, generation: Callable[[], Awaitable[int]]) -> None:
        """Listen, and poll `generation`, which reads the configuration's. Returns once it listens, or has found that it cannot for now."""
        listening = asyncio.Event()
        self._tasks = [asyncio.create_task(work) for work in (self._listen(listening), self._send(), self._poll(generation))]
        await listening.wait()

    async def stop(self) -> None:
        """End it. What the others have not been told yet gets a moment to be told: a command ends as soon as its change is made."""
        tasks, self._tasks = self._tasks, []
        if tasks:
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_SECONDS):
                    await self._told.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def tell(self, what: str, partitions: Collection[int] = ()) -> None:
        """This process has committed a change: say so here now, and to the others soon. No `partitions`: it may be anywhere."""
        self._heard(what, partitions)
        if self._alone and what in _FOR_NODES:
            return
        if not partitions:
            self._unsent[what] = None
        else:
            known = self._unsent.setdefault(what, set())
            if known is not None:
                known.update(partitions)
        self._ready.set()
        self._told.clear()

    def here(self, what: str, partitions: Collection[int] = ()) -> None:
        """Say it here only: it was found by looking, and the others look too."""
        self._heard(what, partitions)

    def alone(self, is_alone: bool) -> None:
        """Whether no other node was there a moment ago: who else would work on it?

        One that has come since says so, and looks by itself in its first second.
        """
        self._alone = is_alone

    def generation_is(self, value: int) -> None:
        """The configuration was read, or changed, here: that generation needs no telling any more."""
        self._known = value if self._known is None else max(self._known, value)

    def _heard(self, what: str, partitions: Collection[int]) -> None:
        for watcher in self._watchers:
            watcher(what, partitions)

    # -- to others ---------------------------------------------------------------------------------------------------

    async def _send(self) -> None:
        """One notification after the other; one that fails is lost."""
        sender = Database(self._url, most=1, settings=_SETTINGS)
        await sender.open(lazily=True)
        try:
            while True:
                await self._ready.wait()
                self._ready.clear()
                unsent, self._unsent = self._unsent, {}
                changes = {what: _named(where) for what, where in unsent.items()}
                with suppress(StoreError):
                    note = _encode(_Note(self._sender, changes)).decode()
                    await sender.execute("SELECT pg_notify($1, $2)", CHANNEL, note, timeout=ANSWER_SECONDS)
                if not self._ready.is_set():
                    self._told.set()
                await asyncio.sleep(PACE)
        finally:
            await sender.close()

    # -- from others -------------------------------------------------------------------------------------------------

    async def _listen(self, listening: asyncio.Event) -> None:
        """Keep a connection that listens. After each time without one, anything may have changed."""
        missed = False
        while True:
            try:
                connection = await connect(self._url, _SETTINGS)
                try:
                    lost = asyncio.Event()
                    connection.add_termination_listener(lambda _, lost=lost: lost.set())
                    await connection.add_listener(CHANNEL, self._notified)
                    listening.set()
                    if missed:
                        for what in (CONFIGURATION, INBOX, OUTBOX, ROSTER):
                            self._heard(what, ())
                    await _until(lost, connection)
                finally:
                    connection.terminate()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
                pass  # tried again below
            listening.set()
            missed = True
            await asyncio.sleep(AGAIN * (0.5 + random.random()))  # noqa: S311 - many processes do not come back at once

    def _notified(self, connection: Any, process: int, channel: str, payload: str) -> None:
        try:
            note = _decode(payload)
        except msgspec.MsgspecError:
            return  # whatever it is, it is not ours
        if note.sender != self._sender:
            self._alone = False  # until the next beat says so again
            for what, partitions in note.changes.items():
                if what in {INBOX, OUTBOX, CONFIGURATION, ROSTER}:
                    self._heard(what, partitions)

    async def _poll(self, generation: Callable[[], Awaitable[int]]) -> None:
        """What must not be missed: a key that was revoked."""
        while True:
            await asyncio.sleep(POLL)
            try:
                value = await generation()
            except StoreError:
                continue
            if self._known is not None and value != self._known:
                self._heard(CONFIGURATION, ())
            self._known = value


async def _until(lost: asyncio.Event, connection: Any) -> None:
    """Return when a connection has ended; raise when it does not answer any more: a network that is cut tells nobody."""
    while True:
        try:
            async with asyncio.timeout(ASK_EVERY):
                await lost.wait()
                return
        except TimeoutError:
            await connection.fetchval("SELECT 1", timeout=ANSWER_SECONDS)


def _named(where: set[int] | None) -> list[int]:
    return [] if where is None or len(where) > MOST_NAMED else sorted(where)
