"""Compares what the client knows, what the database says and what arrived: everything that does not add up is a line."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from tests.crash.books import Books
from tests.crash.load import Load
from tests.crash.orders import ExpectedRun, expected_runs
from tests.crash.sink import Sink

from clarion.domain.ids import named_profile


@dataclass(frozen=True)
class Figures:
    """A reconciliation, counted."""

    events: int
    """Sent."""
    acknowledged: int
    missing: int
    """Acknowledged and not in the log."""
    doubled: int
    """In the log more than once."""
    runs: int
    paused: int
    """Starts that a paused workflow refused."""
    transitions: int
    transitions_doubled: int
    effects: int
    effects_missing: int
    receipts: int
    """Of pushes, in the log."""
    effects_unknown: int
    """Arrived or booked, and nobody asked for them."""
    repeats: int
    """Copies on the wire beyond the first of each effect; each carried its effect's id and content."""
    problems: tuple[str, ...]


def reconcile(load: Load, books: Books, sink: Sink, site: int) -> Figures:
    """Judge a server that has been stopped with nothing left to do."""
    times = Counter(event.data["n"] for event in books.events)
    expected = {run.id: run for run in expectation(load, books, site)}
    effects = {effect.id: effect for run in expected.values() for effect in run.effects}
    moved = {run: Counter(lines) for run, lines in books.transitions.items()}
    booked = {effect for effect, *_ in books.deliveries.values()}
    return Figures(
        events=len(load.sent),
        acknowledged=len(load.acknowledged),
        missing=sum(1 for n in load.acknowledged if not times[n]),
        doubled=sum(1 for count in times.values() if count > 1),
        runs=len(expected),
        paused=len(books.paused),
        transitions=sum(len(lines) for lines in books.transitions.values()),
        transitions_doubled=sum(count - 1 for lines in moved.values() for count in lines.values()),
        effects=len(effects),
        effects_missing=len(effects.keys() - sink.arrived.keys()),
        receipts=books.receipts.total(),
        effects_unknown=len((sink.arrived.keys() | booked) - effects.keys()),
        repeats=sink.repeats,
        problems=(
            *_log(load, books, times),
            *_runs(books, expected),
            *_deliveries(books, expected),
            *_receipts(load, books),
            *_counters(books, expected),
            *_wire(sink, expected),
        ),
    )


def expectation(load: Load, books: Books, site: int) -> Iterator[ExpectedRun]:
    """The runs that the log's events have to lead to, but where a workflow was paused."""
    for event in books.events:
        yield from expected_runs(load.sent[event.data["n"]], event.id, site, books.paused)


def _log(load: Load, books: Books, times: Counter[int]) -> Iterator[str]:
    for n in sorted(load.sent):
        count, order = times[n], load.sent[n]
        if count > 1:
            yield f"order {n} is in the log {count} times"
        if count == 0 and n in load.acknowledged:
            yield f"order {n} was acknowledged and is not in the log"
        if count and n in load.refused and n not in load.acknowledged:
            yield f"order {n} was refused ({load.refused[n].status}) and is in the log"
    for event in books.events:
        order = load.sent[event.data["n"]]
        if (event.profile, event.data) != (named_profile(order.profile), order.data):
            yield f"order {order.n} is in the log as {event}"
    for partition, sequences in books.sequences.items():
        for (before, earlier), (after, later) in pairwise(sequences):
            if after != before + 1 or later < earlier:
                yield f"log entry {after} of {later} follows {before} of {earlier} in partition {partition}"
    yield from _batches(load, times)
    yield from _order(load, books)
    if books.poisoned:
        yield f"set aside: {books.poisoned}"
    if books.pending != (0, 0, 0):
        yield f"left in inbox, outbox, runs: {books.pending}"


def _batches(load: Load, times: Counter[int]) -> Iterator[str]:
    """A batch that was never answered is in the log whole, or not at all; what was sent again by itself aside."""
    kept: dict[int, set[bool]] = {}
    for n in load.unknown:
        batch = load.sent[n].batch
        if batch is not None:
            kept.setdefault(batch, set()).add(times[n] > 0)
    yield from (f"the batch of order {batch} is in the log in part" for batch, found in kept.items() if len(found) > 1)


def _order(load: Load, books: Books) -> Iterator[str]:
    """What one connection sent one after the other is in the log in that order, as far as it is one log."""
    place = {event.data["n"]: (event.partition, event.sequence) for event in books.events}
    for numbers in load.in_order.values():
        for one, other in pairwise(sorted((n for n in numbers if n in place), key=lambda n: place[n][0])):
            if place[one][0] == place[other][0] and place[one] > place[other]:
                yield f"order {other} was sent after {one} had been acknowledged, and is in the log before it"


def _runs(books: Books, expected: dict[str, ExpectedRun]) -> Iterator[str]:
    for run in expected.values():
        if books.runs.get(run.id) != (run.workflow, "completed"):
            yield f"run {run.id} of {run.workflow}: {books.runs.get(run.id)}"
        if books.started[run.id] != 1:
            yield f"run {run.id} of {run.workflow} was started {books.started[run.id]} times"
        if tuple(books.transitions.get(run.id, ())) != run.transitions:
            yield f"run {run.id} of {run.workflow} went {books.transitions.get(run.id)}"
    for stray in books.runs.keys() - expected.keys():
        yield f"run {stray} of {books.runs[stray]} should not be there"


def _deliveries(books: Books, expected: dict[str, ExpectedRun]) -> Iterator[str]:
    wanted = {effect.delivery: (effect.id, run.id, effect.step, effect.fate) for run in expected.values() for effect in run.effects}
    for delivery, row in wanted.items():
        if books.deliveries.get(delivery) != row:
            yield f"delivery {delivery} should be {row}: {books.deliveries.get(delivery)}"
    for stray in books.deliveries.keys() - wanted.keys():
        yield f"delivery {stray} {books.deliveries[stray]} should not be there"


def _receipts(load: Load, books: Books) -> Iterator[str]:
    """Each is in the log once however often it was told, and of the answers to it one says that it counted."""
    for receipt in sorted(load.readers.told.keys() | books.receipts.keys()):
        fates, count = Counter(load.readers.told.get(receipt, ())), books.receipts[receipt]
        accepted = fates["counted"] + fates["again"] > 0
        if count > 1 or (accepted and not count):
            yield f"receipt {receipt} is in the log {count} times: {fates}"
        if count and not accepted and not fates["unknown"]:
            yield f"receipt {receipt} is in the log, and nobody was told so: {fates}"
        if fates["counted"] > 1 or (accepted and not fates["counted"] and not fates["unknown"]):
            yield f"receipt {receipt} was said to count {fates['counted']} times: {fates}"


def _counters(books: Books, expected: dict[str, ExpectedRun]) -> Iterator[str]:
    """Exactly what the runs did, in the hours as in the days; and nobody waits any more."""
    wanted = Counter((run.workflow, *counted) for run in expected.values() for counted in run.counted)
    for run in expected.values():
        wanted.update({(run.workflow, *counter): amount for counter, amount in run.worth})
    wanted.update((run.workflow, effect.step, effect.fate, "") for run in expected.values() for effect in run.effects)
    pushed = {effect.delivery: (run.workflow, effect.step) for run in expected.values() for effect in run.effects}
    wanted.update((*pushed[delivery], event, "") for delivery, event in books.receipts.elements() if delivery in pushed)
    found = {key: counts for key, counts in books.counters.items() if counts != (0, 0)}
    for key in sorted(wanted.keys() | found.keys()):
        count = wanted[key]
        if found.get(key, (0, 0)) != (count, count):
            yield f"counter {key} should be {count}: {found.get(key)}"


def _wire(sink: Sink, expected: dict[str, ExpectedRun]) -> Iterator[str]:
    wanted = {effect.id: effect.content for run in expected.values() for effect in run.effects}
    for effect, content in wanted.items():
        copies = sink.arrived.get(effect, [])
        if not copies:
            yield f"effect {effect} never arrived: {content}"
        elif set(copies) != {content}:
            yield f"effect {effect} should say {content}: {copies}"
    for stray in sink.arrived.keys() - wanted.keys():
        yield f"effect {stray} arrived and nobody wanted it: {sink.arrived[stray]}"
