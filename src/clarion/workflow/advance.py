"""`advance()`: the pure heart. A run, what reached it and the time go in; the run after it, effects and reasons come out."""

from typing import Any, Final

import msgspec

from clarion.domain.records import Event, Profile, Scalar, Scope, Subscriber
from clarion.domain.templates import TemplateError
from clarion.workflow.effects import Effect
from clarion.workflow.program import Program
from clarion.workflow.run import COMPLETED, EXITED, FAILED, WAITING, Reason, Run
from clarion.workflow.step import End, Forward, Into, Move, Sleep, Visit

MOST_STEPS: Final = 1_000
"""Steps that a run may take without waiting (semantics §5)."""


class Person(msgspec.Struct, frozen=True):
    """Whom a run is about, as the log has it at this point."""

    profile: Profile
    subscriber: Subscriber | None = None
    """The one that the entry event named, else the most recently active one."""
    timezone: str = "UTC"
    """The site's."""


class Begin(msgspec.Struct, frozen=True):
    """The run starts."""


class Due(msgspec.Struct, frozen=True):
    """The run's timer is due."""


class Arrived(msgspec.Struct, frozen=True):
    """An event of the run's profile."""

    event: Event
    data: dict[str, Scalar]
    """Of the event, decoded."""


class Stop(msgspec.Struct, frozen=True):
    """The run has to end, wherever it stands."""

    reason: str


Input = Begin | Due | Arrived | Stop


class Transition(msgspec.Struct, frozen=True):
    """What an input did to a run."""

    run: Run
    effects: tuple[Effect, ...] = ()
    reasons: tuple[Reason, ...] = ()


def advance(program: Program, run: Run, given: Input, now: int, person: Person) -> Transition:
    """Apply one input to a run at a time. Same arguments, same outcome; nothing else is read.

    A run that has ended stays as it is. An event that no exit rule of the program listens for, or a timer that is not due yet, changes
    nothing.
    """
    if run.status != WAITING:
        return Transition(run)
    match given:
        case Begin():
            return _Walk(program, run, now, person).enter(program.first)
        case Due():
            return _Walk(program, run, now, person).wake()
        case Arrived(event, data):
            return _offer(program, run, event, data, now, person)
        case Stop(reason):
            return _end(run, now, EXITED, reason)


def fail(run: Run, now: int, reason: str) -> Transition:
    """End a run that cannot go on."""
    return _end(run, now, FAILED, reason)


def _end(run: Run, now: int, status: str, reason: str | None, detail: dict[str, Any] | None = None) -> Transition:
    ended = msgspec.structs.replace(run, status=status, step=None, due=None, ended=now, reason=reason)
    told = dict(detail or {})
    if reason is not None:
        told["reason"] = reason
    return Transition(ended, (), (Reason(now, status, run.step, told),))


def _offer(program: Program, run: Run, event: Event, data: dict[str, Scalar], now: int, person: Person) -> Transition:
    """Exit rules, wherever the run stands."""
    failed: list[Any] = []
    for rule in program.exits_on(event.name):
        if rule.where is None:
            return _end(run, now, EXITED, f"event {event.name}", {"event": event.id})
        verdict = rule.where.explain(_scope(run, now, person, data))
        if verdict.ok:
            return _end(run, now, EXITED, f"event {event.name}", {"event": event.id, "rows": msgspec.to_builtins(verdict.rows)})
        failed.extend(msgspec.to_builtins(verdict.rows))
    if not failed:
        return Transition(run)
    return Transition(run, (), (Reason(now, "not_exited", run.step, {"event": event.id, "rows": failed}),))


def _scope(run: Run, now: int, person: Person, arriving: dict[str, Scalar] | None = None) -> Scope:
    entry: dict[str, Scalar] = msgspec.json.decode(run.entry.data)
    return Scope(
        event=entry if arriving is None else arriving,
        entry=entry,
        now=now,
        profile=person.profile,
        subscriber=person.subscriber,
        run_key=run.key,
        steps=run.steps,
        timezone=person.timezone,
    )


class _Walk:
    """Takes a run from step to step until it waits or ends."""

    def __init__(self, program: Program, run: Run, now: int, person: Person) -> None:
        self.program, self.run, self.now = program, run, now
        self.scope = _scope(run, now, person)
        self.effects: list[Effect] = []
        self.reasons: list[Reason] = []

    def wake(self) -> Transition:
        """Go on from where the run sleeps."""
        place = self.program.places.get(self.run.step or "")
        if place is None:
            return _end(self.run, self.now, EXITED, "step_removed")
        if self.run.due is None or self.run.due > self.now:
            return Transition(self.run)
        visit = Visit(self.run, place.step, self.scope, self.now)
        move = self.move(visit, place.step.wake)
        return self.follow(move)

    def enter(self, step: str | None) -> Transition:
        """Go on with a step; None: the workflow ends here."""
        taken = 0
        while True:
            if step is None:
                return self.finish(COMPLETED, None)
            if taken == MOST_STEPS:
                return self.finish(FAILED, f"took {MOST_STEPS} steps without waiting")
            taken += 1
            place = self.program.places[step]
            self.run = msgspec.structs.replace(self.run, step=step, since=self.now, due=None)
            move = self.move(Visit(self.run, place.step, self.scope, self.now), place.step.enter)
            match move:
                case Forward():
                    step = place.next
                case Into(branch):
                    step = place.branches[branch]
                case _:
                    return self.follow(move)

    def move(self, visit: Visit, act: Any) -> Move:
        """Let the step act; a step that cannot be evaluated fails its run and wants nothing."""
        try:
            move: Move = act(visit)
        except TemplateError as error:
            self.reasons.extend(visit.reasons)
            return End(FAILED, f"step {visit.step.id}: {error}")
        self.effects.extend(visit.effects)
        self.reasons.extend(visit.reasons)
        return move

    def follow(self, move: Move) -> Transition:
        """Do what a step that was woken, or that does not just go on, decided."""
        match move:
            case Sleep(until):
                return self.done(msgspec.structs.replace(self.run, due=until))
            case End(status, reason):
                return self.finish(status, reason)
            case Forward():
                return self.enter(self.program.places[self.run.step or ""].next)
            case Into(branch):
                return self.enter(self.program.places[self.run.step or ""].branches[branch])

    def finish(self, status: str, reason: str | None) -> Transition:
        """End the run; what it did on the way stands."""
        ended = _end(self.run, self.now, status, reason)
        self.reasons.extend(ended.reasons)
        return self.done(ended.run)

    def done(self, run: Run) -> Transition:
        return Transition(run, tuple(self.effects), tuple(self.reasons))
