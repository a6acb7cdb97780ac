"""What happened to a person: events, verdicts, what runs did, and deliveries."""

from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from clarion.control.explain.answers import TimelineAnswer, ToldDelivery, ToldInput
from clarion.control.explain.books import EVENT, MOST_SEARCHED, Books, event_name, started_workflow, tell_event
from clarion.control.explain.people import Known, Whom, find_person
from clarion.store.port import Store
from clarion.store.records import Explanation, LogRow, Site
from clarion.workflow.explain.outline import Outline
from clarion.workflow.history import History

MOST: Final = 500
"""Inputs on one page."""
LIMIT: Final = 50
MOST_EVENTS: Final = 1_000
"""Events of a person that are looked at: those that nothing listened for are shown among them only."""

DELIVERY: Final = "delivery"
_LAST: Final = 2**62


class Happening(msgspec.Struct, frozen=True):
    """One thing that came in for a person: an event of the log, an explanation, or both."""

    at: int
    row: LogRow | None = None
    explanation: Explanation | None = None
    history: History | None = None

    @property
    def place(self) -> tuple[int, int]:
        """Its place in time. At one instant: timers, events as in the log, then what is not in the log as an event."""
        if self.row is not None:
            return self.at, self.row.sequence or 0
        timer = self.history is not None and self.history.name == "timer"
        return self.at, -1 if timer else _LAST

    async def told(self, books: Books, workflow: str | None) -> ToldInput:
        """In words; with `workflow` only what concerns that."""
        if self.explanation is not None and self.history is not None:
            return await books.input(self.explanation, self.history, self.row, workflow)
        row = self.row
        event = None if row is None else tell_event(row)
        return ToldInput(self.at, EVENT, "" if row is None else row.id, "" if row is None else event_name(row), event)


async def explain_person(
    store: Store, site: Site, whom: Whom, workflow: str | None = None, limit: int = LIMIT, before: int | None = None
) -> TimelineAnswer:
    """A person's timeline: about `limit` inputs, all of one instant together, before a time. Raises NotFound."""
    person = await find_person(store, site, whom)
    books = Books(store, site, person.runs)
    asked = None if workflow is None else await current_outline(books, workflow)
    happened, more = await happenings(books, person, workflow, asked, limit, before)
    earliest = happened[0].at if more and happened else None
    items = await told(books, person, happened, workflow, earliest, before)
    return TimelineAnswer(person.profile_id, person.devices, workflow, items, earliest)


async def current_outline(books: Books, workflow: str) -> Outline:
    """What starts a workflow now; nothing for one that there is not."""
    rows = (await books.store.configuration()).workflows
    version = next((row.version for row in rows if row.site == books.site.id and row.workflow == workflow), 0)
    return await books.outline(workflow, version)


async def happenings(
    books: Books, person: Known, workflow: str | None, asked: Outline | None, limit: int, before: int | None
) -> tuple[list[Happening], bool]:
    """The newest inputs before a time, oldest first, and whether there may be earlier ones."""
    rows = [
        row
        for row in await books.store.events_about(books.site.id, person.keys, MOST_EVENTS)
        if row.log_time is not None and (before is None or row.log_time < before)
    ]
    by_id = {row.id: row for row in rows}
    found: list[Happening] = []
    explained: set[str] = set()
    looked_at, ended = 0, False
    async for page in books.pages(person.keys, before):
        looked_at += len(page)
        for explanation, history in page:
            if workflow is None or await _concerns(books, history, workflow):
                explained.add(explanation.event)
                found.append(Happening(explanation.at, by_id.get(explanation.event), explanation, history))
        if len(found) > limit and found[-1].at < found[limit - 1].at:
            break
    else:
        ended = looked_at < MOST_SEARCHED
    reached = 0 if ended or not found else found[-1].at
    found += [
        Happening(row.log_time or 0, row)
        for row in rows
        if row.id not in explained and (row.log_time or 0) >= reached and _is_asked(row, workflow, asked)
    ]
    found.sort(key=lambda one: one.place, reverse=True)
    if len(found) > limit:
        cut = found[limit - 1].at
        kept = [one for one in found if one.at >= cut]
        return kept[::-1], len(kept) < len(found) or not ended
    return found[::-1], not ended and bool(found)


async def told(
    books: Books, person: Known, happened: Sequence[Happening], workflow: str | None, earliest: int | None, before: int | None
) -> tuple[ToldInput, ...]:
    """In words, with the deliveries of that time in between."""
    items = [await one.told(books, workflow) for one in happened]
    items += [_delivered(one) for one in person.deliveries if _is_of(one, workflow, earliest, before)]
    return tuple(sorted(items, key=lambda one: one.at))


def _delivered(delivery: ToldDelivery) -> ToldInput:
    return ToldInput(delivery.created, DELIVERY, delivery.delivery_id, DELIVERY, delivery=delivery)


def _is_of(delivery: ToldDelivery, workflow: str | None, earliest: int | None, before: int | None) -> bool:
    if workflow not in (None, delivery.workflow):
        return False
    return (earliest is None or delivery.created >= earliest) and (before is None or delivery.created < before)


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
