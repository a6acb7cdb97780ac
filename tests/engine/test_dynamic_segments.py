"""Dynamic segments follow what happens to profiles and subscribers, and time (semantics §5)."""

from typing import Any

import msgspec
import pytest
from tests.engine.builders import HOUR, SITE, Partition

from clarion.domain.dates import iso
from clarion.domain.records import Event
from clarion.domain.system_events import SEGMENT_ADDED, SEGMENT_REMOVED
from clarion.store.records.entries import EntryKind

RICH = {"field": "profile.total", "op": "gte", "value": 100}
LATELY = {"field": "profile.seen", "op": "within_last", "value": "5h"}
SET = "workflow: set\nstart: {on: [{event: set}]}\nsteps: [{id: u, update: {set: {total: '{{ n }}', seen: '{{ at }}'}}}]"
NUMBER = "workflow: set\nstart: {on: [{event: set}]}\nsteps: [{id: d, decide: {cases: [{when: {field: event.n, op: gte, value: 100},"
NUMBER += " steps: [{id: a, update: {set: {total: 100}}}]}], else: [{id: b, update: {set: {total: 1}}}]}}]"


def segments(partition: Partition, key: str = "n:p") -> tuple[str, ...]:
    return partition.profiles[SITE, key].segments


def told(partition: Partition) -> list[tuple[str, str, int, str | None]]:
    """The system events about segments that wait in the inbox: name, segment, hops, whom."""
    events = [msgspec.json.decode(one.body, type=Event) for one in partition.inbox if one.kind is EntryKind.EVENT]
    return [
        (one.name, msgspec.json.decode(one.data)["segment"], one.hops, one.profile_id or one.device_token_hash)
        for one in events
        if one.name in (SEGMENT_ADDED, SEGMENT_REMOVED)
    ]


@pytest.fixture
async def partition() -> Partition:
    made = Partition()
    await made.apply(made.publish(NUMBER), at=0)
    return made


async def test_a_change_of_an_attribute_brings_in_and_takes_out_with_an_event_each(partition: Partition) -> None:
    await partition.apply(partition.define("rich", RICH), at=1)
    await partition.sweep_all(1)
    await partition.apply(partition.event("set", n=100), at=2)
    assert segments(partition) == ("rich",)
    assert told(partition) == [(SEGMENT_ADDED, "rich", 1, "p")]
    await partition.pump(3)
    await partition.apply(partition.event("set", n=1), at=4)
    assert segments(partition) == ()
    assert told(partition) == [(SEGMENT_REMOVED, "rich", 1, "p")]


async def test_what_changes_nothing_that_a_segment_looks_at_tests_nothing(partition: Partition, monkeypatch: pytest.MonkeyPatch) -> None:
    await partition.apply(partition.define("rich", RICH), partition.subscriber("d", "p"), at=1)
    await partition.sweep_all(1)
    tested: list[object] = []
    monkeypatch.setattr("clarion.engine.segments.membership", lambda *given: tested.append(given))
    await partition.apply(partition.event("set2", device="d"), partition.event("other"), at=HOUR)
    assert partition.subscribers[SITE, "d"].last_active == HOUR
    assert tested == []


async def test_a_new_profile_is_tested_at_once(partition: Partition) -> None:
    await partition.apply(partition.define("poor", {"not": RICH}), at=1)
    await partition.sweep_all(1)
    await partition.apply(partition.event("anything"), at=2)
    assert segments(partition) == ("poor",)
    assert told(partition) == [(SEGMENT_ADDED, "poor", 0, "p")]


async def test_a_lone_subscriber_is_tested_by_its_facts_before_anything_hears_of_it(partition: Partition) -> None:
    german = {"field": "subscriber.country", "op": "eq", "value": "DE"}
    hello = "workflow: hello\nstart: {on: [{event: PushEngage.Subscriber.Add}], audience: {field: segments, op: in, value: [german]}}\n"
    await partition.apply(
        partition.publish(hello + "steps: [{id: h, push: {title: t, message: m, url: 'https://a.example/'}}]"),
        partition.define("german", german),
        at=1,
    )
    await partition.sweep_all(1)
    await partition.apply(partition.subscriber("d", facts={"country": "DE"}), partition.subscriber("e", facts={"country": "FR"}), at=2)
    assert (segments(partition, "a:d"), segments(partition, "a:e")) == (("german",), ())
    assert [push.subscriber for push in partition.pushes()] == ["d"]
    assert told(partition) == [(SEGMENT_ADDED, "german", 0, "d")]


async def test_the_most_recently_active_subscriber_counts(partition: Partition) -> None:
    german = {"field": "subscriber.country", "op": "eq", "value": "DE"}
    await partition.apply(partition.define("german", german), at=1)
    await partition.sweep_all(1)
    await partition.apply(
        partition.subscriber("d", "p", facts={"country": "DE"}), partition.subscriber("e", "p", facts={"country": "FR"}), at=2
    )
    await partition.apply(partition.event("x", device="e"), at=HOUR)
    assert segments(partition) == ()
    await partition.apply(partition.event("x", device="d"), at=2 * HOUR)
    assert segments(partition) == ("german",)


async def test_a_segment_may_depend_on_others_and_follows_in_the_same_pass(partition: Partition) -> None:
    names = {"field": "segments", "op": "in", "value": ["rich"]}
    await partition.apply(
        partition.define("a-list", names), partition.define("nobody", {"not": names}), partition.define("rich", RICH), at=1
    )
    await partition.sweep_all(4)
    await partition.apply(partition.event("set", n=100), at=5)
    assert segments(partition) == ("a-list", "rich")
    assert told(partition) == [(SEGMENT_ADDED, "a-list", 1, "p"), (SEGMENT_ADDED, "rich", 1, "p")]


async def test_a_circle_of_segments_is_gone_through_once_an_input(partition: Partition) -> None:
    """Each says that who is in the other is not in it: nothing goes round."""
    other = {"not": {"field": "segments", "op": "in", "value": ["b"]}}
    same = {"field": "segments", "op": "in", "value": ["a"]}
    await partition.apply(partition.define("a", other), partition.define("b", same), at=1)
    await partition.sweep_all(3)
    await partition.apply(partition.event("set", n=1), at=4)
    assert segments(partition) == ("a", "b")
    for turn in range(20):
        entries = partition.emitted()
        if not entries:
            break
        await partition.apply(*entries, at=5 + turn)
    assert turn < 3
    assert partition.poisoned == []


async def test_changes_by_runs_end_at_the_hop_guard(partition: Partition) -> None:
    """A run that takes the ground away from the segment that started it, and back."""
    up = "workflow: up\nstart: {on: [{event: PushEngage.Subscriber.RemoveSegment}]}\nsteps: [{id: u, update: {set: {total: 100}}}]"
    down = "workflow: down\nstart: {on: [{event: PushEngage.Subscriber.AddSegment}]}\nsteps: [{id: u, update: {set: {total: 1}}}]"
    await partition.apply(partition.publish(up), partition.publish(down), partition.define("rich", RICH), at=1)
    await partition.sweep_all(2)
    await partition.apply(partition.event("set", "first", n=100), at=3)
    hops = []
    while partition.inbox:
        hops += [hop for _, _, hop, _ in told(partition)]
        await partition.apply(*partition.emitted(), at=4)
    assert hops == [1, 2, 3, 4, 5, 6, 7, 8]
    assert "hop_limit" in {verdict["verdict"] for one in partition.explanations for verdict in _verdicts(one.body)}


def _verdicts(body: msgspec.Raw) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = msgspec.json.decode(body).get("verdicts", [])
    return found


async def test_a_step_leaves_a_dynamic_segment_alone_and_says_so(partition: Partition) -> None:
    step = "workflow: s\nstart: {on: [{event: go}]}\nsteps: [{id: s, segment: {add: [rich, plain], remove: [other]}}]"
    await partition.apply(partition.publish(step), partition.define("rich", RICH), at=1)
    await partition.sweep_all(2)
    await partition.apply(partition.event("go"), at=3)
    assert segments(partition) == ("plain",)
    [done] = [one for one in partition.reasons(partition.run("s").id) if one["what"] == "segment"]
    assert done["detail"] == {"added": ["plain"], "removed": [], "ignored": ["rich"]}


async def test_exit_rules_on_the_audience_see_who_has_come_in(partition: Partition) -> None:
    leaving = "workflow: w\nstart: {on: [{event: go}]}\nexit: [{audience: {field: segments, op: in, value: [rich]}}]\n"
    await partition.apply(partition.publish(leaving + "steps: [{id: n, wait: {for: 9h}}]"), partition.define("rich", RICH), at=1)
    await partition.sweep_all(2)
    await partition.apply(partition.event("go"), at=3)
    await partition.apply(partition.event("set", n=100), at=4)
    assert (partition.run("w").status, partition.run("w").reason) == ("exited", "audience")


async def test_events_of_segments_show_nobody_active(partition: Partition) -> None:
    await partition.apply(partition.define("poor", {"not": RICH}), at=1)
    await partition.sweep_all(1)
    await partition.apply(partition.subscriber("d"), at=2)
    await partition.pump(9 * HOUR)
    assert partition.subscribers[SITE, "d"].last_active == 2


# -- time ------------------------------------------------------------------------------------------------------------


async def seen(partition: Partition, at: int) -> None:
    """A profile that was seen then; the event comes at once."""
    await partition.apply(partition.publish(SET), partition.define("lately", LATELY), at=at)
    await partition.sweep_all(at + 2)
    await partition.apply(partition.event("set", n="x", at=iso(at + 2)), at=at + 2)


async def test_time_alone_takes_out_at_the_first_instant_after_the_window(partition: Partition) -> None:
    await seen(partition, HOUR)
    out = 6 * HOUR + 3
    assert (segments(partition), partition.profiles[SITE, "n:p"].recheck) == (("lately",), out)
    await partition.pump(HOUR + 3)
    await partition.apply(at=out - 1)
    assert segments(partition) == ("lately",)
    await partition.apply(at=out)
    assert (segments(partition), partition.profiles[SITE, "n:p"].recheck) == ((), None)
    assert told(partition) == [(SEGMENT_REMOVED, "lately", 0, "p")]


async def test_what_time_has_changed_is_so_before_a_later_entry_is_offered(partition: Partition) -> None:
    """One batch: the entry finds the profile as it is by then, and the timers fire in their order."""
    loyal = "workflow: loyal\nstart: {on: [{event: go}], audience: {field: segments, op: in, value: [lately]}}\n"
    loyal += "steps: [{id: n, wait: {for: 1h}}]"
    await partition.apply(partition.publish(loyal), at=1)
    await seen(partition, HOUR)
    await partition.apply(partition.event("go", "late"), at=7 * HOUR)
    assert partition.verdicts("late")["loyal"]["verdict"] == "audience"
    [event] = [one for one in partition.inbox if b"RemoveSegment" in one.body]
    assert event.received == 6 * HOUR + 3  # now is when it was due


async def test_a_timer_moves_with_what_it_looks_at_and_goes_with_the_segment(partition: Partition) -> None:
    await seen(partition, HOUR)
    await partition.apply(partition.event("set", n="x", at=iso(3 * HOUR)), at=3 * HOUR)
    assert partition.profiles[SITE, "n:p"].recheck == 8 * HOUR + 1
    await partition.apply(partition.event("set", n="x", at=iso(10 * HOUR)), at=3 * HOUR)
    assert (segments(partition), partition.profiles[SITE, "n:p"].recheck) == ((), 10 * HOUR)
    await partition.apply(partition.undefine("lately"), at=4 * HOUR)
    await partition.sweep_all(4 * HOUR)
    assert partition.profiles[SITE, "n:p"].recheck is None


async def test_after_an_outage_time_is_that_of_the_resume(partition: Partition) -> None:
    await seen(partition, HOUR)
    partition.inbox.clear()
    partition.state = msgspec.structs.replace(partition.state, resumed=20 * HOUR)
    await partition.apply(at=20 * HOUR)
    [event] = partition.inbox
    assert event.received == 20 * HOUR


# -- profiles that become one ----------------------------------------------------------------------------------------


async def test_a_merge_brings_static_segments_and_tests_dynamic_ones(partition: Partition) -> None:
    joined = "workflow: j\nstart: {on: [{event: join}]}\nsteps: [{id: s, segment: {add: plain}}]"
    await partition.apply(partition.publish(joined), partition.define("poor", {"not": RICH}), at=1)
    await partition.sweep_all(2)
    await partition.apply(partition.event("set", profile="q", n=100), at=3)
    await partition.apply(partition.subscriber("d"), partition.event("join", device="d", profile=None), at=4)
    assert segments(partition, "a:d") == ("plain", "poor")
    await partition.pump(5)
    await partition.apply(partition.subscriber("d", "q"), at=6)
    assert segments(partition, "n:q") == ("plain",)
    assert [(name, segment) for name, segment, _, _ in told(partition)] == [(SEGMENT_ADDED, "plain")]
