"""Drafts, publishing and statuses of workflows; and where their runs stand."""

import msgspec
import pytest
from tests.store.builders import NOW, SITE, Owner, run
from tests.store.test_configuration import change, version

from clarion.store.port import Changed, NotFound, Store, StoreError
from clarion.store.records.bodies import WorkflowChange
from clarion.store.records.entries import NewEntry
from clarion.store.records.runs import RunCount
from clarion.store.records.workflows import WorkflowDraft, WorkflowRow

SOURCE = "workflow: cart\n"
"""As of the versions that are published here."""


def draft(source: str = "half of it", saved: int = NOW, workflow: str = "cart", site: int = SITE) -> WorkflowDraft:
    return WorkflowDraft(site, workflow, source, saved)


def unstorable() -> NewEntry:
    return msgspec.structs.replace(change("publish"), received=2**63)


async def told(owner: Owner) -> list[WorkflowChange]:
    return [msgspec.json.decode(one.body, type=WorkflowChange) for one in await owner.waiting()]


async def generation(store: Store) -> int:
    return (await store.configuration()).generation


# -- drafts --------------------------------------------------------------------------------------------------------------


async def test_a_draft_of_something_new_makes_a_workflow_of_version_nought(store: Store) -> None:
    row = await store.save_draft(draft(), "Cart")
    assert row == WorkflowRow(SITE, "cart", "Cart", 0, "draft", NOW, draft=NOW)
    assert (await store.configuration()).workflows == [row]
    assert await store.draft(SITE, "cart") == draft()


async def test_a_draft_takes_the_place_of_the_one_before(store: Store) -> None:
    await store.save_draft(draft(), "Cart")
    assert await store.save_draft(draft("more", NOW + 1), "The cart") == WorkflowRow(SITE, "cart", "The cart", 0, "draft", NOW + 1, NOW + 1)
    assert await store.draft(SITE, "cart") == draft("more", NOW + 1)
    assert len((await store.configuration()).workflows) == 1


async def test_a_draft_of_a_published_workflow_leaves_it_as_it_is(store: Store) -> None:
    published = await store.publish(version(), "Cart", [])
    row = await store.save_draft(draft(saved=NOW + 1), "Renamed")
    assert row == msgspec.structs.replace(published, draft=NOW + 1)
    assert (await store.configuration()).workflows == [row]
    await store.discard_draft(SITE, "cart")
    assert (await store.configuration()).workflows == [published]


async def test_a_discarded_draft_takes_a_workflow_that_was_never_published_with_it(store: Store) -> None:
    await store.save_draft(draft(), "Cart")
    await store.save_draft(draft(workflow="welcome"), "Welcome")
    await store.discard_draft(SITE, "cart")
    assert [row.workflow for row in (await store.configuration()).workflows] == ["welcome"]
    with pytest.raises(NotFound):
        await store.draft(SITE, "cart")


async def test_nobody_is_told_of_drafts(store: Store) -> None:
    await store.publish(version(), "Cart", [])
    before = await generation(store)
    heard: list[str] = []
    store.on_change(lambda what, _: heard.append(what))
    for workflow in ("cart", "welcome"):
        await store.save_draft(draft(workflow=workflow), "A draft")
        await store.discard_draft(SITE, workflow)
    assert (await generation(store), heard) == (before, [])


async def test_a_draft_that_is_not_there_is_not_found(store: Store) -> None:
    await store.publish(version(), "Cart", [])
    await store.save_draft(draft(site=2), "Cart")
    with pytest.raises(NotFound):
        await store.draft(SITE, "cart")
    before = await generation(store)
    with pytest.raises(NotFound):
        await store.discard_draft(SITE, "cart")
    assert await generation(store) == before


# -- publishing ----------------------------------------------------------------------------------------------------------


async def test_a_draft_becomes_the_first_version(store: Store, owner: Owner) -> None:
    await store.save_draft(draft(SOURCE), "Cart")
    assert await store.publish(version(created=NOW + 1), "Cart", [change("publish")]) == WorkflowRow(
        SITE, "cart", "Cart", 1, "active", NOW + 1
    )
    assert await told(owner) == [WorkflowChange("cart", "publish", 1)]
    with pytest.raises(NotFound):
        await store.draft(SITE, "cart")


async def test_a_draft_that_has_gone_on_since_stays(store: Store) -> None:
    await store.save_draft(draft("newer"), "Cart")
    await store.publish(version(), "Cart", [])
    assert await store.draft(SITE, "cart") == draft("newer")


async def test_a_draft_that_says_what_is_published_already_is_discarded(store: Store, owner: Owner) -> None:
    await store.publish(version(), "Cart", [])
    await store.save_draft(draft(SOURCE), "Cart")
    assert (await store.publish(version(), "Cart", [change("publish")])).version == 1
    assert await told(owner) == []
    with pytest.raises(NotFound):
        await store.draft(SITE, "cart")


@pytest.mark.parametrize("status", ["draining", "archived"])
async def test_an_equal_document_makes_a_workflow_that_was_put_away_active_again(store: Store, owner: Owner, status: str) -> None:
    await store.publish(version(), "Cart", [])
    await store.set_workflow_status(SITE, "cart", "active", status, NOW + 1, [])
    row = await store.publish(version(created=NOW + 2), "Cart", [change("publish")])
    assert row == WorkflowRow(SITE, "cart", "Cart", 1, "active", NOW + 2)
    assert (await store.configuration()).workflows == [row]
    assert await told(owner) == [WorkflowChange("cart", "publish", 1)]


@pytest.mark.parametrize("status", ["draining", "archived"])
async def test_another_document_does_so_too(store: Store, status: str) -> None:
    await store.publish(version(), "Cart", [])
    await store.set_workflow_status(SITE, "cart", "active", status, NOW + 1, [])
    row = await store.publish(version(b"{}"), "Cart", [])
    assert (row.version, row.status) == (2, "active")


@pytest.mark.parametrize("status", ["paused", "active"])
async def test_an_equal_document_leaves_other_statuses_alone(store: Store, owner: Owner, status: str) -> None:
    await store.publish(version(), "Cart", [])
    row = await store.set_workflow_status(SITE, "cart", "active", status, NOW + 1, [])
    assert await store.publish(version(created=NOW + 2), "Cart", [change("publish")]) == row
    assert await told(owner) == []


async def test_an_equal_document_gives_the_version_its_source(store: Store) -> None:
    await store.publish(version(), "Cart", [])
    again = msgspec.structs.replace(version(), source=f"# why\n{SOURCE}", created=NOW + 1)
    await store.save_draft(draft(again.source), "Cart")
    row = await store.publish(again, "Cart", [])
    assert (row.version, row.draft) == (1, None)
    assert await store.workflow_version(SITE, "cart", 1) == msgspec.structs.replace(again, version=1, created=NOW)


@pytest.mark.parametrize("runs", ["move", "end"])
@pytest.mark.parametrize("status", ["active", "paused"])
async def test_an_equal_document_tells_runs_in_flight_what_to_do(store: Store, owner: Owner, status: str, runs: str) -> None:
    await store.publish(version(), "Cart", [])
    await store.set_workflow_status(SITE, "cart", "active", status, NOW + 1, [])
    row = await store.publish(version(), "Cart", [change("publish", runs=runs)])
    assert (row.version, row.status) == (1, status)
    assert await told(owner) == [WorkflowChange("cart", "publish", 1, runs)]


async def test_who_is_slower_changes_no_status(store: Store, owner: Owner) -> None:
    await store.publish(version(), "Cart", [])
    await store.set_workflow_status(SITE, "cart", "active", "archived", NOW + 1, [])
    with pytest.raises(Changed):
        await store.set_workflow_status(SITE, "cart", "active", "paused", NOW + 2, [change("pause")])
    assert [row.status for row in (await store.configuration()).workflows] == ["archived"]
    assert await told(owner) == []
    with pytest.raises(NotFound):
        await store.set_workflow_status(SITE, "unknown", "active", "paused", NOW + 2, [change("pause")])


@pytest.mark.parametrize("status", ["active", "draining", "paused", "archived"])
async def test_a_workflow_takes_any_status(store: Store, owner: Owner, status: str) -> None:
    await store.publish(version(), "Cart", [])
    assert await store.set_workflow_status(SITE, "cart", "active", status, NOW + 1, [change("x")]) == WorkflowRow(
        SITE, "cart", "Cart", 1, status, NOW + 1
    )
    assert len(await told(owner)) == 1


async def test_what_cannot_be_told_to_the_engines_is_not_published(store: Store, owner: Owner) -> None:
    await store.save_draft(draft(SOURCE), "Cart")
    before = await store.configuration()
    with pytest.raises(StoreError):
        await store.publish(version(), "Cart", [change("publish"), unstorable()])
    with pytest.raises(StoreError):
        await store.set_workflow_status(SITE, "cart", "active", "archived", NOW, [change("archive"), unstorable()])
    assert await store.configuration() == before
    assert await store.draft(SITE, "cart") == draft(SOURCE)
    assert await owner.waiting() == []
    with pytest.raises(NotFound):
        await store.workflow_version(SITE, "cart", 1)


# -- runs ----------------------------------------------------------------------------------------------------------------


async def test_runs_in_flight_are_counted_by_version_and_step(store: Store, owner: Owner) -> None:
    await owner.commit(
        runs=[
            run("a"),
            run("b", held=True),
            run("c", step="remind"),
            run("d", version=2),
            run("begun", version=2, step=None),
            run("ended", status="completed"),
            run("other", workflow="welcome"),
            run("elsewhere", site=2),
        ]
    )
    assert await store.run_counts(SITE, "cart") == [
        RunCount(1, "hour", 2),
        RunCount(1, "remind", 1),
        RunCount(2, "", 1),
        RunCount(2, "hour", 1),
    ]
    assert await store.run_counts(SITE, "none") == []


async def test_runs_behind_a_version_are_those_that_wait_in_earlier_ones(store: Store, owner: Owner) -> None:
    first, held = run("first", goal_until=NOW), run("held", version=2, held=True)
    await owner.commit(
        runs=[first, held, run("new", version=3), run("ended", status="exited"), run("other", workflow="welcome"), run("elsewhere", site=2)]
    )

    async def behind(version: int, limit: int = 10) -> list[str]:
        return [one.id for one in await store.runs_behind(0, SITE, "cart", version, limit)]

    assert await store.runs_behind(0, SITE, "cart", 3, 10) == [first, held]
    assert await behind(2) == [first.id]
    assert await behind(1) == []
    assert await behind(3, 1) == [first.id]
    await owner.commit(runs=[msgspec.structs.replace(first, version=3)])
    assert await behind(3) == [held.id]


async def test_of_broadcasts_the_configuration_has_those_only_that_do_not_go_on(store: Store) -> None:
    """There are ever more of them; a slug that looks alike is any workflow's."""
    slugs = [f"broadcast-{number:016x}" for number in range(4)]
    alike = ["broadcast-news", f"broadcast-{'g' * 16}", f"broadcast-{'0' * 17}"]
    for number, slug in enumerate((*slugs, *alike)):
        await store.publish(version(workflow=slug, created=NOW + number // 2), "Sale", [])
    generation = (await store.configuration()).generation
    assert [row.workflow for row in (await store.configuration()).workflows] == sorted(alike)
    await store.publish(version(workflow=f"broadcast-{'f' * 16}", created=NOW - 1), "Sale", [])
    assert (await store.configuration()).generation == generation, "nobody has to know"

    newest = [slugs[2], slugs[3], slugs[0], slugs[1], f"broadcast-{'f' * 16}"]
    whole = await store.broadcasts(SITE, None, 10)
    assert [row.workflow for row in whole] == newest
    assert await store.broadcasts(SITE + 1, None, 10) == []
    pages, after = [], None
    while page := await store.broadcasts(SITE, after, 2):
        pages.append(page)
        after = page[-1].changed, page[-1].workflow
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [row for page in pages for row in page] == whole

    assert await store.workflow(SITE, slugs[0]) == whole[2]
    assert (await store.workflow(SITE, "broadcast-news")).status == "active"
    for site, slug in ((SITE, "nothing"), (SITE + 1, slugs[0])):
        with pytest.raises(NotFound):
            await store.workflow(site, slug)

    for slug, before, after_that in ((slugs[0], "active", "paused"), (slugs[1], "active", "archived")):
        await store.set_workflow_status(SITE, slug, before, after_that, NOW + 9, [])
    found = await store.configuration()
    assert found.generation > generation
    told_of = {row.workflow: row.status for row in found.workflows if row.workflow not in alike}
    assert told_of == {slugs[0]: "paused", slugs[1]: "archived"}
    await store.set_workflow_status(SITE, slugs[0], "paused", "active", NOW + 10, [])
    assert slugs[0] not in [row.workflow for row in (await store.configuration()).workflows]
