"""Drafts: kept whatever they say, told what is wrong, published, discarded, duplicated."""

import msgspec
import pytest
from tests.control.documents import DOCUMENT, NOW, new_id

from clarion.control import drafts
from clarion.control.drafts import MOST_DRAFTS, discard_draft, publish_draft, read_here, save_draft, show_draft
from clarion.control.duplicate import duplicate_workflow, renamed
from clarion.control.errors import Conflict, Invalid
from clarion.control.sites import create_site
from clarion.control.workflow_views import draft_view
from clarion.control.workflows import find_workflow, list_workflows, publish_workflow
from clarion.store.port import NotFound, Store
from clarion.store.records.sites import Site
from clarion.vault import Vault
from clarion.workflow.source import LONGEST, DocumentInvalid, read_document

BROKEN = DOCUMENT.replace("wait:", "wiat:", 1)


async def test_a_valid_draft_has_a_document_and_no_problem(store: Store, shop: Site) -> None:
    view = draft_view(await save_draft(store, shop, "reminder", DOCUMENT, NOW, read_here))
    assert (view["workflow"], view["saved"], view["valid"], view["problems"], view["source"]) == ("reminder", NOW, True, [], DOCUMENT)
    assert view["document"] == read_document(DOCUMENT).value
    assert draft_view(await show_draft(store, shop, "reminder", read_here)) == view
    row = await find_workflow(store, shop, "reminder")
    assert (row.status, row.version, row.name) == ("draft", 0, "Reminder")


@pytest.mark.parametrize("text", [BROKEN, "", "{", "[]", "workflow: reminder\n", "\tnot yaml: [", "é" * 100])
async def test_a_draft_need_not_be_valid(store: Store, shop: Site, text: str) -> None:
    view = draft_view(await save_draft(store, shop, "reminder", text, NOW, read_here))
    assert (view["valid"], view["document"], view["source"]) == (False, None, text)
    assert view["problems"]
    assert (await find_workflow(store, shop, "reminder")).name == "reminder"
    with pytest.raises(DocumentInvalid):
        await publish_draft(store, shop, "reminder", NOW, new_id, read_here)
    assert (await find_workflow(store, shop, "reminder")).status == "draft"


async def test_a_problem_has_its_place(store: Store, shop: Site) -> None:
    [problem, *_] = draft_view(await save_draft(store, shop, "reminder", BROKEN, NOW, read_here))["problems"]
    assert (problem["path"][:2], problem["line"]) == (["steps", 0], 7)


async def test_a_draft_of_another_workflow_is_told_so(store: Store, shop: Site) -> None:
    view = draft_view(await save_draft(store, shop, "other", DOCUMENT, NOW, read_here))
    assert (view["valid"], view["document"]) == (False, None)
    [problem] = view["problems"]
    assert (problem["path"], problem["message"]) == (["workflow"], 'must be "other", the workflow that this is a draft of')
    with pytest.raises(DocumentInvalid, match='must be "other"'):
        await publish_draft(store, shop, "other", NOW, new_id, read_here)


@pytest.mark.parametrize(
    ("slug", "text", "path"),
    [
        ("", "x", "workflow"),
        ("A", "x", "workflow"),
        ("a" * 65, "x", "workflow"),
        ("validate", "x", "workflow"),
        ("plan", "x", "workflow"),
        ("a", "#" * (LONGEST + 1), "document"),
        ("a", "x\0", "document"),
        ("a", "x\ud800", "document"),
    ],
)
async def test_what_cannot_be_kept_is_refused(store: Store, shop: Site, slug: str, text: str, path: str) -> None:
    with pytest.raises(Invalid) as refused:
        await save_draft(store, shop, slug, text, NOW, read_here)
    assert refused.value.path == path
    assert await list_workflows(store, shop) == []


@pytest.mark.parametrize("slug", ["a", "a" * 64, "9-_"])
async def test_the_longest_text_and_slug_are_kept(store: Store, shop: Site, slug: str) -> None:
    assert (await save_draft(store, shop, slug, "#" * LONGEST, NOW, read_here)).draft.workflow == slug


async def test_a_site_has_so_many_drafts_and_no_more(store: Store, shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_DRAFTS == 1_000
    monkeypatch.setattr(drafts, "MOST_DRAFTS", 2)
    other = await create_site(store, Vault(bytes(32)), "Other", "mailto:ops@shop.example", NOW)
    for site, slug in ((other, "a"), (shop, "a"), (shop, "b"), (shop, "a")):
        await save_draft(store, site, slug, "x", NOW, read_here)
    with pytest.raises(Invalid, match="the site has 2 drafts already — publish or discard one"):
        await save_draft(store, shop, "c", "x", NOW, read_here)
    await discard_draft(store, shop, "b")
    await save_draft(store, shop, "c", "x", NOW, read_here)


async def test_a_comment_in_a_draft_is_kept_when_it_is_published(store: Store, shop: Site) -> None:
    await publish_workflow(store, shop, DOCUMENT, NOW, new_id)
    text = f"# why\n{DOCUMENT}"
    await save_draft(store, shop, "reminder", text, NOW + 1, read_here)
    published = await publish_draft(store, shop, "reminder", NOW + 2, new_id, read_here)
    assert (published.created, published.row.version, published.row.draft) == (False, 1, None)
    assert (await store.workflow_version(shop.id, "reminder", 1)).source == text


async def test_publishing_a_draft_ends_it(store: Store, shop: Site) -> None:
    await save_draft(store, shop, "reminder", DOCUMENT, NOW, read_here)
    published = await publish_draft(store, shop, "reminder", NOW + 1, new_id, read_here)
    assert (published.row.version, published.row.status, published.created) == (1, "active", True)
    assert (await find_workflow(store, shop, "reminder")).draft is None
    with pytest.raises(Conflict, match="reminder has no draft to publish — save one: clarion workflows draft FILE"):
        await publish_draft(store, shop, "reminder", NOW + 2, new_id, read_here)


async def test_an_active_workflow_can_have_a_draft(store: Store, shop: Site) -> None:
    await publish_workflow(store, shop, DOCUMENT, NOW, new_id)
    assert (await find_workflow(store, shop, "reminder")).draft is None
    await save_draft(store, shop, "reminder", DOCUMENT.replace("1h", "2h"), NOW + 1, read_here)
    row = await find_workflow(store, shop, "reminder")
    assert (row.status, row.version, row.draft) == ("active", 1, NOW + 1)
    await discard_draft(store, shop, "reminder")
    assert await find_workflow(store, shop, "reminder") == msgspec.structs.replace(row, draft=None)
    with pytest.raises(NotFound, match="reminder has no draft"):
        await show_draft(store, shop, "reminder", read_here)
    with pytest.raises(NotFound, match="reminder has no draft"):
        await discard_draft(store, shop, "reminder")


async def test_a_discarded_workflow_that_never_was_is_gone(store: Store, shop: Site) -> None:
    await save_draft(store, shop, "reminder", DOCUMENT, NOW, read_here)
    await discard_draft(store, shop, "reminder")
    assert await list_workflows(store, shop) == []
    with pytest.raises(NotFound, match="there is no workflow reminder"):
        await publish_draft(store, shop, "reminder", NOW, new_id, read_here)


async def test_another_site_sees_nothing_of_it(store: Store, shop: Site) -> None:
    await save_draft(store, shop, "reminder", DOCUMENT, NOW, read_here)
    other = await create_site(store, Vault(bytes(32)), "Other", "mailto:ops@shop.example", NOW)
    assert await list_workflows(store, other) == []
    with pytest.raises(NotFound):
        await show_draft(store, other, "reminder", read_here)
    with pytest.raises(NotFound):
        await discard_draft(store, other, "reminder")


async def test_a_duplicate_keeps_the_comments(store: Store, shop: Site) -> None:
    await publish_workflow(store, shop, DOCUMENT, NOW, new_id)
    await save_draft(store, shop, "reminder", "half", NOW, read_here)
    made = await duplicate_workflow(store, shop, "reminder", "second", NOW + 1, read_here)
    assert made.problems == []
    assert made.draft.source == DOCUMENT.replace("workflow: reminder", "workflow: second")
    assert (await find_workflow(store, shop, "second")).status == "draft"
    await publish_draft(store, shop, "second", NOW + 2, new_id, read_here)


async def test_a_draft_that_never_was_published_can_be_duplicated(store: Store, shop: Site) -> None:
    await save_draft(store, shop, "reminder", BROKEN, NOW, read_here)
    made = await duplicate_workflow(store, shop, "reminder", "second", NOW, read_here)
    assert made.draft.source == BROKEN.replace("workflow: reminder", "workflow: second")
    await save_draft(store, shop, "reminder", "{", NOW, read_here)
    with pytest.raises(Invalid, match="the document cannot be read: line"):
        await duplicate_workflow(store, shop, "reminder", "third", NOW, read_here)


async def test_a_duplicate_takes_no_others_place(store: Store, shop: Site) -> None:
    await publish_workflow(store, shop, DOCUMENT, NOW, new_id)
    await save_draft(store, shop, "draft", "x", NOW, read_here)
    for taken in ("reminder", "draft"):
        with pytest.raises(Conflict, match=f"there is a workflow {taken} already"):
            await duplicate_workflow(store, shop, "reminder", taken, NOW, read_here)
    with pytest.raises(Invalid, match="workflow must be lower-case"):
        await duplicate_workflow(store, shop, "reminder", "No Slug", NOW, read_here)
    with pytest.raises(NotFound, match="there is no workflow missing"):
        await duplicate_workflow(store, shop, "missing", "new", NOW, read_here)


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("workflow: old # why\nname: old\n", "workflow: new # why\nname: old\n"),
        ("name: old\r\nworkflow: 'old'\r\n", "name: old\r\nworkflow: 'new'\r\n"),
        ('{"name": "old", "workflow": "old"}', '{"name": "old", "workflow": "new"}'),
        ("name: ä\u2028b\nworkflow:\n  old\n", "name: ä\u2028b\nworkflow:\n  new\n"),
        ("name: old\n", "workflow: new\nname: old\n"),
    ],
)
def test_only_the_slug_is_written_anew(text: str, becomes: str) -> None:
    assert renamed(text, "new") == becomes


@pytest.mark.parametrize(
    "text", ['{"workflow": "\\u006fld", "n": 1}', '{"n": 1}', "workflow: [old]\nn: 1\n", '"workflow": "\\x6fld"\n"n": 1\n']
)
def test_a_slug_that_is_not_found_in_the_text_is_written_with_the_rest(text: str) -> None:
    assert msgspec.json.decode(renamed(text, "new")) == {"workflow": "new", "n": 1}


@pytest.mark.parametrize("text", ["[]", "old", "a: [", ""])
def test_what_is_no_document_has_no_slug(text: str) -> None:
    with pytest.raises(Invalid, match="correct it first"):
        renamed(text, "new")
