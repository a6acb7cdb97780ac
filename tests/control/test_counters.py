"""Counters: ranges with their bounds, and values in units."""

from typing import Any

import pytest
from tests.control.documents import DOCUMENT, NOW, new_id
from tests.store.builders import Owner

from clarion.clock import DAY, HOUR
from clarion.control import counters as counters_module
from clarion.control.counters import Counters, read_counters
from clarion.control.errors import Invalid
from clarion.control.workflow_views import counters_view
from clarion.control.workflows import publish_workflow
from clarion.domain.dates import iso
from clarion.store.port import NotFound, Store
from clarion.store.records.counters import Count
from clarion.store.records.sites import Site

THIS_HOUR = NOW - NOW % HOUR
TODAY = NOW - NOW % DAY


@pytest.fixture
async def counted(store: Store, shop: Site) -> Site:
    """A site whose workflow has counted."""
    await publish_workflow(store, shop, DOCUMENT, NOW, new_id)
    counts = [
        Count(shop.id, "reminder", 1, "", "started", "", THIS_HOUR, 3),
        Count(shop.id, "reminder", 1, "", "started", "", THIS_HOUR - 2 * DAY, 4),
        Count(shop.id, "reminder", 2, "which", "left", "else", THIS_HOUR, 2),
        Count(shop.id, "reminder", 2, "", "value", "", THIS_HOUR, 19_990_000),
    ]
    await (await Owner.of(store)).commit(counts=counts)
    return shop


async def read(store: Store, site: Site, period: str, since: str | None = None, until: str | None = None) -> Counters:
    return await read_counters(store, site, "reminder", period, since, until, NOW)


def rows(counters: Counters) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in counters_view(counters)["counters"]]


async def test_the_total_is_by_version_and_step_with_values_in_units(store: Store, counted: Site) -> None:
    counters = await read(store, counted, "total")
    assert rows(counters) == [(1, "", "started", "", 7), (2, "", "value", "", 19.99), (2, "which", "left", "else", 2)]
    view = counters_view(counters)
    assert (view["workflow"], view["period"], view["since"], view["until"]) == ("reminder", "total", None, None)
    assert view["counters"][0] == {"version": 1, "step": "", "name": "started", "branch": "", "count": 7}


async def test_hours_go_a_day_back_and_days_thirty(store: Store, counted: Site) -> None:
    hours, days = await read(store, counted, "hour"), await read(store, counted, "day")
    assert (hours.since, hours.until) == (THIS_HOUR - DAY, NOW)
    assert (days.since, days.until) == (TODAY - 30 * DAY, NOW)
    assert rows(hours)[0] == (1, "", "started", "", THIS_HOUR, 3)
    assert [row[4:] for row in rows(days) if row[2] == "started"] == [(TODAY - 2 * DAY, 4), (TODAY, 3)]


async def test_an_answer_has_so_many_counters_and_no_more(store: Store, counted: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters_module, "MOST_ROWS", 3)
    assert len((await read(store, counted, "hour")).rows) == 3
    assert (await read(store, counted, "total")).complete
    monkeypatch.setattr(counters_module, "MOST_ROWS", 2)
    for period, advice in (("hour", "ask for a shorter one, or for a period of day"), ("day", "ask for a shorter one$")):
        with pytest.raises(Invalid, match=f"there are more than 2 counters in the range — {advice}") as refused:
            await read(store, counted, period)
        assert refused.value.path == "since"
    total = await read(store, counted, "total")
    assert (rows(total), counters_view(total)["complete"]) == ([(2, "", "value", "", 19.99), (2, "which", "left", "else", 2)], False)
    monkeypatch.setattr(counters_module, "MOST_ROWS", 1)
    total = await read(store, counted, "total")
    assert (rows(total), total.complete) == ([(2, "", "value", "", 19.99)], False)


async def test_the_hour_in_which_a_range_begins_belongs_to_it(store: Store, counted: Site) -> None:
    counters = await read(store, counted, "hour", iso(NOW), iso(NOW + 1))
    assert (counters.since, counters.until) == (THIS_HOUR, NOW + 1)
    assert len(rows(counters)) == 3
    assert rows(await read(store, counted, "hour", iso(THIS_HOUR - HOUR), iso(THIS_HOUR))) == []


@pytest.mark.parametrize(("period", "longest"), [("hour", 31 * DAY), ("day", 3 * 366 * DAY)])
async def test_ranges_have_bounds(store: Store, counted: Site, period: str, longest: int) -> None:
    await read(store, counted, period, iso(NOW - longest), iso(NOW))
    with pytest.raises(Invalid, match="the range is longer than 3"):
        await read(store, counted, period, iso(NOW - longest - 1), iso(NOW))
    with pytest.raises(Invalid, match="since must be before until"):
        await read(store, counted, period, iso(NOW), iso(NOW))


@pytest.mark.parametrize(
    ("period", "since", "until", "path"),
    [
        ("week", None, None, "period"),
        ("total", "2026-01-01", None, "since"),
        ("total", None, "2026-01-01", "until"),
        ("day", "yesterday", None, "since"),
        ("hour", None, "1750000000000000", "until"),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    store: Store, counted: Site, period: str, since: str | None, until: str | None, path: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await read(store, counted, period, since, until)
    assert refused.value.path == path


async def test_an_unknown_workflow_is_named(store: Store, shop: Site) -> None:
    with pytest.raises(NotFound, match="there is no workflow missing"):
        await read_counters(store, shop, "missing", "total", None, None, NOW)
