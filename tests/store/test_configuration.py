"""Sites, keys, secrets, workflows: kept, versioned, and told to the engines in the same commit."""

from typing import Any

import msgspec
import pytest
from tests.store.builders import NOW, SITE, Owner

from clarion.domain.records import FrequencyCap
from clarion.store.port import NotFound, Store, StoreError
from clarion.store.records.bodies import SiteChange, WorkflowChange
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.sites import ApiKey, Secret, Site
from clarion.store.records.workflows import WorkflowRow, WorkflowVersion


def site(app_id: str = "app", **fields: Any) -> Site:
    known: dict[str, Any] = {"vapid_subject": "mailto:shop@example.com", "webhook_secret_sealed": b"\xff", "created": NOW}
    return Site(0, "Shop", app_id, "public", b"\x00sealed", **{**known, **fields})


def key(hash_: bytes = b"\x01" * 32, **fields: Any) -> ApiKey:
    return ApiKey(0, SITE, "server", hash_, "ck_abc", ("events", "read"), NOW, **fields)


def version(document: bytes = b'{"workflow":"cart"}', created: int = NOW, workflow: str = "cart") -> WorkflowVersion:
    return WorkflowVersion(SITE, workflow, 0, msgspec.Raw(document), "workflow: cart\n", created)


def change(what: str, workflow: str = "cart", runs: str = "keep") -> NewEntry:
    body = msgspec.json.encode(WorkflowChange(workflow, what, runs=runs))
    return NewEntry(EntryKind.WORKFLOW, SITE, f"change {what}", body, NOW)


def site_change(timezone: str = "Asia/Tokyo", **fields: Any) -> NewEntry:
    known: dict[str, Any] = {"site": SITE, "received": NOW}
    return NewEntry(EntryKind.SITE, id=f"site {timezone}", body=msgspec.json.encode(SiteChange(timezone)), **{**known, **fields})


async def test_a_new_database_is_empty(store: Store) -> None:
    found = await store.configuration()
    assert (found.sites, found.keys, found.workflows, found.secrets) == ([], [], [], [])


async def test_sites_and_keys_get_their_ids_and_are_read_as_they_were_kept(store: Store) -> None:
    sites = [await store.create_site(site("one", timezone="Europe/Lisbon")), await store.create_site(site("two"))]
    keys = [await store.create_key(key()), await store.create_key(key(b"\x02" * 32))]
    found = await store.configuration()
    assert (found.sites, found.keys) == (sites, keys)
    assert len({one.id for one in sites}) == len({one.id for one in keys}) == 2
    assert msgspec.structs.replace(sites[0], id=0) == site("one", timezone="Europe/Lisbon")
    assert msgspec.structs.replace(keys[1], id=0) == key(b"\x02" * 32)


async def test_a_sites_settings_change_and_the_engines_are_told(store: Store, owner: Owner) -> None:
    cap = FrequencyCap(3, 86_400_000_000)
    made, other = await store.create_site(site(frequency_cap=cap)), await store.create_site(site("other"))
    assert (await store.configuration()).sites == [made, other]
    assert made.frequency_cap == cap
    wanted = msgspec.structs.replace(
        made, name="Renamed", timezone="Asia/Tokyo", frequency_cap=FrequencyCap(1, 60_000_000), vapid_subject="mailto:new@example.com"
    )
    fixed = msgspec.structs.replace(wanted, app_id="another", vapid_private_sealed=b"other", created=NOW + 1)
    assert await store.update_site(fixed, [site_change(site=made.id)]) == wanted
    assert (await store.configuration()).sites == [wanted, other]
    assert [(one.kind, one.site, msgspec.json.decode(one.body, type=SiteChange)) for one in await owner.waiting()] == [
        (EntryKind.SITE, made.id, SiteChange("Asia/Tokyo"))
    ]
    uncapped = msgspec.structs.replace(wanted, frequency_cap=None)
    assert await store.update_site(uncapped, []) == uncapped


async def test_a_change_that_the_engines_cannot_be_told_of_is_none(store: Store, owner: Owner) -> None:
    made = await store.create_site(site())
    before = await store.configuration()
    with pytest.raises(StoreError):
        await store.update_site(msgspec.structs.replace(made, name="Renamed"), [site_change(), site_change(received=2**63)])
    with pytest.raises(NotFound):
        await store.update_site(msgspec.structs.replace(made, id=made.id + 1), [site_change()])
    assert await store.configuration() == before
    assert await owner.waiting() == []


async def test_a_secret_is_kept_replaced_and_forgotten(store: Store) -> None:
    first, second, elsewhere = Secret(SITE, "TOKEN", b"\x00sealed", NOW), Secret(SITE, "OTHER", b"", NOW), Secret(2, "TOKEN", b"2", NOW)
    for one in (first, second, elsewhere):
        await store.put_secret(one)
    assert (await store.configuration()).secrets == [second, first, elsewhere]
    again = Secret(SITE, "TOKEN", b"\xff", NOW + 1)
    await store.put_secret(again)
    await store.delete_secret(SITE, "OTHER")
    assert (await store.configuration()).secrets == [again, elsewhere]
    for missing in ("OTHER", "never"):
        with pytest.raises(NotFound):
            await store.delete_secret(SITE, missing)


async def test_an_app_id_and_a_keys_hash_are_unique(store: Store) -> None:
    await store.create_site(site())
    await store.create_key(key())
    generation = (await store.configuration()).generation
    with pytest.raises(StoreError):
        await store.create_site(site())
    with pytest.raises(StoreError):
        await store.create_key(key())
    found = await store.configuration()
    assert (len(found.sites), len(found.keys), found.generation) == (1, 1, generation)


async def test_a_key_is_revoked_once_and_for_all(store: Store) -> None:
    made = await store.create_key(key())
    assert (await store.revoke_key(SITE, made.id, NOW + 1)).revoked == NOW + 1
    assert (await store.revoke_key(SITE, made.id, NOW + 2)).revoked == NOW + 1
    for site_, key_ in ((SITE + 1, made.id), (SITE, made.id + 1)):
        with pytest.raises(NotFound):
            await store.revoke_key(site_, key_, NOW)


async def test_a_keys_last_use_only_grows(store: Store) -> None:
    first, second = await store.create_key(key()), await store.create_key(key(b"\x02" * 32))
    await store.touch_keys([(first.id, NOW + 5), (first.id, NOW + 3), (999, NOW)])
    await store.touch_keys([(first.id, NOW + 4), (second.id, NOW + 1)])
    assert [one.last_used for one in (await store.configuration()).keys] == [NOW + 5, NOW + 1]
    await store.touch_keys([])


async def test_every_change_makes_a_new_generation(store: Store) -> None:
    seen = [(await store.configuration()).generation]

    async def grew() -> bool:
        seen.append((await store.configuration()).generation)
        return seen[-1] > seen[-2]

    made_site = await store.create_site(site())
    assert await grew()
    await store.update_site(made_site, [])
    assert await grew()
    await store.put_secret(Secret(SITE, "TOKEN", b"sealed", NOW))
    assert await grew()
    await store.delete_secret(SITE, "TOKEN")
    assert await grew()
    made = await store.create_key(key())
    assert await grew()
    await store.revoke_key(SITE, made.id, NOW)
    assert await grew()
    await store.publish(version(), "Cart", [change("publish")])
    assert await grew()
    await store.set_workflow_status(SITE, "cart", "active", "paused", NOW, [change("pause")])
    assert await grew()


async def test_publishing_numbers_versions_and_tells_the_engines(store: Store, owner: Owner) -> None:
    assert await store.publish(version(), "Cart", [change("publish")]) == WorkflowRow(SITE, "cart", "Cart", 1, "active", NOW)
    second = version(b'{"workflow":"cart","steps":[]}', NOW + 1)
    assert await store.publish(second, "The cart", [change("publish")]) == WorkflowRow(SITE, "cart", "The cart", 2, "active", NOW + 1)
    assert (await store.configuration()).workflows == [WorkflowRow(SITE, "cart", "The cart", 2, "active", NOW + 1)]
    told = [msgspec.json.decode(one.body, type=WorkflowChange) for one in await owner.waiting()]
    assert told == [WorkflowChange("cart", "publish", 1), WorkflowChange("cart", "publish", 2)]
    kept = await store.workflow_version(SITE, "cart", 1)
    assert (kept.version, bytes(kept.document), kept.source, kept.created) == (1, b'{"workflow":"cart"}', "workflow: cart\n", NOW)
    assert bytes((await store.workflow_version(SITE, "cart", 2)).document) == b'{"workflow":"cart","steps":[]}'


async def test_an_equal_document_publishes_nothing(store: Store, owner: Owner) -> None:
    first = await store.publish(version(), "Cart", [change("publish")])
    assert await store.publish(version(created=NOW + 1), "Renamed", [change("publish")]) == first
    assert len(await owner.waiting()) == 1
    await store.publish(version(b'{"workflow":"cart","name":"x"}'), "Cart", [])
    assert (await store.publish(version(), "Cart", [])).version == 3


async def test_a_paused_workflow_stays_paused_when_it_is_published(store: Store, owner: Owner) -> None:
    await store.publish(version(), "Cart", [])
    paused = await store.set_workflow_status(SITE, "cart", "active", "paused", NOW + 1, [change("pause")])
    assert paused == WorkflowRow(SITE, "cart", "Cart", 1, "paused", NOW + 1)
    assert (await store.publish(version(b"{}"), "Cart", [])).status == "paused"
    assert (await store.set_workflow_status(SITE, "cart", "paused", "active", NOW + 2, [change("resume")])).status == "active"
    assert [msgspec.json.decode(one.body, type=WorkflowChange).change for one in await owner.waiting()] == ["pause", "resume"]


async def test_workflows_of_two_sites_are_two(store: Store) -> None:
    await store.publish(version(), "Cart", [])
    other = msgspec.structs.replace(version(), site=2)
    assert (await store.publish(other, "Cart", [])).version == 1
    assert len((await store.configuration()).workflows) == 2


async def test_what_is_not_there_cannot_be_changed_or_read(store: Store, owner: Owner) -> None:
    with pytest.raises(NotFound):
        await store.set_workflow_status(SITE, "cart", "active", "paused", NOW, [change("pause")])
    with pytest.raises(NotFound):
        await store.workflow_version(SITE, "cart", 1)
    assert await owner.waiting() == []
