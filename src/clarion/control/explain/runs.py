"""Every step of one run, with time and reason."""

import asyncio
from typing import Final

import msgspec

from clarion.control.explain.answers import RunAnswer
from clarion.control.explain.books import MOST_READ, MOST_SEARCHED, Books, read_history
from clarion.control.explain.deliveries import sendings, tell_delivery
from clarion.domain.ids import anonymous_profile, named_profile, public_profile_id
from clarion.domain.records import Event
from clarion.store.port import NotFound, Store
from clarion.store.records.deliveries import DeliveryRow
from clarion.store.records.explanations import Explanation
from clarion.store.records.runs import RunRow
from clarion.store.records.sites import Site
from clarion.workflow.explain import words
from clarion.workflow.explain.reasons import ToldReason, tell_reason
from clarion.workflow.explain.runs import RunFacts
from clarion.workflow.history import History

MOST_DELIVERIES: Final = 500


class _State(msgspec.Struct):
    """The parts of a run's state that explaining reads."""

    entry: Event
    since: int = 0
    entrant: str = ""


_decode_state = msgspec.json.Decoder(_State).decode


async def explain_run(store: Store, site: Site, id: str) -> RunAnswer:
    """A run with its history and its deliveries. Raises NotFound."""
    books = Books(store, site)
    row = await books.run(id)
    if row is None:
        raise NotFound(f"there is no run {words.name(id)} — see: clarion runs list")
    state = _decode_state(row.state)
    facts, deliveries, complete = await run_facts(books, row)
    return RunAnswer(
        row.id,
        row.workflow,
        row.version,
        public_profile_id(row.profile),
        row.key,
        row.status,
        row.step,
        state.since,
        row.due,
        row.held,
        row.started,
        row.ended,
        row.reason,
        state.entry.id,
        state.entry.name,
        facts.sentence,
        facts.history,
        complete,
        tuple(tell_delivery(one) for one in reversed(deliveries)),
    )


async def run_facts(books: Books, row: RunRow) -> tuple[RunFacts, list[DeliveryRow], bool]:
    """A run with its history, its deliveries, newest first, and whether the history is complete."""
    history, complete = await _history(books, row)
    deliveries = await books.store.deliveries(books.site.id, row.id, MOST_DELIVERIES)
    facts = RunFacts(
        row.id,
        row.version,
        row.status,
        row.step,
        _decode_state(row.state).since,
        row.due,
        row.held,
        row.started,
        row.ended,
        row.reason,
        sendings(deliveries),
        tuple(history),
        (await books.outline(row.workflow, row.version)).has_push,
    )
    return facts, deliveries, complete


async def _history(books: Books, row: RunRow) -> tuple[list[ToldReason], bool]:
    """What a run did, oldest first: at its start, by its timers, and by what came for its profile."""
    state = _decode_state(row.state)
    found: dict[tuple[str, int, bytes], tuple[Explanation, History]] = {}

    def keep(explanation: Explanation, history: History) -> None:
        if any(id == row.id for id, _ in history.runs):
            found[explanation.event, explanation.at, bytes(explanation.body)] = explanation, history

    for event in (state.entry.id, row.id):
        for one in await books.store.explanations(books.site.id, event):
            keep(one, read_history(one))
    looked_at, size, complete = 0, 0, False
    async for page in books.pages(_keys(row, state), None):  # the same again, with their places among those of one time
        for explanation, history in page:
            keep(explanation, history)
        looked_at += len(page)
        size += sum(len(bytes(one.body)) for one, _ in page)
        if page[-1][0].at < row.started:
            complete = True
            break
        if looked_at >= MOST_SEARCHED or size >= MOST_READ:
            break
    else:
        complete = True
    lines = []
    for _, history in sorted(found.values(), key=_place):
        lines += [tell_reason(reason) for id, reasons in history.runs if id == row.id for reason in reasons]
        await asyncio.sleep(0)  # a long history takes a while, and events wait
    return lines, complete


def _place(found: tuple[Explanation, History]) -> tuple[int, int]:
    return found[0].at, found[0].sequence


def _keys(row: RunRow, state: _State) -> list[str]:
    """Of the profiles that the run has belonged to."""
    keys = [row.profile, state.entrant]
    if state.entry.profile_id is not None:
        keys.append(named_profile(state.entry.profile_id))
    if state.entry.device_token_hash is not None:
        keys.append(anonymous_profile(state.entry.device_token_hash))
    return [key for key in dict.fromkeys(keys) if key]
