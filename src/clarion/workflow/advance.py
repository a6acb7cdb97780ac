"""`advance()`: the pure heart. A run, what reached it and the time go in; the run after it, effects and reasons come out."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from clarion.domain.ids import effect_id
from clarion.domain.records import Event, FrequencyCap, Profile, Scalar, Scope, Subscriber
from clarion.domain.templates import TemplateError
from clarion.workflow.effects import Effect
from clarion.workflow.program import Place, Program
from clarion.workflow.run import COMPLETED, EXITED, FAILED, WAITING, Reason, Run, Tally
from clarion.workflow.step import End, Forward, Into, Move, Sleep, Visit

MOST_STEPS: Final = 1_000
"""Steps that a run may take without waiting (semantics §5)."""
MOST_HOPS: Final = 8
"""An event that is as many runs away from one from outside starts and resumes nothing (semantics §5)."""
MOST_RECEIPTS: Final = 10
"""Of one push and kind that a run remembers."""
MOVED: Final = "moved"
"""The branch by which a moved run leaves a step of one version and enters that of another."""
LARGEST_OUTPUTS: Final = 131_072
"""Bytes of JSON that the steps of a run may leave for later ones, together."""
STEP_REMOVED: Final = "step_removed"


class Person(msgspec.Struct, frozen=True):
    """Whom a run is about, as the log has it at this point."""

    profile: Profile
    subscriber: Subscriber | None = None
    """The one that the entry event named, else the most recently active one."""
    timezone: str = "UTC"
    """The site's."""
    reachable: bool = True
    """Whether a push has somebody to go to."""
    site_cap: FrequencyCap | None = None
    dynamic: frozenset[str] = frozenset()
    """Segments that nobody comes into or goes out of but by their conditions."""


class Begin(msgspec.Struct, frozen=True):
    """The run starts."""


class Due(msgspec.Struct, frozen=True):
    """The run's timer is due."""

    stale: bool = False
    """Whether a pause has held it for too long for pushes."""


class Leaving(msgspec.Struct, frozen=True):
    """An event of the run's profile, for the exit rules; None: the profile has changed, for the exit rules on the audience."""

    event: Event | None = None
    data: dict[str, Scalar] = {}
    """Of the event, decoded."""


class Arrived(msgspec.Struct, frozen=True):
    """An event of the run's profile, for the step that waits for it."""

    event: Event
    data: dict[str, Scalar]
    """Of the event, decoded."""


class Resulted(msgspec.Struct, frozen=True):
    """What an effect that the run waits for has come to."""

    effect: str
    output: dict[str, Any]
    """`{"outcome": "sent", "status": 200, "response": {…}}`"""


class Stop(msgspec.Struct, frozen=True):
    """The run has to end, wherever it stands."""

    reason: str


class Retry(msgspec.Struct, frozen=True):
    """A failed run has to try the step again at which it failed."""


class Switch(msgspec.Struct, frozen=True):
    """The run has to go on in another version, or at another step; `program` is the one that it goes on in."""

    step: str | None = None
    """None: at the same step, where a wait goes on."""


Input = Begin | Due | Leaving | Arrived | Resulted | Stop | Retry | Switch


class Transition(msgspec.Struct, frozen=True):
    """What an input did to a run."""

    run: Run
    profile: Profile
    """Of the run, after what its steps did to it."""
    effects: tuple[Effect, ...] = ()
    reasons: tuple[Reason, ...] = ()
    tallies: tuple[Tally, ...] = ()
    rows: tuple[Any, ...] = ()
    """Of the conditions that decided about an event, with the values they saw."""


def advance(program: Program, run: Run, given: Input, now: int, person: Person, *, paused: bool = False) -> Transition:
    """Apply one input to a run at a time. Same arguments, same outcome; nothing else is read.

    A run that has ended stays as it is, but for a retry of a failed one. An event that nothing in the program listens for, or a timer that
    is not due yet, changes nothing. While `paused`, what a run waits for is noted and its timer set, but no step is taken; `consider`
    refuses starts.
    """
    if run.status != (FAILED if isinstance(given, Retry) else WAITING):
        return Transition(run, person.profile)
    walk = _Walk(program, run, now, person, paused=paused)
    match given:
        case Begin():
            return walk.begin()
        case Due(stale):
            walk.stale = stale
            return walk.wake()
        case Leaving(event, data):
            return walk.leave_on_audience() if event is None else walk.leave(event, data)
        case Arrived(event, data):
            return walk.arrive(event, data)
        case Resulted(effect, output):
            return walk.result(effect, output)
        case Stop(reason):
            return walk.end(EXITED, reason)
        case Retry():
            return walk.enter_later(run.step, "retried") if run.step in program.places else Transition(run, person.profile)
        case Switch(step):
            return walk.switch(step)


def end(run: Run, now: int, profile: Profile, status: str, reason: str) -> Transition:
    """End a run whose program is not at hand."""
    ended, told = _ended(run, now, status, reason, {})
    return Transition(ended, profile, (), (told,), tuple(_moved(run, ended)))


def receive(program: Program, run: Run, event: Event, data: dict[str, Scalar]) -> Run:
    """Note a receipt of one of the run's pushes that a step or the goal may ask for later; also once the run has ended."""
    step = data.get("step")
    if data.get("run") != run.id or not isinstance(step, str) or event.hops >= MOST_HOPS or not program.keeps(step, event.name):
        return run
    known = run.receipts.get(step, {})
    same = known.get(event.name, [])
    if len(same) >= MOST_RECEIPTS:
        return run
    return msgspec.structs.replace(run, receipts={**run.receipts, step: {**known, event.name: [*same, data]}})


def scope_of(run: Run, now: int, person: Person, arriving: Mapping[str, Scalar] | None = None) -> Scope:
    """What conditions and templates of a run see; `arriving` is the data of an event that is offered to it."""
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


def _ended(run: Run, now: int, status: str, reason: str | None, detail: dict[str, Any]) -> tuple[Run, Reason]:
    """The run at its end, and what its history says of it. A failed run keeps its step, to be retried there."""
    step = run.step if status == FAILED else None
    ended = msgspec.structs.replace(run, status=status, step=step, due=None, awaits=None, entering=False, ended=now, reason=reason)
    told = detail if reason is None else detail | {"reason": reason}
    return ended, Reason(now, status, run.step, told)


def _moved(before: Run, after: Run) -> list[Tally]:
    """Counters of where runs stand, from where a run stood and where it stands now."""
    tallies = []
    if after.status != before.status:
        tallies.append(Tally(after.version, "", "retried" if after.status == WAITING else after.status))
        if after.status == FAILED and after.step is not None:
            tallies.append(Tally(after.version, after.step, "errors"))
    stood, stands = _standing(before), _standing(after)
    if stood != stands:
        tallies += [Tally(*place, "waiting", count=count) for place, count in ((stood, -1), (stands, 1)) if place is not None]
    return tallies


def _standing(run: Run) -> tuple[int, str] | None:
    """Version and step at which a run waits; None: it has ended, or not begun."""
    return (run.version, run.step) if run.status == WAITING and run.step is not None else None


class _Walk:
    """Takes a run from step to step until it waits or ends."""

    def __init__(self, program: Program, run: Run, now: int, person: Person, *, paused: bool) -> None:
        self.program, self.before, self.run, self.now, self.person, self.paused = program, run, run, now, person, paused
        self.stale = False
        self.effects: list[Effect] = []
        self.reasons: list[Reason] = []
        self.tallies: list[Tally] = []
        self.rows: tuple[Any, ...] = ()
        self._scope: Scope | None = None

    @property
    def scope(self) -> Scope:
        """What the run's steps see now."""
        if self._scope is None:
            self._scope = scope_of(self.run, self.now, self.person)
        return self._scope

    @property
    def place(self) -> Place | None:
        """Where the run stands; None: at a step that this program does not have."""
        return None if self.run.step is None else self.program.places.get(self.run.step)

    # -- inputs ------------------------------------------------------------------------------------------------------

    def begin(self) -> Transition:
        """Enter the first step."""
        goal = self.program.document.settings.goal
        until = None if goal is None else self.now + goal.within
        self.run = msgspec.structs.replace(self.run, hops=self.run.entry.hops, goal_until=until)
        self.tallies.append(Tally(self.run.version, "", "started"))
        if self.paused and self.program.first is not None:
            return self.done(msgspec.structs.replace(self.run, step=self.program.first, since=self.now, due=self.now, entering=True))
        return self.enter(self.program.first)

    def wake(self) -> Transition:
        """Go on from where the run sleeps, if its time has come."""
        if self.paused or self.run.due is None or self.run.due > self.now:
            return self.done(self.run)
        place = self.place
        if place is None:
            return self.end(EXITED, STEP_REMOVED)
        return self.leave_by_audience() or self.go_on(place)

    def go_on(self, place: Place) -> Transition:
        """The stay at a step is over."""
        if self.run.entering:
            return self.enter(place.step.id)
        return self.follow(place, self.act(place, place.step.wake))

    def leave(self, event: Event, data: dict[str, Scalar]) -> Transition:
        """Exit rules on events, wherever the run stands."""
        failed: list[Any] = []
        for rule in self.program.exits_on(event.name):
            if rule.where is None:
                return self.end(EXITED, f"event {event.name}", {"event": event.id})
            verdict = rule.where.explain(scope_of(self.run, self.now, self.person, data))
            if verdict.ok:
                self.rows = tuple(verdict.rows)
                return self.end(EXITED, f"event {event.name}", {"event": event.id, "rows": msgspec.to_builtins(verdict.rows)})
            failed.extend(msgspec.to_builtins(verdict.rows))
        if failed:
            self.reasons.append(Reason(self.now, "not_exited", self.run.step, {"event": event.id, "rows": failed}))
        return self.done(self.run)

    def leave_on_audience(self) -> Transition:
        """Exit rules on the audience, wherever the run stands."""
        return self.leave_by_audience() or self.done(self.run)

    def leave_by_audience(self) -> Transition | None:
        """The end of the run if an exit rule on the audience holds."""
        for audience in self.program.document.exit_audience:
            if audience.evaluate(self.scope):
                rows = audience.explain(self.scope).rows
                self.rows = tuple(rows)
                return self.end(EXITED, "audience", {"rows": msgspec.to_builtins(rows)})
        return None

    def arrive(self, event: Event, data: dict[str, Scalar]) -> Transition:
        """Let the step that the run stands at have an event that it waits for."""
        self.run = receive(self.program, self.run, event, data)
        place = self.place
        if place is None or event.name not in place.awaits or self.run.entering or self.is_over(place):
            return self.done(self.run)
        scope = scope_of(self.run, self.now, self.person, data)
        failed: list[Any] = []
        for expected in place.step.awaited():
            if expected.event != event.name or not expected.concerns(self.run, data):
                continue
            if expected.where is None or expected.where.evaluate(scope):
                break
            failed.extend(msgspec.to_builtins(expected.where.explain(scope).rows))
        else:
            if failed:
                self.reasons.append(Reason(self.now, "not_resumed", self.run.step, {"event": event.id, "rows": failed}))
            return self.done(self.run)
        self.reasons.append(Reason(self.now, "resumed", self.run.step, {"event": event.id, "event_name": event.name}))
        if event.cause != self.run.id:  # its own steps are counted already: a run with many pushes may wait for what becomes of each
            self.run = msgspec.structs.replace(self.run, hops=max(self.run.hops, event.hops))
        return self.take_up(place, {"event": data})

    def is_over(self, place: Place) -> bool:
        """Whether what the step waited for has come, or its time is up: a pause keeps the run there, or its timer was set aside."""
        return (self.run.due is not None and self.run.due <= self.now) or "event" in self.run.steps.get(place.step.id, {})

    def result(self, effect: str, output: dict[str, Any]) -> Transition:
        """Let the step that the run stands at have the outcome that it waits for."""
        place = self.place
        if place is None or effect != self.run.awaits:
            return self.done(self.run)
        told: dict[str, Any] = {name: output[name] for name in ("outcome", "status") if name in output}
        self.reasons.append(Reason(self.now, "result", self.run.step, told))
        return self.take_up(place, output)

    def take_up(self, place: Place, output: dict[str, Any]) -> Transition:
        """What the step waited for is here: go on, after a pause if there is one."""
        self.leave_output(place.step.id, output)
        self.run = msgspec.structs.replace(self.run, awaits=None)
        if len(msgspec.json.encode(self.run.steps)) > LARGEST_OUTPUTS:
            return self.end(FAILED, f"its steps have left more than {LARGEST_OUTPUTS // 1024} KiB for later ones")
        if self.paused:
            return self.done(msgspec.structs.replace(self.run, due=self.now))
        return self.leave_by_audience() or self.go_on(place)

    def enter_later(self, step: str | None, why: str) -> Transition:
        """Enter a step when the timer fires, which is set to now, as another visit."""
        if step is None or step not in self.program.places:
            return self.end(EXITED, STEP_REMOVED)
        self.reasons.append(Reason(self.now, why, step, {"version": self.program.version}))
        if self.run.status == WAITING:
            if self.run.step is not None and not self.run.entering:
                self.tallies.append(Tally(self.run.version, self.run.step, "left", MOVED))
            self.go_over()
        again = msgspec.structs.replace(
            self.run,
            version=self.program.version,
            status=WAITING,
            step=step,
            since=self.now,
            due=self.now,
            awaits=None,
            visit=self.run.visit + 1,
            entering=True,
            ended=None,
            reason=None,
        )
        return self.done(again)

    def go_over(self) -> None:
        """Be of the version at hand: its goal counts, within a time from entry, and of the splits taken those that it has."""
        came, version = self.run.version, self.program.version
        if came == version:
            return
        self.tallies += [Tally(came, "", "moved_out"), Tally(version, "", "moved_in")]
        goal = self.program.document.settings.goal
        met = goal is not None and goal.count == "first" and self.run.reached
        until = None if goal is None or met else self.run.started + goal.within
        paths = {split: path for split, path in self.run.paths.items() if split in self.program.places}
        self.run = msgspec.structs.replace(self.run, version=version, goal_until=until, paths=paths)

    def switch(self, step: str | None) -> Transition:
        """Go on in the program at hand: where the run stands, a wait counting from when that step was entered, or at another step."""
        if step is not None:
            return self.enter_later(step, "moved")
        place = self.place
        if place is None:
            return self.end(EXITED, STEP_REMOVED)
        came = self.run.version
        self.go_over()
        # another visit: where the new version has steps in another order, the run may come to one again
        self.run = msgspec.structs.replace(self.run, visit=self.run.visit + 1)
        self.reasons.append(Reason(self.now, "moved", self.run.step, {"from": came, "version": self.program.version}))
        if self.run.entering:
            return self.done(self.run)
        self.tallies.append(Tally(came, place.step.id, "left", MOVED))
        try:
            move = place.step.rejoin(self.visit(place, at=self.run.since))
        except TemplateError as error:
            return self.end(FAILED, f"step {place.step.id}: {error}")
        if isinstance(move, Sleep | Forward):
            self.tallies.append(Tally(self.run.version, place.step.id, "entered", MOVED))
        match move:
            case Sleep(None):
                return self.done(self.run)
            case Sleep(int() as until):
                return self.done(msgspec.structs.replace(self.run, due=max(until, self.now), awaits=None))
            case Forward():
                return self.done(msgspec.structs.replace(self.run, due=self.now, awaits=None))
            case _:
                return self.done(msgspec.structs.replace(self.run, due=self.now, awaits=None, entering=True))

    # -- steps -------------------------------------------------------------------------------------------------------

    def enter(self, step: str | None) -> Transition:
        """Go on with a step; None: the workflow ends here."""
        taken = 0
        while step is not None:
            self.run = msgspec.structs.replace(self.run, step=step, since=self.now, due=None, entering=False)
            if taken == MOST_STEPS:
                return self.end(FAILED, f"took {MOST_STEPS} steps without waiting")
            taken += 1
            place = self.program.places[step]
            self.leave_output(step, None)
            self.tallies.append(Tally(self.run.version, step, "entered"))
            move = self.act(place, place.step.enter)
            if not isinstance(move, Forward | Into):
                return self.follow(place, move)
            step = self.way(place, move)
        return self.end(COMPLETED, None)

    def way(self, place: Place, move: Forward | Into) -> str | None:
        """The step that a move leads to; counts that the run left the one it stands at."""
        if isinstance(move, Forward):
            self.tallies.append(Tally(self.run.version, place.step.id, "left"))
            return place.next
        self.tallies.append(Tally(self.run.version, place.step.id, "left", place.labels[move.branch]))
        return place.branches[move.branch]

    def visit(self, place: Place, at: int) -> Visit:
        """A stay at a step, as it looks at a time."""
        return Visit(
            self.run,
            place.step,
            self.scope if at == self.now else scope_of(self.run, at, self.person),
            at,
            settings=self.program.document.settings,
            profile=self.person.profile,
            reachable=self.person.reachable,
            site_cap=self.person.site_cap,
            stale=self.stale,
            dynamic=self.person.dynamic,
        )

    def act(self, place: Place, act: Any) -> Move:
        """Let the step act; a step that cannot be evaluated fails its run and wants nothing."""
        visit = self.visit(place, self.now)
        given = visit.output
        try:
            move: Move = act(visit)
        except TemplateError as error:
            return End(FAILED, f"step {visit.step.id}: {error}")
        self.effects.extend(visit.effects)
        self.reasons.extend(visit.reasons)
        self.tallies.extend(visit.tallies)
        if visit.profile is not self.person.profile:
            self.person = msgspec.structs.replace(self.person, profile=visit.profile)
        if visit.path is not None:
            self.run = msgspec.structs.replace(self.run, paths={**self.run.paths, place.step.id: visit.path})
        if visit.output is not given:
            self.leave_output(place.step.id, visit.output)
        return move

    def leave_output(self, step: str, output: dict[str, Any] | None) -> None:
        """Keep what a step leaves for later ones; None: nothing, also of an earlier visit."""
        if output is not None or step in self.run.steps:
            steps = {other: left for other, left in self.run.steps.items() if other != step}
            if output is not None:
                steps[step] = output
            self.run = msgspec.structs.replace(self.run, steps=steps)
        self._scope = None

    def follow(self, place: Place, move: Move) -> Transition:
        """Do what a step that was woken, or that does not just go on, decided."""
        match move:
            case Sleep(None):
                return self.done(msgspec.structs.replace(self.run, due=None, awaits=effect_id(self.run.id, place.step.id, self.run.visit)))
            case Sleep(until):
                return self.done(msgspec.structs.replace(self.run, due=until))
            case End(status, reason):
                return self.end(status, reason)
            case _:
                return self.enter(self.way(place, move))

    def end(self, status: str, reason: str | None, detail: dict[str, Any] | None = None) -> Transition:
        """End the run; what it did on the way stands."""
        run, told = _ended(self.run, self.now, status, reason, detail or {})
        self.reasons.append(told)
        return self.done(run)

    def done(self, run: Run) -> Transition:
        self.tallies.extend(_moved(self.before, run))
        return Transition(run, self.person.profile, tuple(self.effects), tuple(self.reasons), tuple(self.tallies), self.rows)
