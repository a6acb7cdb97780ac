"""Which runs an owner is told of: those that wait, those whose goal is still open, and those that it asks for."""

import msgspec
from tests.store.builders import FAR, NOW, SITE, Owner, run

from clarion.domain.records import Profile, Subscriber
from clarion.store.port import Store
from clarion.store.records.batches import Asked, SiteProfile

ANN = Asked(profiles=[SiteProfile(SITE, "n:ann")])


async def told(store: Store, asked: Asked) -> set[str]:
    return {one.id for one in (await store.facts(0, asked)).runs}


def ids(*names: str) -> set[str]:
    return {run(name).id for name in names}


async def test_an_ended_run_is_told_as_long_as_its_goal_is_open(store: Store, owner: Owner) -> None:
    ended = run("open", status="completed", step=None, ended=NOW, goal_until=NOW + 5)
    await owner.commit(
        runs=[
            ended,
            run("waits", goal_until=NOW + 5),
            run("met", status="completed", ended=NOW),
            run("failed", status="failed", ended=NOW, goal_until=NOW + 9),
            run("bobs", status="exited", profile="n:bob", goal_until=NOW + 5),
            run("elsewhere", status="exited", site=2, goal_until=NOW + 5),
        ]
    )
    found = (await store.facts(0, ANN)).runs
    assert {one.id for one in found} == ids("open", "waits", "failed")
    assert ended in found
    await owner.commit(runs=[msgspec.structs.replace(ended, goal_until=None)])
    assert await told(store, ANN) == ids("waits", "failed")


async def test_a_goal_is_over_when_the_log_has_passed_it(store: Store, owner: Owner) -> None:
    await owner.commit(runs=[run("r", status="completed", goal_until=NOW + 5)], log_time=NOW + 5)
    assert await told(store, ANN) == ids("r")
    await owner.commit(log_time=NOW + 6)
    assert await told(store, ANN) == set()


async def test_of_very_many_open_goals_those_of_the_longest_windows_are_told(store: Store, owner: Owner) -> None:
    waiting = [run(f"w{number}") for number in range(2)]
    await owner.commit(runs=[*waiting, *(run(f"g{number}", status="completed", goal_until=NOW + number) for number in range(1_000))])
    assert len(await told(store, ANN)) == 1_002
    await owner.commit(runs=[run("g1000", status="completed", goal_until=NOW + 1_000)])
    found = await told(store, ANN)
    assert len(found) == 1_002
    assert found >= {one.id for one in waiting} | ids("g1", "g1000")
    assert ids("g0").isdisjoint(found)


async def test_a_timer_knows_its_runs_goal(store: Store, owner: Owner) -> None:
    one = run("r", due=NOW, goal_until=NOW + 5)
    await owner.commit(runs=[one])
    assert [due.id for due in (await store.take(0, 0, FAR, 10)).due] == [one.id]
    assert await store.run(one.id) == one
    assert await store.runs(SITE, "cart", None, 10) == [one]


async def test_a_run_is_told_by_its_id_whatever_its_status_and_its_profile_is_concerned(store: Store, owner: Owner) -> None:
    state = msgspec.Raw(b'{"entry":{"id":"e","name":"x","device_token_hash":"old"},"since":1}')
    asked = run("asked", status="failed", ended=NOW, profile="n:bob", state=state)
    old, phone = (
        Subscriber(name, "n:bob", f"https://push.example/{name}", "key", "secret", active=name == "phone") for name in ("old", "phone")
    )
    await owner.commit(
        profiles=[(SITE, Profile("n:bob", {"age": 30}))],
        subscribers=[(SITE, old), (SITE, phone)],
        runs=[asked, run("other", profile="n:bob"), run("ended", profile="n:bob", status="completed"), run("anns")],
    )
    facts = await store.facts(0, Asked(runs=[asked.id, "unknown"]))
    assert {one.id for one in facts.runs} == ids("asked", "other")
    assert asked in facts.runs
    assert facts.profiles == [(SITE, Profile("n:bob", {"age": 30}))]
    assert sorted(facts.subscribers, key=repr) == sorted([(SITE, old), (SITE, phone)], key=repr)


async def test_a_run_that_is_asked_for_and_concerned_is_told_once(store: Store, owner: Owner) -> None:
    await owner.commit(runs=[run("a"), run("b", status="completed", goal_until=NOW + 1)])
    facts = await store.facts(0, Asked(profiles=ANN.profiles, runs=[run("a").id, run("b").id, run("a").id]))
    assert sorted(one.id for one in facts.runs) == sorted(ids("a", "b"))
