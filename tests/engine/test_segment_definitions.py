"""New definitions of segments reach everybody who was there, silently unless asked, each before its next input (semantics §5)."""

import pytest
from tests.engine.builders import HOUR, SITE, Partition
from tests.engine.test_dynamic_segments import NUMBER, RICH, told

from clarion.domain.system_events import SEGMENT_ADDED, SEGMENT_REMOVED
from clarion.store.records.bodies import SiteChange
from clarion.store.records.entries import EntryKind

POOR = {"not": RICH}
NAMES = tuple(f"p{number}" for number in range(5))
KEYS = [f"n:{name}" for name in NAMES]


@pytest.fixture
async def partition() -> Partition:
    """Five profiles, of whom two have much."""
    made = Partition()
    await made.apply(made.publish(NUMBER), at=0)
    await made.apply(*(made.event("set", profile=name, n=100 if name in ("p1", "p3") else 1) for name in NAMES), at=1)
    return made


def members(partition: Partition, segment: str) -> list[str]:
    return [key for (_, key), profile in sorted(partition.profiles.items()) if segment in profile.segments]


@pytest.mark.parametrize("offers", [False, True])
async def test_a_definition_reaches_everybody_and_tells_only_if_asked(partition: Partition, offers: bool) -> None:
    await partition.apply(partition.define("rich", RICH, offers=offers), at=2)
    assert [*partition.segments] == [(SITE, "rich")]
    assert members(partition, "rich") == []
    await partition.sweep_all(3, 2)
    assert members(partition, "rich") == ["n:p1", "n:p3"]
    assert partition.sweeps == {}
    assert sorted(told(partition)) == ([(SEGMENT_ADDED, "rich", 0, "p1"), (SEGMENT_ADDED, "rich", 0, "p3")] if offers else [])


async def test_a_piece_goes_no_further_than_it_is_asked_to(partition: Partition) -> None:
    await partition.apply(partition.define("poor", POOR), at=2)
    assert await partition.sweep_some("segment:poor", 3, 2)
    assert members(partition, "poor") == ["n:p0"]
    [sweep] = partition.sweeps.values()
    assert (sweep.cursor, sweep.done, sweep.at) == ("n:p1", 2, 2)
    assert await partition.sweep_some("segment:poor", 3, 3)
    assert not await partition.sweep_some("segment:poor", 3, 3)
    assert members(partition, "poor") == ["n:p0", "n:p2", "n:p4"]


async def test_another_definition_takes_the_place_of_the_first_amid_its_sweep(partition: Partition) -> None:
    await partition.apply(partition.define("x", RICH), at=2)
    await partition.sweep_some("segment:x", 2, 4)
    assert members(partition, "x") == ["n:p1", "n:p3"]
    await partition.apply(partition.define("x", POOR), at=3)
    [sweep] = partition.sweeps.values()
    assert (sweep.cursor, sweep.at) == ("", 3)
    await partition.sweep_all(4, 2)
    assert members(partition, "x") == ["n:p0", "n:p2", "n:p4"]
    assert told(partition) == []


async def test_whoever_is_touched_first_has_its_turn_first_and_what_the_input_changes_is_told(partition: Partition) -> None:
    await partition.apply(partition.define("rich", RICH), at=2)
    await partition.apply(partition.event("set", profile="p3", n=1), partition.event("set", profile="p4", n=100), at=3)
    assert (members(partition, "rich"), told(partition)) == (
        ["n:p4"],
        [(SEGMENT_REMOVED, "rich", 1, "p3"), (SEGMENT_ADDED, "rich", 1, "p4")],
    )
    partition.inbox.clear()
    await partition.sweep_all(4, 2)
    assert (members(partition, "rich"), told(partition)) == (["n:p1", "n:p4"], [])


async def test_entries_behind_a_definition_in_one_batch_find_it_applied(partition: Partition) -> None:
    await partition.apply(partition.define("rich", RICH), partition.event("set", profile="p3", n=1), at=2)
    assert told(partition) == [(SEGMENT_REMOVED, "rich", 1, "p3")]


async def test_segments_that_look_at_it_follow_a_definition_silently(partition: Partition) -> None:
    await partition.apply(partition.define("fans", {"field": "segments", "op": "contains", "value": "rich"}), at=2)
    await partition.sweep_all(2)
    await partition.apply(partition.define("rich", RICH), at=3)
    await partition.sweep_all(3)
    assert members(partition, "fans") == ["n:p1", "n:p3"]
    assert told(partition) == []


async def test_exit_rules_see_a_definition(partition: Partition) -> None:
    leaving = "workflow: w\nstart: {on: [{event: go}]}\nexit: [{audience: {field: segments, op: in, value: [rich]}}]\n"
    await partition.apply(partition.publish(leaving + "steps: [{id: n, wait: {for: 9h}}]"), at=2)
    await partition.apply(partition.event("go", profile="p1"), partition.event("go", profile="p2"), at=2)
    await partition.apply(partition.define("rich", RICH), at=3)
    await partition.sweep_all(4, 2)
    assert {run.profile: run.status for run in partition.runs.values() if run.workflow == "w"} == {"n:p1": "exited", "n:p2": "waiting"}


@pytest.mark.parametrize("offers", [False, True])
async def test_the_end_of_a_segment_takes_everybody_out(partition: Partition, offers: bool) -> None:
    await partition.apply(partition.define("rich", RICH), at=2)
    await partition.sweep_all(2)
    await partition.apply(partition.undefine("rich", offers=offers), at=3)
    assert partition.segments == {}
    await partition.sweep_all(4, 2)
    assert members(partition, "rich") == []
    assert told(partition) == ([(SEGMENT_REMOVED, "rich", 0, "p1"), (SEGMENT_REMOVED, "rich", 0, "p3")] if offers else [])


STEP = "workflow: s\nstart: {on: [{event: join}]}\nsteps: [{id: s, segment: {add: x}}]"


async def test_who_joins_a_static_segment_after_it_was_forgotten_stays(partition: Partition) -> None:
    """Also where that is ahead of the sweep, and where the profile was in it before."""
    await partition.apply(partition.publish(STEP), at=2)
    await partition.apply(*(partition.event("join", profile=name) for name in ("p0", "p2", "p4")), at=2)
    await partition.apply(partition.undefine("x"), at=3)
    await partition.apply(partition.event("join", profile="p4"), partition.event("join", profile="p3"), at=4)
    assert partition.profiles[SITE, "n:p4"].offered
    await partition.apply(partition.define("x", None), at=5)
    await partition.sweep_all(6, 2)
    assert members(partition, "x") == ["n:p3", "n:p4"]


async def test_a_segment_that_becomes_static_keeps_its_members(partition: Partition) -> None:
    await partition.apply(partition.publish(STEP), partition.define("x", RICH), at=2)
    await partition.sweep_all(3, 2)
    await partition.apply(partition.define("x", None), at=4)
    assert (partition.segments, partition.sweeps) == ({}, {})
    await partition.apply(partition.event("set", profile="p1", n=1), partition.event("join", profile="p0"), at=5)
    assert members(partition, "x") == ["n:p0", "n:p1", "n:p3"]


async def test_profiles_that_came_later_are_no_part_of_a_sweep(partition: Partition) -> None:
    await partition.apply(partition.define("poor", POOR, offers=True), at=2)
    await partition.apply(partition.event("set", profile="p9", n=1), at=3)
    assert told(partition) == [(SEGMENT_ADDED, "poor", 1, "p9")]
    partition.inbox.clear()
    await partition.sweep_all(4)
    assert [whom for _, _, _, whom in told(partition)] == ["p0", "p2", "p4"]


async def test_another_zone_of_the_site_tests_dates_anew(partition: Partition) -> None:
    when = {"field": "profile.day", "op": "before", "value": "1970-01-01T01:00:00+01:00"}
    day = "workflow: day\nstart: {on: [{event: day}]}\nsteps: [{id: u, update: {set: {day: '1970-01-01'}}}]"
    await partition.apply(partition.publish(day), partition.define("early", when), partition.define("rich", RICH), at=2)
    await partition.sweep_all(5)
    await partition.apply(partition.event("day", profile="p0"), at=6)
    assert members(partition, "early") == []
    await partition.apply(partition.entry(EntryKind.SITE, SiteChange("Europe/Berlin")), at=7)
    assert [id for _, id in partition.sweeps] == ["segment:early"]
    await partition.sweep_all(8)
    assert members(partition, "early") == ["n:p0"]


@pytest.mark.parametrize(
    "condition",
    [
        {"field": "event.x", "op": "exists"},
        {"field": "profile.x", "op": "is"},
        {"field": "segments", "op": "in", "value": ["bad"]},
        {},
    ],
)
async def test_a_condition_that_makes_no_sense_is_set_aside_and_changes_nothing(partition: Partition, condition: dict[str, object]) -> None:
    await partition.apply(partition.define("bad", condition), partition.event("set", profile="p0", n=1), at=HOUR)
    assert [one.kind for one in partition.poisoned] == ["segment"]
    assert (partition.segments, partition.sweeps) == ({}, {})
    assert partition.state.sequence == 8
