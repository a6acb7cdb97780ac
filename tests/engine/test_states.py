"""Random documents and random inputs against the diagrams of the states page (docs/explanation/states.md)."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.engine.builders import HOUR, SECOND, SITE
from tests.engine.diagram import ENDED, Watcher, diagrams
from tests.engine.documents import EVERY_EVENT, NAMES, documents
from tests.engine.line import Line, replay, told
from tests.engine.machines import drive
from tests.workflow.documents import DATA, ENTRY

from clarion.control.workflows import TRANSITIONS
from clarion.store.records.bodies import WorkflowChange
from clarion.store.records.entries import Entry, EntryKind

GAPS = st.sampled_from([0, 0, 1, SECOND, HOUR, 2 * HOUR, 3 * HOUR, 9 * HOUR, 30 * HOUR])
WORKFLOW = diagrams()[1]
WHO = ("p", "p", "q", None)
"""Profiles; None: the one that is anonymous at first."""
MOST_RUNS = 60
"""Beyond that, nothing more is started."""


class States(RuleBasedStateMachine):
    """A partition with four workflows, two named profiles, and one that gets a name."""

    def __init__(self) -> None:
        super().__init__()
        self.line = Line(self.watch)
        self.partition = self.line.partition
        self.line.now = 1_000 * HOUR
        self.watcher = Watcher(self.partition)
        self.statuses: dict[str, str] = {}
        self.effects: dict[str, tuple[str, str, int]] = {}
        self.inputs = 0

    @initialize(texts=st.tuples(*(documents(name) for name in NAMES)))
    def publish_all(self, texts: tuple[str, ...]) -> None:
        for text in texts:
            self.line.take(self.partition.publish(text))
        self.line.take(self.partition.subscriber("d1", "p", facts={"timezone": "Europe/Berlin"}))
        self.line.take(self.partition.subscriber("d2"))

    # -- inputs ------------------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.partition.runs) < MOST_RUNS)
    @rule(events=st.lists(st.tuples(GAPS, st.sampled_from(EVERY_EVENT), st.sampled_from(WHO), st.integers(0, 3)), min_size=1, max_size=6))
    def events(self, events: list[tuple[int, str, str | None, int]]) -> None:
        for gap, name, whom, n in events:
            self.line.passes(gap)
            self.line.take(self.partition.event(name, device=None if whom else "d2", profile=whom, n=n, received=self.line.now))

    @precondition(lambda self: len(self.partition.runs) < MOST_RUNS)
    @rule(data=DATA, whom=st.sampled_from(WHO))
    def enter(self, data: dict[str, Any], whom: str | None) -> None:
        self.line.take(self.partition.event(ENTRY, device=None if whom else "d2", profile=whom, received=self.line.now, **data))

    @rule(gap=GAPS)
    def time(self, gap: int) -> None:
        self.line.passes(gap)

    @precondition(lambda self: self.partition.inbox and len(self.partition.runs) < MOST_RUNS)
    @rule(most=st.integers(1, 4))
    def come_back(self, most: int) -> None:
        """What runs have sent is applied; what does not come soon is left in the inbox, as by a slow engine."""
        entries = self.partition.emitted()
        for entry in entries[:most]:
            self.line.take(entry)

    @precondition(lambda self: self.partition.deliveries)
    @rule(data=st.data(), gap=GAPS)
    def outcome(self, data: st.DataObject, gap: int) -> None:
        delivery = data.draw(st.sampled_from(list(self.partition.deliveries)))
        outcome = data.draw(st.sampled_from(["sent", "sent", "failed", "expired"]))
        self.line.passes(gap)
        self.line.take(self.partition.outcome(delivery, outcome, status=200 if outcome == "sent" else 500))

    @precondition(lambda self: self.partition.pushes())
    @rule(data=st.data(), event=st.sampled_from(["viewed", "clicked", "closed"]), gap=GAPS)
    def receipt(self, data: st.DataObject, event: str, gap: int) -> None:
        delivery = data.draw(st.sampled_from([one.id for one in self.partition.pushes()]))
        self.line.passes(gap)
        self.line.take(self.partition.receipt(delivery, event))

    @rule(data=st.data(), name=st.sampled_from(NAMES), gap=GAPS)
    def change(self, data: st.DataObject, name: str, gap: int) -> None:
        """As an operator can: along the ways of the diagram."""
        changes = [label for status, label in WORKFLOW.labelled() if status == self.statuses[name] and label in TRANSITIONS]
        if not changes:
            return
        change = data.draw(st.sampled_from(changes))
        self.line.passes(gap + 1)
        told = WorkflowChange(name, TRANSITIONS[change].entry, skip_older_than=5 * HOUR)
        self.line.take(self.partition.entry(EntryKind.WORKFLOW, told))
        self.moved(name, change)

    @precondition(lambda self: any(run.status == "waiting" for run in self.partition.runs.values()))
    @rule(data=st.data(), gap=GAPS, more=GAPS)
    def hold(self, data: st.DataObject, gap: int, more: int) -> None:
        """A pause of a workflow with runs in flight, or its end."""
        name = data.draw(st.sampled_from(sorted({run.workflow for run in self.partition.runs.values() if run.status == "waiting"})))
        if self.statuses[name] == "active":
            self.line.passes(gap + 1)
            self.line.take(self.partition.change(name, "pause"))
            self.moved(name, "pause")
            self.line.passes(more)
        elif self.statuses[name] == "paused":
            self.line.passes(gap + 1)
            self.line.take(self.partition.change(name, "resume", more))
            self.moved(name, "resume")

    @rule(data=st.data(), name=st.sampled_from(NAMES), runs=st.sampled_from(["keep", "move", "move", "end"]), gap=GAPS)
    def publish(self, data: st.DataObject, name: str, runs: str, gap: int) -> None:
        text = data.draw(documents(name))
        self.line.passes(gap + 1)
        self.line.take(self.partition.publish(text, runs))
        self.moved(name, "publish")

    @precondition(lambda self: bool({"draining", "archived"} & set(self.statuses.values())))
    @rule()
    def publish_again(self) -> None:
        """The same version of a workflow that was given up is active again."""
        name = next(name for name, status in self.statuses.items() if status in ("draining", "archived"))
        self.line.passes(1)
        version = self.partition.workflows[SITE, name].version
        self.line.take(self.partition.entry(EntryKind.WORKFLOW, WorkflowChange(name, "publish", version)))
        self.moved(name, "publish")

    def moved(self, name: str, change: str) -> None:
        status = self.partition.workflows[SITE, name].status
        assert status == WORKFLOW.labelled()[self.statuses[name], change]
        self.statuses[name] = status

    @precondition(lambda self: self.partition.runs)
    @rule(
        data=st.data(),
        change=st.sampled_from(["stop", "retry", "retry", "move", "move", "rearm"]),
        step=st.sampled_from([None, "s0", "s1", "s2"]),
    )
    def operator(self, data: st.DataObject, change: str, step: str | None) -> None:
        run = data.draw(st.sampled_from(list(self.partition.runs)))
        self.line.passes(1)
        self.line.take(self.partition.operator(run, change, step=step if change == "move" else None))

    @rule(who=st.sampled_from(["p", "q"]), gap=GAPS)
    def join(self, who: str, gap: int) -> None:
        """The anonymous profile gets a name; later, the subscriber goes from one named profile to the other."""
        self.line.passes(gap)
        self.line.take(self.partition.subscriber("d2", who))

    @rule(value=st.sampled_from([0, "1970-02-12", "1970-03-01T00:00:00Z"]))
    def know(self, value: Any) -> None:
        self.line.take(self.partition.subscriber("d1", "p", attributes={"seen": value}))

    # -- what may happen ---------------------------------------------------------------------------------------------

    def watch(self, entry: Entry | None) -> None:
        """After each input: every run has gone along a way of the diagram, for a cause that the input gives."""
        for name in NAMES:
            if (SITE, name) in self.partition.workflows:
                self.statuses.setdefault(name, self.partition.workflows[SITE, name].status)
        self.watcher.seen(entry, self.line.now)
        self.effects_are_wanted_once()

    def effects_are_wanted_once(self) -> None:
        for number, outcome in enumerate(self.partition.outcomes[self.inputs :], self.inputs):
            for one in outcome.deliveries:
                wanted = self.effects.setdefault(one.effect, (one.run, one.step, number))
                assert wanted == (one.run, one.step, number)
            for delivery, times in Counter(one.id for one in outcome.deliveries).items():
                assert times == 1, delivery
            for entry in outcome.emitted:
                assert entry.id not in self.effects
                self.effects[entry.id] = ("", "", number)
        self.inputs = len(self.partition.outcomes)

    @invariant()
    def counters_agree(self) -> None:
        runs = self.partition.runs.values()
        stand = Counter((run.workflow, run.version, run.step, "waiting", "") for run in runs if run.status == "waiting")
        assert stand == {key: count for key, count in self.partition.counts.items() if key[3] == "waiting" and count}
        for name in NAMES:
            mine = [run for run in runs if run.workflow == name]
            ended = sum(self.partition.count(name, status) for status in ENDED)
            assert self.partition.count(name, "started") == len(mine)
            assert len(mine) + self.partition.count(name, "retried") - ended == sum(run.status == "waiting" for run in mine)

    @invariant()
    def no_run_is_in_two_places(self) -> None:
        """Of a workflow that never let runs stand side by side, a profile has one with a key."""
        programs = (self.partition.program(workflow, version) for _, workflow, version in self.partition.versions.documents)
        parallel = {one.workflow for one in programs if one.document.start.while_running == "parallel"}
        places = Counter((run.profile, run.workflow, run.key) for run in self.partition.runs.values() if run.status == "waiting")
        assert [place for place, count in places.items() if count > 1 and place[1] not in parallel] == []

    @invariant()
    def nothing_is_poisoned(self) -> None:
        assert self.partition.poisoned == []

    def teardown(self) -> None:
        """The same log from scratch, cut differently, gives the same."""
        if not self.line.log:
            return
        once = told(self.partition)
        first, last = self.line.log[0][0], self.line.now
        assert told(replay(self.line)) == once
        assert told(replay(self.line, alone=True, timers=1)) == once
        between = range(first, last, max(1, (last - first) // 20))
        assert told(replay(self.line, timers=3, pauses=between)) == once
        in_any_order = told(self.partition, in_order=False)
        assert told(replay(self.line, piece=2, timers=2), in_order=False) == in_any_order
        changes = [msgspec.json.decode(entry.body, type=WorkflowChange) for _, entry in self.line.log if entry.kind is EntryKind.WORKFLOW]
        if all(change.runs != "move" for change in changes):  # a move may bring a timer forward, which has to be known
            assert told(replay(self.line, sweep=False), in_order=False) == in_any_order


def test_states() -> None:
    drive(States, 25, 25)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_states_for_long() -> None:
    drive(States, 1500, 60)


def test_the_diagram_of_a_workflow_is_what_an_operator_can_do() -> None:
    published = {
        (status, "publish", "paused" if status == "paused" else "active") for status in ("active", "paused", "draining", "archived")
    }
    ways = {(since, name, one.becomes) for name, one in TRANSITIONS.items() for since in one.since}
    drawn = {(one, label, other) for one, other, label in WORKFLOW.edges}
    assert drawn == published | ways | {("[*]", "save", "draft"), ("draft", "publish", "active")}
