"""Goes through all profiles of a site for what was asked to be done with them, a bounded piece at a time (semantics §7)."""

from collections.abc import Awaitable, Callable

import msgspec
import structlog

from clarion.engine.batch import Batch
from clarion.engine.homes import Homes
from clarion.engine.needs import Needs
from clarion.engine.pieces import prepare
from clarion.engine.portion import LONGEST, PIECES, Portion, Stint
from clarion.engine.registry import Registry
from clarion.engine.relay import Relay
from clarion.engine.sweeps import Underway
from clarion.store.port import Store, StoreError
from clarion.store.records.batches import Facts
from clarion.store.records.commits import Outcome
from clarion.store.records.states import PartitionState
from clarion.workflow.start import PAUSED

_log = structlog.get_logger(__name__)

Read = Callable[[Needs], Awaitable[Facts]]


class Sweeping:
    """The sweeps of one partition, each of which gets its piece in turn. What a pause holds stays where it is."""

    def __init__(
        self,
        store: Store,
        partition: int,
        registry: Registry,
        read: Read,
        commit: Callable[[Outcome], Awaitable[None]],
        steady: Callable[[], int],
        most: int,
    ) -> None:
        """`read` gives what a batch can touch; `most` profiles are taken at a time."""
        self._store, self._partition, self._registry = store, partition, registry
        self._read, self._commit, self._steady, self._most = read, commit, steady, most
        self._portion = Portion(LONGEST)
        self._latest: tuple[int, str] = (0, "")
        """Which sweep had the last piece."""
        self._alone = 0
        """How many profiles are still to be taken one by one, because a piece with them was refused."""

    @property
    def has_work(self) -> bool:
        """Whether there is something to do that no pause holds."""
        return self._registry.has_sweeps and any(not self._is_held(one) for one in self._registry.sweeps())

    def _is_held(self, one: Underway) -> bool:
        state = None if one.workflow is None else self._registry.state(one.sweep.site, one.workflow)
        return state is not None and state.status == PAUSED

    def _next(self) -> Underway | None:
        """The sweeps take turns."""
        waiting = sorted((one for one in self._registry.sweeps() if not self._is_held(one)), key=lambda one: one.key)
        return next((one for one in waiting if one.key > self._latest), waiting[0] if waiting else None)

    async def take(self, state: PartitionState, now: int) -> None:
        """Give the next profiles of a sweep their turn at a log time, in a few commits. Raises StoreError."""
        one = self._next()
        if one is None:
            return
        self._latest = one.key
        await self._registry.fetch(())
        async with Relay(self._commit) as relay:
            for _ in range(1 if self._alone else PIECES):
                outcome = await self._piece(one, state, now)
                state = outcome.state
                await relay.put(outcome, 0)
                following = next((other for other in outcome.sweeps if (other.site, other.id) == one.key), None)
                if following is None:
                    self._registry.end_sweep(*one.key)
                    return
                self._registry.put_sweep(following)
                one = msgspec.structs.replace(one, sweep=following)

    async def _piece(self, one: Underway, state: PartitionState, now: int) -> Outcome:
        """What the next profiles' turns come to."""
        most = 1 if self._alone else self._portion.of(self._most)
        page = await self._store.profiles_page(self._partition, one.sweep.site, one.sweep.cursor, most)
        if not page:
            return Outcome(msgspec.structs.replace(state, log_time=now), ended_sweeps=[one.key])
        self._alone = max(0, self._alone - 1)
        concerned = [profile.key for profile in page if one.concerns(profile)]
        needs = Needs(self._registry, Homes(self._store.partitions, self._partition))
        needs.add_profiles(one.sweep.site, concerned)
        facts = await self._read(needs) if concerned else Facts([], [], [], [])
        stint = Stint(self._steady)
        batch = Batch(
            state,
            self._registry,
            facts,
            [],
            now,
            partitions=self._store.partitions,
            remembered=needs.remembered(facts),
            is_over=stint.is_over,
            sweep=one,
        )
        await prepare(batch, stint)
        self._portion.note(stint.spent, len(page), len(page), is_full=len(page) >= most)
        batch.swept(page[-1].key, sum(profile.created <= one.sweep.at for profile in page))
        return batch.outcome()

    async def refused(self, error: StoreError, state: PartitionState, now: int) -> None:
        """A piece was refused: its profiles are taken one by one; one that was alone does without its turn. The registry is as the store.

        Raises StoreError.
        """
        if not self._alone:
            _log.warning("a piece of a sweep was refused by the store; its profiles are taken one by one", error=str(error))
            self._alone = self._most * PIECES
            return
        one = next((other for other in self._registry.sweeps() if other.key == self._latest), None)
        page = [] if one is None else await self._store.profiles_page(self._partition, one.sweep.site, one.sweep.cursor, 1)
        if one is None or not page:
            return
        batch = Batch(state, self._registry, Facts([], [], [], []), [], now, sweep=one)
        batch.prepare()
        _log.error("a profile's turn was refused by the store and was left out", profile=page[0].key, sweep=one.sweep.id, error=str(error))
        batch.swept(page[0].key, 1)
        outcome = batch.outcome()
        await self._commit(outcome)
        self._registry.put_sweep(outcome.sweeps[0])
