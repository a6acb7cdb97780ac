"""Settings of a site: checked with the limits that documents have, and told to the engine."""

from typing import Any

import msgspec
import pytest
from tests.control.documents import NOW, inbox, new_id

from clarion.control.errors import Invalid
from clarion.control.site_settings import SiteSettings, change_site
from clarion.control.views import site_view
from clarion.domain.records import FrequencyCap
from clarion.store.port import Store
from clarion.store.records.bodies import SiteChange
from clarion.store.records.entries import EntryKind
from clarion.store.records.sites import Site

DAY = 86_400_000_000


async def told(store: Store) -> list[SiteChange]:
    """What the engine is told, but for the making of the site."""
    return [msgspec.json.decode(entry.body, type=SiteChange) for entry in await inbox(store, EntryKind.SITE)][1:]


async def change(store: Store, site: Site, **settings: Any) -> Site:
    return await change_site(store, site, SiteSettings(**settings), NOW, new_id)


async def test_what_is_not_named_stays(store: Store, shop: Site) -> None:
    capped = await change(store, shop, frequency_cap={"pushes": 3, "per": "1d"})
    assert (capped.name, capped.timezone, capped.frequency_cap) == ("Shop", "UTC", FrequencyCap(3, DAY))
    assert site_view(capped)["frequency_cap"] == {"pushes": 3, "per": "1d"}
    there = await change(store, shop, timezone="Europe/Berlin", name=" Laden ")
    assert (there.name, there.timezone, there.frequency_cap) == ("Laden", "Europe/Berlin", FrequencyCap(3, DAY))
    free = await change(store, shop, frequency_cap=None)
    assert (free.frequency_cap, site_view(free)["frequency_cap"]) == (None, None)
    assert (await store.configuration()).sites == [free]
    reachable = await change(store, shop, vapid_subject="https://shop.example/contact")
    assert reachable == msgspec.structs.replace(free, vapid_subject="https://shop.example/contact")
    assert (await store.configuration()).sites == [reachable]
    assert reachable.vapid_private_sealed == shop.vapid_private_sealed
    assert await told(store) == [
        SiteChange("UTC", FrequencyCap(3, DAY)),
        SiteChange("Europe/Berlin", FrequencyCap(3, DAY)),
        SiteChange("Europe/Berlin"),
        SiteChange("Europe/Berlin"),
    ]


async def test_what_changes_nothing_is_not_told(store: Store, shop: Site) -> None:
    assert await change(store, shop, timezone="UTC", frequency_cap=None) == shop
    assert await change(store, shop) == shop
    assert await told(store) == []


@pytest.mark.parametrize("cap", [{"pushes": 1, "per": "1m"}, {"pushes": 100, "per": "90d"}])
async def test_caps_within_the_limits(store: Store, shop: Site, cap: dict[str, Any]) -> None:
    assert site_view(await change(store, shop, frequency_cap=cap))["frequency_cap"] == cap


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"frequency_cap": {"pushes": 0, "per": "1d"}}, "frequency_cap.pushes"),
        ({"frequency_cap": {"pushes": 101, "per": "1d"}}, "frequency_cap.pushes"),
        ({"frequency_cap": {"pushes": 1.5, "per": "1d"}}, "frequency_cap.pushes"),
        ({"frequency_cap": {"pushes": 1, "per": "59s"}}, "frequency_cap.per"),
        ({"frequency_cap": {"pushes": 1, "per": "91d"}}, "frequency_cap.per"),
        ({"frequency_cap": {"pushes": 1, "per": 5}}, "frequency_cap.per"),
        ({"frequency_cap": {"pushes": 1}}, "frequency_cap.per"),
        ({"frequency_cap": "3/1d"}, "frequency_cap"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "localtime"}, "timezone"),
        ({"name": ""}, "name"),
        ({"vapid_subject": "nobody"}, "vapid_subject"),
        ({"vapid_subject": ""}, "vapid_subject"),
    ],
)
async def test_what_is_past_the_limits_is_refused(store: Store, shop: Site, settings: dict[str, Any], path: str) -> None:
    with pytest.raises(Invalid) as refused:
        await change(store, shop, **settings)
    assert refused.value.path == path
    assert (await store.configuration()).sites == [shop]
    assert await told(store) == []
