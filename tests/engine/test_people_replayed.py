"""However the same log of what becomes of people is cut into batches, the same comes of it."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.builders import SECOND, Partition
from tests.engine.line import Line, replay, told
from tests.engine.people import HEARS, NAPS

from clarion.domain.system_events import SEGMENT_ADDED, SUBSCRIBER_UPDATED

TEXTS = (
    HEARS,
    NAPS,
    "workflow: once\nstart: {on: [{event: go}], again: never}\nsteps: [{id: s, segment: {add: s}}, {id: nap, wait: {for: 2s}}]",
    f"workflow: told\nstart: {{on: [{{event: {SUBSCRIBER_UPDATED}}}, {{event: {SEGMENT_ADDED}}}], again: {{after: 3s}}}}\nsteps: []",
    'workflow: push\nstart: {on: [{event: go}]}\nsteps: [{id: p, push: {title: t, message: m, url: "https://a.example/"}}]',
)
DEVICES = st.sampled_from(["d", "e"])
PEOPLE = st.sampled_from(["p", "q"])
KEYS = st.sampled_from(["n:p", "n:q", "a:d", "a1:d", "a:e"])
OPS = st.one_of(
    st.tuples(st.just("register"), DEVICES, st.sampled_from([None, "p", "q"]), st.sampled_from([None, "a:d", "n:p"])),
    st.tuples(st.just("event"), DEVICES, st.sampled_from([None, "p"])),
    st.tuples(st.just("identify"), DEVICES, PEOPLE),
    st.tuples(st.just("device"), DEVICES, st.sampled_from(["logout", "unsubscribe", "subscribe", "forget"])),
    st.tuples(st.just("profile"), DEVICES, st.sampled_from([None, "p"]), st.integers(0, 2)),
    st.tuples(st.just("erase"), st.lists(KEYS, max_size=2, unique=True), st.lists(DEVICES, max_size=1)),
    st.tuples(st.just("time"), st.sampled_from([0, SECOND, 2 * SECOND])),
)


def take(line: Line, op: tuple[Any, ...]) -> None:
    partition: Partition = line.partition
    match op:
        case ("register", device, who, follows):
            line.take(partition.subscriber(device, who, follows=follows, attributes={"a": 1}))
        case ("event", device, who):
            line.take(partition.event("go", device=device, profile=who))
        case ("identify", device, who):
            line.take(partition.device(device, "identify", who))
        case ("device", device, change):
            line.take(partition.device(device, change))
        case ("profile", device, who, value):
            line.take(partition.profile(who, device, set={"a": value}, enter=("t",) if value else (), leave=() if value else ("t",)))
        case ("erase", keys, devices):
            line.take(partition.erase(tuple(keys), tuple(devices)))
        case ("time", gap):
            line.passes(gap)
    for entry in partition.emitted():
        line.take(entry)


@settings(max_examples=60, deadline=None)
@given(st.lists(OPS, min_size=4, max_size=25))
def test_one_at_a_time_or_all_of_one_time_together(ops: list[tuple[Any, ...]]) -> None:
    line = Line()
    for text in TEXTS:
        line.take(line.partition.publish(text))
    for op in ops:
        take(line, op)
    line.passes(SECOND)
    assert not line.partition.poisoned
    assert told(replay(line), in_order=False) == told(line.partition, in_order=False)
