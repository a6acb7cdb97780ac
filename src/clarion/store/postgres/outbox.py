"""Deliveries on their way out: each is claimed by one node, which says how it went."""

import asyncio
from collections import Counter
from collections.abc import Collection, Coroutine, Iterable, Sequence
from typing import Any, Final

import msgspec

from clarion.clock import SECOND, Clock
from clarion.fresh_ids import fresh_id
from clarion.store.outcomes import Ended, settled
from clarion.store.port import OnChange, StoreError, StoreUnavailable
from clarion.store.postgres.agenda import Agenda
from clarion.store.postgres.connection import Database
from clarion.store.postgres.signals import INBOX, OUTBOX, Signals
from clarion.store.postgres.spreading import Spreading
from clarion.store.records.deliveries import Delivery, Report
from clarion.store.statements import load_statements

_SQL = load_statements(__package__, "outbox")
_encode = msgspec.json.Encoder().encode

AT_ONCE: Final = 4
"""Partitions that one call works on side by side, each over a connection."""
SHARE: Final = 32
"""Deliveries that are asked of a partition at least, though others wait too: each question has its price."""
OVERDUE: Final = SECOND
"""For how long a delivery has to be due until a node other than the first of its partition takes it."""
CONTENDED: Final = SECOND // 50
"""How long to leave a partition alone in which somebody else is just taking what is due."""
FAILED: Final = SECOND // 5
"""How long to leave one alone that could not be read."""
POLL: Final = 1.0
"""Seconds between two looks at what is due where: hints may have been lost."""
SWEEP: Final = 15
"""After so many of them it is looked at whose claims are void; also at once when nodes have come or gone."""


class _Offer(msgspec.Struct, frozen=True):
    deliveries: list[Delivery]
    due: int | None
    """When the next one is."""


_decode = msgspec.json.Decoder(_Offer).decode


class Outbox:
    """The port's section on delivery.

    A claim is written beside the delivery, as this node's; it is void when the node's lease has run out. Of each partition one node is the
    first: the others take only what it has left lying, so that they do not run into each other.
    """

    def __init__(self, database: Database, signals: Signals, clock: Clock) -> None:
        """`clock` is the store's."""
        self._database, self._signals, self._clock = database, signals, clock
        self.node = fresh_id()
        """Who claims: some node that nobody knows, until `roster` says who."""
        self.partitions = 1
        """How many there are."""
        self._nodes: frozenset[str] = frozenset()
        self._spreading = Spreading()
        self._first: Collection[int] = range(1)
        """Partitions that this node is the first of."""
        self._agenda = Agenda()
        self._turn = asyncio.Lock()
        self._claimed: dict[str, int] = {}
        """By delivery: its partition."""
        self._unsure: set[int] = set()
        """Partitions where this node may have claimed more than it knows: an answer was lost."""
        self._blind = True
        """Whether it is to be looked everywhere before the next claim."""
        self._sweep_in = 0
        self._heard_at: int | None = None
        """When the last roster came."""
        self._spares_until = 0
        """Before that time no claim is taken for void."""
        self._promised: int | None = None
        """When the caller will ask again by itself."""
        self._telling = False
        self._polling: asyncio.Task[None] | None = None
        signals.watch(self._heard)

    # -- life --------------------------------------------------------------------------------------------------------

    def open(self, partitions: int) -> None:
        """Say how many partitions there are. What is due is looked for from the first claim on."""
        self.partitions = partitions
        self._first = frozenset(range(partitions))

    async def close(self) -> None:
        """Stop looking."""
        polling, self._polling = self._polling, None
        if polling is not None:
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)

    def roster(self, nodes: Iterable[str], me: str, lasts: int) -> None:
        """Who delivers, this node among them; to be told with each renewal of the lease, the first time before the first claim.

        A lease lasts `lasts` microseconds. After a longer silence the database was away, perhaps for the others too, who may go on sending
        what they had claimed: for as long again they have time to come back.
        """
        now = self._clock()
        if self._heard_at is not None and now - self._heard_at >= lasts:
            self._spares_until = now + lasts
        self._heard_at = now
        self.node = me
        delivering = frozenset(nodes)
        if delivering != self._nodes:
            self._nodes = delivering
            self._first = self._spreading.first_of(me, delivering, self.partitions)
            self._sweep_in = 0

    def note(self, partitions: Collection[int]) -> None:
        """Something may be due here; none named: anywhere. Where another node is the first, it is left to that one."""
        self._blind = self._blind or not partitions
        for partition in partitions:
            if partition in self._first:
                self._agenda.now(partition)

    def _heard(self, what: str, partitions: Collection[int]) -> None:
        if what == OUTBOX and not self._telling:
            self.note(partitions)

    # -- looking -----------------------------------------------------------------------------------------------------

    async def poll(self) -> bool:
        """Look what is due where, and now and then whose claims are void. Returns whether there is something to claim."""
        self._blind = False  # what is noted from here on may come too late to be seen
        try:
            return await self._look()
        except BaseException:
            self._blind = True
            raise

    async def _look(self) -> bool:
        if self._sweep_in <= 0 and self._clock() >= self._spares_until:
            await self._sweep()
            self._sweep_in = SWEEP
        self._sweep_in -= 1
        now = self._clock()
        for partition, due in await self._database.fetch(_SQL["due"]):
            if partition in self._first:
                self._agenda.at(partition, due)
            elif due + OVERDUE <= now:
                self._agenda.now(partition)
        self._agenda.ripen(now)
        return len(self._agenda) > 0

    async def _poll_on(self) -> None:
        while True:
            await asyncio.sleep(POLL)
            try:
                found = await self.poll()
            except StoreError:
                continue  # whoever claims is told
            soonest = self._agenda.next_time()
            if found or (soonest is not None and (self._promised is None or soonest < self._promised)):
                self._tell(self._signals.here, ())

    async def _sweep(self) -> None:
        """Free what nodes that are gone had claimed, and what this one has claimed without knowing it."""
        async with self._turn:
            claimants = await self._database.fetch(_SQL["claimants"])
            known = Counter(self._claimed.values())
            void = {
                partition for partition, node, count, alive in claimants if (count > known[partition] if node == self.node else not alive)
            }
            await _all(self._recover(partition) for partition in void)

    async def _recover(self, partition: int) -> None:
        known = [delivery for delivery, where in self._claimed.items() if where == partition]
        await self._database.fetchval(_SQL["recover"], partition, self.node, known)
        self._unsure.discard(partition)

    # -- claiming ----------------------------------------------------------------------------------------------------

    async def claim(self, limit: int, now: int) -> tuple[list[Delivery], int | None]:
        """As in the port; the oldest first within each partition."""
        if self._blind:
            await self.poll()
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll_on(), name="outbox poll")
        async with self._turn:
            self._agenda.ripen(now)
            taken: list[Delivery] = []
            try:
                failure = await self._take(taken, limit, now)
            except BaseException:
                self._disclaim(taken)
                raise
            if failure is not None and not taken:
                raise failure
            self._promised = now if len(self._agenda) else self._agenda.next_time()
            return taken, self._promised

    async def _take(self, taken: list[Delivery], limit: int, now: int) -> StoreError | None:
        """Claim until `limit` is reached or nothing is due. Returns the error that ended it before.

        Those in line are asked once each, and once more for each that has more. Who gets in line meanwhile is for the next claim: under
        load there is always somebody, and what has come due since `now` is not to be had by this one.
        """
        waiting = len(self._agenda)
        while waiting and len(taken) < limit:
            left = limit - len(taken)
            share = max(-(-left // waiting), min(SHARE, left))
            partitions = self._agenda.take(min(AT_ONCE, left // share, waiting))
            more: list[int] = []
            failures = await _settle(self._take_from(partition, taken, more, share, now) for partition in partitions)
            waiting += len(more) - len(partitions)
            if failures:
                return failures[0]
        return None

    async def _take_from(self, partition: int, taken: list[Delivery], more: list[int], limit: int, now: int) -> None:
        """Add what it has to `taken`; itself to `more` if there may be more than `limit`."""
        if partition in self._unsure and now < self._spares_until:
            self._agenda.at(partition, self._spares_until)
            return
        try:
            if partition in self._unsure:
                await self._recover(partition)
            offer = _decode(await self._database.fetchval(_SQL["claim"], partition, self.node, limit, now))
        except BaseException:
            self._unsure.add(partition)
            self._agenda.at(partition, now + FAILED)
            raise
        for one in offer.deliveries:
            if one.id not in self._claimed:
                self._claimed[one.id] = partition
                taken.append(one)
        if offer.due is None:
            return
        if offer.due > now:
            self._agenda.at(partition, offer.due)
        elif len(offer.deliveries) == limit:
            self._agenda.now(partition)
            more.append(partition)
        else:
            self._agenda.at(partition, now + CONTENDED)

    def _disclaim(self, deliveries: Iterable[Delivery]) -> None:
        """Nobody will hear that these were claimed."""
        for one in deliveries:
            self._claimed.pop(one.id, None)
            self._unsure.add(one.partition)
            self._agenda.now(one.partition)

    # -- telling -----------------------------------------------------------------------------------------------------

    async def report(self, reports: Sequence[Report]) -> None:
        """As in the port, one commit for each partition. To repeat it when some have failed does no harm."""
        over, again = settled(reports)
        concerned: dict[int, tuple[list[Ended], list[Report]]] = {}
        for one in over:
            concerned.setdefault(one.delivery.partition, ([], []))[0].append(one)
        for report in again:
            concerned.setdefault(report.delivery.partition, ([], []))[1].append(report)
        await _all(self._report(partition, *of_it) for partition, of_it in concerned.items())

    async def _report(self, partition: int, over: Sequence[Ended], again: Sequence[Report]) -> None:
        written = (*end_arguments(over, self.partitions), *_postpone_arguments(again))
        await self._database.fetchval(_SQL["report"], partition, self.node, *written)
        for one in over:
            self._claimed.pop(one.delivery.id, None)
        for report in again:
            self._claimed.pop(report.delivery.id, None)
            if partition in self._first:
                self._agenda.at(partition, _retry_at(report))
        if over:
            self._signals.tell(INBOX, {one.home(self.partitions) for one in over})
        if again:
            self._tell(self._signals.tell, (partition,))

    async def unclaim(self, deliveries: Sequence[str]) -> None:
        """As in the port."""
        concerned: dict[int, list[str]] = {}
        for delivery in deliveries:
            partition = self._claimed.get(delivery)
            if partition is not None:
                concerned.setdefault(partition, []).append(delivery)
        await _all(self._unclaim(partition, sorted(ids)) for partition, ids in concerned.items())

    async def _unclaim(self, partition: int, deliveries: Sequence[str]) -> None:
        await self._database.fetchval(_SQL["unclaim"], partition, self.node, deliveries)
        for delivery in deliveries:
            self._claimed.pop(delivery, None)
        self.note((partition,))

    def _tell(self, tell: OnChange, partitions: Collection[int]) -> None:
        """Let others hear of what is known here already."""
        self._telling = True
        try:
            tell(OUTBOX, partitions)
        finally:
            self._telling = False


def end_arguments(over: Sequence[Ended], partitions: int) -> tuple[list[Any], ...]:
    """Arguments of `clarion_end`, by id: rows of the outbox are locked in that order; but the engine is told in the order given."""
    places = sorted(range(len(over)), key=lambda place: over[place].delivery.id)
    rows = [over[place] for place in places]
    return (
        places,
        [one.delivery.id for one in rows],
        [one.at for one in rows],
        [one.told.outcome for one in rows],
        [_encode(one.delivery.attempts).decode() for one in rows],
        [one.home(partitions) for one in rows],
        [one.entry for one in rows],
        [_encode(one.told).decode() for one in rows],
    )


def _postpone_arguments(again: Sequence[Report]) -> tuple[list[Any], ...]:
    again = sorted(again, key=lambda one: one.delivery.id)
    return (
        [one.delivery.id for one in again],
        [one.delivery.due for one in again],
        [_retry_at(one) for one in again],
        [_encode(one.delivery.attempts).decode() for one in again],
    )


def _retry_at(report: Report) -> int:
    return report.at if report.retry_at is None else report.retry_at


async def _settle(works: Iterable[Coroutine[Any, Any, None]]) -> list[StoreError]:
    """Do all, AT_ONCE at a time; returns how some have failed, the passing failures first."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def through(work: Coroutine[Any, Any, None]) -> StoreError | None:
        async with gate:
            try:
                await work
            except StoreError as error:
                return error
        return None

    results = await asyncio.gather(*(through(work) for work in works))
    return sorted((error for error in results if error is not None), key=lambda error: not isinstance(error, StoreUnavailable))


async def _all(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all, whatever becomes of the others; then raise what has failed: rather what may succeed when it is repeated."""
    for failure in await _settle(works):
        raise failure
