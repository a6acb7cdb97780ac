"""The same inputs given to one partition and to five, whose messages settle after each input: nobody can tell the two apart."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.engine.builders import HOUR, SECOND, SITE
from tests.engine.cluster import FIVE, Cluster
from tests.engine.documents import EVENTS, NAMES, OWN, documents
from tests.engine.machines import drive

from clarion.control.workflows import TRANSITIONS
from clarion.domain.ids import named_profile
from clarion.store.records.entries import NewEntry
from clarion.workflow.segments import segments_named

PROFILES = ("p", "q", "r", "s")
"""With five partitions p and s live in one, q in the home of d2, r in that of d3 and d4."""
DEVICES = ("d1", "d2", "d3", "d4", "d5")
GAPS = st.sampled_from([0, 0, 1, SECOND, 59 * SECOND, 60 * SECOND, HOUR, 3 * HOUR, 9 * HOUR])
FACTS = st.fixed_dictionaries({}, optional={"country": st.sampled_from(["DE", "FR"]), "timezone": st.just("Europe/Berlin")})
ATTRIBUTES = st.fixed_dictionaries({}, optional={"seen": st.sampled_from([0, "1970-03-01"]), "plan": st.sampled_from(["a", "b"])})
WHOM = st.one_of(
    st.tuples(st.sampled_from(DEVICES), st.none()),
    st.tuples(st.sampled_from(DEVICES), st.none()),
    st.tuples(st.none(), st.sampled_from(PROFILES)),
    st.tuples(st.sampled_from(DEVICES), st.sampled_from(PROFILES)),
)
"""(device_token_hash, profile_id)."""
FOLLOWERS = ("e1", "e2", "e3")
CHANGES_OF_PROFILES = st.fixed_dictionaries(
    {},
    optional={
        "set": ATTRIBUTES,
        "remove": st.sampled_from([(), ("plan",), ("seen",)]),
        "replace": st.booleans(),
        "enter": st.sampled_from([(), ("s",), ("t", "s")]),
        "leave": st.sampled_from([(), ("s",), ("t",)]),
    },
)
CONDITIONS = (
    {"field": "profile.plan", "op": "eq", "value": "b"},
    {"field": "profile.seen", "op": "within_last", "value": "5h"},
    {"not": {"field": "profile.seen", "op": "before", "value": "1970-02-12"}},
    {"field": "subscriber.country", "op": "eq", "value": "FR"},
    {"field": "subscriber.last_click", "op": "within_last", "value": "3h"},
    {"field": "segments", "op": "in", "value": ["s", "x"]},
    {"any": [{"field": "segments", "op": "in", "value": ["v"]}, {"field": "profile.seen", "op": "not_within_last", "value": "2d"}]},
)
"""Who is in a dynamic segment, or gets a broadcast; some of them change by time alone."""
DYNAMIC = ("x", "v", "t")
"""One that steps name, and one that people are put into by hand."""
MOST_RUNS = 60
NAMES_OF_EVENTS = (*EVENTS, "other")

EXITS = (
    {"audience": {"all": [{"field": "subscriber.country", "op": "eq", "value": "FR"}]}},
    {"audience": {"all": [{"field": "subscriber.click_count", "op": "gte", "value": 1}]}},
    {"audience": {"all": [{"field": "subscriber.sent_count", "op": "gte", "value": 2}]}},
    {"audience": {"all": [{"field": "profile.plan", "op": "eq", "value": "b"}]}},
    {"event": "PushEngage.Subscriber.Identify"},
    {"event": "PushEngage.Subscriber.Remove"},
)
"""What ends runs that depends on the subscriber."""


def told_apart(name: str) -> st.SearchStrategy[str]:
    """Documents of a workflow, with another exit rule sometimes."""

    def with_exit(text: str, exit: dict[str, Any] | None) -> str:
        value = msgspec.json.decode(text)
        if exit is not None:
            value["exit"] = [*value.get("exit", []), exit]
        return msgspec.json.encode(value).decode()

    return st.builds(with_exit, documents(name), st.sampled_from([None, *EXITS]))


class Twins(RuleBasedStateMachine):
    """One partition and five that get the same."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.five = Cluster(1), Cluster(FIVE)
        self.statuses: dict[str, str] = {}
        self.newcomers = self.broadcasts = 0
        self.was: dict[str, str] = {}
        """By run: key of the profile that entered, where that was seen."""
        for cluster in (self.one, self.five):
            cluster.now = 1_000 * HOUR

    def take(self, made: Callable[[Cluster], NewEntry | list[NewEntry]]) -> None:
        for cluster in (self.one, self.five):
            given = made(cluster)
            if isinstance(given, NewEntry):
                cluster.take(given)
            else:
                cluster.take(*given)
        for run in self.one.runs.values():
            self.was.setdefault(run.id, run.profile)

    def passes(self, gap: int) -> None:
        for cluster in (self.one, self.five):
            cluster.passes(gap)

    @initialize(texts=st.tuples(*(told_apart(name) for name in NAMES)))
    def publish_all(self, texts: tuple[str, ...]) -> None:
        for name, text in zip(NAMES, texts, strict=True):
            self.take(lambda cluster, text=text: cluster.publish(text))  # type: ignore[misc]
            self.statuses[name] = "active"
        self.take(lambda cluster: cluster.subscriber("d1", "p"))
        self.take(lambda cluster: cluster.subscriber("d2"))

    # -- inputs ------------------------------------------------------------------------------------------------------

    @rule(device=st.sampled_from(DEVICES), who=st.sampled_from([None, *PROFILES]), facts=FACTS, attributes=ATTRIBUTES, gap=GAPS)
    def register(self, device: str, who: str | None, facts: dict[str, Any], attributes: dict[str, Any], gap: int) -> None:
        self.passes(gap)
        self.take(lambda cluster: cluster.subscriber(device, who, facts=facts, attributes=attributes))

    @precondition(lambda self: len(self.one.runs) < MOST_RUNS)
    @rule(
        whom=WHOM,
        names=st.lists(st.tuples(st.sampled_from(NAMES_OF_EVENTS), st.integers(0, 3), GAPS), min_size=1, max_size=4),
    )
    def events(self, whom: tuple[str | None, str | None], names: list[tuple[str, int, int]]) -> None:
        for name, n, gap in names:
            self.passes(gap)
            self.take(lambda cluster, name=name, n=n: cluster.event(name, *whom, n=n))  # type: ignore[misc]

    @precondition(lambda self: len(self.one.runs) < MOST_RUNS)
    @rule(
        who=st.sampled_from(PROFILES),
        names=st.lists(st.tuples(st.sampled_from(NAMES_OF_EVENTS), st.integers(0, 3)), min_size=1, max_size=4),
        gap=GAPS,
        pause=st.sampled_from([None, None, *OWN]),
    )
    def newcomer(self, who: str, names: list[tuple[str, int]], gap: int, pause: str | None) -> None:
        """Somebody anonymous does this and that, and gets a name, perhaps in a pause."""
        self.newcomers += 1
        device = f"n{self.newcomers}"
        self.take(lambda cluster: cluster.subscriber(device))
        for name, n in names:
            self.take(lambda cluster, name=name, n=n: cluster.event(name, device, n=n))  # type: ignore[misc]
        if pause is not None and self.statuses[pause] == "active":
            self.take(lambda cluster: cluster.change(pause, "pause"))
            self.statuses[pause] = "paused"
        self.passes(gap)
        self.take(lambda cluster: cluster.subscriber(device, who))

    @rule(gap=GAPS)
    def time(self, gap: int) -> None:
        self.passes(gap)

    @precondition(lambda self: self.one.sent and len(self.one.runs) < MOST_RUNS)
    @rule(most=st.integers(1, 4))
    def come_back(self, most: int) -> None:
        for cluster in (self.one, self.five):
            cluster.come_back(most)

    @precondition(lambda self: self.one.delivered)
    @rule(data=st.data(), outcome=st.sampled_from(["sent", "sent", "failed", "gone", "expired", "stale"]), gap=GAPS)
    def outcome(self, data: st.DataObject, outcome: str, gap: int) -> None:
        delivery = data.draw(st.sampled_from(sorted(self.one.delivered)))
        self.passes(gap)
        if self.one.delivered[delivery][1].kind == "http" and outcome in ("gone", "stale"):
            outcome = "failed"
        self.take(lambda cluster: cluster.outcome(delivery, outcome, status=200 if outcome == "sent" else 500))

    @precondition(lambda self: self.one.pushes())
    @rule(data=st.data(), event=st.sampled_from(["viewed", "clicked", "clicked", "closed"]), gap=GAPS)
    def receipt(self, data: st.DataObject, event: str, gap: int) -> None:
        delivery = data.draw(st.sampled_from(sorted(one.id for one in self.one.pushes())))
        self.passes(gap)
        self.take(lambda cluster: cluster.receipt(delivery, event))

    @precondition(lambda self: self.one.runs)
    @rule(
        data=st.data(),
        change=st.sampled_from(["stop", "retry", "retry", "move", "rearm"]),
        step=st.sampled_from([None, "s0", "s1"]),
        as_known=st.booleans(),
    )
    def operator(self, data: st.DataObject, change: str, step: str | None, as_known: bool) -> None:
        """Also by somebody who knows whose the run was, but not whose it is."""
        run = data.draw(st.sampled_from(sorted(self.one.runs)))
        whose = self.was.get(run) if as_known else None
        self.passes(1)
        self.take(lambda cluster: cluster.operator(run, change, whose, step=step if change == "move" else None))

    @rule(data=st.data(), name=st.sampled_from(NAMES), runs=st.sampled_from(["keep", "move", "move", "end"]), gap=GAPS)
    def publish(self, data: st.DataObject, name: str, runs: str, gap: int) -> None:
        text = data.draw(told_apart(name))
        self.passes(gap + 1)
        self.take(lambda cluster: cluster.publish(text, runs))
        self.statuses[name] = self.one.parts[0].workflows[SITE, name].status

    @rule(data=st.data(), name=st.sampled_from(OWN), gap=GAPS)
    def change(self, data: st.DataObject, name: str, gap: int) -> None:
        ways = [one for one in TRANSITIONS.values() if self.statuses[name] in one.since]
        if ways:
            change = data.draw(st.sampled_from(ways)).entry
            self.passes(gap + 1)
            self.take(lambda cluster: cluster.change(name, change, 5 * HOUR if change == "resume" else None))
            self.statuses[name] = self.one.parts[0].workflows[SITE, name].status

    @rule(timezone=st.sampled_from(["UTC", "Asia/Tokyo"]))
    def site(self, timezone: str) -> None:
        self.take(lambda cluster: cluster.site(timezone))

    # -- people ------------------------------------------------------------------------------------------------------

    @rule(device=st.sampled_from(DEVICES), who=st.sampled_from(PROFILES), gap=GAPS)
    def identify(self, device: str, who: str, gap: int) -> None:
        self.passes(gap)
        self.take(lambda cluster: cluster.device(device, "identify", who))

    @rule(
        device=st.sampled_from(DEVICES),
        change=st.sampled_from(["logout", "logout", "unsubscribe", "subscribe", "forget", "update"]),
        facts=FACTS,
        gap=GAPS,
    )
    def device(self, device: str, change: str, facts: dict[str, Any], gap: int) -> None:
        self.passes(gap)
        self.take(lambda cluster: cluster.device(device, change, facts=facts if change == "update" else {}))

    @rule(whom=WHOM, change=CHANGES_OF_PROFILES, gap=GAPS)
    def profile(self, whom: tuple[str | None, str | None], change: dict[str, Any], gap: int) -> None:
        self.passes(gap)
        self.take(lambda cluster: cluster.profile(whom[1], whom[0], **change))

    @precondition(lambda self: self.one.subscribers)
    @rule(data=st.data(), gap=GAPS, attributes=ATTRIBUTES)
    def follow(self, data: st.DataObject, gap: int, attributes: dict[str, Any]) -> None:
        """A new subscriber takes the place of another."""
        whose = data.draw(st.sampled_from(sorted(one.profile for one in self.one.subscribers.values())))
        device = data.draw(st.sampled_from([*DEVICES, *FOLLOWERS]))
        self.passes(gap)
        self.take(lambda cluster: cluster.subscriber(device, follows=whose, attributes=attributes, segments=("s",)))

    @rule(who=st.sampled_from(PROFILES), gap=GAPS)
    def erase(self, who: str, gap: int) -> None:
        """Of a person whose subscribers are all known to whoever asks for it."""
        key = named_profile(who)
        keys = (key, *sorted(at[1] for at, one in self.one.profiles.items() if one.merged == key))
        devices = tuple(sorted(at[1] for at, one in self.one.subscribers.items() if one.profile in keys))
        self.passes(gap)
        self.take(lambda cluster: cluster.erase(keys, devices))
        assert not any(run.profile in keys for run in self.one.runs.values())

    # -- segments and broadcasts -------------------------------------------------------------------------------------

    @rule(segment=st.sampled_from(DYNAMIC), condition=st.sampled_from([*CONDITIONS, *CONDITIONS, None]), offers=st.booleans(), gap=GAPS)
    def define(self, segment: str, condition: dict[str, Any] | None, gap: int, *, offers: bool) -> None:
        if condition is not None and segment in (segments_named(condition) or ()):
            condition = None  # nobody can define a segment by itself
        self.passes(gap)
        self.take(lambda cluster: cluster.define(segment, condition, offers=offers))

    @rule(segment=st.sampled_from(DYNAMIC), offers=st.booleans(), gap=GAPS)
    def undefine(self, segment: str, gap: int, *, offers: bool) -> None:
        self.passes(gap)
        self.take(lambda cluster: cluster.undefine(segment, offers=offers))

    @precondition(lambda self: len(self.one.runs) < MOST_RUNS)
    @rule(
        audience=st.sampled_from([None, *CONDITIONS]),
        who=st.sampled_from([None, None, None, *PROFILES]),
        wait=st.sampled_from([None, "1h"]),
        gap=GAPS,
    )
    def broadcast(self, audience: dict[str, Any] | None, who: str | None, wait: str | None, gap: int) -> None:
        self.passes(gap)
        self.broadcasts += 1
        slug = f"broadcast-{self.broadcasts:016x}"
        push = {"id": "s1", "push": {"title": "t", "message": "m", "url": "https://a.example/"}}
        steps = [push] if wait is None else [{"id": "s0", "wait": {"for": wait}}, push]
        text = msgspec.json.encode({"workflow": slug, "start": {"audience": audience} if audience else {}, "steps": steps}).decode()
        self.take(lambda cluster: cluster.publish(text))
        self.take(lambda cluster: cluster.broadcast(slug, None if who is None else named_profile(who)))

    # -- nobody can tell them apart ----------------------------------------------------------------------------------

    @invariant()
    def runs_are_the_same(self) -> None:
        assert self.five.runs == self.one.runs

    @invariant()
    def people_are_the_same(self) -> None:
        assert self.five.profiles == self.one.profiles
        assert all(part.segments == self.one.parts[0].segments for part in self.five.parts)
        assert self.five.subscribers == self.one.subscribers

    @invariant()
    def copies_are_what_their_home_says(self) -> None:
        assert self.five.copies() == self.five.copies_that_should_be()
        assert not self.one.copies()

    @invariant()
    def what_goes_out_is_the_same(self) -> None:
        assert {id: one for id, (_, one) in self.five.delivered.items()} == {id: one for id, (_, one) in self.one.delivered.items()}
        assert [msgspec.structs.replace(one, partition=0) for one in self.five.events] == self.one.events

    @invariant()
    def why_is_the_same(self) -> None:
        assert self.five.explained() == self.one.explained()
        assert self.five.counts() == self.one.counts()

    @invariant()
    def what_is_remembered_is_the_same(self) -> None:
        remembered = self.five.all(lambda part: {at: one for at, one in part.memory.items() if one.workflow})  # else it is a tombstone
        assert remembered == self.one.parts[0].memory
        assert all(part.workflows == self.one.parts[0].workflows for part in self.five.parts)

    @invariant()
    def nothing_is_set_aside(self) -> None:
        assert not any(part.poisoned for cluster in (self.one, self.five) for part in cluster.parts)
        assert not self.one.messages


def test_one_partition_or_five() -> None:
    drive(Twins, 25, 20)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_one_partition_or_five_for_long() -> None:
    drive(Twins, 1000, 50)
