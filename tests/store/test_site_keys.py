"""Keys of a site that follow each other, its settings for browsers, and its segments."""

import msgspec
import pytest
from tests.store.builders import NOW, SITE, Owner
from tests.store.test_configuration import site

from clarion.store.port import Changed, NotFound, Store
from clarion.store.records.bodies import SegmentChange
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.segments import SegmentRow
from clarion.store.records.sites import SiteKey

OLD = {"field": "profile.age", "op": "gte", "value": 64.5}


def key(kind: str = "fcm", number: int = 0, site: int = SITE, **fields: object) -> SiteKey:
    return msgspec.structs.replace(SiteKey(site, kind, number, "project", b"\x00sealed", NOW), **fields)


def segment(slug: str = "vip", **fields: object) -> SegmentRow:
    return msgspec.structs.replace(SegmentRow(SITE, slug, "Very important", None, NOW, NOW), **fields)


def change(name: str, what: str = "define") -> NewEntry:
    body = msgspec.json.encode(SegmentChange(name, what))
    return NewEntry(EntryKind.SEGMENT, SITE, f"{what} {name}", body, NOW)


async def test_settings_for_browsers_are_kept(store: Store) -> None:
    made = await store.create_site(site(origins=("https://shop.example", "https://é.example"), vapid=2))
    plain = await store.create_site(site("plain"))
    assert (made.origins, made.vapid, made.dangerous_unsigned_profiles) == (("https://shop.example", "https://é.example"), 2, False)
    assert (plain.origins, plain.vapid) == ((), 0)
    wanted = msgspec.structs.replace(made, origins=(), dangerous_unsigned_profiles=True)
    assert await store.update_site(msgspec.structs.replace(wanted, vapid=9), []) == wanted
    assert (await store.configuration()).sites == [wanted, plain]


async def test_a_rotation_keeps_the_key_before(store: Store) -> None:
    made = await store.create_site(site())
    before = (await store.configuration()).generation
    wanted = msgspec.structs.replace(made, vapid=1, vapid_public_key="new", vapid_private_sealed=b"new")
    earlier = key("vapid", 0, made.id, public=made.vapid_public_key, sealed=made.vapid_private_sealed)
    assert await store.rotate_vapid(msgspec.structs.replace(wanted, name="not a setting here"), earlier) == wanted
    found = await store.configuration()
    assert (found.sites, found.site_keys) == ([wanted], [earlier])
    assert found.generation > before


async def test_of_two_rotations_of_one_key_the_second_is_refused(store: Store) -> None:
    made = await store.create_site(site())
    wanted = msgspec.structs.replace(made, vapid=1, vapid_public_key="new")
    await store.rotate_vapid(wanted, key("vapid", 0, made.id))
    with pytest.raises(Changed):
        await store.rotate_vapid(msgspec.structs.replace(wanted, vapid_public_key="other"), key("vapid", 0, made.id, public="lost"))
    with pytest.raises(NotFound):
        await store.rotate_vapid(msgspec.structs.replace(wanted, id=99), key("vapid", 0, 99))
    found = await store.configuration()
    assert (found.sites, found.site_keys) == ([wanted], [key("vapid", 0, made.id)])


async def test_a_key_is_kept_replaced_and_forgotten(store: Store) -> None:
    known = [key("apns"), key("fcm"), key("vapid", 0), key("vapid", 1), key("fcm", site=2)]
    for one in reversed(known):
        await store.put_site_key(one)
    assert (await store.configuration()).site_keys == known
    changed = key("fcm", public="other", sealed=b"\xff", changed=NOW + 1)
    before = (await store.configuration()).generation
    await store.put_site_key(changed)
    await store.delete_site_key(SITE, "vapid", 1)
    found = await store.configuration()
    assert found.site_keys == [known[0], changed, known[2], known[4]]
    assert found.generation > before
    with pytest.raises(NotFound):
        await store.delete_site_key(SITE, "vapid", 1)


async def test_a_segment_is_kept_renamed_and_forgotten_and_the_engines_are_told(store: Store, owner: Owner) -> None:
    assert await store.put_segment(segment(), [change("vip")]) == segment()
    assert await store.put_segment(segment("old", condition=OLD), [change("old")]) == segment("old", condition=OLD)
    renamed = segment(name="Renamed", created=NOW + 9, changed=NOW + 9)
    assert await store.put_segment(renamed, []) == msgspec.structs.replace(renamed, created=NOW)
    found = await store.configuration()
    assert found.segments == [segment("old", condition=OLD), msgspec.structs.replace(renamed, created=NOW)]
    await store.delete_segment(SITE, "vip", [change("vip", "forget")])
    with pytest.raises(NotFound):
        await store.delete_segment(SITE, "vip", [change("vip", "again")])
    assert [one.id for one in await owner.waiting()] == ["define vip", "define old", "forget vip"]
    after = await store.configuration()
    assert [one.segment for one in after.segments] == ["old"]
    assert after.generation > found.generation


async def test_a_segment_may_become_static_and_is_its_sites(store: Store) -> None:
    await store.put_segment(segment(condition=OLD), [])
    await store.put_segment(segment(site=2), [])
    await store.put_segment(segment(), [])
    assert [(one.site, one.condition) for one in (await store.configuration()).segments] == [(SITE, None), (2, None)]
