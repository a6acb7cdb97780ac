"""Which statuses lead to which, what the engine is told, and what is said where no way leads."""

import asyncio
import itertools

import pytest
from tests.control.documents import DOCUMENT, HOUR, NOW, changes, new_id

from clarion.control.drafts import discard_draft, publish_draft, read_here, save_draft
from clarion.control.errors import Conflict, Invalid
from clarion.control.workflows import TRANSITIONS, change_status, find_workflow, publish_document, publish_workflow
from clarion.store.port import Changed, NotFound, Store
from clarion.store.records.bodies import WorkflowChange
from clarion.store.records.sites import Site
from clarion.workflow.source import DocumentInvalid, read_document

WAYS: dict[str, tuple[str, ...]] = {"active": (), "paused": ("pause",), "draining": ("drain",), "archived": ("archive",)}
ALLOWED = {
    ("active", "pause"): "paused",
    ("active", "drain"): "draining",
    ("active", "archive"): "archived",
    ("paused", "resume"): "active",
    ("paused", "drain"): "draining",
    ("paused", "archive"): "archived",
    ("draining", "activate"): "active",
    ("draining", "archive"): "archived",
}
ALREADY = {("active", "resume"), ("active", "activate"), ("paused", "pause"), ("draining", "drain"), ("archived", "archive")}


async def put(store: Store, site: Site, status: str) -> None:
    """A workflow with a status."""
    await publish_workflow(store, site, DOCUMENT, NOW, new_id)
    for change in WAYS[status]:
        await change_status(store, site, "reminder", change, NOW, new_id)


@pytest.mark.parametrize(("status", "change"), list(itertools.product(WAYS, TRANSITIONS)))
async def test_every_change_of_every_status(store: Store, shop: Site, status: str, change: str) -> None:
    await put(store, shop, status)
    before = await changes(store)
    if (status, change) in ALLOWED:
        row = await change_status(store, shop, "reminder", change, NOW + 1, new_id)
        assert (row.status, row.changed, row.version) == (ALLOWED[status, change], NOW + 1, 1)
        assert len(await changes(store)) == len(before) + 1
        return
    if (status, change) in ALREADY:
        assert (await change_status(store, shop, "reminder", change, NOW + 1, new_id)).changed == NOW
    else:
        with pytest.raises(Conflict, match=f"reminder is {status} and cannot be .* — .*: clarion workflows .* reminder"):
            await change_status(store, shop, "reminder", change, NOW + 1, new_id)
    assert (await find_workflow(store, shop, "reminder")).status == status
    assert await changes(store) == before


@pytest.mark.parametrize("order", [("archive", "resume"), ("resume", "archive")])
async def test_of_two_changes_at_once_the_second_finds_what_the_first_made(store: Store, shop: Site, order: tuple[str, str]) -> None:
    await put(store, shop, "paused")
    done = await asyncio.gather(*(change_status(store, shop, "reminder", one, NOW, new_id) for one in order), return_exceptions=True)
    assert (await find_workflow(store, shop, "reminder")).status == "archived"
    refused = [one for one in done if isinstance(one, BaseException)]
    told = [one.change for one in await changes(store)][2:]
    if order[0] == "archive":
        assert [str(one) for one in refused if isinstance(one, Conflict)] == [
            "reminder is archived and cannot be resumed — publish it to make it active again: clarion workflows publish reminder"
        ]
        assert told == ["archive"]
    else:
        assert (refused, told) == ([], ["resume", "archive"])


async def test_a_change_that_is_overtaken_again_and_again_is_given_up(store: Store, shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await put(store, shop, "active")

    async def overtaken(*_: object) -> None:
        raise Changed

    monkeypatch.setattr(store, "set_workflow_status", overtaken)
    with pytest.raises(Conflict, match="reminder is being changed by somebody else"):
        await change_status(store, shop, "reminder", "pause", NOW, new_id)


@pytest.mark.parametrize(
    ("status", "change", "entry", "skip"),
    [
        ("paused", "resume", "resume", 24 * HOUR),
        ("paused", "drain", "drain", 24 * HOUR),
        ("paused", "archive", "archive", 0),
        ("draining", "activate", "resume", None),
        ("active", "drain", "drain", None),
        ("active", "archive", "archive", None),
    ],
)
async def test_what_the_engine_is_told(store: Store, shop: Site, status: str, change: str, entry: str, skip: int | None) -> None:
    await put(store, shop, status)
    await change_status(store, shop, "reminder", change, NOW, new_id)
    assert (await changes(store))[-1] == WorkflowChange("reminder", entry, skip_older_than=skip)


@pytest.mark.parametrize("change", TRANSITIONS)
async def test_a_draft_has_to_be_published_first(store: Store, shop: Site, change: str) -> None:
    await save_draft(store, shop, "reminder", DOCUMENT, NOW, read_here)
    with pytest.raises(Conflict, match=r"reminder is a draft and cannot be .* — publish it first: clarion workflows publish reminder"):
        await change_status(store, shop, "reminder", change, NOW, new_id)
    await discard_draft(store, shop, "reminder")
    with pytest.raises(NotFound):
        await change_status(store, shop, "reminder", change, NOW, new_id)


@pytest.mark.parametrize("status", ["draining", "archived"])
async def test_publishing_makes_it_active_again(store: Store, shop: Site, status: str) -> None:
    await put(store, shop, status)
    again = await publish_document(store, shop, read_document(DOCUMENT), DOCUMENT, NOW + 1, new_id, "move")
    assert (again.row.status, again.row.version, again.created, again.reactivated) == ("active", 1, False, True)
    assert (await changes(store))[-1] == WorkflowChange("reminder", "publish", 1, "move")


@pytest.mark.parametrize("status", ["draining", "archived"])
async def test_without_a_draft_it_is_published_as_it_was(store: Store, shop: Site, status: str) -> None:
    await put(store, shop, status)
    again = await publish_draft(store, shop, "reminder", NOW + 1, new_id, read_here)
    assert (again.row.status, again.row.version, again.reactivated) == ("active", 1, True)


@pytest.mark.parametrize("runs", ["keep", "move", "end"])
async def test_publishing_says_what_becomes_of_runs(store: Store, shop: Site, runs: str) -> None:
    published = await publish_document(store, shop, read_document(DOCUMENT), DOCUMENT, NOW, new_id, runs)
    assert (published.created, published.reactivated) == (True, False)
    assert [change.runs for change in await changes(store)] == [runs]


async def test_other_choices_and_slugs_are_refused(store: Store, shop: Site) -> None:
    with pytest.raises(Invalid, match="runs must be one of keep, move, end"):
        await publish_document(store, shop, read_document(DOCUMENT), DOCUMENT, NOW, new_id, "restart")
    text = DOCUMENT.replace("workflow: reminder", "workflow: plan")
    with pytest.raises(DocumentInvalid, match='neither "validate" nor "plan"'):
        await publish_workflow(store, shop, text, NOW, new_id)
    assert await changes(store) == []
