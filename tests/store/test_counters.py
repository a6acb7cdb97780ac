"""Counters grow in the commit that earns them, by hour and by day; their total is that of all days."""

from dataclasses import dataclass, field

import msgspec
import pytest
from tests.store.builders import SITE, Owner

from clarion.clock import DAY, HOUR
from clarion.store.port import Fenced, Store
from clarion.store.records.counters import Count, CounterRow

MIDNIGHT = 20_000 * DAY
EVER = (0, 2**62)
MANY = 10_000
MOST = 2**63 - 1


@dataclass
class Counter:
    """What is counted; `grew` says by how much and when."""

    fields: dict[str, object] = field(default_factory=dict)

    def _known(self) -> dict[str, object]:
        return {"version": 1, "step": "remind", "name": "entered", "branch": "", **self.fields}

    def grew(self, count: int, hour: int = MIDNIGHT, workflow: str = "cart", site: int = SITE) -> Count:
        return msgspec.convert({**self._known(), "site": site, "workflow": workflow, "hour": hour, "count": count}, Count)

    def shows(self, count: int, start: int = 0) -> CounterRow:
        return msgspec.convert({**self._known(), "start": start, "count": count}, CounterRow)


ENTERED = Counter()


async def test_a_count_is_in_its_hour_in_its_day_and_in_the_total(store: Store, owner: Owner) -> None:
    await owner.commit(counts=[ENTERED.grew(3, MIDNIGHT + 5 * HOUR)])
    assert await store.counters(SITE, "cart", "hour", *EVER, MANY) == [ENTERED.shows(3, MIDNIGHT + 5 * HOUR)]
    assert await store.counters(SITE, "cart", "day", *EVER, MANY) == [ENTERED.shows(3, MIDNIGHT)]
    assert await store.counters(SITE, "cart", "total", *EVER, MANY) == [ENTERED.shows(3)]


async def test_counts_add_up_within_a_commit_and_over_commits(store: Store, owner: Owner) -> None:
    await owner.commit(counts=[ENTERED.grew(3), ENTERED.grew(4, MIDNIGHT + 23 * HOUR), ENTERED.grew(5, MIDNIGHT + DAY)])
    await owner.commit(counts=[ENTERED.grew(10), ENTERED.grew(-1, MIDNIGHT + DAY)])
    assert await store.counters(SITE, "cart", "hour", *EVER, MANY) == [
        ENTERED.shows(13, MIDNIGHT),
        ENTERED.shows(4, MIDNIGHT + 23 * HOUR),
        ENTERED.shows(4, MIDNIGHT + DAY),
    ]
    assert await store.counters(SITE, "cart", "day", *EVER, MANY) == [ENTERED.shows(17, MIDNIGHT), ENTERED.shows(4, MIDNIGHT + DAY)]
    assert await store.counters(SITE, "cart", "total", *EVER, MANY) == [ENTERED.shows(21)]


async def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(store: Store, owner: Owner) -> None:
    await owner.commit(counts=[ENTERED.grew(1, MIDNIGHT + hours * HOUR) for hours in (0, 1, 2, 24, 48)])

    async def starts(period: str, since: int, until: int) -> list[int]:
        return [(row.start - MIDNIGHT) // HOUR for row in await store.counters(SITE, "cart", period, since, until, MANY)]

    assert await starts("hour", MIDNIGHT, MIDNIGHT + 2 * HOUR) == [0, 1]
    assert await starts("hour", MIDNIGHT + 1, MIDNIGHT + 2 * HOUR + 1) == [1, 2]
    assert await starts("day", MIDNIGHT, MIDNIGHT + 2 * DAY) == [0, 24]
    assert await starts("day", MIDNIGHT + 1, MIDNIGHT + 2 * DAY + 1) == [24, 48]
    assert await starts("total", MIDNIGHT, MIDNIGHT) == [-MIDNIGHT // HOUR]


@pytest.mark.parametrize(
    "other", [{"version": 2}, {"step": ""}, {"name": "left"}, {"branch": "split/1"}], ids=lambda other: next(iter(other))
)
async def test_what_differs_in_anything_is_counted_apart(store: Store, owner: Owner, other: dict[str, object]) -> None:
    apart = Counter(other)
    await owner.commit(counts=[ENTERED.grew(1), apart.grew(2)])
    for period, start in (("hour", MIDNIGHT), ("day", MIDNIGHT), ("total", 0)):
        found = await store.counters(SITE, "cart", period, *EVER, MANY)
        assert sorted(found, key=repr) == sorted([ENTERED.shows(1, start), apart.shows(2, start)], key=repr)


async def test_counters_are_one_workflows_of_one_site(store: Store, owner: Owner) -> None:
    await owner.commit(counts=[ENTERED.grew(1), ENTERED.grew(2, workflow="welcome"), ENTERED.grew(4, site=2)])
    assert await store.counters(SITE, "cart", "total", *EVER, MANY) == [ENTERED.shows(1)]
    assert await store.counters(2, "cart", "day", *EVER, MANY) == [ENTERED.shows(4, MIDNIGHT)]
    assert await store.counters(2, "welcome", "hour", *EVER, MANY) == []


async def test_a_counter_stays_at_the_largest_number_and_below_it_is_exact(store: Store, owner: Owner) -> None:
    await owner.commit(counts=[ENTERED.grew(MOST - 1), ENTERED.grew(1)])
    assert await store.counters(SITE, "cart", "total", *EVER, MANY) == [ENTERED.shows(MOST)]
    await owner.commit(counts=[ENTERED.grew(MOST), ENTERED.grew(MOST, MIDNIGHT + DAY)])
    assert [row.count for row in await store.counters(SITE, "cart", "day", *EVER, MANY)] == [MOST, MOST]
    assert await store.counters(SITE, "cart", "total", *EVER, MANY) == [ENTERED.shows(MOST)]


async def test_a_refused_commit_counts_nothing(store: Store, owner: Owner) -> None:
    await Owner.of(store)
    with pytest.raises(Fenced):
        await owner.commit(counts=[ENTERED.grew(1)])
    assert await store.counters(SITE, "cart", "total", *EVER, MANY) == []


@pytest.mark.parametrize("count", [1, 1_999, 2_000, 2_001, 4_001])
async def test_no_more_than_asked_for_come_the_earliest_first(store: Store, owner: Owner, count: int) -> None:
    await owner.commit(counts=[ENTERED.grew(1, MIDNIGHT + hour * HOUR) for hour in range(4_001)])
    found = await store.counters(SITE, "cart", "hour", *EVER, count)
    assert [(row.start - MIDNIGHT) // HOUR for row in found] == list(range(count))


async def test_of_a_total_the_newest_versions_come(store: Store, owner: Owner) -> None:
    counts = [msgspec.structs.replace(ENTERED.grew(version), version=version) for version in (1, 2, 3)]
    await owner.commit(counts=counts)
    assert [row.version for row in await store.counters(SITE, "cart", "total", *EVER, 2)] == [2, 3]
