"""What holds runs against the diagram of the states page: every edge of it is taken, and a change without its cause is told."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.engine.builders import HOUR, SITE
from tests.engine.diagram import CAUSES, START, TRANSIENT, Edge, Watcher, diagrams
from tests.engine.line import Line
from tests.engine.test_states import States

from clarion.engine.apply import Applier
from clarion.engine.offering import Offering
from clarion.engine.runs import Runs
from clarion.store.records.bodies import RunChange
from clarion.workflow.advance import Due, Leaving, _Walk
from clarion.workflow.program import Program
from clarion.workflow.steps.push import Push
from clarion.workflow.steps.wait import Wait
from clarion.workflow.steps.wait_for import Expected

RUN = diagrams()[0]
NEVER_SEEN = {("ready", "moving")}
"""A timer that is due fires before its run hears of a publish, or of an operator."""

WAIT, LATER, GONE = "{id: s, wait: {for: 5h}}", "{id: s, wait: {for: 8h}}", "{id: t, wait: {for: 5h}}"
UNKNOWN_DATE = '{id: s, wait: {until: "{{ profile.date }}"}}'
WAIT_FOR = "{id: s, wait_for: {on: [{event: it}], timeout: 5h}}"
ASK = '{id: s, http: {url: "https://a.example/", await: true}}'
PUSH = '{id: s, push: {title: t, message: m, url: "https://a.example/"}}'
STEPS = {"time": WAIT, "event": WAIT_FOR, "outcome": ASK, "quiet": PUSH, "held": WAIT}
"""By state: a step at which runs come to stand there."""


def document(*steps: str, name: str = "w") -> str:
    quiet = 'quiet_hours: {from: "00:00", to: "23:00"}'
    return f"workflow: {name}\nstart: {{on: [{{event: go}}]}}\nsettings: {{{quiet}}}\nsteps: [{', '.join(steps)}]"


class Scene:
    """A run of one workflow, driven one input at a time under the eyes of a watcher."""

    def __init__(self, *steps: str) -> None:
        self.line = Line(self._seen)
        self.partition = self.line.partition
        self._watcher = Watcher(self.partition)
        self.line.now = 240 * HOUR
        self.take(self.partition.publish(document(*steps)))
        self.take(self.partition.subscriber("d", "p"))
        self.go()

    def _seen(self, entry: Any) -> None:
        self._watcher.seen(entry, self.line.now)

    @property
    def taken(self) -> set[Edge]:
        return self._watcher.taken

    def take(self, entry: Any) -> None:
        self.line.take(entry)

    def go(self) -> None:
        self.take(self.partition.event("go", received=self.line.now))

    def passes(self, time: int) -> None:
        self.line.passes(time)

    def pause(self) -> None:
        self.take(self.partition.change("w", "pause"))

    def resume(self) -> None:
        self.take(self.partition.change("w", "resume"))

    def operator(self, change: str, **more: Any) -> None:
        self.take(self.partition.operator(self.partition.run("w").id, change, **more))

    def move(self, *steps: str) -> None:
        self.passes(1)
        self.take(self.partition.publish(document(*steps), "move"))

    def answer(self, **more: Any) -> None:
        self.take(self.partition.outcome(next(iter(self.partition.deliveries)), "sent", status=200, **more))

    def spoil(self) -> None:
        """As if a newer Clarion did not know the version."""
        self.partition.registry._programs[SITE, "w", 1] = None


def standing(state: str) -> Scene:
    """A run that stands there."""
    scene = Scene(STEPS[state])
    if state == "held":
        scene.pause()
        scene.passes(6 * HOUR)
    return scene


def scenes() -> Iterator[Scene]:
    """That take every edge between them."""
    for state in STEPS:
        yield (scene := standing(state))
        scene.operator("stop")
        yield (scene := standing(state))
        scene.move(GONE)
        yield (scene := standing(state))
        scene.spoil()
        scene.operator("stop")
    for state in ("time", "event", "quiet"):
        yield (scene := standing(state))
        scene.passes(30 * HOUR)
    for state, steps in (("time", LATER), ("event", WAIT_FOR), ("outcome", ASK), ("time", PUSH), ("time", UNKNOWN_DATE)):
        yield (scene := standing(state))
        scene.move(steps)
    yield from passed()


def passed() -> Iterator[Scene]:
    """Pauses, what comes, ends and what an operator does."""
    large = "x" * 140_000
    for is_paused in (False, True):
        for data in ({}, {"x": large}):
            yield (scene := standing("event"))
            if is_paused:
                scene.pause()
            scene.take(scene.partition.event("it", **data))
            yield (scene := standing("outcome"))
            if is_paused:
                scene.pause()
            scene.answer(response=data)
    yield (scene := standing("held"))
    scene.resume()
    yield Scene("{id: s, exit: {}}")
    yield (scene := Scene(UNKNOWN_DATE))
    scene.pause()
    scene.operator("retry")
    scene.move(WAIT)
    yield (scene := Scene(WAIT))
    scene.passes(HOUR)
    scene.spoil()
    scene.passes(5 * HOUR)
    yield (scene := Scene(WAIT, "{id: u, stop_workflow: {workflow: x}}"))  # whichever is first stops the other
    scene.operator("stop")
    scene.take(scene.partition.publish(document(WAIT, "{id: u, stop_workflow: {workflow: w}}", name="x")))
    scene.go()
    scene.passes(6 * HOUR)


def test_every_edge_is_taken() -> None:
    taken = {edge for scene in list(scenes()) for edge in scene.taken}
    assert {edge for edge in RUN.edges if edge[:2] not in NEVER_SEEN} - taken == set()
    assert not {edge for edge in taken if edge[:2] in NEVER_SEEN}


def test_every_cause_is_drawn_and_every_label_is_a_cause() -> None:
    assert {edge.label for edge in RUN.edges if edge.start not in TRANSIENT} == CAUSES
    assert {edge.start for edge in RUN.edges if edge.label == "start"} == {START}


# -- faults ------------------------------------------------------------------------------------------------------------


def ends_a_wait_early(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Wait, "awaited", heard)


def ends_quiet_hours_early(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Push, "awaited", heard)
    patch.setattr(Push, "wake", Push._send)


def heard(_: object) -> tuple[Expected, ...]:
    """What steps hear that only time ends."""
    return tuple(Expected(event) for event in ("a", "b", "c", "it"))


def forgets_the_pause(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Runs, "is_paused", lambda *_: False)


def fires_in_the_pause(patch: pytest.MonkeyPatch) -> None:
    forgets_the_pause(patch)

    def timer(applier: Applier, run: str, now: int) -> None:
        kept = applier._ledger.runs.get(run)
        assert kept is not None
        applier._runs.advance(kept, Due(), now)

    patch.setattr(Applier, "timer", timer)


def heeds_any_outcome(patch: pytest.MonkeyPatch) -> None:
    result = _Walk.result
    patch.setattr(_Walk, "result", lambda walk, _, output: result(walk, walk.run.awaits, output))


def ends_at_any_event(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_Walk, "leave", lambda walk, event, _: walk.end("exited", f"event {event.name}"))
    patch.setattr(Program, "exits_on", lambda *_: ())
    patch.setattr(Offering, "_leave", lambda offering, kept, event, data, now: offering._runs.advance(kept, Leaving(event, data), now))


def moves_whatever_was_asked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Applier, "_retry", lambda applier, kept, now: applier._move(kept, RunChange(kept.run.id, "w", "move"), now))


def came(scene: Scene) -> None:
    scene.take(scene.partition.event("it"))


def came_in_a_pause(scene: Scene) -> None:
    scene.pause()
    came(scene)


def time_passed_in_a_pause(scene: Scene) -> None:
    scene.pause()
    scene.passes(6 * HOUR)


def another_visit_was_answered(scene: Scene) -> None:
    scene.operator("move", step="s")
    scene.answer()


def was_retried(scene: Scene) -> None:
    scene.take(scene.partition.publish(document(LATER)))
    scene.operator("retry")


@pytest.mark.parametrize(
    ("fault", "state", "happens"),
    [
        (ends_a_wait_early, "time", came),
        (ends_quiet_hours_early, "quiet", came),
        (forgets_the_pause, "event", came_in_a_pause),
        (fires_in_the_pause, "time", time_passed_in_a_pause),
        (heeds_any_outcome, "outcome", another_visit_was_answered),
        (ends_at_any_event, "time", came),
        (moves_whatever_was_asked, "time", was_retried),
    ],
)
def test_a_fault_is_told(
    fault: Callable[[pytest.MonkeyPatch], None], state: str, happens: Callable[[Scene], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    happens(standing(state))
    fault(monkeypatch)
    scene = standing(state)
    with pytest.raises(AssertionError, match="came from"):
        happens(scene)


def test_the_machine_fails_where_an_event_ends_a_plain_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    ends_a_wait_early(monkeypatch)
    once = settings(
        max_examples=200,
        stateful_step_count=25,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    with pytest.raises(AssertionError, match="came from time to"):
        run_state_machine_as_test(States, settings=once)
