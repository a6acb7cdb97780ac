"""Takes one run through `advance()`, keeping what came of it, as an engine would: state survives only as JSON."""

from collections import Counter
from typing import Any

import msgspec
from tests.workflow.builders import event, new_run

from clarion.domain.dates import instant
from clarion.domain.ids import effect_id
from clarion.domain.records import Event, FrequencyCap, Profile, Scalar, Subscriber
from clarion.workflow.advance import Arrived, Begin, Due, Input, Leaving, Person, Resulted, Retry, Stop, Switch, Transition, advance
from clarion.workflow.effects import Effect
from clarion.workflow.program import Program
from clarion.workflow.run import WAITING, Run, Tally

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def at(text: str) -> int:
    """Microseconds of a date."""
    found = instant(text)
    assert found is not None
    return found


NOON = at("2026-05-05T12:00Z")
"""A Tuesday."""


def somebody(
    attributes: dict[str, Scalar] | None = None,
    segments: tuple[str, ...] = (),
    *,
    zone: Scalar | None = None,
    site_zone: str = "UTC",
    reachable: bool = True,
    site_cap: FrequencyCap | None = None,
) -> Person:
    """A person whose subscriber's zone may be known."""
    facts: dict[str, Scalar] = {} if zone is None else {"timezone": zone}
    subscriber = Subscriber("d1", "n:p", "https://push.example/1", "k", "a", created=1, last_active=1, facts=facts)
    return Person(Profile("n:p", attributes or {}, segments), subscriber, site_zone, reachable, site_cap)


class Journey:
    """One run and everything that it did."""

    def __init__(self, program: Program, person: Person | None = None, *, now: int = NOON, entry: Event | None = None, **data: Any) -> None:
        self.program, self.now, self.paused = program, now, False
        self.person = somebody() if person is None else person
        started = new_run(event(**data) if entry is None else entry, now)
        self.run: Run = msgspec.structs.replace(started, version=program.version)
        self.effects: list[Effect] = []
        self.happened: list[str] = []
        """What the history says, in order."""
        self.details: dict[str, dict[str, Any]] = {}
        """The last detail by what the history says."""
        self.counters: Counter[tuple[int, str, str, str]] = Counter()
        """By version, step, name and branch; without zeros."""

    def give(self, given: Input, *, now: int | None = None, program: Program | None = None) -> Transition:
        """One input, now unless said otherwise."""
        self.now = self.now if now is None else now
        before = self.run
        done = advance(program or self.program, before, given, self.now, self.person, paused=self.paused)
        self.program = program or self.program
        self.run = msgspec.json.decode(msgspec.json.encode(done.run), type=Run)
        assert self.run == done.run
        self.person = msgspec.structs.replace(self.person, profile=done.profile)
        self.effects.extend(done.effects)
        self.happened.extend(reason.what for reason in done.reasons)
        self.details.update((reason.what, reason.detail) for reason in done.reasons)
        self.count(*done.tallies)
        return done

    def count(self, *tallies: Tally) -> None:
        """Add to the counters."""
        for tally in tallies:
            key = (tally.version, tally.step, tally.name, tally.branch)
            self.counters[key] += tally.count
            if not self.counters[key]:
                del self.counters[key]

    def begin(self) -> "Journey":
        """Start the run."""
        self.give(Begin())
        return self

    def due(self, now: int | None = None, *, stale: bool = False) -> Transition:
        """Let the timer fire: at its time, or at another."""
        return self.give(Due(stale), now=self.run.due if now is None else now)

    def hear(self, name: str, now: int | None = None, *, hops: int = 0, cause: str | None = None, **data: Any) -> Transition:
        """An event for the step that waits."""
        heard = Event("e2", name, profile_id="p", data=msgspec.Raw(msgspec.json.encode(data)), hops=hops, cause=cause)
        return self.give(Arrived(heard, data), now=now)

    def leave(self, name: str, now: int | None = None, **data: Any) -> Transition:
        """An event for the exit rules."""
        return self.give(Leaving(event(name, "e3", **data), data), now=now)

    def change(self, attributes: dict[str, Scalar] | None = None, segments: tuple[str, ...] = ()) -> Transition:
        """The profile changes, from outside."""
        profile = msgspec.structs.replace(self.person.profile, attributes=attributes or {}, segments=segments)
        self.person = msgspec.structs.replace(self.person, profile=profile)
        return self.give(Leaving())

    def answer(self, outcome: str = "sent", effect: str | None = None, **output: Any) -> Transition:
        """The outcome of an effect; the run's last one, unless said otherwise."""
        return self.give(Resulted(self.effects[-1].id if effect is None else effect, {"outcome": outcome, "response": {}} | output))

    def stop(self, reason: str = "operator") -> Transition:
        """End the run from outside."""
        return self.give(Stop(reason))

    def retry(self) -> Transition:
        """Try the failed step again."""
        return self.give(Retry())

    def move(self, program: Program | None = None, step: str | None = None) -> Transition:
        """Go on in another version, or at another step."""
        return self.give(Switch(step), program=program)

    @property
    def where(self) -> tuple[str, str | None, int | None]:
        """Status, step, and microseconds until the timer."""
        return self.run.status, self.run.step, None if self.run.due is None else self.run.due - self.now

    @property
    def ended(self) -> tuple[str, str | None]:
        """Status and reason."""
        return self.run.status, self.run.reason

    def left(self, step: str) -> dict[str, Any] | None:
        """What a step has left for later ones."""
        return self.run.steps.get(step)

    def counted(self, name: str, step: str = "", branch: str = "", version: int | None = None) -> int:
        """One counter."""
        return self.counters[(self.run.version if version is None else version, step, name, branch)]

    def waiting(self) -> dict[tuple[int, str], int]:
        """The counters of where runs stand."""
        return {(version, step): count for (version, step, name, _), count in self.counters.items() if name == "waiting"}

    def stands(self) -> dict[tuple[int, str], int]:
        """What those counters have to be for this one run."""
        return {(self.run.version, self.run.step): 1} if self.run.status == WAITING and self.run.step is not None else {}

    def effect(self, step: str, visit: int = 1) -> str:
        """Id of what a step wants done."""
        return effect_id(self.run.id, step, visit)
