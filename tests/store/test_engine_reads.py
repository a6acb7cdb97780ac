"""What a partition's owner reads: what waits, which timers are due, and what they can touch."""

import msgspec
import pytest
from tests.store.builders import FAR, NOW, SITE, Owner, entry, run

from clarion.domain.records import FrequencyCap, Profile, Subscriber
from clarion.store.port import Store
from clarion.store.postgres import engine as postgres_engine
from clarion.store.records.batches import Asked, MemoryKey, SiteProfile
from clarion.store.records.runs import DueRun, EntryMemory
from clarion.store.records.states import Directive, SiteState, WorkflowState
from clarion.store.sqlite import engine as sqlite_engine


async def test_taking_changes_nothing_and_keeps_to_its_limit(store: Store) -> None:
    await store.append([entry(f"e{number}") for number in range(5)])
    first = await store.take(0, 2, FAR, 10)
    assert [one.id for one in first.entries] == [entry("e0").id, entry("e1").id]
    assert [one.position for one in (await store.take(0, 3, FAR, 10)).entries][:2] == [one.position for one in first.entries]


@pytest.mark.parametrize(("bytes_", "count"), [(0, 1), (9, 1), (39, 1), (40, 2), (59, 2), (60, 3), (61, 3)])
async def test_taking_keeps_to_its_limit_in_bytes_but_takes_one(
    bytes_: int, count: int, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (postgres_engine, sqlite_engine):
        monkeypatch.setattr(module, "TAKEN_BYTES", bytes_)
    bodies = [b'{"of":"20 bytes....."}'[: 20 - 2] + b'"}' for _ in range(3)]
    assert {len(body) for body in bodies} == {20}
    await store.append([entry(f"e{number}", body) for number, body in enumerate(bodies)])
    taken = await store.take(0, 10, FAR, 10)
    assert [one.id for one in taken.entries] == [entry(f"e{number}").id for number in range(count)]
    assert taken.more == (count < len(bodies))
    assert not (await store.take(0, 1, FAR, 10)).more


async def test_a_large_entry_that_is_alone_leaves_nothing_behind(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (postgres_engine, sqlite_engine):
        monkeypatch.setattr(module, "TAKEN_BYTES", 1)
    nothing = await store.take(0, 10, FAR, 10)
    await store.append([entry("alone")])
    alone = await store.take(0, 10, FAR, 10)
    assert [(len(taken.entries), taken.more) for taken in (nothing, alone)] == [(0, False), (1, False)]


async def test_timers_come_by_due_then_id_up_to_the_horizon(store: Store, owner: Owner) -> None:
    rows = [run("late", due=NOW + 3), run("b", due=NOW + 1), run("a", due=NOW + 1), run("soon", due=NOW + 2), run("never")]
    await owner.commit(runs=rows)
    due = (await store.take(0, 0, NOW + 2, 10)).due
    twins = sorted([run("a").id, run("b").id])
    assert [one.id for one in due] == [*twins, run("soon").id]
    assert due[2] == DueRun(run("soon").id, NOW + 2, SITE, run("soon").profile)


async def test_the_next_timer_is_the_one_after_those_given(store: Store, owner: Owner) -> None:
    await owner.commit(runs=[run(f"r{number}", due=NOW + number) for number in range(4)])
    assert (await store.take(0, 0, NOW + 1, 10)).next_due == NOW + 2
    assert (await store.take(0, 0, NOW + 9, 1)).next_due == NOW + 1
    assert (await store.take(0, 0, NOW - 1, 10)).next_due == NOW
    assert (await store.take(0, 0, NOW + 3, 10)).next_due is None


async def test_held_and_ended_runs_have_no_timer(store: Store, owner: Owner) -> None:
    await owner.commit(runs=[run("held", due=NOW, held=True), run("ended", due=NOW, status="exited", ended=NOW)])
    taken = await store.take(0, 0, FAR, 10)
    assert (taken.due, taken.next_due) == ([], None)


async def test_held_runs_are_found_by_workflow(store: Store, owner: Owner) -> None:
    held = [run(f"h{number}", due=NOW, held=True) for number in range(3)]
    await owner.commit(runs=[*held, run("free", due=NOW), run("other", due=NOW, held=True, workflow="welcome")])
    found = await store.held_runs(0, SITE, "cart", 10)
    assert sorted(one.id for one in found) == sorted(one.id for one in held)
    assert len(await store.held_runs(0, SITE, "cart", 2)) == 2
    await owner.commit(runs=[run("h0", due=NOW), run("h1", due=NOW), run("h2", due=NOW)])
    assert await store.held_runs(0, SITE, "cart", 10) == []


async def test_workflows_with_held_runs_are_told_at_once(store: Store, owner: Owner) -> None:
    states = [WorkflowState(site, name, 1, "active") for site in (SITE, 2) for name in ("cart", "idle", "welcome")]
    held = [run(f"h{site}{name}", due=NOW, held=True, site=site, workflow=name) for site, name in ((2, "cart"), (SITE, "welcome"))]
    await owner.commit(workflows=states, runs=[*held, run("twin", due=NOW, held=True, workflow="welcome"), run("free", due=NOW)])
    assert await store.held_workflows(0) == [(SITE, "welcome"), (2, "cart")]


async def test_a_profile_that_is_joined_brings_its_failed_runs(store: Store, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    anonymous = Subscriber("phone", "a:phone", "https://push.example/1", "key", "auth")
    ended = {"profile": "a:phone", "ended": NOW}
    failed = [run(f"f{number}", status="failed", started=NOW + number, **ended) for number in range(3)]
    others = [run("completed", status="completed", **ended), run("anns", status="failed", ended=NOW), run("waits", profile="a:phone")]
    await owner.commit(subscribers=[(SITE, anonymous)], runs=[*failed, *others])
    named, joining = [SiteProfile(SITE, "phone")], [SiteProfile(SITE, "phone")]
    assert [one.id for one in (await store.facts(0, Asked(named))).runs] == [run("waits").id]
    found = await store.facts(0, Asked(named, joining=joining, runs=[failed[0].id]))
    assert {one.id for one in found.runs} == {run(name).id for name in ("f0", "f1", "f2", "waits")}
    assert len(found.runs) == 4
    for module in (postgres_engine, sqlite_engine):
        monkeypatch.setattr(module, "FAILED_RUNS", 1)
    found = await store.facts(0, Asked(named, joining=joining))
    assert {one.id for one in found.runs} == {run(name).id for name in ("f2", "waits")}


def subscriber(name: str, profile: str, *, active: bool = True) -> Subscriber:
    return Subscriber(name, profile, f"https://push.example/{name}", "key", "secret", active=active)


async def test_facts_of_a_subscriber_are_all_of_its_profile(store: Store, owner: Owner) -> None:
    phone, laptop, old = subscriber("phone", "n:ann"), subscriber("laptop", "n:ann"), subscriber("old", "n:ann", active=False)
    await owner.commit(
        subscribers=[(SITE, phone), (SITE, laptop), (SITE, old), (SITE, subscriber("bobs", "n:bob")), (2, phone)],
        profiles=[(SITE, Profile("n:ann", {"age": 30}, ("vip",), NOW)), (SITE, Profile("n:bob")), (2, Profile("n:ann"))],
        runs=[run("waits"), run("ended", status="completed"), run("bobs", profile="n:bob"), run("elsewhere", site=2)],
        memory=[EntryMemory(SITE, "cart", "n:ann", "", NOW, "r3")],
    )
    facts = await store.facts(0, Asked([SiteProfile(SITE, "phone")]))
    assert sorted(facts.subscribers, key=repr) == sorted([(SITE, phone), (SITE, laptop)], key=repr)
    assert facts.profiles == [(SITE, Profile("n:ann", {"age": 30}, ("vip",), NOW))]
    assert facts.runs == [run("waits")]
    assert facts.memory == []


async def test_memory_is_read_by_key_or_whole_for_a_profile_that_is_to_be_joined(store: Store, owner: Owner) -> None:
    kept = [
        EntryMemory(SITE, workflow, profile, key, NOW, "r")
        for workflow in ("cart", "welcome")
        for profile in ("n:ann", "n:bob")
        for key in ("", "k")
    ]
    await owner.commit(subscribers=[(SITE, subscriber("phone", "n:ann"))], memory=[*kept, EntryMemory(2, "cart", "n:ann", "k", NOW, "r")])
    phone = [SiteProfile(SITE, "phone")]
    by_profile = Asked(memory=[MemoryKey(SITE, "cart", "k", "n:bob"), MemoryKey(SITE, "none", "k", "n:bob")])
    assert (await store.facts(0, by_profile)).memory == [EntryMemory(SITE, "cart", "n:bob", "k", NOW, "r")]
    by_device = Asked(phone, memory=[MemoryKey(SITE, "welcome", "", None, "phone"), MemoryKey(SITE, "cart", "", None, "unknown")])
    assert (await store.facts(0, by_device)).memory == [EntryMemory(SITE, "welcome", "n:ann", "", NOW, "r")]
    joining = (await store.facts(0, Asked(phone, joining=phone))).memory
    assert sorted(joining, key=repr) == sorted([one for one in kept if one.profile == "n:ann"], key=repr)


async def test_a_named_subscriber_is_told_even_when_it_is_not_active(store: Store, owner: Owner) -> None:
    old = subscriber("old", "n:ann", active=False)
    await owner.commit(subscribers=[(SITE, old)])
    assert (await store.facts(0, Asked([SiteProfile(SITE, "old")], []))).subscribers == [(SITE, old)]
    assert (await store.facts(0, Asked([], [SiteProfile(SITE, "n:ann")]))).subscribers == []


async def test_the_subscriber_that_a_runs_entry_event_named_is_told_even_when_it_is_not_active(store: Store, owner: Owner) -> None:
    old, other = subscriber("old", "n:ann", active=False), subscriber("other", "n:ann", active=False)
    state = msgspec.Raw(b'{"entry":{"id":"e","name":"x","device_token_hash":"old"},"since":1}')
    await owner.commit(subscribers=[(SITE, old), (SITE, other)], runs=[run("waits", state=state)])
    assert (await store.facts(0, Asked([], [SiteProfile(SITE, "n:ann")]))).subscribers == [(SITE, old)]


async def test_what_nobody_knows_has_no_facts(store: Store) -> None:
    facts = await store.facts(0, Asked([SiteProfile(SITE, "who")], [SiteProfile(SITE, "n:who")]))
    assert (facts.subscribers, facts.profiles, facts.runs, facts.memory) == ([], [], [], [])


async def test_workflow_states_are_kept_as_the_log_says(store: Store, owner: Owner) -> None:
    directives = (Directive(2, "move", NOW), Directive(3, "ended", NOW + 1))
    cart, welcome = WorkflowState(SITE, "cart", 3, "paused", NOW, directives), WorkflowState(SITE, "welcome", 1, "active")
    await owner.commit(workflows=[WorkflowState(SITE, "cart", 1, "active"), welcome])
    await owner.commit(workflows=[cart])
    assert await store.workflow_states(0) == [cart, welcome]
    heard = msgspec.structs.replace(cart, directives=())
    await owner.commit(workflows=[heard])
    assert await store.workflow_states(0) == [heard, welcome]


async def test_site_states_are_kept_as_the_log_says(store: Store, owner: Owner) -> None:
    first, other = SiteState(SITE, "UTC", FrequencyCap(3, 60_000_000)), SiteState(2, "Europe/Berlin")
    await owner.commit(sites=[first, other])
    assert await store.site_states(0) == [first, other]
    await owner.commit(sites=[SiteState(SITE, "Asia/Tokyo")])
    assert await store.site_states(0) == [SiteState(SITE, "Asia/Tokyo"), other]
