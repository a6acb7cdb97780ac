"""Runs: found in their own site only; stop, retry and move go to the engine, or are refused with a reason."""

from typing import Any

import msgspec
import pytest
from tests.control.documents import DOCUMENT, NOW, inbox, new_id
from tests.store.builders import Owner, delivery, run

from clarion.control.errors import Conflict, Invalid
from clarion.control.run_views import listed_run_view, whole_run_view
from clarion.control.runs import LONGEST_REASON, change_run, find_run, list_runs, operator_entry
from clarion.control.sites import create_site
from clarion.control.workflows import change_status, publish_workflow
from clarion.domain.ids import digest, partition_of
from clarion.store.port import NotFound, Store
from clarion.store.records.bodies import RunChange
from clarion.store.records.entries import EntryKind
from clarion.store.records.runs import RunRow
from clarion.store.records.sites import Site
from clarion.vault import Vault


async def put(store: Store, site: Site, **fields: Any) -> RunRow:
    """A run of version 1 of a workflow that has two versions; the second has no step `day`."""
    await publish_workflow(store, site, DOCUMENT, NOW, new_id)
    await publish_workflow(store, site, DOCUMENT.replace("id: day", "id: tomorrow"), NOW, new_id)
    row = run("a", workflow="reminder", **fields)
    await (await Owner.of(store)).commit(runs=[row])
    return row


async def told(store: Store) -> list[RunChange]:
    return [msgspec.json.decode(entry.body, type=RunChange) for entry in await inbox(store, EntryKind.RUN)]


async def change(store: Store, site: Site, row: RunRow, what: str, **more: str) -> RunRow:
    return await change_run(store, site, row.id, what, NOW, new_id, **more)


async def test_a_run_in_flight_is_stopped(store: Store, shop: Site) -> None:
    row = await put(store, shop)
    assert await change(store, shop, row, "stop") == row
    await change(store, shop, row, "stop", reason=" asked for by the customer ")
    assert await told(store) == [
        RunChange(row.id, "reminder", "stop", profile=row.profile),
        RunChange(row.id, "reminder", "stop", reason="asked for by the customer", profile=row.profile),
    ]


async def test_a_failed_run_is_retried(store: Store, shop: Site) -> None:
    row = await put(store, shop, status="failed", due=None, ended=NOW, reason="step hour: no")
    await change(store, shop, row, "retry")
    assert await told(store) == [RunChange(row.id, "reminder", "retry", profile=row.profile)]


async def test_a_run_in_flight_is_moved(store: Store, shop: Site) -> None:
    row = await put(store, shop)
    await change(store, shop, row, "move")
    await change(store, shop, row, "move", step="tomorrow")
    assert await told(store) == [
        RunChange(row.id, "reminder", "move", profile=row.profile),
        RunChange(row.id, "reminder", "move", "tomorrow", profile=row.profile),
    ]


@pytest.mark.parametrize(
    ("fields", "what", "more", "message"),
    [
        ({"status": "completed", "due": None, "ended": NOW}, "stop", {}, "has completed: only a run in flight can be stopped"),
        (
            {"status": "exited", "due": None, "ended": NOW, "reason": "audience"},
            "move",
            {},
            r"has exited \(audience\): only a run in flight",
        ),
        ({}, "retry", {}, "is in flight: only a failed run can be retried"),
        ({"status": "completed", "due": None, "ended": NOW}, "retry", {}, "has completed: only a failed run can be retried"),
        ({"status": "failed", "step": None, "due": None, "ended": NOW}, "retry", {}, "only a failed run can be retried"),
        ({"version": 2}, "move", {}, "is on version 2, the current one — name the step"),
        ({"step": "day"}, "move", {}, "day, is not in version 2 — name another with --step"),
    ],
)
async def test_what_cannot_be_done_is_refused(
    store: Store, shop: Site, fields: dict[str, Any], what: str, more: dict[str, str], message: str
) -> None:
    row = await put(store, shop, **fields)
    with pytest.raises(Conflict, match=message):
        await change(store, shop, row, what, **more)
    assert await told(store) == []


async def test_a_run_on_the_current_version_can_be_sent_to_a_step(store: Store, shop: Site) -> None:
    row = await put(store, shop, version=2)
    await change(store, shop, row, "move", step="tomorrow")
    assert len(await told(store)) == 1


@pytest.mark.parametrize(
    ("what", "more", "path"),
    [
        ("move", {"step": "day"}, "step"),
        ("move", {"step": ""}, "step"),
        ("stop", {"step": "hour"}, "step"),
        ("retry", {"step": "hour"}, "step"),
        ("stop", {"reason": " "}, "reason"),
        ("stop", {"reason": "a\x1b"}, "reason"),
        ("stop", {"reason": "x" * (LONGEST_REASON + 1)}, "reason"),
    ],
)
async def test_arguments_that_cannot_be_taken(store: Store, shop: Site, what: str, more: dict[str, str], path: str) -> None:
    row = await put(store, shop)
    with pytest.raises(Invalid) as refused:
        await change(store, shop, row, what, **more)
    assert refused.value.path == path
    assert await told(store) == []


async def test_a_reason_may_have_200_characters(store: Store, shop: Site) -> None:
    row = await put(store, shop)
    await change(store, shop, row, "stop", reason="x" * LONGEST_REASON)
    assert len(await told(store)) == 1


@pytest.mark.parametrize(("what", "fields"), [("move", {}), ("retry", {"status": "failed", "due": None, "ended": NOW})])
async def test_nothing_goes_on_in_an_archived_workflow(store: Store, shop: Site, what: str, fields: dict[str, Any]) -> None:
    row = await put(store, shop, **fields)
    await change_status(store, shop, "reminder", "archive", NOW, new_id)
    with pytest.raises(Conflict, match="reminder is archived"):
        await change(store, shop, row, what)


async def test_runs_are_found_in_their_own_site(store: Store, shop: Site) -> None:
    row = await put(store, shop)
    other = await create_site(store, Vault(bytes(32)), "Other", "mailto:ops@shop.example", NOW)
    assert await find_run(store, shop, row.id) == row
    for site, id in ((other, row.id), (shop, "missing")):
        with pytest.raises(NotFound, match=f"there is no run {id} — see: clarion runs list"):
            await find_run(store, site, id)
    with pytest.raises(NotFound):
        await change(store, other, row, "stop")


async def test_runs_are_listed(store: Store, shop: Site) -> None:
    row = await put(store, shop)
    ended = run("b", workflow="reminder", status="completed", due=None, started=NOW + 1, ended=NOW + 1)
    await (await Owner.of(store)).commit(runs=[ended])
    assert [one.id for one in await list_runs(store, shop, None, None, 10)] == [ended.id, row.id]
    assert [one.id for one in await list_runs(store, shop, "reminder", "waiting", 10)] == [row.id]
    assert [one.id for one in await list_runs(store, shop, "reminder", None, 1)] == [ended.id]
    with pytest.raises(Invalid, match="status must be one of waiting, completed, exited, failed"):
        await list_runs(store, shop, None, "running", 10)
    with pytest.raises(NotFound, match="there is no workflow missing"):
        await list_runs(store, shop, "missing", None, 10)


async def test_a_run_is_shown_with_its_start_and_its_deliveries(store: Store, shop: Site) -> None:
    state = b'{"entry":{"id":"e1","name":"add_to_cart","data":{"price":5}},"since":7,"paths":{"half":"a"},"steps":{"call":{"status":200}}}'
    row = await put(store, shop, state=msgspec.Raw(state), profile="a:browser")
    await (await Owner.of(store)).commit(deliveries=[delivery("d", run=row.id)])
    view = whole_run_view(await find_run(store, shop, row.id), await store.deliveries(shop.id, row.id, 10))
    assert view["entry"] == {"event_id": "e1", "event_name": "add_to_cart", "data": {"price": 5}}
    assert (view["since"], view["paths"], view["steps"]) == (7, {"half": "a"}, {"call": {"status": 200}})
    assert (view["profile_id"], view["device_token_hash"]) == (None, "browser")
    assert [one["delivery_id"] for one in view["deliveries"]] == [digest("d")]
    assert listed_run_view(run("x"))["profile_id"] == "ann"


def test_an_operators_entry_goes_to_the_runs_partition() -> None:
    for profile in ("n:ann", "a:browser"):
        entry = operator_entry(run("x", profile=profile), RunChange("x", "cart", "stop"), NOW, new_id, 256)
        assert entry.partition == partition_of(1, profile[2:], 256)
        assert msgspec.json.decode(entry.body, type=RunChange).profile == profile
