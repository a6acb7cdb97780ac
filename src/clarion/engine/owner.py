"""The owner of a partition: takes inbox entries and due timers, applies them, commits, and sleeps until there is more."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec
import structlog

from clarion.clock import Clock
from clarion.engine.batch import Batch, Body, Needs, decode
from clarion.engine.log_clock import LogClock, steady_clock
from clarion.engine.registry import Registry
from clarion.store.port import Fenced, Store, StoreError, StoreUnavailable
from clarion.store.records import (
    DueRun,
    Entry,
    EntryKind,
    Facts,
    NewEntry,
    Outcome,
    PartitionState,
    RunRow,
)
from clarion.workflow.run import WAITING
from clarion.workflow.start import PAUSED

LONGEST_BACKOFF = 5.0
"""Seconds between tries while the store is away."""

AT_ONCE = 0
"""In place of a due time: there may be more to do already."""
PACE = 0.003
"""Seconds from the start of a batch that was not full to the start of the next: what arrives meanwhile shares it and its commit.
A batch has a fixed cost; without the pause, a moderate load would pay it for every entry. An engine that was asleep starts at once."""

_log = structlog.get_logger(__name__)


class Owner:
    """Runs one partition. `start`, then `stop`; `wake` when there may be something new."""

    def __init__(
        self,
        store: Store,
        partition: int,
        wall: Clock,
        new_id: Callable[[], str],
        *,
        entries: int = 256,
        timers: int = 1_000,
        steady: Callable[[], int] = steady_clock,
        pace: float = PACE,
    ) -> None:
        self._store, self._partition, self._wall, self._new_id, self._steady = store, partition, wall, new_id, steady
        self._most_entries, self._most_timers = entries, timers
        self._pace = pace
        self._registry = Registry(store)
        self._awake = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._state: PartitionState | None = None
        self._clock: LogClock | None = None
        self._rearm: list[tuple[int, str]] = []
        self._behind: list[tuple[int, str]] = []
        self._alone = 0
        """How many inputs are still to be taken one by one, because a batch with them was refused."""

    async def start(self) -> None:
        """Take the partition over and begin. Raises StoreError when that fails."""
        await self._take_over()
        self._task = asyncio.create_task(self._run(), name=f"owner of partition {self._partition}")

    async def stop(self) -> None:
        """Finish the batch under way, then end."""
        self._stopping = True
        self._awake.set()
        if self._task is not None:
            await self._task

    async def ended(self) -> None:
        """Wait until the owner has ended, by `stop` or by itself."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def wake(self) -> None:
        """There may be something to do."""
        self._awake.set()

    @property
    def failed(self) -> bool:
        """Whether the owner has ended by itself: it was fenced, or met an error that it cannot get over."""
        return self._task is not None and self._task.done() and not self._stopping

    # -- the loop ----------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        backoff, began, loop = 0.0, 0.0, asyncio.get_running_loop()
        while not self._stopping:
            try:
                if backoff:
                    await self._pause(backoff)
                    await self._take_over()
                self._awake.clear()
                began = loop.time()
                next_due = await self._turn()
                backoff = 0.0
            except Fenced:
                _log.error("another process owns this partition now; this engine ends", partition=self._partition)
                return
            except StoreUnavailable as error:
                backoff = min(LONGEST_BACKOFF, backoff * 2 or 0.05)
                _log.warning("the store is away; the engine tries again", error=str(error), after=backoff)
            else:
                if next_due != AT_ONCE:
                    await asyncio.sleep(began + self._pace - loop.time())
                    await self._sleep(next_due)

    async def _pause(self, seconds: float) -> None:
        """Wait for a while, or until told to stop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._stopping:
                    self._awake.clear()
                    await self._awake.wait()

    async def _sleep(self, next_due: int | None) -> None:
        """Wait until woken or until a time."""
        if next_due is None:
            await self._awake.wait()
            return
        delay = max(0.0, (next_due - self._now()) / 1_000_000)
        with suppress(TimeoutError):
            async with asyncio.timeout(min(delay, 3_600.0)):
                await self._awake.wait()

    def _now(self) -> int:
        assert self._clock is not None  # noqa: S101  # set by _take_over
        return self._clock.now()

    async def _take_over(self) -> None:
        """Own the partition, and log a RESUME: overdue timers run with its time (design §3.2)."""
        self._state = state = await self._store.own(self._partition)
        if self._clock is None:
            self._clock = LogClock(self._wall, state.log_time, self._steady)
        states = await self._store.workflow_states(self._partition)
        self._registry.load(states, await self._store.site_states(self._partition))
        await self._registry.fetch(())
        self._rearm = [(state.site, state.workflow) for state in states if state.status != PAUSED]
        self._behind = [(state.site, state.workflow) for state in states if state.directives]
        now = self._now()
        entry = NewEntry(EntryKind.RESUME, 0, self._new_id(), b"null", now, self._partition)
        resumed = msgspec.structs.replace(state, sequence=state.sequence + 1, log_time=now, resumed=now)
        await self._commit(Outcome(resumed, logged=[(resumed.sequence, now, entry)]))

    async def _commit(self, outcome: Outcome) -> None:
        await self._store.commit(outcome)
        self._state = outcome.state

    # -- one batch ---------------------------------------------------------------------------------------------------

    async def _turn(self) -> int | None:
        """Apply one batch. Returns when to go on unless woken before: AT_ONCE, the next due time, or None."""
        if self._rearm:
            await self._rearm_some()
            return AT_ONCE
        if self._behind:
            await self._direct_some()
            return AT_ONCE
        now = self._now()
        most_entries, most_timers = (1, 1) if self._alone else (self._most_entries, self._most_timers)
        taken = await self._store.take(self._partition, most_entries, now, most_timers)
        if not taken.entries and not taken.due:
            self._alone = 0
            return taken.next_due
        crowded = len(taken.due) >= most_timers
        entries = [] if crowded else taken.entries
        try:
            outcome = await self._apply(entries, taken.due, now, most_timers)
        except (Fenced, StoreUnavailable):
            raise
        except StoreError as error:
            await self._isolate(entries, taken.due, now, error)
            return AT_ONCE
        if self._alone:
            self._alone -= 1
            return AT_ONCE
        if crowded or len(entries) >= most_entries or len(outcome.moved) < len(entries) or self._rearm or self._behind:
            return AT_ONCE
        dues = [row.due for row in outcome.runs if row.due is not None and row.status == WAITING and not row.held]
        return min(dues if taken.next_due is None else [*dues, taken.next_due], default=None)

    async def _apply(self, entries: list[Entry], due: list[DueRun], now: int, most_timers: int) -> Outcome:
        bodies: list[Body | Exception] = []
        needs = Needs(self._registry)
        needs.add_runs(due)
        for entry in entries:
            try:
                body = decode(entry)
                needs.add(entry.site, body)
            except Exception as error:  # noqa: BLE001  # whatever it is: the entry is not what its kind says, and is set aside alone
                bodies.append(error)
            else:
                bodies.append(body)
        batch = await self._batch(needs, due, now)
        for entry, given in zip(entries, bodies, strict=True):
            if isinstance(given, Exception):
                batch.skip(entry, f"unreadable: {given}")
            elif not batch.apply(entry, given, most_timers):
                break
        else:
            batch.fire_timers(most_timers)
        outcome = batch.outcome()
        try:
            await self._commit(outcome)
        except StoreError:
            self._registry.load(await self._store.workflow_states(self._partition), await self._store.site_states(self._partition))
            await self._registry.fetch(())
            raise
        self._rearm.extend(batch.resumed)
        self._behind.extend(batch.directed)
        return outcome

    async def _batch(self, needs: Needs, due: list[DueRun], now: int) -> Batch:
        """A batch with all that its inputs can touch."""
        facts = await self._store.facts(self._partition, needs.asked())
        more = needs.asked_next(facts)
        if more is not None:
            memory = [*facts.memory, *(await self._store.facts(self._partition, more)).memory]
            facts = msgspec.structs.replace(facts, memory=memory)
        await self._registry.fetch(needs.versions | {(row.site, row.workflow, row.version) for row in facts.runs})
        return Batch(self._require_state(), self._registry, facts, due, now, partitions=self._store.partitions)

    def _bare_batch(self, runs: list[RunRow], now: int) -> Batch:
        """A batch that knows of nothing but runs."""
        return Batch(self._require_state(), self._registry, Facts([], [], runs, []), [], now)

    async def _isolate(self, entries: list[Entry], due: list[DueRun], now: int, error: StoreError) -> None:
        """The store refused a batch: its inputs are taken one by one, and one that is refused alone is set aside."""
        if len(entries) + len(due) > 1:
            _log.warning("a batch was refused by the store; its inputs are taken one by one", error=str(error))
            self._alone = len(entries) + len(due)
            return
        batch = self._bare_batch([await self._store.run(one.id) for one in due], now)
        for entry in entries:
            batch.skip(entry, str(error))
        for one in due:
            batch.skip_run(one.id, str(error))
        await self._commit(batch.outcome())

    async def _rearm_some(self) -> None:
        """Offer a bounded piece of the runs that a pause held again."""
        site, workflow = self._rearm[0]
        rows = await self._store.held_runs(self._partition, site, workflow, self._most_timers)
        if not rows:
            self._rearm.pop(0)
            return
        freed = [msgspec.structs.replace(row, held=False) for row in rows]
        await self._commit(Outcome(msgspec.structs.replace(self._require_state(), log_time=self._now()), runs=freed))

    async def _direct_some(self) -> None:
        """Let a bounded piece of a workflow's runs in flight hear of a publish, or of their end; and forget it when all have."""
        site, workflow = self._behind[0]
        state = self._registry.state(site, workflow)
        directives = () if state is None else state.directives
        if state is None or not directives:
            self._behind.pop(0)
            return
        newest = max(directive.version for directive in directives)
        limit = 1 if self._alone else self._most_timers
        rows = await self._store.runs_behind(self._partition, site, workflow, newest, limit)
        now = self._now()
        if not rows:
            told = msgspec.structs.replace(state, directives=())
            await self._commit(Outcome(msgspec.structs.replace(self._require_state(), log_time=now), workflows=[told]))
            self._registry.put(told)
            self._behind.pop(0)
            return
        needs = Needs(self._registry)
        needs.add_runs(rows)
        batch = await self._batch(needs, [], now)
        try:
            await self._commit(batch.outcome())
        except (Fenced, StoreUnavailable):
            raise
        except StoreError as error:
            if len(rows) > 1:
                self._alone = len(rows)
                return
            batch = self._bare_batch([], now)
            batch.give_up(rows[0], str(error))
            await self._commit(batch.outcome())
        self._alone = max(0, self._alone - 1)

    def _require_state(self) -> PartitionState:
        assert self._state is not None  # noqa: S101  # set by _take_over
        return self._state
