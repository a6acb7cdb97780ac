"""A batch on its way: through its inputs in stints, and into the store in pieces."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from clarion.engine.batch import Batch
from clarion.engine.inputs import Body
from clarion.engine.portion import LONGEST, PIECES, Stint
from clarion.engine.relay import Relay
from clarion.store.records.batches import MemoryKey
from clarion.store.records.commits import Outcome
from clarion.store.records.entries import Entry
from clarion.store.records.runs import EntryMemory
from clarion.workflow.run import WAITING

Given = tuple[Entry, Body | Exception]
"""An entry and its body, or why it cannot be read."""


async def prepare(batch: Batch, stint: Stint) -> None:
    """Prepare a batch, with turns for others."""
    stint.begin()
    while not batch.prepare():
        await stint.rest()
    stint.end()


class Pieces:
    """Takes a prepared batch through its inputs, and commits what they come to piece by piece, each while the next is taken."""

    def __init__(
        self,
        batch: Batch,
        stint: Stint,
        commit: Callable[[Outcome], Awaitable[None]],
        read: Callable[[MemoryKey], Awaitable[Iterable[EntryMemory]]],
    ) -> None:
        """`read` gives what the store has of a memory that the batch has not."""
        self._batch, self._stint, self._read = batch, stint, read
        self._relay = Relay(commit)
        self.next_due: int | None = None
        """When the first timer that the inputs have set is due."""
        self.is_whole = False
        """Whether all were taken."""

    @property
    def committed(self) -> int:
        """Inputs that are in the store, also if a later one could not be put there."""
        return self._relay.committed

    async def take(self, inputs: Iterable[Given], most_timers: int, most: int = PIECES) -> None:
        """Take inputs, in at most so many pieces. Raises StoreError; then what was not committed never was."""
        waiting, batch = deque(inputs), self._batch
        async with self._relay as relay:
            for _ in range(most):
                before = batch.taken
                self.is_whole = await self._take_piece(waiting, most_timers)
                outcome = batch.outcome()
                self._note_due(outcome)
                if not batch.is_cut:
                    await relay.put_last(outcome)
                    break
                await relay.put(outcome, batch.taken - before)

    def _note_due(self, outcome: Outcome) -> None:
        for row in outcome.runs:
            if row.due is not None and row.status == WAITING and not row.held and (self.next_due is None or row.due < self.next_due):
                self.next_due = row.due

    async def _take_piece(self, waiting: deque[Given], most_timers: int) -> bool:
        """Take inputs for as long as a piece may take; whether all are taken now."""
        stint = self._stint
        until = stint.spent + LONGEST
        while True:
            stint.begin()
            self._batch.go_on()
            is_whole = await self._take_stint(waiting, most_timers)
            stint.end()
            if not self._batch.is_cut or stint.spent >= until:
                return is_whole
            await asyncio.sleep(0)  # everybody else has a turn

    async def _take_stint(self, waiting: deque[Given], most_timers: int) -> bool:
        """Apply entries, and timers before, between and after them, as far as the batch takes them; whether it took all."""
        batch = self._batch
        while waiting:
            entry, given = waiting[0]
            if isinstance(given, Exception):
                batch.skip(entry, f"unreadable: {given}")
            else:
                while not batch.apply(entry, given, most_timers):
                    if batch.unread is None:
                        return False
                    batch.learn(await self._read(batch.unread))
            waiting.popleft()
        batch.fire_timers(most_timers)
        return not batch.is_cut
