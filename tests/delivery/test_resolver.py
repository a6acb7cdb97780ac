"""Names to addresses: one question at a time, answers and failures kept for a while, no more than a few."""

import asyncio

import pytest

from clarion.delivery.errors import ConnectFailed
from clarion.delivery.resolver import MAX_ADDRESSES, Resolver


class Names:
    """A name service that counts questions and answers when it is let."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, tuple[str, ...]] = {}
        self.first = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self, host: str) -> tuple[str, ...]:
        self.asked.append(host)
        self.first.set()
        await self.open.wait()
        if host not in self.answers:
            raise OSError
        return self.answers[host]


@pytest.fixture
def names() -> Names:
    return Names()


async def test_an_answer_is_kept(names: Names) -> None:
    names.answers["a.example"] = ("192.0.2.1", "2001:db8::1")
    resolver = Resolver(lookup=names)
    for _ in range(3):
        assert await resolver.resolve("a.example") == ("192.0.2.1", "2001:db8::1")
    assert names.asked == ["a.example"]


async def test_an_answer_is_not_kept_for_ever(names: Names) -> None:
    names.answers["a.example"] = ("192.0.2.1",)
    resolver = Resolver(lookup=names, ttl=0)
    await resolver.resolve("a.example")
    names.answers["a.example"] = ("192.0.2.2",)
    assert await resolver.resolve("a.example") == ("192.0.2.2",)


async def test_a_failure_is_kept_too_but_for_its_own_time(names: Names) -> None:
    resolver = Resolver(lookup=names)
    for _ in range(3):
        with pytest.raises(ConnectFailed):
            await resolver.resolve("no.example")
    assert names.asked == ["no.example"]
    impatient = Resolver(lookup=names, failed_ttl=0)
    for _ in range(2):
        with pytest.raises(ConnectFailed):
            await impatient.resolve("no.example")
    assert len(names.asked) == 3


async def test_those_who_ask_together_share_one_question_and_one_may_leave(names: Names) -> None:
    names.answers["a.example"] = ("192.0.2.1",)
    names.open.clear()
    resolver = Resolver(lookup=names)
    tasks = [asyncio.create_task(resolver.resolve("a.example")) for _ in range(3)]
    await names.first.wait()
    tasks[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
    names.open.set()
    assert await asyncio.gather(*tasks[1:]) == [("192.0.2.1",)] * 2
    assert names.asked == ["a.example"]


async def test_the_least_recent_answer_makes_room(names: Names) -> None:
    names.answers = {f"{number}.example": ("192.0.2.1",) for number in range(3)}
    resolver = Resolver(lookup=names, capacity=2)
    for number in (0, 1, 2, 2, 1, 0):
        await resolver.resolve(f"{number}.example")
    assert names.asked == ["0.example", "1.example", "2.example", "0.example"]


async def test_a_name_with_hundreds_of_addresses_has_a_few(names: Names) -> None:
    names.answers["a.example"] = tuple(f"192.0.2.{number}" for number in range(200))
    assert len(await Resolver(lookup=names).resolve("a.example")) == MAX_ADDRESSES


async def test_closing_ends_those_who_wait(names: Names) -> None:
    names.open.clear()
    resolver = Resolver(lookup=names)
    task = asyncio.create_task(resolver.resolve("a.example"))
    await names.first.wait()
    await resolver.close()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_machines_resolver_knows_localhost_and_no_name_that_is_too_long() -> None:
    resolver = Resolver()
    assert {"127.0.0.1", "::1"} & set(await resolver.resolve("localhost"))
    with pytest.raises(ConnectFailed):
        await resolver.resolve("a" * 70)
    await resolver.close()
