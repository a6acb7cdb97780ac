"""Limits by app, address and subscriber, both sides; what is remembered for them is bounded."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.sdk.world import HASH, NAMED, OPEN, World

from clarion.api.sdk.rates import RateTable
from clarion.clock import SECOND

Limited = Callable[..., Any]


@pytest.fixture
async def limited() -> AsyncIterator[Limited]:
    """Start a world with limits."""
    worlds: list[World] = []

    async def start(**limits: Any) -> World:
        worlds.append(World())
        await worlds[-1].start(**limits)
        return worlds[-1]

    yield start
    for world in worlds:
        await world.stop()


@pytest.mark.parametrize("limit", ["per_app", "per_address", "per_subscriber"])
async def test_one_more_than_the_limit_is_429_until_a_second_has_passed(limited: Limited, limit: str) -> None:
    world = await limited(**{limit: 3})
    goal = {"site_id": 1, "device_token_hash": HASH, "name": "g"}
    assert [(await world.track()).status for _ in range(2)] == [200, 200]
    assert await world.status("POST", "goals", goal) == 200
    for refused in (await world.track(), await world.ask("POST", "goals", goal)):
        assert (refused.status, refused.json["error_code"], refused.headers["retry-after"]) == (429, 1029, "1")
    assert len(world.store.entries) == 3
    world.time += SECOND // 3
    assert [(await world.track()).status for _ in range(2)] == [200, 429]
    world.time += SECOND
    assert [(await world.track()).status for _ in range(4)] == [200, 200, 200, 429]


async def test_others_are_not_concerned(limited: Limited) -> None:
    subscribers = await limited(per_subscriber=1)
    assert [(await subscribers.track(device_token_hash=hashed)).status for hashed in (HASH, HASH, NAMED)] == [200, 429, 200]
    apps = await limited(per_app=1)
    apps.store.add(3, HASH)
    assert [(await apps.track(site_id=site)).status for site in (1, 1, 3)] == [200, 429, 200]
    assert await apps.status("GET", f"sites/{OPEN}/sync/web") == 429


async def test_behind_a_trusted_proxy_the_address_is_the_clients(limited: Limited) -> None:
    world = await limited(per_address=1, trusted_proxies=("127.0.0.1",))
    first, second = "X-Forwarded-For: 198.51.100.1", "X-Forwarded-For: 203.0.113.9, 198.51.100.2"
    assert [(await world.track("a", line)).status for line in (first, first, second, second)] == [200, 429, 200, 429]
    forged = "X-Forwarded-For: 192.0.2.77, 198.51.100.1"
    assert (await world.track("a", forged)).status == 429, "what the client says of itself does not count"
    direct = await limited(per_address=1)
    assert [(await direct.track("a", line)).status for line in (first, second)] == [200, 429], "nobody is trusted"


@pytest.mark.parametrize("path", ["goals", "events/track"])
async def test_preflights_count_too(limited: Limited, path: str) -> None:
    world = await limited(per_address=1)
    assert [await world.status("OPTIONS", path, None, "Origin: https://a.example") for _ in range(2)] == [204, 429]


def test_no_more_names_are_remembered_than_the_table_holds() -> None:
    table = RateTable(1, lambda: 0, most=2)
    assert [table.take(name) for name in ("a", "b", "a", "c", "b")] == [0, 0, 1, 0, 1]
    assert [table.take(name) for name in ("d", "a")] == [0, 0], "the one that was idle longest has been forgotten"
    assert len(table) == 2


def test_no_limit_remembers_nobody() -> None:
    table = RateTable(0, lambda: 0)
    assert [table.take("a") for _ in range(1000)] == [0] * 1000
    assert len(table) == 0


@given(st.integers(1, 5000), st.lists(st.integers(0, 3 * SECOND), max_size=60))
@settings(max_examples=60)
def test_in_no_second_more_pass_than_two_seconds_worth_and_a_burst_always_passes(per_second: int, steps: list[int]) -> None:
    time = 0
    table = RateTable(per_second, lambda: time)
    assert [table.take("a") for _ in range(per_second)] == [0] * per_second
    assert table.take("a") == 1
    passed = []
    for step in steps:
        time += step
        wait = table.take("a")
        assert wait in (0, 1)
        passed += [time] * (not wait)
    assert all(sum(at <= other < at + SECOND for other in passed) <= 2 * per_second for at in passed)
