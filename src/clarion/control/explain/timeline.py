"""What happened to a person: events, verdicts, what runs did, and deliveries."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final

import msgspec

from clarion.control.explain.answers import TimelineAnswer, ToldDelivery, ToldInput
from clarion.control.explain.books import (
    EVENT,
    MOST_READ,
    MOST_SEARCHED,
    Books,
    event_name,
    joined,
    read_history,
    started_workflow,
    tell_event,
)
from clarion.control.explain.people import Known, Whom, find_person
from clarion.control.explain.place import DELIVERED, EXPLAINED, UNEXPLAINED, Place
from clarion.control.workflows import known_workflow
from clarion.store.port import Store
from clarion.store.records.entries import LogRow
from clarion.store.records.explanations import Explanation
from clarion.store.records.sites import Site
from clarion.workflow.explain.outline import Outline
from clarion.workflow.history import History

MOST: Final = 500
"""Inputs on one page."""
LIMIT: Final = 50
MOST_BYTES: Final = 1024 * 1024
"""Of what the inputs on one page are told from; more than one input only as long as they have no more together."""
MOST_EVENTS: Final = 1_000
"""Events of a person that are looked at: those that nothing listened for are shown among them only."""

MOST_PARTITIONS: Final = 4_096
"""That a database can have."""
DELIVERY: Final = "delivery"
_LAST: Final = 2**62


class Happening(msgspec.Struct, frozen=True):
    """One thing that came in for a person: an event of the log, an explanation, or both."""

    at: int
    row: LogRow | None = None
    explanation: Explanation | None = None
    history: History | None = None

    @property
    def place(self) -> Place:
        """Where pages are cut."""
        if self.explanation is not None:
            return Place(self.at, EXPLAINED, self.explanation.sequence)
        return Place(self.at, UNEXPLAINED, self.logged)

    @property
    def logged(self) -> int:
        """Where it stands in the log, no two at one place; 0 for what is not there as an event."""
        return 0 if self.row is None else (self.row.sequence or 0) * MOST_PARTITIONS + self.row.partition

    @property
    def size(self) -> int:
        """Bytes of what is told."""
        body = 0 if self.explanation is None else len(bytes(self.explanation.body))
        return body + (0 if self.row is None else len(bytes(self.row.body)))

    async def told(self, books: Books, workflow: str | None) -> ToldInput:
        """In words; with `workflow` only what concerns that."""
        if self.explanation is not None and self.history is not None:
            return await books.input(self.explanation, self.history, self.row, workflow)
        row = self.row
        event = None if row is None else tell_event(row)
        return ToldInput(self.at, EVENT, "" if row is None else row.id, "" if row is None else event_name(row), event)


async def explain_person(
    store: Store, site: Site, whom: Whom, workflow: str | None = None, limit: int = LIMIT, before: Place | None = None
) -> TimelineAnswer:
    """A person's timeline: up to `limit` inputs, fewer when they are large, before a place. Raises NotFound."""
    person = await find_person(store, site, whom)
    books = Books(store, site, person.runs)
    asked = None if workflow is None else await current_outline(books, workflow)
    happened, earlier = await happenings(books, person, workflow, asked, limit, before)
    items = await told(books, person, happened, workflow, earlier, before)
    return TimelineAnswer(person.profile_id, person.devices, workflow, items, None if earlier is None else earlier.text)


async def current_outline(books: Books, workflow: str) -> Outline:
    """What starts a workflow now; nothing for one that there is not."""
    row = await known_workflow(books.store, books.site, workflow)
    return await books.outline(workflow, 0 if row is None else row.version)


async def happenings(
    books: Books, person: Known, workflow: str | None, asked: Outline | None, limit: int, before: Place | None
) -> tuple[list[Happening], Place | None]:
    """The newest inputs before a place, oldest first, and before which place there may be more."""
    rows = [row for row in await books.store.events_about(books.site.id, person.keys, MOST_EVENTS) if row.log_time is not None]
    found, explained, reached = await _explained(books, person, workflow, {row.id: row for row in rows}, limit, before)
    for row in rows:
        one = Happening(row.log_time or 0, row)
        if row.id in explained or (before is not None and one.place >= before) or (reached is not None and one.place <= reached):
            continue
        if _is_asked(row, workflow, asked) and not (
            before is not None and one.at == before.at and await _was_told(books, person, row, workflow)
        ):
            found.append(one)
    found.sort(key=lambda one: one.place, reverse=True)
    kept = _fitting(found, limit)
    return _in_order(kept), kept[-1].place if len(kept) < len(found) else reached


async def _explained(
    books: Books, person: Known, workflow: str | None, rows: Mapping[str, LogRow], limit: int, before: Place | None
) -> tuple[list[Happening], set[str], Place | None]:
    """The newest explanations, their events, and how far was looked; None: to the end."""
    found: list[Happening] = []
    events: set[str] = set()
    looked_at = read = size = 0
    async for page in books.pages(person.keys, None if before is None else before.explanation):
        for explanation, history in page:
            one = Happening(explanation.at, rows.get(explanation.event), explanation, history)
            if workflow is None or await _concerns(books, history, workflow):
                events.add(explanation.event)
                found.append(one)
                size += one.size
            looked_at += 1
            read += len(bytes(explanation.body))
            if len(found) > limit or size > MOST_BYTES or looked_at >= MOST_SEARCHED or read >= MOST_READ:
                return found, events, one.place
    return found, events, None


async def _was_told(books: Books, person: Known, row: LogRow, workflow: str | None) -> bool:
    """Whether an event is explained somewhere: a page that begins amid an instant has not read all that is explained of it."""
    for one in await books.store.explanations(books.site.id, row.id):
        if one.profile in person.keys and (workflow is None or await _concerns(books, read_history(one), workflow)):
            return True
    return False


def _fitting(found: Sequence[Happening], limit: int) -> list[Happening]:
    """The first, and as many after it as a page holds."""
    sizes = accumulate(one.size for one in found)
    return [one for place, (one, size) in enumerate(zip(found, sizes, strict=True)) if place == 0 or (place < limit and size <= MOST_BYTES)]


def _in_order(found: Iterable[Happening]) -> list[Happening]:
    """As they happened. Of one instant what is explained comes in that order; an event that is not, before the next in the log that is."""
    ordered: list[tuple[Place, bool, int, Happening]] = []
    following = Place(_LAST, EXPLAINED, 0)
    for one in sorted(found, key=lambda one: (one.at, one.logged, one.place), reverse=True):
        if one.explanation is not None:
            following = one.place
        place = following if following.at == one.at else Place(one.at, DELIVERED, 0)
        ordered.append((place, one.explanation is not None, one.logged, one))
    return [one for *_, one in sorted(ordered, key=lambda placed: placed[:3])]


async def told(
    books: Books, person: Known, happened: Sequence[Happening], workflow: str | None, after: Place | None, before: Place | None
) -> tuple[ToldInput, ...]:
    """In words, with the deliveries of that time in between."""
    items = []
    for one in _joined(happened):
        items.append(await one.told(books, workflow))
        await asyncio.sleep(0)  # a large one takes a while, and events wait
    items += [_delivered(one) for one in person.deliveries if _is_of(one, workflow, after, before)]
    return tuple(sorted(items, key=lambda one: one.at))


def _joined(happened: Sequence[Happening]) -> list[Happening]:
    """Happenings; one that is told of in several explanations as one."""
    found = joined((one.explanation, one.history) for one in sorted(happened, key=lambda one: one.place) if one.explanation and one.history)
    whole = {explanation.sequence: history for explanation, history in found}
    return [
        one if one.explanation is None else msgspec.structs.replace(one, history=whole[one.explanation.sequence])
        for one in happened
        if one.explanation is None or one.explanation.sequence in whole
    ]


def _delivered(delivery: ToldDelivery) -> ToldInput:
    return ToldInput(delivery.created, DELIVERY, delivery.delivery_id, DELIVERY, delivery=delivery)


def _is_of(delivery: ToldDelivery, workflow: str | None, after: Place | None, before: Place | None) -> bool:
    if workflow not in (None, delivery.workflow):
        return False
    place = Place(delivery.created, DELIVERED, 0)
    return (after is None or place > after) and (before is None or place < before)


def _is_asked(row: LogRow, workflow: str | None, asked: Outline | None) -> bool:
    """Whether an event that did nothing, or nothing to the workflow asked about, belongs into the answer."""
    if workflow is None or asked is None:
        return True
    return listens(row, workflow, asked.events)


def listens(row: LogRow, workflow: str, events: Collection[str]) -> bool:
    """Whether a workflow that listens for these events listens for this one."""
    started = started_workflow(row)
    return started == workflow if started is not None else event_name(row) in events


async def _concerns(books: Books, history: History, workflow: str) -> bool:
    if any(verdict.workflow == workflow for verdict in history.verdicts):
        return True
    for id, _ in history.runs:
        run = await books.run(id)
        if run is not None and run.workflow == workflow:
            return True
    return False
