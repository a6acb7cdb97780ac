"""(e) What an event costs the engine: from its turn in the inbox to the commit, with more and more workflows that do not listen for it.

Each case has a process and a database of its own; the cases take turns, round by round.
"""

from contextlib import nullcontext
from pathlib import Path
from time import process_time
from typing import Final

import msgspec

from bench import apart, raw
from bench.engine import DATABASE, fill, only_row, opened, owned, publish
from bench.engine_results import Events, EventsCase
from bench.event import PROFILES, encode
from bench.percentiles import median
from bench.plan import Plan
from bench.progress import say
from bench.sampler import Sampled, Sampler
from bench.workflows import document
from clarion.clock import wall_clock
from clarion.domain.ids import partition_of
from clarion.domain.records import Event
from clarion.fresh_ids import fresh_id
from clarion.store.records.entries import EntryKind, NewEntry

EVENT: Final = "order_placed"
BATCH: Final = 256
"""Entries in a commit, as the engine takes them: for the floor."""
_WARM_UP: Final = 2 * BATCH
"""Events that go before."""
_SECONDS: Final = 300.0
"""Without a commit for so long, or an answer, the engine has failed."""
_SINK: Final = 9
"""Nothing is sent: no delivery worker runs."""
_COUNT: Final = "SELECT (SELECT count(*) FROM log WHERE kind = 'event'), (SELECT count(*) FROM runs WHERE status = 'completed')"


class Question(msgspec.Struct, frozen=True):
    """One measurement."""

    directory: str
    workflows: int
    listening: int
    events: int
    sampled: bool = False
    """Whether to look where the time goes."""


class Answer(msgspec.Struct, frozen=True):
    """Of one measurement; the warm-up left out."""

    seconds: float
    """Of an event."""
    cpu_seconds: float
    applied: int
    started: int
    sampled: Sampled | None = None
    per_commit: float = 0.0
    """Events."""


def run(plan: Plan, directory: Path) -> Events:
    """Measure. Raises ChildFailed."""
    events = plan.events.events
    mixes = [(workflows, 1, events) for workflows in plan.events.workflows]
    mixes += [(workflows, 0, events) for workflows in plan.events.workflows]
    mixes += [(everyone, everyone, events // everyone) for everyone in plan.events.workflows if everyone > 1]
    answers: list[list[Answer]] = [[] for _ in mixes]
    floor: list[float] = []
    bodies = [entry.body.decode() for entry in entries(events, 1)]
    for number in range(plan.events.rounds):
        floor.append(raw.move(directory / f"events-raw-{number}.db", bodies, BATCH) / events)
        say(f"(e) SQLite alone: {floor[-1] * 1e6:.1f} µs a row moved")
        for mix, given in zip(mixes, answers, strict=True):
            place = directory / f"events-{number}-{mix[0]}-{mix[1]}"
            given.append(measure(place, *mix))
            _report(mix, given[-1].seconds)
    cases = [
        EventsCase(
            *mix,
            seconds=[one.seconds for one in given],
            cpu_seconds=[one.cpu_seconds for one in given],
            applied=sum(one.applied for one in given),
            started=sum(one.started for one in given),
        )
        for mix, given in zip(mixes, answers, strict=True)
    ]
    return Events(cases, floor)


def measure(place: Path, workflows: int, listening: int, events: int, *, sampled: bool = False) -> Answer:
    """One case once, in a process of its own; its database goes again. Raises ChildFailed."""
    place.mkdir()
    question = Question(str(place), workflows, listening, events, sampled)
    answer = apart.ask("bench.engine_events", question, Answer, place / "events.err", _SECONDS)
    for file in place.glob(f"{DATABASE}*"):
        file.unlink()
    return answer


def micros(case: EventsCase) -> float:
    """Microseconds that an event takes, in the median of the rounds."""
    return median(case.seconds) * 1e6


def _report(mix: tuple[int, int, int], seconds: float) -> None:
    workflows, listening, _ = mix
    say(f"(e) {workflows} workflows, {listening} listening: {1 / seconds:,.0f} events/s, {seconds * 1e6:.1f} µs an event")


# -- in the process that measures ----------------------------------------------------------------------------------------


async def _measure(asked: Question) -> Answer:
    place = Path(asked.directory)
    async with opened(place) as store:
        site = await publish(store, documents(asked.workflows, asked.listening))
        await fill(store, entries(_WARM_UP + asked.events, site.id))
        ready, goal = store.seen.moved + _WARM_UP, store.seen.moved + _WARM_UP + asked.events
        async with owned(store):
            await store.seen.until(lambda: store.seen.moved >= ready, _SECONDS)  # an owner that takes over has more to do than events
            with Sampler() if asked.sampled else nullcontext() as sampler:
                began, used, before, commits = store.seen.last, process_time(), store.seen.moved, store.seen.commits
                await store.seen.until(lambda: store.seen.moved >= goal, _SECONDS)
                took, used, events = store.seen.last - began, process_time() - used, store.seen.moved - before
                commits = store.seen.commits - commits
    applied, started = only_row(place, _COUNT, tuple[int, int])
    started -= _WARM_UP * asked.listening
    seen = sampler.sampled() if sampler else None
    return Answer(took / events, used / events, applied - _WARM_UP, started, seen, events / max(1, commits))


def documents(workflows: int, listening: int) -> list[str]:
    """So many workflows of which some listen for the event: those in the middle of the others."""
    first = workflows // 2 - listening // 2
    names = [EVENT if first <= number < first + listening else f"other_{number}" for number in range(workflows)]
    return [document(number, name, _SINK) for number, name in enumerate(names)]


def entries(count: int, site: int, partitions: int = 1) -> list[NewEntry]:
    """Events as the API puts them into the inbox."""
    found = []
    for number in range(count):
        profile = f"buyer-{number % PROFILES}"
        found.append(entry(number, site, profile, partition_of(site, profile, partitions)))
    return found


def entry(number: int, site: int, profile: str, partition: int) -> NewEntry:
    """One event about a profile."""
    now, id = wall_clock(), fresh_id()
    data = msgspec.Raw(encode({"number": number, "product_name": "Running Shoes", "price": 99.99}))
    event = Event(id=id, name=EVENT, profile_id=profile, data=data, received=now)
    return NewEntry(EntryKind.EVENT, site, id, encode(event), now, partition)


if __name__ == "__main__":
    apart.answer(Question, _measure)
