"""The same log, cut into batches and sweeps gone through in pieces in different ways: the same people, segments, runs and deliveries."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.builders import HOUR, Partition
from tests.engine.line import now_done, told
from tests.engine.test_messages_equal import CONDITIONS, DEVICES, FACTS, GAPS, PROFILES

from clarion.store.records.entries import Entry

SAY = "workflow: say\nstart: {on: [{event: go}, {event: PushEngage.Subscriber.Identify}]}\nsteps: [{id: w, wait: {for: 1h}}, "
SAY += "{id: u, update: {set: {seen: '1970-02-12', plan: '{{ n }}'}}}, {id: p, push: {title: t, message: m, url: 'https://a.example/'}}]"
OPS = st.one_of(
    st.tuples(st.just("event"), st.sampled_from(DEVICES), st.sampled_from([None, *PROFILES])),
    st.tuples(st.just("register"), st.sampled_from(DEVICES), FACTS),
    st.tuples(st.just("identify"), st.sampled_from(DEVICES), st.sampled_from(PROFILES)),
    st.tuples(st.just("logout"), st.sampled_from(DEVICES)),
    st.tuples(st.just("plan"), st.sampled_from(PROFILES), st.sampled_from(["a", "b"])),
    st.tuples(st.just("define"), st.sampled_from(["y", "z"]), st.sampled_from(CONDITIONS)),
    st.tuples(st.just("broadcast"), st.sampled_from([None, *CONDITIONS])),
    st.tuples(st.just("erase"), st.sampled_from(PROFILES)),
)
GROUPS = st.lists(st.tuples(GAPS, st.lists(OPS, min_size=1, max_size=5)), min_size=2, max_size=10)


def entries_of(partition: Partition, number: int, op: tuple[Any, ...]) -> list[Entry]:
    match op:
        case ("event", device, who):
            return [partition.event("go", f"e{number}", device=device, profile=who, n=number)]
        case ("register", device, facts):
            return [partition.subscriber(device, facts=facts)]
        case ("identify", device, who):
            return [partition.device(device, "identify", who)]
        case ("logout", device):
            return [partition.device(device, "logout")]
        case ("plan", who, plan):
            return [partition.profile(who, set={"plan": plan, "seen": "1970-02-11"}, enter=("s",))]
        case ("define", segment, condition):
            return [partition.define(segment, condition)]
        case ("erase", who):
            return [partition.erase((f"n:{who}",))]
    audience = {} if op[1] is None else {"audience": op[1]}
    slug = f"broadcast-{number:016x}"
    steps = "steps: [{id: push, push: {title: t, message: m, url: 'https://a.example/'}}]"
    return [partition.publish(f"workflow: {slug}\nstart: {audience}\n{steps}"), partition.broadcast(slug)]


def lived(groups: list[tuple[int, list[tuple[Any, ...]]]], *, alone: bool, piece: int, timers: int) -> Partition:
    """A partition after all of it. What asks for a sweep is the last of its time, for what comes behind it is later."""
    partition, now, number = Partition(), 1_000 * HOUR, 0
    partition.timers = timers
    now_done(partition.apply(partition.publish(SAY), at=now))
    for gap, ops in groups:
        now += gap + 1
        given: list[Entry] = []
        for op in ops:
            number += 1
            given += entries_of(partition, number, op)
            if alone or op[0] in ("define", "broadcast"):
                settle(partition, given, now, piece)
                given = []
            if op[0] in ("define", "broadcast"):
                now += 1
        settle(partition, given, now, piece)
    settle(partition, [], now + 100 * HOUR, piece)
    return partition


def settle(partition: Partition, entries: list[Entry], now: int, piece: int) -> None:
    now_done(partition.apply(*entries, at=now))
    now_done(partition.sweep_all(now, piece))
    while partition.due(now):
        now_done(partition.apply(at=now))


def the_same_however_cut(groups: list[tuple[int, list[tuple[Any, ...]]]]) -> None:
    once = lived(groups, alone=True, piece=1, timers=1_000)
    assert not once.poisoned
    for piece, timers in ((1, 1_000), (3, 2), (1_000, 1_000)):
        other = lived(groups, alone=False, piece=piece, timers=timers)
        assert told(other, in_order=False) == told(once, in_order=False)
        assert other.segments == once.segments


test_the_same_however_it_is_cut = settings(max_examples=60, deadline=None)(given(GROUPS)(the_same_however_cut))
test_nor_over_many_logs = pytest.mark.soak(settings(max_examples=3_000, deadline=None)(given(GROUPS)(the_same_however_cut)))
