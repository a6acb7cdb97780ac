"""What is remembered of subscribers, and for how long."""

from typing import Any, cast

import pytest
from tests.api.sdk.world import HASH, NAMED, FakeStore

from clarion.api.sdk.people import NOBODY, SEEN_FOR, TOLD_FOR, People
from clarion.contract.errors import Refusal
from clarion.store.port import Store


class Memory:
    """People over a store, with a clock that the test moves."""

    def __init__(self, most: int = 100) -> None:
        self.time = 0
        self.pauses: list[float] = []
        self.fake = FakeStore()
        self.fake.add(1, HASH)
        self.fake.add(1, NAMED, "n:ann")
        self.store = cast("Store", self.fake)
        self.people = People(lambda: self.time, self._pause, most)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def refusal(self, *arguments: Any) -> int:
        """Status of what `check` refuses; 200 if nothing."""
        try:
            await self.people.check(self.store, *arguments)
        except Refusal as refusal:
            return refusal.status
        return 200


async def test_what_was_read_is_believed_for_a_while() -> None:
    memory = Memory()
    assert not memory.people.knows(1, HASH, None)
    assert await memory.refusal(1, HASH) == 200
    memory.time = SEEN_FOR - 1
    assert memory.people.knows(1, HASH, None)
    memory.time = SEEN_FOR
    assert not memory.people.knows(1, HASH, None)


async def test_what_was_accepted_is_believed_until_it_has_had_the_time_to_be_applied() -> None:
    memory = Memory()
    memory.people.tell(1, "new", "bob")
    for memory.time in (0, TOLD_FOR - 1):
        assert [await memory.refusal(1, "new", profile_id) for profile_id in (None, "bob", "eve")] == [200, 200, 403]
    memory.time = TOLD_FOR
    assert [await memory.refusal(1, "new", profile_id) for profile_id in (None, "bob")] == [404, 404]


async def test_a_new_profile_counts_at_once_and_the_one_that_the_store_still_has_no_more() -> None:
    memory = Memory()
    assert await memory.refusal(1, NAMED, "ann") == 200
    memory.people.tell(1, NAMED, "bob")
    assert [await memory.refusal(1, NAMED, profile_id) for profile_id in ("bob", "ann", "eve")] == [200, 403, 403]
    memory.people.tell(1, NAMED, None)  # registered again, as whoever it is
    assert [await memory.refusal(1, NAMED, profile_id) for profile_id in ("bob", "ann")] == [200, 403]


async def test_after_a_logout_nothing_is_sent_as_who_it_was() -> None:
    memory = Memory()
    assert await memory.refusal(1, NAMED, "ann") == 200
    memory.people.tell(1, NAMED, NOBODY)
    assert [await memory.refusal(1, NAMED, profile_id) for profile_id in ("ann", None)] == [403, 200], "not applied yet"
    memory.fake.add(1, NAMED)
    assert [await memory.refusal(1, NAMED, profile_id) for profile_id in ("ann", None)] == [403, 200]
    memory.fake.add(1, NAMED, "n:ann")  # by an import
    assert await memory.refusal(1, NAMED, "ann") == 200


async def test_what_was_accepted_long_ago_is_no_match_for_what_the_store_says() -> None:
    for profile_id in ("bob", NOBODY):
        memory = Memory()
        memory.people.tell(1, NAMED, profile_id)
        memory.time = SEEN_FOR - 1
        assert [await memory.refusal(1, NAMED, one) for one in ("ann", "bob")] == [403, 200 if profile_id else 403]
        memory.time = SEEN_FOR  # another server of the database had it join ann since
        assert [await memory.refusal(1, NAMED, one) for one in ("ann", "bob", None)] == [200, 403, 200]


async def test_before_a_profile_is_refused_the_store_is_asked_again() -> None:
    memory = Memory()
    assert await memory.refusal(1, HASH) == 200
    memory.fake.add(1, HASH, "n:ann")  # by the server's API
    assert await memory.refusal(1, HASH, "ann") == 200


async def test_what_was_accepted_and_applied_and_has_gone_since_is_gone() -> None:
    memory = Memory()
    memory.people.tell(1, HASH, "bob")
    assert await memory.refusal(1, HASH, "eve") == 403, "a look at the store, where it is not bob's yet"
    memory.fake.add(1, HASH, "n:bob")
    memory.time = SEEN_FOR
    assert await memory.refusal(1, HASH, "eve") == 403
    del memory.fake.subscribers[1, HASH]
    memory.time = 2 * SEEN_FOR
    assert await memory.refusal(1, HASH) == 404


async def test_one_sites_subscriber_is_not_anothers() -> None:
    memory = Memory()
    memory.people.tell(1, "new", None)
    assert await memory.refusal(1, HASH) == 200
    assert [await memory.refusal(2, hashed) for hashed in (HASH, "new")] == [404, 404]


async def test_memory_is_bounded() -> None:
    memory = Memory(most=2)
    for number in range(5):
        memory.people.tell(1, f"new{number}", None)
    assert [memory.people.knows(1, f"new{number}", None) for number in range(5)] == [False, False, False, True, True]


async def test_what_nobody_accepted_is_not_waited_for() -> None:
    memory = Memory()
    with pytest.raises(Refusal) as refused:
        await memory.people.find(memory.store, 1, "nobody")
    assert (refused.value.status, memory.pauses) == (404, [])


async def test_settling_ends_also_when_nothing_comes() -> None:
    memory = Memory()
    await memory.people.settle(memory.store, 1, "new", None)
    assert memory.pauses == [], "nobody else serves this database"
    memory.fake.shared = True
    await memory.people.settle(memory.store, 1, NAMED, "bob")
    assert 1 < sum(memory.pauses) < 2


async def test_who_is_to_be_known_no_more_is_asked_for_at_once() -> None:
    memory = Memory()
    assert await memory.refusal(1, HASH) == 200
    memory.people.tell(1, "new", None)
    memory.people.leave(1, HASH)
    memory.people.leave(1, "new")
    memory.people.leave(1, "never")
    assert not memory.people.knows(1, HASH, None)
    assert await memory.refusal(1, "new") == 404
