"""The owner of a partition: takes inbox entries and due timers, applies them, commits, and sleeps until there is more."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

import msgspec
import structlog

from clarion.clock import Clock
from clarion.engine.batch import Batch
from clarion.engine.holding import Holding
from clarion.engine.homes import Homes
from clarion.engine.inputs import decode
from clarion.engine.ledger import run_from_row
from clarion.engine.log_clock import LogClock, steady_clock
from clarion.engine.needs import Needs
from clarion.engine.pieces import Given, Pieces, prepare
from clarion.engine.portion import LONGEST, PIECES, Portion, Stint
from clarion.engine.registry import Registry
from clarion.engine.runs import unheard
from clarion.engine.shared import Shared
from clarion.engine.sweeping import Sweeping
from clarion.engine.wanted import together
from clarion.store.port import Fenced, Owned, Store, StoreError, StoreUnavailable
from clarion.store.records.batches import Asked, Facts, MemoryKey
from clarion.store.records.commits import Outcome
from clarion.store.records.entries import Entry, EntryKind, NewEntry
from clarion.store.records.runs import DueRun, EntryMemory, RunRow
from clarion.store.records.states import PartitionState, WorkflowState
from clarion.workflow.start import PAUSED

LONGEST_BACKOFF = 5.0
"""Seconds between tries while the store is away, at most; it varies down to half of that, so that not all owners try at once."""

AT_ONCE = 0
"""In place of a due time: there may be more to do already."""
PACE = 0.003
"""Seconds from the start of a batch that was not full to the start of the next: what arrives meanwhile shares it and its commit.
A batch has a fixed cost; without the pause, a moderate load would pay it for every entry. An engine that was asleep starts at once."""

_log = structlog.get_logger(__name__)


class Owner:
    """Runs one partition. `start`, then `stop`; `wake` when there may be something new. A sleeping owner costs nothing but memory."""

    def __init__(
        self,
        store: Store,
        partition: int,
        wall: Clock,
        new_id: Callable[[], str],
        *,
        node: str = "",
        entries: int = 1_024,
        timers: int = 4_000,
        told: int = 1_000,
        steady: Callable[[], int] = steady_clock,
        pace: float = PACE,
        shared: Shared | None = None,
    ) -> None:
        """`entries` and `timers` are read at a time at most; `told` runs hear of a publish, or come back from a pause, or
        profiles have their turn in a broadcast, at a time.

        `wall` is the store's clock; `node` the id of the process, where several work on the store.
        """
        self._store, self._partition, self._wall, self._new_id, self._steady = store, partition, wall, new_id, steady
        self._node = node
        self._most_entries, self._most_timers, self._most_told = entries, timers, told
        self._pace = pace
        self._shared = Shared.of(store) if shared is None else shared
        self._registry = Registry(self._shared.programs)
        self._sweeping = Sweeping(store, partition, self._registry, self._read, self._commit, steady, told)
        self._is_swept = False
        """As `_is_told`, of what is done with all profiles."""
        self._holding = Holding(store, partition)
        self._is_let = False
        """As `_is_told`, of deliveries that are held, let go or ended."""
        self._turned = 0
        """Log time of the last turn of other inputs: timers due by then have fired, or are about to."""
        self._awake = asyncio.Event()
        self._stopping = False
        self._lost = False
        self._task: asyncio.Task[None] | None = None
        self._state: PartitionState | None = None
        self._clock: LogClock | None = None
        self._rearm: list[tuple[int, str]] = []
        self._behind: list[tuple[int, str]] = []
        self._is_told = False
        """Whether a piece of the runs that are behind was the last that was done: then it is the turn of other inputs."""
        self._is_blocked = False
        """Whether the next entry has to wait until no run is behind."""
        self._not_before = 0
        """Log time of the next batch at the earliest: what starts after a publish is later than that."""
        self._portion, self._telling = Portion(PIECES * LONGEST, 1 / PIECES), Portion(LONGEST)
        self._alone = self._told_alone = 0
        """How many inputs, and runs to be told, are still to be taken one by one, because a batch with them was refused."""

    async def start(self) -> None:
        """Take the partition over and begin. Raises Owned when another node has it, StoreError when it fails otherwise."""
        async with self._shared.turns:
            await self._take_over()
        self._task = asyncio.create_task(self._run(), name=f"owner of partition {self._partition}")

    def retire(self) -> None:
        """Have it finish the batch under way, then end."""
        self._stopping = True
        self._awake.set()

    def abandon(self) -> None:
        """End at once, whatever is under way: another has the partition, and what would still be written is refused."""
        self._stopping = self._lost = True
        if self._task is not None:
            self._task.cancel()

    async def stop(self) -> None:
        """Finish the batch under way, then end. Raises what the owner met that it could not get over."""
        self.retire()
        await self.ended()
        if self._task is not None and not self._task.cancelled():
            self._task.result()

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

    @property
    def lost(self) -> bool:
        """Whether it has ended because another owner has the partition."""
        return self._lost

    # -- the loop ----------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        backoff, began, loop = 0.0, 0.0, asyncio.get_running_loop()
        shared = self._shared
        while not self._stopping:
            try:
                if backoff:
                    await self._pause(backoff * random.uniform(0.5, 1.0))  # noqa: S311  # spreads tries, guards nothing
                async with shared.turns:
                    began = loop.time()
                    next_due = await self._begin(again=backoff > 0)
            except (Fenced, Owned) as error:
                self._lost = True
                _log.warning(
                    "another owner has this partition now; nothing more is written here", partition=self._partition, why=str(error)
                )
                return
            except StoreUnavailable as error:
                backoff = min(LONGEST_BACKOFF, backoff * 2 or 0.05)
                shared.outage.failed(error)
                self._portion.halve()  # it may have been too much to be done in time
                self._telling.halve()
                continue
            backoff = 0.0
            if shared.outage.lasts:
                shared.outage.answered()
            if next_due == AT_ONCE:
                await asyncio.sleep(0)  # everybody else has a turn
            else:
                await asyncio.sleep(began + self._pace - loop.time())
                await self._sleep(next_due)

    async def _begin(self, *, again: bool) -> int | None:
        """One turn; `again`: after the store was away. Nothing if it was told to end while it waited for it."""
        if self._stopping:
            return AT_ONCE
        if again:
            await self._take_over()
        self._awake.clear()
        return await self._turn()

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

    def _log_time(self) -> int:
        """The time of the next commit."""
        return max(self._now(), self._require_state().log_time, self._not_before)

    async def _take_over(self) -> None:
        """Own the partition, and log a RESUME: overdue timers run with its time (design §3.2)."""
        self._state = state = await self._store.own(self._partition, self._node)
        if self._clock is None:
            self._clock = LogClock(self._wall, state.log_time, self._steady)
        states = await self._load_registry()
        paused = {(state.site, state.workflow) for state in states if state.status == PAUSED}
        self._rearm = [held for held in await self._store.held_workflows(self._partition) if held not in paused]
        self._behind = [(state.site, state.workflow) for state in states if state.directives]
        self._is_blocked = False
        self._holding.taken_over()
        asked = [directive.at for state in states for directive in state.directives] + [one.sweep.at for one in self._registry.sweeps()]
        self._not_before = max(asked, default=-1) + 1
        now = self._log_time()
        entry = NewEntry(EntryKind.RESUME, 0, self._new_id(), b"null", now, self._partition)
        resumed = msgspec.structs.replace(state, sequence=state.sequence + 1, log_time=now, resumed=now)
        await self._commit(Outcome(resumed, logged=[(resumed.sequence, now, entry)]))

    async def _load_registry(self) -> list[WorkflowState]:
        """Begin with what the store has of the log's configuration. Returns the workflows."""
        states = await self._store.workflow_states(self._partition)
        sites = await self._store.site_states(self._partition)
        segments = await self._store.segment_states(self._partition)
        self._registry.load(states, sites, segments, await self._store.sweeps(self._partition))
        await self._registry.fetch(())
        return states

    async def _commit(self, outcome: Outcome) -> None:
        await self._store.commit(outcome)
        self._state = outcome.state
        self._holding.note(outcome)

    # -- one batch ---------------------------------------------------------------------------------------------------

    async def _turn(self) -> int | None:
        """Apply one batch. Returns when to go on unless woken before: AT_ONCE, the next due time, or None."""
        if self._rearm:
            await self._rearm_some()
            return AT_ONCE
        if self._behind and (self._is_blocked or not self._is_told):
            self._is_told = True
            await self._direct_some()
            return AT_ONCE
        self._is_told = False
        if self._sweeping.has_work and not self._is_swept and not self._is_blocked:
            self._is_swept = True
            await self._sweep_some()
            return AT_ONCE
        self._is_swept = False
        if self._holding.has_work(self._now()) and not self._is_let and not self._is_blocked:
            self._is_let = True
            await self._holding.take(self._now(), self._portion.of(self._most_entries) // 2)
            return AT_ONCE
        self._is_let = False
        self._turned = now = self._log_time()
        most_entries, most_timers = (1, 1) if self._alone else (self._portion.of(self._most_entries), self._portion.of(self._most_timers))
        taken = await self._store.take(self._partition, most_entries, now, most_timers)
        if not taken.entries and not taken.due:
            self._alone = 0
            return AT_ONCE if self._has_more else self._sooner(taken.next_due)
        crowded = len(taken.due) >= most_timers
        entries = [] if crowded else taken.entries
        is_full = crowded or len(entries) >= most_entries
        pieces = await self._apply(entries, taken.due, now, most_timers, is_full=is_full and not self._alone)
        if self._alone:
            self._alone -= 1
            return AT_ONCE
        if pieces is None or is_full or taken.more or not pieces.is_whole or self._rearm or self._has_more:
            return AT_ONCE
        return self._sooner(pieces.next_due, taken.next_due)

    @property
    def _has_more(self) -> bool:
        """Whether there is something to do in pieces."""
        return bool(self._behind) or self._sweeping.has_work or self._holding.has_work(self._now())

    def _sooner(self, *due: int | None) -> int | None:
        """The first of these times, and of when deliveries may have their turn that are just being sent."""
        return min((one for one in (*due, self._holding.next_due) if one is not None), default=None)

    async def _apply(self, entries: list[Entry], due: list[DueRun], now: int, most_timers: int, *, is_full: bool) -> Pieces | None:
        """Apply and commit inputs; None: the store has refused them. `is_full`: there are as many as were asked for."""
        began = monotonic()  # finer than the event loop's
        await self._registry.fetch(())
        stint = Stint(self._steady)
        needs = Needs(self._registry, Homes(self._store.partitions, self._partition))
        needs.add_runs(due)
        inputs = await self._decoded(entries, needs, stint)
        given = len(entries) + len(due)
        pieces: Pieces | None = None
        try:
            batch = self._batch(needs, await self._read(needs), due, now, stint.is_over)
            await prepare(batch, stint)
            pieces = Pieces(batch, stint, self._commit, self._memory)
            await pieces.take(inputs, most_timers, PIECES if given > 1 else 1)
        except StoreError as error:
            await self._load_registry()
            if isinstance(error, Fenced | StoreUnavailable):
                raise
            if given > 1:
                _log.warning("a batch was refused by the store; its inputs are taken one by one", error=str(error))
                self._alone = 1 + max(1, given - (0 if pieces is None else pieces.committed))
            elif pieces is None:
                raise  # not even what one input needs can be read: that is not for want of room, nor the input's fault
            else:
                await self._set_aside(entries, due, now, error)
            return None
        self._portion.note(stint.spent, batch.taken, given, is_full=is_full)
        self._shared.tally.add(batch.taken, monotonic() - began)
        self._is_blocked = batch.is_blocked
        self._rearm.extend(batch.resumed)
        self._behind.extend(batch.directed)
        if batch.directed or batch.asked:
            self._not_before = now + 1
        return pieces

    async def _decoded(self, entries: list[Entry], needs: Needs, stint: Stint) -> list[Given]:
        """Entries with their bodies, whose needs are noted. One that is not what its kind says is set aside alone, whatever it raises."""
        inputs: list[Given] = []
        stint.begin()
        for entry in entries:
            try:
                body = decode(entry)
                needs.add(entry.site, body)
            except Exception as error:  # noqa: BLE001  # as the docstring says
                inputs.append((entry, error))
            else:
                inputs.append((entry, body))
            if stint.is_over():
                await stint.rest()
        stint.end()
        return inputs

    async def _memory(self, key: MemoryKey) -> list[EntryMemory]:
        return (await self._store.facts(self._partition, Asked(memory=[key]))).memory

    async def _read(self, needs: Needs) -> Facts:
        """All that the inputs of a batch can touch, and the programs that they ask for."""
        asked = needs.asked()
        facts = await self._store.facts(self._partition, asked) if asked.is_anything else Facts([], [], [], [])
        more = needs.asked_next(facts)
        if more is not None:
            facts = together(facts, await self._store.facts(self._partition, more))
        await self._registry.fetch(needs.versions | {(row.site, row.workflow, row.version) for row in facts.runs})
        return facts

    def _batch(self, needs: Needs, facts: Facts, due: list[DueRun], now: int, is_over: Callable[[], bool]) -> Batch:
        return Batch(
            self._require_state(),
            self._registry,
            facts,
            due,
            now,
            partitions=self._store.partitions,
            remembered=needs.remembered(facts),
            is_over=is_over,
        )

    def _bare_batch(self, runs: list[RunRow], now: int) -> Batch:
        """A batch that knows of nothing but runs."""
        batch = Batch(self._require_state(), self._registry, Facts([], [], runs, []), [], now)
        batch.prepare()
        return batch

    async def _set_aside(self, entries: list[Entry], due: list[DueRun], now: int, error: StoreError) -> None:
        """Note that the store refused an input that was alone."""
        runs = [await self._store.run(one.id) for one in due if one.id]
        batch = self._bare_batch(runs, now)
        for entry in entries:
            batch.skip(entry, str(error))
        for one in due:
            batch.skip_run(one.id, str(error))
        outcome = batch.outcome()
        for one in due:
            if not one.id:  # the profile is looked at again when something changes it
                profile = (await self._store.profile(one.site, one.profile)).profile
                outcome.profiles.append((one.site, msgspec.structs.replace(profile, recheck=None)))
        await self._commit(outcome)

    async def _rearm_some(self) -> None:
        """Offer a bounded piece of the runs that a pause held again."""
        site, workflow = self._rearm[0]
        rows = await self._store.held_runs(self._partition, site, workflow, self._most_told)
        if not rows:
            self._rearm.pop(0)
            return
        freed = [msgspec.structs.replace(row, held=False) for row in rows]
        await self._commit(Outcome(msgspec.structs.replace(self._require_state(), log_time=self._log_time()), runs=freed))

    async def _direct_some(self) -> None:
        """Let a bounded piece of a workflow's runs in flight hear of a publish, or of their end; and forget it when all have."""
        site, workflow = self._behind[0]
        state = self._registry.state(site, workflow)
        directives = () if state is None else state.directives
        if state is None or not directives:
            self._behind.pop(0)
            return
        now = self._log_time()
        rows = await self._behind_rows(site, workflow, max(directive.version for directive in directives))
        if not rows:
            told = msgspec.structs.replace(state, directives=())
            await self._commit(Outcome(msgspec.structs.replace(self._require_state(), log_time=now), workflows=[told]))
            self._registry.put(told)
            self._behind.pop(0)
            self._is_blocked = self._is_blocked and bool(self._behind)
            return
        needs = Needs(self._registry, Homes(self._store.partitions, self._partition))
        needs.add_runs(rows)
        batch: Batch | None = None
        try:
            facts = await self._read(needs)
            stint = Stint(self._steady)
            batch = self._batch(needs, facts, [], now, stint.is_over)
            await prepare(batch, stint)
            self._telling.note(stint.spent, len(rows), len(rows))
            await self._commit(batch.outcome())
        except (Fenced, StoreUnavailable):
            raise
        except StoreError as error:
            if len(rows) > 1:
                self._told_alone = len(rows)
                return
            if batch is None:
                raise
            batch = self._bare_batch([], now)
            batch.give_up(rows[0], str(error))
            await self._commit(batch.outcome())
        self._told_alone = max(0, self._told_alone - 1)

    async def _sweep_some(self) -> None:
        """Give the next profiles their turn in what is done with all of them."""
        now = max(self._turned, self._require_state().log_time)
        try:
            await self._sweeping.take(self._require_state(), now)
        except (Fenced, StoreUnavailable):
            raise
        except StoreError as error:
            await self._load_registry()
            await self._sweeping.refused(error, self._require_state(), now)

    async def _behind_rows(self, site: int, workflow: str, version: int) -> list[RunRow]:
        """A bounded piece of the runs that have not heard yet. One of an earlier version that was retried since has not to."""
        piece, spared = 1 if self._told_alone else self._telling.of(self._most_told), 0
        while True:
            rows = await self._store.runs_behind(self._partition, site, workflow, version, piece + spared)
            found = [row for row in rows if unheard(self._registry, run_from_row(row).run) is not None]
            if found or len(rows) < piece + spared:
                return found[:piece]
            spared = len(rows)

    def _require_state(self) -> PartitionState:
        assert self._state is not None  # noqa: S101  # set by _take_over
        return self._state
