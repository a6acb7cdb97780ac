"""The way in: calls that come while a batch is under way become the next one, and a batch is one statement and one commit.

An answer that is lost with its connection leaves open whether the batch was committed. It is sent again, under its id, until the database
has said which: a batch is stored once, and nobody is told that nothing was stored as long as it may have been.
"""

import asyncio
import random
from collections.abc import Callable, Collection, Iterable, Sequence
from time import monotonic
from typing import Any, Final

from clarion import faults
from clarion.clock import Clock
from clarion.store.answers import Call, Done, split, tell
from clarion.store.port import StoreError, StoreOverloaded, StoreUnavailable, Unresolved
from clarion.store.postgres.connection import Database
from clarion.store.postgres.entries import SQL, STORED, claims, columns
from clarion.store.postgres.errors import certain, translated
from clarion.store.records.entries import Appended, NewEntry
from clarion.tallies import Committing

MOST_WAITING: Final = 50_000
"""Entries that may wait for their commit before more are refused."""
MOST_BYTES: Final = 256 * 1024 * 1024
"""Bytes of their bodies."""
AT_ONCE: Final = 5_000
"""Entries in a batch, unless one call has more."""
BYTES_AT_ONCE: Final = 16 * 1024 * 1024
"""Bytes of bodies in a batch, unless one call has more: also a slow disk has them in time for the answer."""
ABREAST: Final = 2
"""Batches under way at a time."""
ENOUGH: Final = 256
"""Entries that have to wait for another batch to begin beside one that is under way: else they share the next."""

ANSWER_SECONDS: Final = 10.0
"""For the answer to a batch; without one, the connection is given up."""
RESOLVING_SECONDS: Final = 60.0
"""How long to ask what became of a batch whose answer was lost; its id is kept for longer (`forgetting`)."""
CLOSING_SECONDS: Final = 5.0
"""The same, once the store is being closed."""

FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 1.0
"""Seconds, on average, between two times of asking."""


class _AnswerLost(StoreError):
    """A statement was sent, and may have been committed."""


class Ingest:
    """Gathers entries and sends them. A call costs the append to a list: no task, no lock, no future."""

    def __init__(
        self,
        database: Database,
        signal: Callable[[Collection[int]], None],
        clock: Clock,
        *,
        most_waiting: int = MOST_WAITING,
        most_bytes: int = MOST_BYTES,
        resolving: float = RESOLVING_SECONDS,
    ) -> None:
        """`signal` is told whose inboxes have new entries; `clock` is the store's."""
        self._database, self._signal, self._clock = database, signal, clock
        self._most, self._most_bytes, self._resolving = most_waiting, most_bytes, resolving
        self._calls: list[Call] = []
        self._gathered = self._waiting = self._bytes = 0
        """Entries in `_calls`; those and the ones under way; and the bytes of all of these."""
        self._senders = 0
        """Tasks that will look once more whether something waits."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.tally = Committing()

    def append(self, entries: Sequence[NewEntry], done: Done) -> None:
        """Take entries in. Raises StoreOverloaded, StoreUnavailable: then `done` is not called."""
        count = len(entries)
        if self._waiting + count > self._most:
            raise StoreOverloaded(f"{self._waiting} entries are waiting to be stored; no more than {self._most} may.")
        size = len(entries[0].body) if count == 1 else sum([len(entry.body) for entry in entries])
        if self._bytes + size > self._most_bytes:
            raise StoreOverloaded(f"Entries of {self._bytes} bytes are waiting to be stored; no more than {self._most_bytes} may.")
        self._database.require()
        self._calls.append((entries, done, size))
        self._waiting += count
        self._gathered += count
        self._bytes += size
        self._start()

    def _start(self) -> None:
        """Begin another batch, if it is time for one."""
        if self._calls and (self._senders == 0 or (self._senders < ABREAST and self._gathered >= ENOUGH)):
            self._senders += 1
            task = asyncio.create_task(self._send())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    @property
    def waiting(self) -> int:
        """Entries that wait for their commit."""
        return self._waiting

    async def stop(self) -> None:
        """Return when what was taken in has been answered."""
        self._resolving = min(self._resolving, CLOSING_SECONDS)
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _send(self) -> None:
        """Send batch after batch, until nothing waits."""
        while self._calls:
            calls = self._take()
            began = monotonic()
            try:
                results = await self._stored(calls)
            except Exception as error:  # noqa: BLE001 - whatever it was, those who wait are told
                results = [translated(error)] * len(calls)
            self._answer(calls, results)
            stored = sum([len(result) for result in results if isinstance(result, list)])
            if stored:
                self._signal({entry.partition for entries, _, _ in calls for entry in entries})
                self.tally.entries += stored
                self.tally.seconds.add(monotonic() - began)
        self._senders -= 1

    def _take(self) -> list[Call]:
        count = total = size = 0
        for entries, _, bytes_ in self._calls:
            if count and (total + len(entries) > AT_ONCE or size + bytes_ > BYTES_AT_ONCE):
                break
            total += len(entries)
            size += bytes_
            count += 1
        taken = self._calls[:count]
        del self._calls[:count]
        self._gathered -= total
        return taken

    async def _stored(self, calls: Sequence[Call]) -> list[list[Appended] | StoreError]:
        """What became of each call. One that cannot be stored fails alone."""
        try:
            became = await self._put([entry for entries, _, _ in calls for entry in entries])
        except StoreUnavailable as error:
            return [error] * len(calls)
        except StoreError as error:
            if len(calls) == 1 or isinstance(error, Unresolved):
                return [error] * len(calls)
            return [result for call in calls for result in await self._stored([call])]
        return list(split(became, calls))

    async def _put(self, entries: Sequence[NewEntry]) -> list[Appended]:
        """Store entries, all or none. Raises StoreError: then none is, but for Unresolved."""
        if not entries:
            return []
        try:
            given = columns(entries)
        except UnicodeDecodeError as error:
            raise StoreError("An entry's body is no UTF-8.") from error
        batch = self._fresh_id()
        claimed = claims(entries)
        places = claimed[0]
        if not places:
            await self._surely(SQL["append"], batch, *given)
            return [STORED] * len(entries)
        judged = await self._surely(SQL["append_claimed"], batch, *given, *claimed)
        became = [STORED] * len(entries)
        for place, word in zip(places, judged or (), strict=False):
            became[place - 1] = Appended(word)
        return became

    async def _surely(self, statement: str, *values: Any) -> Any:
        """Run a statement that does nothing the second time. Raises StoreError: it did not happen; or Unresolved."""
        try:
            return await self._once(statement, values)
        except _AnswerLost as lost:
            latest: StoreError = lost
        self._senders -= 1  # what comes meanwhile does not wait for this
        self._start()
        try:
            began, pause = monotonic(), FIRST_PAUSE
            while monotonic() < began + self._resolving:
                await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311 - many processes do not come back at once
                pause = min(2 * pause, LONGEST_PAUSE)
                try:
                    return await self._once(statement, values)
                except StoreError as error:
                    latest = error
        finally:
            self._senders += 1
        raise Unresolved("The database went away while this was being stored; whether it was is not known.") from latest

    async def _once(self, statement: str, values: Sequence[Any]) -> Any:
        sent = False
        try:
            async with self._database.connection() as connection:
                faults.reach("ingest.before_commit")
                sent = True
                result = await connection.fetchval(statement, *values, timeout=ANSWER_SECONDS)
        except StoreError as error:
            if sent and error.__cause__ is not None and not certain(error.__cause__):
                raise _AnswerLost(str(error)) from error
            raise
        faults.reach("ingest.after_commit")
        return result

    def _fresh_id(self) -> str:
        """Of a batch: it begins with its time, by which it is forgotten."""
        return f"{self._clock() // 1_000:012x}{random.getrandbits(80):020x}"

    def _answer(self, calls: Sequence[Call], results: Iterable[list[Appended] | StoreError]) -> None:
        """Tell every caller; one that fails does not keep the others waiting."""
        for (entries, done, size), result in zip(calls, results, strict=True):
            self._waiting -= len(entries)
            self._bytes -= size
            tell(done, result)
