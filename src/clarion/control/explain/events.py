"""What one event did and did not do."""

from typing import Final

from clarion.control.explain.answers import EventAnswer, ToldDelivery, ToldInput
from clarion.control.explain.books import EVENT, Books, event_name, joined, read_history, tell_event
from clarion.control.explain.deliveries import tell_delivery
from clarion.control.explain.set_aside import find_set_aside
from clarion.control.explain.unapplied import read_inbox
from clarion.domain.system_events import WORKFLOW_START
from clarion.store.port import NotFound, Store
from clarion.store.records.entries import LogRow
from clarion.store.records.explanations import Explanation
from clarion.store.records.sites import Site
from clarion.workflow.explain import words
from clarion.workflow.history import History

MOST_DELIVERIES: Final = 200
"""Deliveries of one run that are looked at."""


async def explain_event(store: Store, site: Site, id: str) -> EventAnswer:
    """Every verdict on an event, what it did to runs, and what was sent because of it.

    Raises NotFound, with what there is to say, for an event that is not known, or that no engine has taken yet.
    """
    books = Books(store, site)
    found = joined((one, read_history(one)) for one in await store.explanations(site.id, id))
    if not found:
        return await _unexplained(books, id)
    row = await store.find_event(site.id, id, found[0][0].at)
    inputs = [await books.input(one, history, row) for one, history in found]
    if row is None and all(one.kind != EVENT for one in inputs) and await books.run(id) is not None:
        raise NotFound(_is_a_run(id))
    deliveries = await _deliveries(books, inputs)
    status, name = "explained", found[0][1].name
    return EventAnswer(
        id, name, status, _summary(found), found[0][0].at, None if row is None else tell_event(row), tuple(inputs), tuple(deliveries)
    )


async def _unexplained(books: Books, id: str) -> EventAnswer:
    store, site = books.store, books.site
    inbox = await read_inbox(store, site)
    row = await store.find_event(site.id, id)
    aside = await find_set_aside(store, site, id)
    if aside is not None:
        said = f"could not be applied and was set aside: {words.name(aside.error)}"
        return _answer(id, row, "set_aside", said, aside.at)
    waits = any(entry.id == id for entry in inbox.events)
    if row is not None and not waits:
        said = "concerned no workflow and no run, or what it did is not recorded any more"
        return _answer(id, row, "nothing", said, row.log_time)
    shown = words.name(id)
    if waits:
        said = f"event {shown} was accepted and waits for the engine to take it"
        raise NotFound(f"{said} — ask again in a moment; if it stays so, run: clarion doctor")
    if await books.run(id) is not None:
        raise NotFound(_is_a_run(id))
    raise NotFound(f"no event {shown} is known; an event's id is the one in the log — see: clarion events tail --json")


def _answer(id: str, row: LogRow | None, status: str, said: str, at: int | None) -> EventAnswer:
    return EventAnswer(id, "" if row is None else event_name(row), status, said, at, None if row is None else tell_event(row), (), ())


def _is_a_run(id: str) -> str:
    return f"{words.name(id)} is a run, not an event — see: clarion explain --run {words.name(id)}"


def _summary(found: list[tuple[Explanation, History]]) -> str:
    if any(history.unknown_subscriber for _, history in found):
        return "named a subscriber that was not registered, and started nothing"
    verdicts = [verdict for _, history in found for verdict in history.verdicts]
    started = sum(verdict.verdict == "started" for verdict in verdicts)
    moved = len({run for _, history in found for run, _ in history.runs})
    by_step = any(history.name == WORKFLOW_START for _, history in found)
    heard = len({verdict.workflow for verdict in verdicts})
    what = "was for" if by_step else "concerned"
    return f"{what} {_count(heard, 'workflow')}, started {_count(started, 'run')} and did something in {_count(moved, 'run')}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


async def _deliveries(books: Books, inputs: list[ToldInput]) -> list[ToldDelivery]:
    """What was sent because of an input: its effects are named in the runs' histories."""
    effects = {run.run_id: {reason.detail.get("effect") for reason in run.reasons} - {None} for one in inputs for run in one.runs}
    found = []
    for run, wanted in effects.items():
        if wanted:
            rows = await books.store.deliveries(books.site.id, run, MOST_DELIVERIES)
            found += [tell_delivery(row) for row in rows if row.delivery.effect in wanted]
    return sorted(found, key=lambda one: (one.created, one.delivery_id))
