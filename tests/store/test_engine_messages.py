"""What owners keep and drop because partitions talk by message."""

import msgspec
from tests.store.builders import FAR, NOW, SITE, Owner, run

from clarion.domain.records import Profile, Subscriber
from clarion.store.port import Store
from clarion.store.records.batches import Asked, SiteProfile
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.states import Directive, WorkflowState

ANN = SiteProfile(SITE, "n:ann")


def subscriber(device: str) -> Subscriber:
    return Subscriber(device, "n:ann", "https://push.example/" + device, "k", "a", created=NOW, last_active=NOW)


async def test_runs_that_have_gone_elsewhere_are_not_here_any_more(store: Store, owner: Owner) -> None:
    await owner.commit(runs=[run("a", due=NOW), run("b", due=NOW), run("c", due=NOW)])
    await owner.commit(runs=[run("b", due=NOW + 1)], gone_runs=[run("a").id, run("c").id, run("never").id])
    facts = await store.facts(0, Asked(profiles=[ANN], runs=[run("a").id]))
    assert [row.id for row in facts.runs] == [run("b").id]
    assert [one.id for one in (await store.take(0, 10, FAR, 10)).due] == [run("b").id]


async def test_a_run_that_has_gone_may_come_back(store: Store, owner: Owner) -> None:
    await owner.commit(runs=[run("a", step="hour")])
    await owner.commit(gone_runs=[run("a").id])
    await owner.commit(runs=[run("a", step="later")])
    assert [row.step for row in (await store.facts(0, Asked(profiles=[ANN]))).runs] == ["later"]


async def test_copies_of_subscribers_that_belong_to_others_are_dropped(store: Store, owner: Owner) -> None:
    await owner.commit(subscribers=[(SITE, subscriber("d")), (SITE, subscriber("e")), (SITE + 1, subscriber("d"))])
    await owner.commit(gone_subscribers=[(SITE, "d"), (SITE, "never")])
    facts = await store.facts(0, Asked([SiteProfile(SITE, "d"), SiteProfile(SITE + 1, "d")], [ANN]))
    assert sorted((site, one.device_token_hash) for site, one in facts.subscribers) == [(SITE, "e"), (SITE + 1, "d")]


async def test_an_anonymous_profile_keeps_whose_part_it_is(store: Store, owner: Owner) -> None:
    await owner.commit(profiles=[(SITE, Profile("a:d", created=NOW)), (SITE, Profile("a:e"))])
    await owner.commit(profiles=[(SITE, Profile("a:d", {"plan": "a"}, created=NOW, merged="n:ann"))])
    facts = await store.facts(0, Asked(profiles=[SiteProfile(SITE, "a:d"), SiteProfile(SITE, "a:e")]))
    found = {one.key: one for _, one in facts.profiles}
    assert found == {"a:d": Profile("a:d", {"plan": "a"}, created=NOW, merged="n:ann"), "a:e": Profile("a:e")}


async def test_directives_that_all_have_heard_are_kept_beside_those_to_be_heard(store: Store, owner: Owner) -> None:
    heard = (Directive(1, "ended", NOW, 1), Directive(2, "move", NOW + 1, 2))
    states = [WorkflowState(SITE, "cart", 2, "active", 0, heard[1:], heard), WorkflowState(SITE, "other", 1, "active")]
    await owner.commit(workflows=states)
    assert await store.workflow_states(0) == states
    told = msgspec.structs.replace(states[0], directives=())
    await owner.commit(workflows=[told])
    assert await store.workflow_states(0) == [told, states[1]]


async def test_messages_wait_in_inboxes_with_their_kinds_and_bodies(store: Store, owner: Owner) -> None:
    kinds = (EntryKind.FORWARD, EntryKind.JOIN, EntryKind.LEAVE, EntryKind.SEEN)
    sent = [NewEntry(kind, SITE, f"{kind}", f'{{"n": 1.50, "of": "{kind}"}}'.encode(), NOW - 5) for kind in kinds]
    await owner.commit(emitted=sent)
    waiting = await owner.waiting()
    assert [(one.kind, one.id, bytes(one.body), one.received) for one in waiting] == [
        (one.kind, one.id, one.body, one.received) for one in sent
    ]
    await owner.commit(moved=waiting)
    assert await owner.waiting() == []
