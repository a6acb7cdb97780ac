"""Random documents and random inputs through `advance()`: what holds for every run, whatever happens to it."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.workflow.builders import event
from tests.workflow.documents import DATA, HAPPENINGS, SEGMENTS, ZONES, Value, documents
from tests.workflow.journey import NOON, Journey, somebody

from clarion.domain.records import FrequencyCap
from clarion.workflow.advance import Begin, Input, Person, Retry, Switch, Transition, advance
from clarion.workflow.document import read_value
from clarion.workflow.goals import reach
from clarion.workflow.program import Program, compile_program
from clarion.workflow.run import COMPLETED, EXITED, FAILED, WAITING, Run
from clarion.workflow.source import canonical, parse_canonical

PEOPLE = st.builds(
    somebody,
    DATA,
    st.lists(st.sampled_from(SEGMENTS), unique=True).map(lambda names: tuple(sorted(names))),
    zone=st.sampled_from([*ZONES, None, "Nowhere/At_All", 5]),
    site_zone=st.sampled_from(ZONES),
    reachable=st.sampled_from([True, True, True, False]),
    site_cap=st.none() | st.just(FrequencyCap(2, 3_600_000_000)),
)
ENDED = (COMPLETED, EXITED, FAILED)


def compiled(document: Value, version: int) -> Program:
    read, reading = read_value(document)
    assert read is not None, reading.found
    return compile_program(read, version)


class Watched(Journey):
    """A run that is looked at after every input."""

    def __init__(self, program: Program, person: Person, data: Value) -> None:
        super().__init__(program, person, entry=event(**data))
        self.log: list[tuple[Program, Input, int, Person, bool, Transition]] = []

    def give(self, given: Input, *, now: int | None = None, program: Program | None = None) -> Transition:
        before, person, known = self.run, self.person, len(self.effects)
        done = super().give(given, now=now, program=program)
        assert done == advance(self.program, before, given, self.now, person, paused=self.paused), "the same again"
        self.log.append((self.program, given, self.now, person, self.paused, done))
        self.stands_somewhere(before)
        self.keeps(before)
        self.counts()
        new = [effect.id for effect in self.effects[known:]]
        assert not {*new} & {effect.id for effect in self.effects[:known]}
        assert len({*new}) == len(new), "every effect is another one"
        assert all(reason.at == self.now for reason in done.reasons)
        if self.paused and not isinstance(given, Begin):
            assert not new
            assert not [tally for tally in done.tallies if tally.name in ("entered", "left") and tally.branch != "moved"]
        if before.status in ENDED and not (isinstance(given, Retry) and before.status == FAILED):
            assert done == Transition(before, person.profile)
        for anything in (done.effects, done.reasons, done.tallies, done.rows, done.profile):
            msgspec.json.encode(anything)
        return done

    def stands_somewhere(self, before: Run) -> None:
        """A run waits at a step that there is, or it has ended."""
        run = self.run
        if run.status == WAITING:
            assert run.step in self.program.places
            assert run.version == self.program.version
            assert (run.due is None) is (run.awaits is not None)
            assert run.due == before.due or run.due is None or run.due >= self.now
            assert run.since <= self.now
            assert run.ended is None
            assert not run.entering or run.due is not None
        else:
            assert run.status in ENDED
            assert (run.due, run.awaits, run.entering) == (None, None, False)
            assert run.ended == (self.now if before.status == WAITING else before.ended)
            assert (run.step is not None) is (run.status == FAILED)
            assert run.reason or run.status == COMPLETED

    def keeps(self, before: Run) -> None:
        """What an input may not change."""
        names = ("id", "site", "workflow", "profile", "key", "entry", "started", "goal_until")
        kept = names[:-1] if isinstance(self.log[-1][1], Begin | Switch) else names
        assert [getattr(self.run, name) for name in kept] == [getattr(before, name) for name in kept]
        assert self.run.visit >= before.visit
        assert self.run.hops >= before.hops
        assert self.run.steps.keys() | self.run.paths.keys() <= {*self.program.places} | before.steps.keys() | before.paths.keys()

    def counts(self) -> None:
        """Counters of where runs stand are exact; every run that started has ended, or been retried, or is there."""
        assert self.waiting() == self.stands()
        totals = {name: sum(count for (_, step, told, _), count in self.counters.items() if not step and told == name) for name in NAMES}
        in_flight = totals["started"] + totals["retried"] - totals["completed"] - totals["exited"] - totals["failed"]
        assert in_flight == (self.run.status == WAITING)


NAMES = ("started", "retried", "completed", "exited", "failed")


def happen(journey: Watched, what: tuple[Any, ...], other: Program) -> None:
    """Let something happen to a run."""
    match what:
        case ("due", stale):
            journey.due(max(journey.now, journey.run.due or 0), stale=stale)
        case ("early", stale):
            journey.due(journey.now, stale=stale)
        case ("event", name, data, hops):
            journey.hear(name, hops=hops, **data)
        case ("awaited", number, data):
            place = journey.program.places.get(journey.run.step or "")
            awaited = [] if place is None else list(place.step.awaited())
            for one in awaited[number % len(awaited) :][:1] if awaited else []:
                journey.hear(one.event, **(data if one.of is None else data | {"run": journey.run.id, "step": one.of}))
        case ("receipt", name, data, which):
            pushes = [effect.step for effect in journey.effects]
            step = pushes[which % len(pushes)] if pushes else "none"
            journey.hear(name, hops=1, cause=journey.run.id, **(data | {"run": journey.run.id, "step": step}))
        case ("leave", name, data):
            journey.leave(name, **data)
        case ("change", attributes, segments):
            journey.change(attributes, tuple(sorted(segments)))
        case ("answer", outcome, data):
            journey.answer(outcome, effect=journey.run.awaits or "", status=200, response=data)
        case ("wrong answer", outcome, data):
            journey.answer(outcome, effect="0" * 32, response=data)
        case ("retry",):
            journey.retry()
        case ("move",):
            journey.give(Switch(), program=msgspec.structs.replace(other, version=journey.run.version + 1))
        case ("step", number):
            steps = [*journey.program.places, "nowhere"]
            journey.move(step=steps[number % len(steps)])
        case ("pause",):
            journey.paused = True
        case ("resume",):
            journey.paused = False
        case ("stop",):
            journey.stop()


@settings(max_examples=200, deadline=None)
@given(documents(), documents(), PEOPLE, DATA, HAPPENINGS)
def test_every_run_waits_or_ends_and_does_everything_once(
    document: Value, other: Value, person: Person, data: Value, happenings: list[tuple[int, tuple[Any, ...]]]
) -> None:
    journey = Watched(compiled(document, 1), person, data)
    journey.begin()
    for delay, what in happenings:
        if journey.run.status in (COMPLETED, EXITED) and what[0] != "leave":
            continue  # that an ended run stays as it is needs no more than one proof
        journey.now += delay
        happen(journey, what, compiled(other, 2))
    run = Journey(compiled(document, 1), person, entry=journey.run.entry).run
    for program, given_, now, whom, paused, done in journey.log:
        again = advance(program, run, given_, now, whom, paused=paused)
        assert again == done, "a replay of the same log gives the same"
        run = msgspec.json.decode(msgspec.json.encode(again.run), type=Run)
    assert run == journey.run


@settings(max_examples=100, deadline=None)
@given(documents(), PEOPLE, DATA)
def test_every_run_ends_if_time_passes_and_requests_are_answered(document: Value, person: Person, data: Value) -> None:
    journey = Watched(compiled(document, 1), person, data)
    journey.begin()
    for _ in range(60):
        if journey.run.status in ENDED:
            break
        if journey.run.due is None:
            journey.answer("sent", effect=journey.run.awaits or "")
        else:
            journey.due()
    assert journey.run.status in ENDED
    entered = [step for (_, step, name, _), count in journey.counters.items() if name == "entered" and count]
    assert len(entered) == len({*entered})
    assert all(journey.counters[1, step, "entered", ""] == 1 for step in entered), "there is no way back"


@settings(max_examples=100, deadline=None)
@given(documents(), PEOPLE, DATA, st.lists(st.tuples(st.sampled_from(["buy", "go"]), DATA, st.integers(0, 8_000_000_000)), max_size=5))
def test_a_goal_is_met_in_its_window_only_and_once_unless_every_one_counts(
    document: Value, person: Person, data: Value, events: list[tuple[str, Value, int]]
) -> None:
    document["settings"] = {"goal": {"event": "buy", "within": "2h"}} | document.get("settings", {})
    journey = Watched(compiled(document, 1), person, data)
    run = journey.begin().run
    goal = journey.program.document.settings.goal
    assert goal is not None
    met = 0
    for name, heard, after in sorted(events, key=lambda one: one[2]):
        now = NOON + after
        reached = reach(journey.program, run, event(name, "e9", **heard), heard, now, journey.person)
        if reached is None:
            continue
        met += 1
        assert name == "buy"
        assert now <= NOON + goal.within
        assert [tally for tally in reached.tallies if tally.name == "goals" and not tally.step]
        assert len([tally for tally in reached.tallies if tally.name == "goals"]) == 1 + len(run.paths)
        run = reached.run
    assert met <= 1 or goal.count == "every"


@settings(max_examples=60, deadline=None)
@given(documents(), PEOPLE, DATA)
def test_a_document_means_the_same_in_its_stored_form(document: Value, person: Person, data: Value) -> None:
    read, _ = read_value(document)
    assert read is not None
    again = parse_canonical(canonical(read))
    assert canonical(again) == canonical(read)
    one, other = (Journey(compile_program(it, 1), person, entry=event(**data)) for it in (read, again))
    assert one.give(Begin()) == other.give(Begin())
