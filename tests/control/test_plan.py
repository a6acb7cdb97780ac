"""Plans: what differs, and how many runs each choice would touch."""

from typing import Any

from tests.control.documents import DOCUMENT, NOW, changes, new_id
from tests.store.builders import Owner, run

from clarion.control.drafts import read_here, save_draft
from clarion.control.plan import plan_document
from clarion.control.workflow_views import plan_view
from clarion.control.workflows import change_status, publish_document, publish_workflow
from clarion.store.port import Store
from clarion.store.records.bodies import WorkflowChange
from clarion.store.records.runs import RunRow
from clarion.store.records.sites import Site
from clarion.workflow.source import read_document


async def plan(store: Store, site: Site, text: str) -> dict[str, Any]:
    return plan_view(await plan_document(store, site, read_document(text)))


def standing(name: str, version: int, step: str, **fields: Any) -> RunRow:
    return run(name, workflow="reminder", version=version, step=step, **fields)


async def test_a_new_workflow_has_only_new_steps(store: Store, shop: Site) -> None:
    expected: dict[str, Any] = {
        "workflow": "reminder",
        "status": None,
        "version": 1,
        "unchanged": False,
        "parts": [],
        "steps": {"added": ["hour", "which", "day"], "removed": [], "changed": [], "reordered": False},
        "in_flight": 0,
        "runs": {"keep": {"finish": 0}, "move": {"go_on": 0, "exit": 0, "exit_by_step": {}}, "end": {"exit": 0}},
    }
    assert await plan(store, shop, DOCUMENT) == expected
    await save_draft(store, shop, "reminder", "half", NOW, read_here)
    assert await plan(store, shop, DOCUMENT) == expected | {"status": "draft"}
    assert await changes(store) == []


async def test_what_says_the_same_is_unchanged_and_touches_nothing(store: Store, shop: Site) -> None:
    await publish_workflow(store, shop, DOCUMENT, NOW, new_id)
    await (await Owner.of(store)).commit(runs=[standing("a", 1, "hour")])
    found = await plan(store, shop, f"# other words\n{DOCUMENT}")
    assert (found["unchanged"], found["version"], found["parts"], found["in_flight"]) == (True, 1, [], 1)
    assert found["steps"] == {"added": [], "removed": [], "changed": [], "reordered": False}
    assert found["runs"] == {"keep": {"finish": 0}, "move": {"go_on": 0, "exit": 0, "exit_by_step": {}}, "end": {"exit": 0}}


async def test_what_is_unchanged_still_moves_or_ends_runs_on_earlier_versions(store: Store, shop: Site) -> None:
    second = DOCUMENT.replace("1h", "2h")
    for text in (DOCUMENT, second):
        await publish_workflow(store, shop, text, NOW, new_id)
    await (await Owner.of(store)).commit(runs=[standing("a", 1, "hour"), standing("b", 2, "hour")])
    found = await plan(store, shop, second)
    assert (found["unchanged"], found["version"]) == (True, 2)
    assert found["runs"]["move"] == {"go_on": 1, "exit": 0, "exit_by_step": {}}
    published = await publish_document(store, shop, read_document(second), second, NOW, new_id, "move")
    assert (published.created, published.runs) == (False, "move")
    assert (await changes(store))[-1] == WorkflowChange("reminder", "publish", 2, "move")


async def test_steps_are_told_apart_by_id(store: Store, shop: Site) -> None:
    await publish_workflow(store, shop, DOCUMENT, NOW, new_id)
    text = """
workflow: reminder
name: Other
start: {on: [{event: add_to_cart}, {event: view}]}
steps:
  - id: which
    decide:
      cases:
        - when: {field: event.price, op: gt, value: 20}
          steps:
            - {id: day, wait: {for: 2d}}
            - {id: more, wait: {for: 1h}}
  - {id: hour, wait: {for: 1h}}
"""
    found = await plan(store, shop, text)
    assert (found["unchanged"], found["version"], found["parts"]) == (False, 2, ["name", "start"])
    assert found["steps"] == {"added": ["more"], "removed": [], "changed": ["day"], "reordered": True}


async def test_a_step_in_another_branch_has_changed(store: Store, shop: Site) -> None:
    await publish_workflow(store, shop, DOCUMENT, NOW, new_id)
    moved = DOCUMENT.replace("          steps:\n            - {id: day", "          steps: []\n      else:\n            - {id: day")
    found = await plan(store, shop, moved)
    assert found["steps"] == {"added": [], "removed": [], "changed": ["day"], "reordered": False}


async def test_counts_runs_by_version_and_step(store: Store, shop: Site) -> None:
    await publish_workflow(store, shop, DOCUMENT, NOW, new_id)
    await publish_workflow(store, shop, DOCUMENT.replace("1h", "2h"), NOW, new_id)
    runs = [
        *(standing(f"one {number}", 1, "hour") for number in range(3)),
        *(standing(f"two {number}", 2, "day") for number in range(2)),
        standing("gone", 1, "gone"),
        standing("ended", 1, "day", status="completed", due=None, ended=NOW),
        run("other", workflow="another", step="hour"),
    ]
    await (await Owner.of(store)).commit(runs=runs)
    found = await plan(store, shop, DOCUMENT.replace("id: day", "id: tomorrow"))
    assert (found["version"], found["in_flight"]) == (3, 6)
    assert found["steps"]["added"] == ["tomorrow"]
    assert found["steps"]["removed"] == ["day"]
    assert found["runs"] == {
        "keep": {"finish": 6},
        "move": {"go_on": 3, "exit": 3, "exit_by_step": {"day": 2, "gone": 1}},
        "end": {"exit": 6},
    }


async def test_what_is_drained_and_published_again_touches_older_versions_only(store: Store, shop: Site) -> None:
    await publish_workflow(store, shop, DOCUMENT, NOW, new_id)
    await publish_workflow(store, shop, DOCUMENT.replace("1h", "2h"), NOW, new_id)
    await (await Owner.of(store)).commit(runs=[standing("a", 1, "hour"), standing("b", 2, "hour")])
    await change_status(store, shop, "reminder", "drain", NOW, new_id)
    found = await plan(store, shop, DOCUMENT.replace("1h", "2h"))
    assert (found["unchanged"], found["version"], found["in_flight"]) == (True, 2, 2)
    assert found["runs"]["move"] == {"go_on": 1, "exit": 0, "exit_by_step": {}}
