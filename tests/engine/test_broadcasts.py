"""A broadcast starts its workflow for everybody who was there when it was asked for, once each (semantics §7)."""

from typing import Any

import msgspec
import pytest
from tests.engine.builders import HOUR, SITE, Partition
from tests.engine.test_dynamic_segments import NUMBER, RICH

from clarion.domain.ids import caused_event_id, run_id
from clarion.domain.system_events import WORKFLOW_START
from clarion.store.records.runs import RunRow
from clarion.workflow.start import PAUSED

SLUG = "broadcast-0123456789abcdef"
OTHER = "broadcast-fedcba9876543210"
PUSH = "{id: say, push: {title: t, message: m, url: 'https://a.example/'}}"
NAMES = ("p0", "p1", "p2", "p3", "p4")


def document(slug: str = SLUG, audience: str = "", before: str = "", more: str = "") -> str:
    start = f"{{audience: {audience}}}" if audience else "{}"
    return f"workflow: {slug}\nstart: {start}\nsteps: [{before}{PUSH}]\n{more}"


AUDIENCE = "{field: profile.total, op: gte, value: 100}"


@pytest.fixture
async def partition() -> Partition:
    """Five profiles with a subscriber each, of whom two have much, and a subscriber alone."""
    made = Partition()
    await made.apply(made.publish(NUMBER), at=0)
    await made.apply(*(made.subscriber(f"d{name}", name) for name in NAMES), made.subscriber("alone"), at=1)
    await made.apply(*(made.event("set", profile=name, n=100 if name in ("p1", "p3") else 1) for name in NAMES), at=1)
    return made


async def begin(partition: Partition, text: str | None = None, slug: str = SLUG, at: int = 2) -> str:
    """Publish a broadcast and start it; returns the id of its sweep."""
    entry = partition.broadcast(slug)
    await partition.apply(partition.publish(text or document(slug)), entry, at=at)
    return f"broadcast:{slug.removeprefix('broadcast-')}"


def reached(partition: Partition, slug: str = SLUG) -> list[str]:
    """Whose runs there are, as often as there are."""
    return sorted(run.profile for run in partition.runs.values() if run.workflow == slug)


def run_of(partition: Partition, profile: str, slug: str = SLUG) -> RunRow:
    [found] = [run for run in partition.runs.values() if (run.workflow, run.profile) == (slug, profile)]
    return found


EVERYBODY = ["a:alone", *(f"n:{name}" for name in NAMES)]


async def test_everybody_gets_it_in_bounded_pieces_in_the_order_of_their_keys(partition: Partition) -> None:
    id = await begin(partition)
    assert reached(partition) == []
    await partition.sweep_some(id, 3, 4)
    assert reached(partition) == EVERYBODY[:4]
    await partition.sweep_all(4, 4)
    assert reached(partition) == EVERYBODY
    assert sorted(push.subscriber or "" for push in partition.pushes("say")) == ["alone", *(f"d{name}" for name in NAMES)]
    assert (partition.count(SLUG, "started"), partition.count(SLUG, "completed")) == (6, 6)
    assert [key for key in partition.memory if key[1] == SLUG] == []
    assert partition.poisoned == []


async def test_ids_are_stable_and_each_run_is_explained(partition: Partition) -> None:
    id = await begin(partition)
    [sweep] = partition.sweeps.values()
    await partition.sweep_all(3)
    event = caused_event_id(sweep.entry, "n:p0", 0)
    run = run_of(partition, "n:p0")
    assert run.id == run_id(SITE, SLUG, event, None)
    entry = msgspec.json.decode(run.state)["entry"]
    assert (entry["id"], entry["name"], entry["profile_id"], entry["workflow"]) == (event, WORKFLOW_START, "p0", SLUG)
    assert partition.verdicts(event)[SLUG]["verdict"] == "started"
    assert partition.history(run.id)[0] == ("push", "say")
    assert id == sweep.id


async def test_who_is_not_its_audience_gets_nothing_and_leaves_no_explanation(partition: Partition) -> None:
    before = len(partition.explanations)
    await begin(partition, document(audience=AUDIENCE))
    await partition.sweep_all(3, 2)
    assert reached(partition) == ["n:p1", "n:p3"]
    assert {one.profile for one in partition.explanations[before:]} == {"n:p1", "n:p3"}


async def test_membership_is_as_of_the_entry(partition: Partition) -> None:
    """Who changes, comes, or goes before the sweep comes to it."""
    await begin(partition, document(audience=AUDIENCE))
    await partition.apply(
        partition.event("set", profile="p3", n=1),
        partition.event("set", profile="p4", n=100),
        partition.event("set", profile="new", n=100),
        at=3,
    )
    assert reached(partition) == ["n:p3"]
    await partition.sweep_all(4, 1)
    assert reached(partition) == ["n:p1", "n:p3"]


async def test_who_comes_after_it_was_asked_for_gets_nothing(partition: Partition) -> None:
    """With no audience that would leave them out."""
    await begin(partition)
    await partition.apply(partition.event("x", profile="new"), partition.subscriber("dlate", "late"), partition.subscriber("lone"), at=3)
    await partition.sweep_all(4, 1)
    await partition.apply(partition.event("x", profile="new"), at=5)
    assert reached(partition) == EVERYBODY


async def test_entries_behind_it_in_one_batch_come_after_it(partition: Partition) -> None:
    await partition.apply(
        partition.publish(document(audience=AUDIENCE)),
        partition.event("set", profile="p0", n=100),
        partition.broadcast(SLUG),
        partition.event("set", profile="p1", n=1),
        partition.event("set", profile="p2", n=100),
        at=2,
    )
    await partition.sweep_all(4, 1)
    assert reached(partition) == ["n:p0", "n:p1", "n:p3"]


async def test_a_timer_that_changes_a_profile_comes_after_its_turn(partition: Partition) -> None:
    """And the turn is no later than the timer."""
    later = "workflow: later\nstart: {on: [{event: go}]}\nsteps: [{id: n, wait: {for: 1h}}, {id: u, update: {set: {total: 1}}}]"
    await partition.apply(partition.publish(later), partition.event("go", profile="p3"), at=1)
    await begin(partition, document(audience=AUDIENCE), at=2)
    await partition.apply(at=3 * HOUR)
    assert partition.profiles[SITE, "n:p3"].attributes["total"] == 1
    assert (reached(partition), run_of(partition, "n:p3").started) == (["n:p3"], HOUR + 1)
    await partition.sweep_all(3 * HOUR)
    assert reached(partition) == ["n:p1", "n:p3"]


async def test_time_that_changes_a_segment_comes_after_the_turn(partition: Partition) -> None:
    lately = {"field": "subscriber.created", "op": "within_last", "value": "1h"}
    await partition.apply(partition.define("lately", lately), at=2)
    await partition.sweep_all(2)
    await begin(partition, document(audience="{field: segments, op: in, value: [lately]}"), at=3)
    await partition.apply(at=5 * HOUR)
    await partition.sweep_all(5 * HOUR)
    assert reached(partition) == EVERYBODY


async def test_a_merge_brings_nobody_a_second_turn(partition: Partition) -> None:
    await begin(partition)
    await partition.apply(partition.subscriber("alone", "p4"), at=3)  # both were there
    await partition.sweep_all(4, 2)
    assert len(reached(partition)) == 6
    assert sorted(push.subscriber or "" for push in partition.pushes("say")) == ["alone", *(f"d{name}" for name in NAMES)]


async def test_a_named_profile_that_comes_of_a_merge_has_had_its_turn(partition: Partition) -> None:
    """It is as old as what has become part of it."""
    await begin(partition)
    await partition.apply(partition.subscriber("alone", "zed"), at=3)
    assert partition.profiles[SITE, "n:zed"].created == 1
    await partition.sweep_all(4, 2)
    assert [push.subscriber for push in partition.pushes("say")].count("alone") == 1
    assert len(partition.pushes("say")) == 6


async def test_a_profile_forgets_what_it_had_its_turn_in_when_that_is_over(partition: Partition) -> None:
    await begin(partition)
    await partition.apply(partition.event("x", profile="p3"), at=3)
    assert len(partition.profiles[SITE, "n:p3"].offered) == 1
    await partition.sweep_all(4)
    await begin(partition, slug=OTHER, at=5)
    [sweep] = partition.sweeps.values()
    await partition.apply(partition.event("x", profile="p3"), at=6)
    assert partition.profiles[SITE, "n:p3"].offered == (sweep.entry,)


async def test_several_go_on_at_once_and_each_profile_has_them_in_their_order(partition: Partition) -> None:
    """The second is for whom the first has brought into a segment."""
    mark = f"workflow: {SLUG}\nstart: {{audience: {AUDIENCE}}}\nsteps: [{{id: s, segment: {{add: marked}}}}]"
    first = await begin(partition, mark)
    second = await begin(partition, document(OTHER, "{field: segments, op: in, value: [marked]}"), OTHER, at=3)
    await partition.sweep_some(second, 4, 3)
    assert (reached(partition), reached(partition, OTHER)) == (["n:p1"], ["n:p1"])
    await partition.sweep_some(first, 4, 1)
    await partition.sweep_all(5, 2)
    assert (reached(partition), reached(partition, OTHER)) == (["n:p1", "n:p3"], ["n:p1", "n:p3"])


async def test_what_a_dynamic_segment_becomes_by_a_definition_before_it_counts(partition: Partition) -> None:
    await partition.apply(partition.define("rich", RICH), at=2)
    id = await begin(partition, document(audience="{field: segments, op: in, value: [rich]}"), at=3)
    await partition.sweep_some(id, 4, 10)
    assert reached(partition) == ["n:p1", "n:p3"]


async def test_one_that_comes_again_under_its_id_takes_the_place_of_the_first(partition: Partition) -> None:
    id = await begin(partition)
    await partition.sweep_some(id, 3, 2)
    await partition.apply(partition.broadcast(SLUG), at=4)
    [sweep] = partition.sweeps.values()
    assert (sweep.cursor, sweep.at) == ("", 4)


# -- one profile -----------------------------------------------------------------------------------------------------


async def test_to_one_profile_only_known_or_new(partition: Partition) -> None:
    await partition.apply(partition.publish(document()), at=2)
    await partition.apply(partition.broadcast(SLUG, "n:p1"), partition.broadcast(SLUG, "n:fresh"), at=3)
    assert (reached(partition), partition.sweeps) == (["n:fresh", "n:p1"], {})
    assert [push.subscriber for push in partition.pushes("say")] == ["dp1"]
    assert ("no_subscriber", "say") in partition.history(run_of(partition, "n:fresh").id)


async def test_to_one_that_is_not_its_audience_says_why(partition: Partition) -> None:
    entry = partition.broadcast(SLUG, "n:p0")
    await partition.apply(partition.publish(document(audience=AUDIENCE)), entry, at=2)
    verdict = partition.verdicts(caused_event_id(entry.id, "n:p0", 0))[SLUG]
    assert (verdict["verdict"], verdict["rows"][0]["saw"]) == ("audience", 1)


async def test_to_one_that_is_not_known_and_cannot_be_made(partition: Partition) -> None:
    await partition.apply(partition.publish(document()), partition.broadcast(SLUG, "a:nobody"), at=2)
    assert (reached(partition), partition.poisoned) == ([], [])


async def test_to_one_that_has_become_part_of_another(partition: Partition) -> None:
    await partition.apply(partition.publish(document()), partition.subscriber("alone", "p1"), at=2)
    await partition.apply(partition.broadcast(SLUG, "a:alone"), at=3)
    await partition.pump(4)
    assert reached(partition) == ["n:p1"]
    assert sorted(push.subscriber or "" for push in partition.pushes("say")) == ["alone", "dp1"]


async def test_one_whose_workflow_is_not_there_is_set_aside(partition: Partition) -> None:
    await partition.apply(partition.broadcast(SLUG), at=2)
    assert [one.kind for one in partition.poisoned] == ["broadcast"]
    assert partition.sweeps == {}


# -- pause and stop --------------------------------------------------------------------------------------------------


async def test_in_a_pause_whoever_has_its_turn_waits_at_the_first_step(partition: Partition) -> None:
    """As of the entry, although the profile changes meanwhile."""
    await begin(partition, document(audience=AUDIENCE))
    await partition.apply(partition.change(SLUG, "pause"), at=3)
    await partition.apply(partition.event("set", profile="p3", n=1), at=3)
    run = run_of(partition, "n:p3")
    assert (run.status, run.step, run.due, partition.pushes("say")) == ("waiting", "say", 3, [])
    await partition.apply(at=HOUR)
    assert run_of(partition, "n:p3").held
    await partition.apply(partition.change(SLUG, "resume", 24 * HOUR), at=2 * HOUR)
    await partition.apply(at=2 * HOUR)
    assert [push.subscriber for push in partition.pushes("say")] == ["dp3"]
    await partition.sweep_all(2 * HOUR)
    assert reached(partition) == ["n:p1", "n:p3"]
    assert (partition.count(SLUG, "started"), partition.count(SLUG, "entered", "say")) == (2, 2)


@pytest.mark.parametrize("paused", [False, True])
async def test_a_stop_ends_the_sweep_the_runs_and_what_is_not_delivered(partition: Partition, paused: bool) -> None:
    id = await begin(partition, document(before="{id: n, wait: {for: 1h}}, "))
    await partition.sweep_some(id, 3, 2)
    if paused:
        await partition.apply(partition.change(SLUG, "pause"), at=4)
    outcome = await partition.apply(partition.change(SLUG, "archive", 0 if paused else None), at=5)
    assert (outcome.ended_sweeps, outcome.hold, outcome.release) == ([(SITE, id)], [(SITE, SLUG)], [(SITE, SLUG, 6)])
    assert partition.sweeps == {}
    assert {run.reason for run in partition.runs.values() if run.workflow == SLUG} == {"archived"}
    await partition.apply(partition.event("x", profile="p4"), at=6)
    assert len(reached(partition)) == 2
    assert partition.profiles[SITE, "n:p4"].offered == ()


async def test_an_ordinary_workflow_keeps_what_is_on_its_way_when_it_is_archived(partition: Partition) -> None:
    outcome = await partition.apply(partition.change("set", "archive"), at=5)
    assert (outcome.hold, outcome.release) == ([], [])


async def test_its_program_is_at_hand_only_while_it_is_under_way(partition: Partition) -> None:
    await begin(partition)
    await partition.registry.fetch(())
    assert partition.registry.program(SITE, SLUG, 1) is not None
    await partition.sweep_all(3)
    await partition.registry.fetch(())
    with pytest.raises(KeyError):
        partition.registry.program(SITE, SLUG, 1)
    assert partition.workflows[SITE, SLUG].status != PAUSED


# -- schedules, caps, quiet hours ------------------------------------------------------------------------------------


async def test_a_local_time_that_has_passed_sends_at_once(partition: Partition) -> None:
    await partition.apply(
        partition.subscriber("dp0", "p0", facts={"timezone": "Asia/Tokyo"}),
        partition.subscriber("dp1", "p1", facts={"timezone": "America/New_York"}),
        at=1,
    )
    wait = "{id: n, wait: {until: '1970-01-01T09:00:00'}}, "
    await begin(partition, document(before=wait, more="settings: {timezone: subscriber}"), at=5 * HOUR)
    await partition.sweep_all(5 * HOUR)
    assert [push.subscriber for push in partition.pushes("say")] == ["dp0"]  # nine there is midnight in Greenwich
    assert run_of(partition, "n:p1").due == 14 * HOUR
    assert run_of(partition, "n:p2").due == 9 * HOUR


async def test_caps_count_broadcasts(partition: Partition) -> None:
    capped = "settings: {frequency_cap: {pushes: 1, per: 1d}}"
    await begin(partition, document(before=PUSH.replace("say", "first") + ", ", more=capped))
    await partition.sweep_all(3)
    assert len(partition.pushes("first")) == 6
    assert partition.pushes("say") == []
    assert partition.count(SLUG, "capped", "say") == 6


async def test_an_error_in_one_turn_leaves_that_one_out(partition: Partition, monkeypatch: pytest.MonkeyPatch) -> None:
    id = await begin(partition)
    from clarion.engine.offering import Offering

    whole = Offering.broadcast

    def broken(self: Offering, person: Any, *given: Any, **named: Any) -> None:
        if person[1] == "n:p2":
            raise RuntimeError("no")
        whole(self, person, *given, **named)

    monkeypatch.setattr(Offering, "broadcast", broken)
    await partition.sweep_some(id, 3, 10)
    assert reached(partition) == [key for key in EVERYBODY if key != "n:p2"]
