"""Five partitions, each at its own pace, with messages on their way: whatever the order, nothing is lost, doubled or left apart."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.engine.builders import HOUR, SECOND
from tests.engine.cluster import FIVE, Cluster
from tests.engine.documents import NAMES, OWN
from tests.engine.machines import drive
from tests.engine.test_messages_equal import ATTRIBUTES, DEVICES, FACTS, NAMES_OF_EVENTS, PROFILES, WHOM, told_apart

from clarion.control.workflows import TRANSITIONS
from clarion.engine.inputs import decode
from clarion.store.records.bodies import Joined
from clarion.store.records.entries import Entry, EntryKind, NewEntry

GAPS = st.sampled_from([0, 1, SECOND, 61 * SECOND, HOUR, 9 * HOUR])
MOST_RUNS = 60


def carried(entry: NewEntry) -> list[str]:
    """Runs that are on their way in an entry."""
    if entry.kind is not EntryKind.JOIN:
        return []
    body = decode(Entry(0, entry.kind, entry.site, entry.id, msgspec.Raw(entry.body), entry.received))
    assert isinstance(body, Joined)
    return [] if body.carried is None else [row.id for row in body.carried.runs]


class Apart(RuleBasedStateMachine):
    """Inputs go to inboxes; what takes them when is drawn too."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = Cluster(FIVE, settles=False)
        self.cluster.now = 1_000 * HOUR
        self.statuses: dict[str, str] = {}
        self.seen: set[str] = set()
        """Runs that there ever were."""
        self.wanted: set[str] = set()
        """Ids of all deliveries and entries that were ever made."""
        self.outcomes = [0] * FIVE
        self.answered: set[str] = set()
        """Effects whose outcome was told."""
        self.told: Counter[str] = Counter()
        """What became of deliveries, as it was told."""

    @initialize(texts=st.tuples(*(told_apart(name) for name in NAMES)))
    def publish_all(self, texts: tuple[str, ...]) -> None:
        for name, text in zip(NAMES, texts, strict=True):
            self.cluster.put(*self.cluster.publish(text))
            self.statuses[name] = "active"
        self.cluster.drain()

    # -- inputs ------------------------------------------------------------------------------------------------------

    @rule(device=st.sampled_from(DEVICES), who=st.sampled_from([None, *PROFILES]), facts=FACTS, attributes=ATTRIBUTES)
    def register(self, device: str, who: str | None, facts: dict[str, Any], attributes: dict[str, Any]) -> None:
        self.cluster.put(self.cluster.subscriber(device, who, facts=facts, attributes=attributes))

    @precondition(lambda self: len(self.seen) < MOST_RUNS)
    @rule(device=st.integers(0, 99).map("n{}".format), who=st.sampled_from(PROFILES), n=st.integers(0, 3), pace=st.integers(0, 3))
    def newcomer(self, device: str, who: str, n: int, pace: int) -> None:
        """Somebody anonymous starts something and gets a name."""
        self.cluster.put(self.cluster.subscriber(device), self.cluster.event("a", device, n=n), self.cluster.event("b", device, n=n))
        if pace:
            self.cluster.advance(self.cluster.home(device), pace)
        self.cluster.put(self.cluster.subscriber(device, who))

    @precondition(lambda self: len(self.seen) < MOST_RUNS)
    @rule(whom=WHOM, names=st.lists(st.tuples(st.sampled_from(NAMES_OF_EVENTS), st.integers(0, 3)), min_size=1, max_size=4))
    def events(self, whom: tuple[str | None, str | None], names: list[tuple[str, int]]) -> None:
        self.cluster.put(*(self.cluster.event(name, *whom, n=n) for name, n in names))

    @precondition(lambda self: self.cluster.delivered)
    @rule(data=st.data(), outcome=st.sampled_from(["sent", "sent", "failed", "gone"]))
    def outcome(self, data: st.DataObject, outcome: str) -> None:
        delivery = data.draw(st.sampled_from(sorted(self.cluster.delivered)))
        sent = self.cluster.delivered[delivery][1]
        outcome = "failed" if sent.kind == "http" and outcome == "gone" else outcome
        self.cluster.put(self.cluster.outcome(delivery, outcome, status=200 if outcome == "sent" else 500))
        self.told["sent" if outcome == "sent" else "failed"] += 1
        self.answered.add(sent.effect)

    @precondition(lambda self: self.cluster.pushes())
    @rule(data=st.data(), event=st.sampled_from(["viewed", "clicked", "closed"]))
    def receipt(self, data: st.DataObject, event: str) -> None:
        self.cluster.put(self.cluster.receipt(data.draw(st.sampled_from(sorted(one.id for one in self.cluster.pushes()))), event))
        self.told[event] += 1

    @precondition(lambda self: self.cluster.runs)
    @rule(data=st.data(), change=st.sampled_from(["stop", "retry", "retry", "move", "rearm"]))
    def operator(self, data: st.DataObject, change: str) -> None:
        self.cluster.put(self.cluster.operator(data.draw(st.sampled_from(sorted(self.cluster.runs))), change))

    @rule(data=st.data(), name=st.sampled_from(NAMES), runs=st.sampled_from(["keep", "move", "move", "end"]))
    def publish(self, data: st.DataObject, name: str, runs: str) -> None:
        self.cluster.put(*self.cluster.publish(data.draw(told_apart(name)), runs))
        self.statuses[name] = "paused" if self.statuses[name] == "paused" else "active"

    @rule(data=st.data(), name=st.sampled_from(OWN))
    def change(self, data: st.DataObject, name: str) -> None:
        ways = [one for one in TRANSITIONS.values() if self.statuses[name] in one.since]
        if ways:
            way = data.draw(st.sampled_from(ways))
            self.cluster.put(*self.cluster.change(name, way.entry, 5 * HOUR if way.entry == "resume" else None))
            self.statuses[name] = way.becomes

    # -- what goes on in between -------------------------------------------------------------------------------------

    @rule(gap=GAPS)
    def time(self, gap: int) -> None:
        self.cluster.now += gap

    @rule(turns=st.lists(st.tuples(st.integers(0, FIVE - 1), st.integers(1, 5)), min_size=1, max_size=8))
    def work(self, turns: list[tuple[int, int]]) -> None:
        for partition, most in turns:
            self.cluster.advance(partition, most)

    # -- what always holds -------------------------------------------------------------------------------------------

    @invariant()
    def no_run_is_lost_or_in_two_places(self) -> None:
        here = [*self.cluster.runs, *(run for inbox in self.cluster.inboxes for entry in inbox for run in carried(entry))]
        assert len(here) == len(set(here))
        self.seen.update(here)
        assert self.seen == set(here)

    @invariant()
    def everything_is_wanted_once(self) -> None:
        for here, part in enumerate(self.cluster.parts):
            for outcome in part.outcomes[self.outcomes[here] :]:
                for id in (*(one.id for one in outcome.deliveries), *(one.id for one in outcome.emitted)):
                    assert id not in self.wanted
                    self.wanted.add(id)
            self.outcomes[here] = len(part.outcomes)

    @invariant()
    def everybody_lives_in_one_place(self) -> None:
        for part in self.cluster.parts:
            assert all(part.homes.has_profile(*at) for at in part.profiles)
            assert all(part.homes.has_profile(run.site, run.profile) for run in part.runs.values())
        assert {at for at, one in self.cluster.subscribers.items() if at[1] != one.device_token_hash} == set()

    @invariant()
    def nothing_is_set_aside(self) -> None:
        assert not any(part.poisoned for part in self.cluster.parts)

    def teardown(self) -> None:
        """When all has settled, everything is as if there had been one partition."""
        self.cluster.drain()
        for check in (self.no_run_is_lost_or_in_two_places, self.everything_is_wanted_once, self.nothing_is_set_aside):
            check()
        assert self.cluster.copies() == self.cluster.copies_that_should_be()
        runs, counts = self.cluster.runs.values(), self.cluster.counts()
        stand = Counter((run.workflow, run.version, run.step, "waiting", "") for run in runs if run.status == "waiting")
        assert stand == {key: count for key, count in counts.items() if key[3] == "waiting"}
        totals: Counter[str] = Counter()
        for (_, _, step, name, _), count in counts.items():
            totals[name if step else f"whole {name}"] += count
        assert totals["whole started"] == len(runs)
        assert {name: totals[name] for name in self.told} == self.told
        awaited = {msgspec.json.decode(run.state).get("awaits") for run in runs if run.status == "waiting"}
        assert not awaited & self.answered
        self.nobody_has_a_run_twice()
        for part in self.cluster.parts:
            assert part.workflows.keys() == self.cluster.parts[0].workflows.keys()
            for at, state in part.workflows.items():
                other = self.cluster.parts[0].workflows[at]
                assert (state.version, state.status, numbers(state)) == (other.version, other.status, numbers(other))

    def nobody_has_a_run_twice(self) -> None:
        """Of a workflow that never let runs stand side by side, a profile has one with a key."""
        programs = {key: self.cluster.parts[0].program(*key[1:]) for key in self.cluster.versions.documents}
        parallel = {key[1] for key, program in programs.items() if program.document.start.while_running == "parallel"}
        places = Counter((run.profile, run.workflow, run.key) for run in self.cluster.runs.values() if run.status == "waiting")
        assert [place for place, count in places.items() if count > 1 and place[1] not in parallel] == []


def numbers(state: Any) -> list[int]:
    return [directive.number for directive in state.heard]


def test_five_partitions_each_at_its_own_pace() -> None:
    drive(Apart, 25, 25)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_five_partitions_each_at_its_own_pace_for_long() -> None:
    drive(Apart, 1000, 60)
