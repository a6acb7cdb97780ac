"""Publishing, pausing and resuming workflows."""

import itertools

import msgspec
import pytest

from clarion.control.errors import Invalid
from clarion.control.sites import create_site
from clarion.control.workflows import change_status, find_workflow, publish_workflow, read_skip_older_than
from clarion.store.port import NotFound, Store
from clarion.store.records.bodies import WorkflowChange
from clarion.store.records.entries import Entry, EntryKind
from clarion.store.records.sites import Site
from clarion.vault import Vault
from clarion.workflow.source import DocumentInvalid

NOW = 1_790_000_000_000_000
HOUR = 3_600_000_000
DOCUMENT = """
workflow: reminder
name: Reminder
start: {on: [{event: add_to_cart}]}
steps:
  - {id: hour, wait: {for: 1h}}
"""

_ids = itertools.count()


def new_id() -> str:
    return f"{next(_ids):032x}"


@pytest.fixture
async def site(store: Store) -> Site:
    return await create_site(store, Vault(bytes(32)), "Shop", "mailto:ops@shop.example", NOW)


async def inbox(store: Store) -> list[Entry]:
    """What tells the engine about workflows."""
    return [entry for entry in (await store.take(0, 100, 0, 0)).entries if entry.kind is EntryKind.WORKFLOW]


def changes(entries: list[Entry]) -> list[WorkflowChange]:
    return [msgspec.json.decode(entry.body, type=WorkflowChange) for entry in entries]


async def test_publishing_makes_a_version_and_tells_the_engine(store: Store, site: Site) -> None:
    row, created = await publish_workflow(store, site, DOCUMENT, NOW, new_id)
    assert created
    assert (row.site, row.workflow, row.name, row.version, row.status, row.changed) == (site.id, "reminder", "Reminder", 1, "active", NOW)
    version = await store.workflow_version(site.id, "reminder", 1)
    assert version.source == DOCUMENT
    assert msgspec.json.decode(version.document)["workflow"] == "reminder"
    assert changes(await inbox(store)) == [WorkflowChange("reminder", "publish", 1)]


async def test_publishing_the_same_again_changes_nothing(store: Store, site: Site) -> None:
    first, _ = await publish_workflow(store, site, DOCUMENT, NOW, new_id)
    reformatted = "# a comment\n" + DOCUMENT.replace("name: Reminder", "name: 'Reminder'")
    assert await publish_workflow(store, site, reformatted, NOW + 1, new_id) == (first, False)
    assert len(await inbox(store)) == 1


async def test_publishing_a_change_makes_the_next_version(store: Store, site: Site) -> None:
    await publish_workflow(store, site, DOCUMENT, NOW, new_id)
    row, created = await publish_workflow(store, site, DOCUMENT.replace("1h", "2h"), NOW + 1, new_id)
    assert (row.version, created) == (2, True)
    assert changes(await inbox(store))[-1] == WorkflowChange("reminder", "publish", 2)


async def test_an_invalid_document_is_refused_whole(store: Store, site: Site) -> None:
    with pytest.raises(DocumentInvalid) as refused:
        await publish_workflow(store, site, DOCUMENT.replace("wait", "wiat").replace("start", "stat"), NOW, new_id)
    assert len(refused.value.problems) > 1
    assert all(problem.line for problem in refused.value.problems)
    assert (await store.configuration()).workflows == []
    assert await inbox(store) == []


async def test_pausing_and_resuming_tell_the_engine_once(store: Store, site: Site) -> None:
    await publish_workflow(store, site, DOCUMENT, NOW, new_id)
    paused = await change_status(store, site, "reminder", "pause", NOW + 1, new_id)
    assert (paused.status, paused.changed) == ("paused", NOW + 1)
    assert await change_status(store, site, "reminder", "pause", NOW + 2, new_id) == paused
    resumed = await change_status(store, site, "reminder", "resume", NOW + 3, new_id)
    assert (resumed.status, resumed.changed) == ("active", NOW + 3)
    assert await change_status(store, site, "reminder", "resume", NOW + 4, new_id) == resumed
    said = changes(await inbox(store))[1:]
    assert [change.change for change in said] == ["pause", "resume"]
    assert said[1].skip_older_than == 24 * HOUR


async def test_resuming_may_say_what_is_stale(store: Store, site: Site) -> None:
    await publish_workflow(store, site, DOCUMENT, NOW, new_id)
    await change_status(store, site, "reminder", "pause", NOW, new_id)
    await change_status(store, site, "reminder", "resume", NOW, new_id, skip_older_than=HOUR)
    assert changes(await inbox(store))[-1].skip_older_than == HOUR


async def test_a_paused_workflow_stays_paused_when_it_is_published(store: Store, site: Site) -> None:
    await publish_workflow(store, site, DOCUMENT, NOW, new_id)
    await change_status(store, site, "reminder", "pause", NOW, new_id)
    row, created = await publish_workflow(store, site, DOCUMENT.replace("1h", "2h"), NOW, new_id)
    assert (row.version, row.status, created) == (2, "paused", True)


async def test_an_unknown_workflow_is_named(store: Store, site: Site) -> None:
    for change in ("pause", "resume"):
        with pytest.raises(NotFound, match="there is no workflow missing — see: clarion workflows list"):
            await change_status(store, site, "missing", change, NOW, new_id)


async def test_another_site_does_not_have_it(store: Store, site: Site) -> None:
    await publish_workflow(store, site, DOCUMENT, NOW, new_id)
    other = await create_site(store, Vault(bytes(32)), "Other", "mailto:ops@shop.example", NOW)
    with pytest.raises(NotFound):
        await find_workflow(store, other, "reminder")
    row, created = await publish_workflow(store, other, DOCUMENT, NOW, new_id)
    assert (row.site, row.version, created) == (other.id, 1, True)


def test_durations_are_read() -> None:
    assert read_skip_older_than("24h") == 24 * HOUR
    assert read_skip_older_than("1d12h") == 36 * HOUR
    for text in ("", "soon", "24", "-1h", "99999d"):
        with pytest.raises(Invalid, match="skip_older_than ") as refused:
            read_skip_older_than(text)
        assert refused.value.path == "skip_older_than"
